--- book.lua - all marks, in the order of their times, on disk and on the other nodes.
--
-- Each change is a frame of a journal before anybody is told that it is done; a frame is the mark, or { id=, gone=true }.  When
-- there are far more frames than marks the journal is written again.  There are at most MOST marks: the oldest makes room.
local mark_of = require "moonwatch.marks.mark"

local M = {}
M.__index = M

M.MOST = 10000
local SLACK = 2000 -- frames beyond those of marks before the journal is written again

--- options: { host=, journal= (nil: in memory only), share=function(id, value or nil) }.
function M.new(options)
  local self = setmetatable({ host = options.host, journal = options.journal, share = options.share or function() end,
                              by_id = {}, list = {}, frames = 0 }, M)
  if self.journal then self:replay() end
  return self
end

-- Where a mark of TIME and ID belongs.
local function place(self, time, id)
  local low, high = 1, #self.list + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local there = self.list[middle]
    if there.time < time or (there.time == time and there.id < id) then low = middle + 1 else high = middle end
  end
  return low
end

local function take_out(self, id)
  local old = self.by_id[id]
  if not old then return nil end
  table.remove(self.list, place(self, old.time, id))
  self.by_id[id] = nil
  return old
end

local function put_in(self, mark)
  take_out(self, mark.id)
  table.insert(self.list, place(self, mark.time, mark.id), mark)
  self.by_id[mark.id] = mark
end

-- -- on disk -----------------------------------------------------------------

local function well_formed(mark)
  return type(mark) == "table" and type(mark.id) == "string" and (mark.gone or type(mark.time) == "number" and type(mark.kind) == "string")
end

local function follow(self, mark)
  if mark.gone then take_out(self, mark.id) else
    mark.labels = type(mark.labels) == "table" and mark.labels or {}
    put_in(self, mark)
  end
end

function M:replay()
  local n, bad = self.journal:replay(function(frame)
    local mark = self.host.json.decode(frame)
    if well_formed(mark) then follow(self, mark) end
  end)
  if not n then return self.host.log("error", "the marks cannot be read: " .. tostring(bad)) end
  self.frames = n
  if bad > 0 then self.host.log("error", "parts of the journal of marks cannot be read: those marks are forgotten", { parts = bad }) end
  while #self.list > M.MOST do take_out(self, self.list[1].id) end
end

-- The journal again, without what is gone.
local function rewrite(self)
  local segment = self.journal:cut()
  if not segment then return end
  for _, mark in ipairs(self.list) do
    if not self.journal:append(self.host.json.encode(mark)) then return end
  end
  self.journal:drop(segment)
  self.frames = #self.list
end

-- VALUE is on disk; nil, why when the disk does not take it.
local function keep(self, value)
  if not self.journal then return true end
  local ok, why = self.journal:append(self.host.json.encode(value))
  if not ok then return nil, "the disk does not take it: " .. tostring(why) end
  self.frames = self.frames + 1
  if self.frames > #self.list + SLACK then rewrite(self) end
  return true
end

-- -- what others do ----------------------------------------------------------

--- Keep MARK (see mark.lua; without id it is a new one); nil, why.  QUIET: another node told it.
function M:put(mark, quiet)
  mark.id = mark.id or self.host.random_hex(8)
  local ok, why = keep(self, mark)
  if not ok then return nil, why end
  put_in(self, mark)
  if not quiet then self.share(mark.id, mark) end
  if #self.list > M.MOST then self:remove(self.list[1].id) end
  return mark
end

--- Forget ID; the mark that it was, or nil (and why, when it is there all the same).
function M:remove(id, quiet)
  if not self.by_id[id] then return nil end
  local ok, why = keep(self, { id = id, gone = true })
  if not ok then return nil, why end
  if not quiet then self.share(id, nil) end
  return take_out(self, id)
end

--- Another node has VALUE under ID, or no longer.
function M:shared(id, value)
  if value == nil then self:remove(id, true)
  elseif well_formed(value) and not value.gone and value.id == id then
    local known = self.by_id[id]
    if known and self.host.json.encode(known) == self.host.json.encode(value) then return end
    value.labels = type(value.labels) == "table" and value.labels or {}
    self:put(value, true)
  end
end

function M:get(id) return self.by_id[id] end

--- Those that are there at some time from FROM to TO, in the order of their times.  filter: { service=, kind=, limit= (the last so
-- many) }.  A mark without a service is everybody's.
function M:find(from, to, filter)
  local out = {}
  for i = #self.list, 1, -1 do
    local mark = self.list[i]
    local of_time = mark.time <= to and (mark.until_ or mark.time) >= from
    local of_service = not filter.service or not mark.service or mark.service == filter.service
    if of_time and of_service and (not filter.kind or filter.kind == mark.kind) then table.insert(out, mark) end
    if filter.limit and #out >= filter.limit then break end
  end
  local back = {}
  for i = #out, 1, -1 do back[#back + 1] = out[i] end
  return back
end

M.read, M.shown = mark_of.read, mark_of.shown

return M
