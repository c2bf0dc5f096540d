--- metric.lua - the labels of one series out of its text: up{job="web"}, {__name__="up"}, {}.
local M = {}

--- TEXT -> labels; nil and why when it is no series.
function M.parse(text, host)
  if text:find "^%s*{%s*}%s*$" then return {} end
  local name = text:match "^%s*([%a_:][%w_:]*)%s*{%s*}%s*$"
  local matchers, why = host.selector(name or text)
  if not matchers then return nil, why end
  local out = {}
  for _, m in ipairs(matchers) do
    if m.op ~= "=" then return nil, ("%s%s%q: the labels of a series are given with ="):format(m.name, m.op, m.value) end
    if out[m.name] then return nil, ("label %q is there twice"):format(m.name) end
    if m.value ~= "" then out[m.name] = m.value end
  end
  return out
end

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }
local function quoted(value) return '"' .. value:gsub('[\\"\n]', ESCAPES) .. '"' end

--- The labels as text, in the order of their names; HIDDEN names are left out.
function M.text(labels, hidden)
  local out, name = {}, labels.__name__
  for key, value in pairs(labels) do
    if key ~= "__name__" and not (hidden and hidden[key]) then
      out[#out + 1] = (key:find "^[%a_][%w_]*$" and key or quoted(key)) .. "=" .. quoted(value)
    end
  end
  table.sort(out)
  if name and name:find "^[%a_:][%w_:]*$" then
    return #out == 0 and name or name .. "{" .. table.concat(out, ", ") .. "}"
  end
  if name then table.insert(out, 1, quoted(name)) end
  return "{" .. table.concat(out, ", ") .. "}"
end

--- The shortest text that reads back as VALUE.
function M.number(value)
  if value ~= value then return "NaN" end
  if value == math.huge then return "+Inf" end
  if value == -math.huge then return "-Inf" end
  if value == math.floor(value) and math.abs(value) < 1e15 then return ("%.0f"):format(value) end
  for digits = 1, 16 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text end
  end
  return ("%.17g"):format(value)
end

return M
