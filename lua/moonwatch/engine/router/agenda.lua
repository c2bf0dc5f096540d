--- agenda.lua - which groups are to be looked at, and when the first of them is.
--
-- A group stands in a heap under the time at which something of it is due, or under an earlier one: whoever lets something be due
-- sooner says so (`put`), that it became later is found when its time has come.  So nothing is asked of the many that wait.
local heap = require "moonwatch.route.heap"

local M = {}
M.__index = M

local function before(a, b)
  if a.stands_at ~= b.stands_at then return a.stands_at < b.stands_at end
  return a.id < b.id
end

--- DUE(group): when something of it is due.
function M.new(due)
  return setmetatable({ due = due, heap = heap.new(before) }, M)
end

--- GROUP is one of those that wait, and may be due sooner than it was.
function M:put(group)
  local at = self.due(group)
  if self.heap:has(group) then
    if group.stands_at <= at then return end
    self.heap:remove(group)
  end
  group.stands_at = at
  self.heap:put(group)
end

function M:remove(group) self.heap:remove(group) end

--- When to look again; nil: nothing waits.
function M:first()
  local group = self.heap:first()
  return group and group.stands_at
end

--- The first of which something is due at NOW; it waits no longer until it is `put` again.  nil: none.
function M:take(now)
  local group = self.heap:first()
  while group and group.stands_at <= now do
    self.heap:remove(group)
    if self.due(group) <= now then return group end
    self:put(group)
    group = self.heap:first()
  end
end

return M
