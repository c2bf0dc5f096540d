--- template.lua - what the templates of Prometheus can do, for rule files: local t = require "moonwatch.template".
--
-- Imported rules use it where a text with ${...} cannot say what their Go template said.  It gives the very texts that Prometheus
-- gives, so numbers look as Go prints them.  Plain Lua without a host: the same code runs in the guest of a rule file, where
-- its source is loaded, and behind the filters of texts.
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

local function short(v) return odd(v) or ("%.4g"):format(v) end

local function fail(...) error((...):format(select(2, ...)), 0) end

-- What Prometheus takes for a number: numbers, and texts that are one.
local function number(v, what)
  if type(v) == "number" then return v end
  local text = v == nil and "" or v
  if type(text) ~= "string" then fail("error calling %s: can't convert %s to float", what, type(v)) end
  local n = tonumber(text)
  local lower = text:lower():gsub("^%+", "")
  if lower == "inf" or lower == "infinity" then return INF end
  if lower == "-inf" or lower == "-infinity" then return -INF end
  if lower == "nan" then return 0 / 0 end
  if not n or text:find "%s" then fail("error calling %s: strconv.ParseFloat: parsing %q: invalid syntax", what, text) end
  return n
end

local LARGE = { "k", "M", "G", "T", "P", "E", "Z", "Y" }
local BINARY = { "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi" }
local SMALL = { "m", "u", "n", "p", "f", "a", "z", "y" }

local function down(v, base, prefixes)
  local prefix = ""
  for _, p in ipairs(prefixes) do
    if math.abs(v) < base then break end
    prefix, v = p, v / base
  end
  return short(v) .. prefix
end

local function up(v)
  local prefix = ""
  for _, p in ipairs(SMALL) do
    if math.abs(v) >= 1 then break end
    prefix, v = p, v * 1000
  end
  return short(v) .. prefix
end

function M.humanize(v)
  v = number(v, "humanize")
  if v == 0 or odd(v) then return short(v) end
  return math.abs(v) >= 1 and down(v, 1000, LARGE) or up(v)
end

function M.humanize1024(v)
  v = number(v, "humanize1024")
  if odd(v) or math.abs(v) <= 1 then return short(v) end
  return down(v, 1024, BINARY)
end

function M.humanizePercentage(v) return short(number(v, "humanizePercentage") * 100) .. "%" end

function M.humanizeDuration(v)
  v = number(v, "humanizeDuration")
  if odd(v) then return short(v) end
  if v == 0 then return short(v) .. "s" end
  if math.abs(v) < 1 then return up(v) .. "s" end
  local sign = v < 0 and "-" or ""
  v = math.abs(v)
  local whole = math.floor(v)
  local s, m, h, d = whole % 60, math.floor(whole / 60) % 60, math.floor(whole / 3600) % 24, math.floor(whole / 86400)
  if d > 0 then return ("%s%dd %dh %dm %ds"):format(sign, d, h, m, s) end
  if h > 0 then return ("%s%dh %dm %ds"):format(sign, h, m, s) end
  if m > 0 then return ("%s%dm %ds"):format(sign, m, s) end
  return sign .. short(v) .. "s"
end

-- Year, month and day of the day N after 1970-01-01.
local function date(n)
  n = n + 719468
  local era = math.floor(n / 146097)
  local doe = n - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  return yoe + era * 400 + (month <= 2 and 1 or 0), month, doy - math.floor((153 * mp + 2) / 5) + 1
end

function M.humanizeTimestamp(v)
  v = number(v, "humanizeTimestamp")
  if odd(v) then return short(v) end
  local ms = v >= 0 and math.floor(v * 1000) or math.ceil(v * 1000)
  if math.abs(ms) > 9223372036854 then
    fail("error calling humanizeTimestamp: %s cannot be represented as a nanoseconds timestamp since it overflows int64", M.go(v))
  end
  local seconds = math.floor(ms / 1000)
  local fraction = ("%03d"):format(ms - seconds * 1000):gsub("0+$", "")
  local y, mo, d = date(math.floor(seconds / 86400))
  local rest = seconds % 86400
  return ("%04d-%02d-%02d %02d:%02d:%02d%s +0000 UTC"):format(y, mo, d, math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60,
    fraction ~= "" and "." .. fraction or "")
end

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
