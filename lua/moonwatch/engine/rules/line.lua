--- line.lua - the groups that are at work, in line for the one thread there is.
--
-- Groups that were quick the last time go before those that took long or never ran, so that who uses up his budget makes nobody
-- wait for more than one evaluation; now and then one of the others has its turn even while quick ones wait.
local M = {}
M.__index = M

local QUICK = 0.03   -- seconds of a whole run
local IN_A_ROW = 20  -- quick ones before one that takes long

function M.new() return setmetatable({ quick = {}, long = {}, row = 0 }, M) end

function M:add(entry)
  local group = entry.group
  local quick = group.last_evaluation and math.max(group.seconds or 0, group.spent or 0) <= QUICK
  local line = quick and self.quick or self.long
  line[#line + 1] = entry
end

function M:any() return self.quick[1] ~= nil or self.long[1] ~= nil end

--- The next one, which leaves the line.
function M:take()
  if self.long[1] and (not self.quick[1] or self.row >= IN_A_ROW) then
    self.row = 0
    return table.remove(self.long, 1)
  end
  self.row = self.row + 1
  return table.remove(self.quick, 1)
end

return M
