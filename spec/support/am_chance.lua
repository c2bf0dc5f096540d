--- am_chance.lua - chance with a seed: the same one gives the same things everywhere.
local M = {}
M.__index = M

function M.new(seed) return setmetatable({ state = seed * 7919 % 2147483647 + 1 }, M) end

--- A whole number from 0, below N.
function M:next(n)
  self.state = self.state * 48271 % 2147483647
  return self.state % n
end

--- One of LIST.
function M:one(list) return list[self:next(#list) + 1] end

--- True in PERCENT of a hundred cases.
function M:often(percent) return self:next(100) < percent end

return M
