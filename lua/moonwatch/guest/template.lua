--- template.lua - what the templates of Prometheus can do, for rule files: local t = require "moonwatch.template".
--
-- Imported rules use it where a text with ${...} cannot say what their Go template said.  It gives the very texts that Prometheus
-- gives, so numbers look as Go prints them.  Plain Lua, because it runs in the guest of a rule file; humanize() and query() are
-- globals there.
local M = {}

-- -- numbers ---------------------------------------------------------------

local INF = math.huge

local function odd(v)
  if v ~= v then return "NaN" end
  if v == INF then return "+Inf" elseif v == -INF then return "-Inf" end
end

-- Digits and the place of the point of the shortest text that is read back as V: 0.DIGITS * 10^PLACE.
local function shortest(v)
  for precision = 0, 16 do
    local text = ("%." .. precision .. "e"):format(v)
    if tonumber(text) == v then
      local digits, exponent = text:gsub("%.", ""):match "^(%d+)e([%+%-]%d+)$"
      digits = digits:gsub("0+$", "")
      return digits == "" and "0" or digits, tonumber(exponent) + 1
    end
  end
end

--- V as Go prints a float64: 3, 0.25, 1.5e+06.  From a million on with an exponent.
function M.go(v)
  if type(v) ~= "number" then return M.text(v) end
  if odd(v) then return odd(v) end
  if v == 0 then return 1 / v < 0 and "-0" or "0" end
  local sign = v < 0 and "-" or ""
  local digits, place = shortest(math.abs(v))
  local exponent = place - 1
  if exponent < -4 or exponent >= 6 then
    local rest = digits:sub(2)
    return ("%s%s%se%s%02d"):format(sign, digits:sub(1, 1), rest ~= "" and "." .. rest or "", exponent < 0 and "-" or "+", math.abs(exponent))
  end
  if place <= 0 then return sign .. "0." .. ("0"):rep(-place) .. digits end
  if place >= #digits then return sign .. digits .. ("0"):rep(place - #digits) end
  return sign .. digits:sub(1, place) .. "." .. digits:sub(place + 1)
end

local function fail(...) error((...):format(select(2, ...)), 0) end

local UNITS = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400, w = 604800, y = 31536000 }

--- "1h30m" -> 5400.
function M.parseDuration(text)
  local total, rest, sign = 0, text or "", 1
  if rest:sub(1, 1) == "-" then sign, rest = -1, rest:sub(2) end
  if rest == "0" then return 0 end
  if rest == "" then fail "error calling parseDuration: empty duration string" end
  while rest ~= "" do
    local n, unit, tail = rest:match "^(%d+)(%a+)(.*)$"
    if not n or not UNITS[unit] then fail("error calling parseDuration: not a valid duration string: %q", text) end
    total, rest = total + n * UNITS[unit], tail
  end
  return sign * total
end

-- -- texts -----------------------------------------------------------------

