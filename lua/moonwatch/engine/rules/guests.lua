--- guests.lua - the files whose functions rules call, over reloads.
--
-- A function is known by its file and a stamp of all that the file said, so that one of an older version is never taken for one
-- of the version that runs.  A file that was replaced is closed when nothing of it waits any more (for ctx.http); one with
-- receivers stays a while longer, because messages on their way to it come later.
local M = {}
M.__index = M

local WAIT = 120    -- seconds that a call may go on in a file that was replaced
local LINGER = 600  -- that a replaced file with receivers can still be called, and
local LINGERING = 64 -- how many such there are

function M.new() return setmetatable({ units = {}, old = {}, waiting = {} }, M) end

local function key_of(path, stamp) return path .. "\0" .. stamp end

local function has_receivers(unit)
  for _, item in ipairs(unit.items) do
    if item.word == "receiver" then return true end
  end
  return false
end

local function close(self, key)
  self.old[key].unit.guest:close()
  self.waiting[self.old[key].unit], self.old[key] = nil, nil
end

-- Close what nobody needs, the oldest first.
local function sweep(self, now)
  local lingering = {}
  for key, row in pairs(self.old) do
    local waits = (self.waiting[row.unit] or 0) > 0
    local stays = row.receivers and LINGER or waits and WAIT or 0
    if now >= row.at + stays then close(self, key)
    elseif not waits then lingering[#lingering + 1] = { key = key, at = row.at } end
  end
  table.sort(lingering, function(a, b) return a.at > b.at end)
  for i = LINGERING + 1, #lingering do close(self, lingering[i].key) end
end

--- From now on UNITS (path -> unit) are what runs.
function M:swap(units, now)
  for path, unit in pairs(self.units) do
    if units[path] ~= unit then
      local key = key_of(path, unit.stamp)
      if self.old[key] then close(self, key) end
      self.old[key] = { unit = unit, at = now, receivers = has_receivers(unit) }
    end
  end
  self.units = units
  sweep(self, now)
end

function M:tick(now)
  if next(self.old) then sweep(self, now) end
end

--- How many files are open: those that run, and those that still end.
function M:count()
  local n, old = 0, 0
  for _ in pairs(self.units) do n = n + 1 end
  for _ in pairs(self.old) do old = old + 1 end
  return n, old
end

local function find(self, fn)
  local unit = self.units[fn.guest]
  if unit and unit.stamp == fn.stamp then return unit end
  local row = self.old[key_of(tostring(fn.guest), tostring(fn.stamp))]
  return row and row.unit
end

--- Call FN; DONE(result) at once unless the function waits.
function M:call(fn, args, ctx, done)
  local unit = find(self, fn)
  if not unit then return done { ok = false, error = "its file is not loaded any more" } end
  local finished, waits = false, false
  unit.guest:call(fn["@fn"], args, ctx, function(result)
    finished = true
    if waits and self.waiting[unit] then self.waiting[unit] = self.waiting[unit] - 1 end
    done(result)
  end)
  if not finished then waits, self.waiting[unit] = true, (self.waiting[unit] or 0) + 1 end
end

return M
