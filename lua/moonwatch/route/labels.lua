--- labels.lua - small things one does with a set of labels.
local keys_of = require "moonwatch.keys"
local matchers = require "moonwatch.route.matchers"

local M = {}


--- `{a="b", c="d"}`, sorted by name: the form in group keys.
function M.text(labels)
  local out = {}
  for i, name in ipairs(keys_of(labels)) do out[i] = name .. "=" .. matchers.quote(labels[name]) end
  return "{" .. table.concat(out, ", ") .. "}"
end

--- The names and values that all SETS have in common.
function M.common(sets)
  local out = {}
  for name, value in pairs(sets[1] or {}) do out[name] = value end
  for i = 2, #sets do
    for name, value in pairs(out) do
      if sets[i][name] ~= value then out[name] = nil end
    end
  end
  return out
end

--- Does A come before B?  Fewer labels first, then by name and value.
function M.before(a, b)
  local na, nb = keys_of(a), keys_of(b)
  if #na ~= #nb then return #na < #nb end
  for i = 1, #na do
    -- The set that has the smaller name of the two holds a label that the other lacks.
    if na[i] ~= nb[i] then return nb[i] < na[i] end
    if a[na[i]] ~= b[nb[i]] then return a[na[i]] < b[nb[i]] end
  end
  return false
end

--- The order of alerts in a message: by job, by instance, then by all labels.
function M.message_order(a, b)
  for _, name in ipairs { "job", "instance" } do
    local x, y = a[name], b[name]
    if x ~= y then
      if not x then return false end
      if not y then return true end
      return x < y
    end
  end
  return M.before(a, b)
end

return M
