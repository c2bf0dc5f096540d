--- schedule.lua - who is due next: a heap of groups by time, then by their order in the files.
--
-- A group comes up at fixed places of the clock, offset + n * every.  The offset comes from its name, so that many groups
-- do not come up at once; whatever was missed is counted and never made up for.  Who was taken comes back when it is done.
-- One with a jitter comes up to that much after its place: how much comes from its name and the place.
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

-- Every entry knows where it is in the heap, so that it can be moved.
local function put(heap, i, entry) heap[i], entry.at = entry, i end

local function swap(heap, i, j)
  local a, b = heap[i], heap[j]
  put(heap, i, b)
  put(heap, j, a)
end

local function up(heap, i)
  while i > 1 do
    local parent = math.floor(i / 2)
    if not before(heap[i], heap[parent]) then return end
    swap(heap, i, parent)
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
    swap(heap, i, least)
    i = least
  end
end

--- The latest place of ENTRY at or before NOW.
function M.slot(entry, now)
  return entry.offset + math.floor((now - entry.offset) / entry.every + 1e-9) * entry.every
end

-- How much after PLACE it comes.
local function delay(entry, place)
  if not entry.jitter then return 0 end
  return math.sin(M.hash(("%s %.3f"):format(entry.name, place))) * 1e4 % 1 * entry.jitter
end

--- entry: { every=, offset=, order=, name= and jitter= (less than every), if it has one }; comes up at FIRST, else at its first place after
-- AFTER.
function M:add(entry, after, first)
  local place = M.slot(entry, after) + entry.every
  entry.next = first or place + delay(entry, place)
  put(self.heap, #self.heap + 1, entry)
  up(self.heap, #self.heap)
end

--- ENTRY comes up each EVERY seconds from NOW on.
function M:pace(entry, every, now)
  if entry.every == every then return end
  entry.every = every
  if not entry.at then return end -- it is at work, and comes back so
  local place = M.slot(entry, now) + every
  entry.next = place + delay(entry, place)
  up(self.heap, entry.at)
  down(self.heap, entry.at)
end

function M:next_time() return self.heap[1] and self.heap[1].next end

--- Take the entry due at NOW, or nil; then its place and how many it missed.  `back` puts it in again.
function M:pop(now)
  local heap = self.heap
  local entry = heap[1]
  if not entry or entry.next > now then return nil end
  local last = table.remove(heap)
  if last ~= entry then
    put(heap, 1, last)
    down(heap, 1)
  end
  entry.at = nil
  local t = math.max(M.slot(entry, now), entry.next)
  return entry, t, math.floor((t - entry.next) / entry.every + 0.5)
end

--- ENTRY has done its work for T and waits for its next place, which may have come already.
function M:back(entry, t) self:add(entry, t) end

return M
