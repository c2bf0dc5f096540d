--- heap.lua - many things of which the first is wanted: put, take and take out from anywhere in O(log n).
local M = {}
M.__index = M

--- BEFORE(a, b): does A come first?  It must be a strict order.  A thing may be in a heap once.
function M.new(before)
  return setmetatable({ before = before, list = {}, place = {}, n = 0 }, M)
end

local function up(self, thing, i)
  local list, place, before = self.list, self.place, self.before
  while i > 1 do
    local half = (i - i % 2) / 2
    local parent = list[half]
    if not before(thing, parent) then break end
    list[i], place[parent] = parent, i
    i = half
  end
  list[i], place[thing] = thing, i
end

local function down(self, thing, i)
  local list, place, before, n = self.list, self.place, self.before, self.n
  while 2 * i <= n do
    local k = 2 * i
    if k < n and before(list[k + 1], list[k]) then k = k + 1 end
    local child = list[k]
    if not before(child, thing) then break end
    list[i], place[child] = child, i
    i = k
  end
  list[i], place[thing] = thing, i
end

function M:first() return self.list[1] end
function M:has(thing) return self.place[thing] ~= nil end

function M:put(thing)
  self.n = self.n + 1
  up(self, thing, self.n)
end

--- Take THING out; false when it is not there.
function M:remove(thing)
  local i = self.place[thing]
  if not i then return false end
  local last = self.list[self.n]
  self.list[self.n], self.place[thing] = nil, nil
  self.n = self.n - 1
  if last ~= thing then
    if i > 1 and self.before(last, self.list[(i - i % 2) / 2]) then up(self, last, i) else down(self, last, i) end
  end
  return true
end

return M