local function sorted_names(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

-- A table as Go prints it: labels as map[a:b], samples as their fields.
local function shown(v)
  if v.labels and v.value then return "{" .. shown(v.labels) .. " " .. M.go(v.value) .. "}" end
  local out = {}
  if v[1] ~= nil then
    for i, item in ipairs(v) do out[i] = M.text(item) end
    return "[" .. table.concat(out, " ") .. "]"
  end
  for i, name in ipairs(sorted_names(v)) do out[i] = name .. ":" .. M.text(v[name]) end
  return "map[" .. table.concat(out, " ") .. "]"
end

--- All of it as one text.  What is not there is empty.
function M.text(...)
  local out = {}
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    if type(v) == "number" then out[i] = M.go(v)
    elseif type(v) == "table" then out[i] = shown(v)
    elseif v == nil then out[i] = ""
    else out[i] = tostring(v) end
  end
  return table.concat(out)
end

local Out = {}
Out.__index = Out
function Out:add(...) self[#self + 1] = M.text(...) end
function Out:text() return table.concat(self) end

--- A text in the making: out:add(...), out:text().
function M.out() return setmetatable({}, Out) end

function M.toUpper(s) return (M.text(s):upper()) end
function M.toLower(s) return (M.text(s):lower()) end
function M.title(s)
  return (M.text(s):gsub("%f[%w'_\128-\255]%l", string.upper))
end

local function split_port(address)
  local host, port = address:match "^%[([^%[%]]*)%]:([^:]*)$"
  if host then return host, port end
  return address:match "^([^:%[%]]*):([^:%[%]]*)$"
end

function M.stripPort(address)
  address = M.text(address)
  return (split_port(address)) or address
end

local function is_ip(host)
  local a, b, c, d = host:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$"
  if a then
    for _, part in ipairs { a, b, c, d } do
      if tonumber(part) > 255 or part:find "^0%d" then return false end
    end
    return true
  end
  return host:find ":" ~= nil and host:find "^[%x:%.]+$" ~= nil
end

function M.stripDomain(address)
  address = M.text(address)
  local host, port = split_port(address)
  host = host or address
  if is_ip(host) then return address end
  host = host:match "^[^%.]*"
  return port and port ~= "" and host .. ":" .. port or host
end

function M.urlQueryEscape(s)
  return (M.text(s):gsub("[^%w%-_%.~]", function(c) return c == " " and "+" or ("%%%02X"):format(c:byte()) end))
end
function M.graphLink(expr) return "/graph?g0.expr=" .. M.urlQueryEscape(expr) .. "&g0.tab=0" end
function M.tableLink(expr) return "/graph?g0.expr=" .. M.urlQueryEscape(expr) .. "&g0.tab=1" end

--- The path of an address.
function M.pathPrefix(url) return (M.text(url):match "^%a[%w+%-%.]*://[^/?#]*([^?#]*)") or "" end

local VERBS = {
  v = function(v) return M.text(v) end,
  s = function(v) return type(v) == "number" and ("%%!s(float64=%s)"):format(M.go(v)) or M.text(v) end,
  q = function(v)
    if type(v) == "number" then return ("%%!q(float64=%s)"):format(M.go(v)) end
    return '"' .. M.text(v):gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\t", "\\t"):gsub("\r", "\\r") .. '"'
  end,
  t = function(v) return type(v) == "boolean" and tostring(v) or ("%%!t(%s)"):format(M.text(v)) end,
}
local function of_number(v, flags, verb)
  if type(v) ~= "number" then
    return type(v) == "boolean" and ("%%!%s(bool=%s)"):format(verb, tostring(v)) or ("%%!%s(string=%s)"):format(verb, M.text(v))
  end
  if odd(v) then
    local text, width = odd(v), tonumber(flags:match "^[%-+# 0]*(%d*)") or 0
    if v == INF and not flags:find "%+" then text = "+Inf" end
    return (" "):rep(width - #text) .. text
  end
  if verb == "g" and not flags:find "%." then return M.go(v) end
  return ("%" .. flags .. verb):format(v)
end
for _, verb in ipairs { "e", "E", "f", "F", "g", "G" } do
  VERBS[verb] = function(v, flags) return of_number(v, flags, verb == "F" and "f" or verb) end
end
for _, verb in ipairs { "d", "x", "X", "o", "c" } do
  VERBS[verb] = function(v, flags)
    if type(v) == "table" and v.int then return ("%" .. flags .. verb):format(v.int) end
    if type(v) == "number" then return ("%%!%s(float64=%s)"):format(verb, M.go(v)) end
    return of_number(v, flags, verb)
  end
end

-- A text as wide as FLAGS say.
local function padded(text, flags)
  local left, width = flags:match "^(%-?)0?(%d*)"
  local room = (tonumber(width) or 0) - #text
  if room <= 0 then return text end
  return left == "-" and text .. (" "):rep(room) or (" "):rep(room) .. text
end

--- As Go's: %v %s %q %d %f %g %e %t %x %% with widths and precisions.
function M.printf(format, ...)
  local args, n, used, out, at = { ... }, select("#", ...), 0, {}, 1
  format = M.text(format)
  while true do
    local open = format:find("%", at, true)
    if not open then break end
    out[#out + 1] = format:sub(at, open - 1)
    local flags, verb, next_at = format:match("^([%-+# 0]*%d*%.?%d*)(.)()", open + 1)
    if not verb then
      out[#out + 1], at = "%!(NOVERB)", #format + 1
      break
    end
    at = next_at
    if verb == "%" then out[#out + 1] = "%"
    elseif used >= n then out[#out + 1] = "%!" .. verb .. "(MISSING)"
    else
      used = used + 1
      local f, v = VERBS[verb], args[used]
      if type(v) == "table" and v.int and verb ~= "d" and verb ~= "x" and verb ~= "X" and verb ~= "o" and verb ~= "c" then v = tostring(v.int) end
      local text = f and f(v, flags) or ("%%!%s(%s)"):format(verb, M.text(v))
      if verb == "s" or verb == "v" or verb == "q" then
        local most = tonumber(flags:match "%.(%d+)$")
        text = padded(verb == "s" and most and text:sub(1, most) or text, flags)
      end
      out[#out + 1] = text
    end
  end
  out[#out + 1] = format:sub(at)
  if used < n then out[#out + 1] = "%!(EXTRA " .. M.text(args[used + 1]) .. ")" end
  return table.concat(out)
end
--- A whole number, which printf "%d" knows from others.
function M.int(v) return { int = v } end

-- -- samples ---------------------------------------------------------------

function M.first(samples)
  if not samples or samples[1] == nil then fail "error calling first: first() called on vector with no elements" end
  return samples[1]
end

--- SAMPLES in the order of their label NAME.
function M.sortByLabel(name, samples)
  local out = {}
  for i, sample in ipairs(samples) do out[i] = { sample = sample, place = i } end
  table.sort(out, function(a, b)
    local x, y = a.sample.labels[name] or "", b.sample.labels[name] or ""
    if x ~= y then return x < y end
    return a.place < b.place
  end)
  for i, item in ipairs(out) do out[i] = item.sample end
  return out
end

--- Names and values of LABELS in the order of the names.
function M.sorted(labels)
  local names, i = sorted_names(labels or {}), 0
  return function()
    i = i + 1
    if names[i] ~= nil then return names[i], labels[names[i]] end
  end
end

-- -- conditions ------------------------------------------------------------

--- Does Go take V for true?  Nothing, "", 0, false and empty tables are not.
function M.truth(v)
  if type(v) == "table" then return next(v) ~= nil end
  return v ~= nil and v ~= "" and v ~= 0 and v ~= false
end

--- The first of them that is not true, else the last.
function M.all(...)
  for i = 1, select("#", ...) - 1 do
    if not M.truth((select(i, ...))) then return (select(i, ...)) end
  end
  return (select(-1, ...))
end

--- The first of them that is true, else the last.
function M.any(...)
  for i = 1, select("#", ...) - 1 do
    if M.truth((select(i, ...))) then return (select(i, ...)) end
  end
  return (select(-1, ...))
end

--- Stop: the text becomes this failure.
function M.fail(why) fail("%s", why) end

--- A label or entry of what may be anything; "Labels" and "Value" of a sample.
function M.get(v, ...)
  for i = 1, select("#", ...) do
    local name = select(i, ...)
    if type(v) ~= "table" then fail("can't evaluate field %s", name) end
    if v.labels and (name == "Labels" or name == "Value") then v = v[name:lower()]
    else v = v[name] end
  end
  return v
end

--- What `{{ template "x" (args a b) }}` passes on.
function M.args(...)
  local out = {}
  for i = 1, select("#", ...) do out["arg" .. i - 1] = select(i, ...) end
  return out
end

return M
