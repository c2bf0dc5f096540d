--- expand.lua - one expression for two versions: the labels of each put in.
--
-- `$labels` inside of braces becomes version="1.1", as often as it stands there.  A text without it is a selector, which gets
-- them on top of its own.
local keys_of = require "moonwatch.keys"

local M = {}

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }
local function quoted(value) return '"' .. value:gsub('[\\"\n]', ESCAPES) .. '"' end

--- LABELS as matchers: version="1.1",zone="a".
function M.matchers(labels)
  local out = {}
  for _, name in ipairs(keys_of(labels)) do out[#out + 1] = name .. "=" .. quoted(labels[name]) end
  return table.concat(out, ",")
end

-- The matchers of the selector TEXT, and those of LABELS in the place of its own of the same name.
local function selector(host, text, labels)
  local list, why = host.selector(text)
  if not list then return nil, ("it has no $labels and is no selector: %s"):format(tostring(why)) end
  local out = {}
  for _, m in ipairs(list) do
    if not labels[m.name] then out[#out + 1] = m.name .. m.op .. quoted(m.value) end
  end
  if next(labels) then out[#out + 1] = M.matchers(labels) end
  return "{" .. table.concat(out, ",") .. "}"
end

--- TEXT for who has LABELS; nil, message when it is neither.
function M.expr(host, text, labels)
  if text:find("$labels", 1, true) then
    local matchers = M.matchers(labels):gsub("%%", "%%%%")
    return (text:gsub("%$labels", matchers))
  end
  return selector(host, text, labels)
end

--- Is TEXT good for two versions?  True, or nil, message.
function M.check(host, text, labels)
  local expr, why = M.expr(host, text, labels)
  if not expr then return nil, why end
  local ok, kind = host.check_expr(expr)
  if not ok then return nil, "bad PromQL: " .. tostring(kind) end
  if kind == "range vector" or kind == "matrix" or kind == "string" then return nil, "it gives no samples: put a function such as rate(...) around it" end
  return true
end

return M
