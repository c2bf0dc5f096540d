--- text.lua - the texts of alerts: "${labels.pod} is at ${value|percent}".
--
-- A place names `value`, `threshold`, `expected` (of a baseline), `severity`, `name` or `labels.NAME`, and may pass it through filters: duration, percent, humanize,
-- bytes, round (round:2 for two digits).  A label that is not there is empty, as in PromQL.
local M = {}

local function number(v)
  if v ~= v then return "NaN" end
  if v == math.huge then return "+Inf" elseif v == -math.huge then return "-Inf" end
  if v % 1 == 0 and math.abs(v) < 1e15 then return ("%d"):format(v) end
  return ("%.14g"):format(v)
end
M.number = number

local function scaled(v, base, units)
  local n, i = math.abs(v), 1
  while n >= base and i < #units do n, i = n / base, i + 1 end
  local text = ("%.4g"):format(n)
  return (v < 0 and "-" or "") .. text .. units[i]
end

local function duration(v)
  if v < 0 then return "-" .. duration(-v) end
  if v < 1 then return ("%.4gms"):format(v * 1000) end
  local out, rest = {}, math.floor(v + 0.5)
  for _, unit in ipairs { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } } do
    local n = math.floor(rest / unit[2])
    rest = rest - n * unit[2]
    if n > 0 then out[#out + 1] = n .. unit[1] end
  end
  return table.concat(out, " ")
end

M.duration = duration

local function finite(v) return v == v and v > -math.huge and v < math.huge end

local filters = {
  duration = duration,
  percent = function(v) return ("%.4g%%"):format(v * 100) end,
  humanize = function(v)
    if v ~= 0 and math.abs(v) < 1 then
      local n, i, small = math.abs(v), 1, { "", "m", "u", "n", "p" }
      while n < 1 and i < #small do n, i = n * 1000, i + 1 end
      return (v < 0 and "-" or "") .. ("%.4g"):format(n) .. small[i]
    end
    return scaled(v, 1000, { "", "k", "M", "G", "T", "P" })
  end,
  bytes = function(v) return scaled(v, 1024, { "B", "KiB", "MiB", "GiB", "TiB", "PiB" }) end,
  round = function(v, digits)
    local p = 10 ^ (tonumber(digits) or 0)
    return number(math.floor(v * p + 0.5) / p)
  end,
}

M.filters = {}
for name in pairs(filters) do M.filters[#M.filters + 1] = name end
table.sort(M.filters)

local PLACES = { value = true, threshold = true, expected = true, severity = true, name = true }

local function place(body)
  local path, rest = body:match "^%s*([%w_%.]+)%s*(.*)$"
  if not path then return nil, ("${%s} is empty or misspelt"):format(body) end
  local label = path:match "^labels%.([%a_][%w_]*)$"
  if not label and not PLACES[path] then
    return nil, ("${%s}: write value, threshold, expected, severity, name or labels.NAME"):format(body)
  end
  local steps = {}
  while rest ~= "" do
    local name, arg, tail = rest:match "^|%s*(%a+):?(%d*)%s*(.*)$"
    if not name then return nil, ("${%s}: expected | and a filter"):format(body) end
    if not filters[name] then
      return nil, ("${%s}: unknown filter %q (there are %s)"):format(body, name, table.concat(M.filters, ", "))
    end
    steps[#steps + 1], rest = { name = name, arg = arg ~= "" and arg or nil }, tail
  end
  return { label = label, path = path, steps = steps }
end

--- Text -> list of literal texts and places; nil, why.
function M.compile(text)
  local out, at = {}, 1
  while true do
    local open = text:find("${", at, true)
    if not open then break end
    local close = text:find("}", open, true)
    if not close then return nil, "${ without its }" end
    local item, why = place(text:sub(open + 2, close - 1))
    if not item then return nil, why end
    out[#out + 1] = text:sub(at, open - 1)
    out[#out + 1] = item
    at = close + 1
  end
  out[#out + 1] = text:sub(at)
  return out
end

local function fill(item, alert)
  local v
  if item.label then v = alert.labels[item.label] or "" else v = alert[item.path] end
  if v == nil then return "" end
  for _, step in ipairs(item.steps) do
    local n = tonumber(v)
    if n and finite(n) then v = filters[step.name](n, step.arg) end
  end
  return type(v) == "number" and number(v) or tostring(v)
end

--- Compiled text + {labels=, value=, threshold=, name=, ...} -> text.  What stands in the places passes THROUGH, if given.
function M.expand(compiled, alert, through)
  local out = {}
  for i, item in ipairs(compiled) do
    local value = type(item) == "string" and item or fill(item, alert)
    out[i] = through and item ~= value and through(value) or value
  end
  return table.concat(out)
end

return M
