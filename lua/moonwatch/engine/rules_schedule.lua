--- rules_schedule.lua - who is due next: a heap of runners by time, then by their order in the files.
--
-- A rule comes up at fixed places of the clock, offset + n * every.  The offset comes from its name, so that many rules
-- do not come up at once; whatever was missed is counted and never made up for.
local M = {}
M.__index = M

function M.new() return setmetatable({ heap = {} }, M) end

--- A number from a text, the same on every node.
function M.hash(s)
  local h = 5381
  for i = 1, #s do h = (h * 33 + s:byte(i)) % 4294967296 end
  return h
end

local function before(a, b)
  if a.next ~= b.next then return a.next < b.next end
  return a.order < b.order
end

local function up(heap, i)
  while i > 1 do
    local parent = math.floor(i / 2)
    if not before(heap[i], heap[parent]) then return end
    heap[i], heap[parent] = heap[parent], heap[i]
    i = parent
  end
end

local function down(heap, i)
  while true do
    local least = i
    for child = 2 * i, math.min(2 * i + 1, #heap) do
      if before(heap[child], heap[least]) then least = child end
    end
    if least == i then return end
    heap[i], heap[least] = heap[least], heap[i]
    i = least
  end
end

--- The latest place of ENTRY at or before NOW.
function M.slot(entry, now)
  return entry.offset + math.floor((now - entry.offset) / entry.every + 1e-9) * entry.every
end

--- entry: { every=, offset=, order= }; comes up at FIRST, else at its first place after AFTER.
function M:add(entry, after, first)
  entry.next = first or M.slot(entry, after) + entry.every
  self.heap[#self.heap + 1] = entry
  up(self.heap, #self.heap)
end

function M:next_time() return self.heap[1] and self.heap[1].next end

--- The entry due at NOW or nil; then its place and how many it missed.  It is put back for its next place.
function M:pop(now)
  local entry = self.heap[1]
  if not entry or entry.next > now then return nil end
  local t = M.slot(entry, now)
  if t < entry.next then t = entry.next end
  local missed = math.floor((t - entry.next) / entry.every + 0.5)
  entry.next = M.slot(entry, t) + entry.every
  down(self.heap, 1)
  return entry, t, missed
end

return M
