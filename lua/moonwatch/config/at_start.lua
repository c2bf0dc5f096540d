--- at_start.lua - settings that count when the server starts: which of them a reload has changed without effect.
local M = {}

M.names = { "listen", "data", "node", "redis", "cluster", "programs", "retention", "out_of_order", "durability", "log" }

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for name, value in pairs(a) do
    if not same(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

--- The names of those that are others in NOW than in BEFORE, the settings that the server has started with.
function M.changed(before, now)
  local out = {}
  for _, name in ipairs(M.names) do
    if not same(before[name], now[name]) then out[#out + 1] = name end
  end
  return out
end

return M
