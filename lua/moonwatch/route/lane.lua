--- lane.lua - what waits for one integration of one receiver, and which of it goes next.
--
-- A waiting job is in `later` until its next try is due (not_before), then in `ready` by its priority,
-- oldest first.  What is in flight is in neither.  Urgent jobs go first; so that the others do not wait
-- for ever, one of SHARE goes to the oldest of them that has waited longer than PATIENCE.
local heap = require "moonwatch.route.heap"
local priority = require "moonwatch.route.priority"

local M = {}
M.__index = M

local SHARE, PATIENCE = 4, 300

local function older(a, b)
  if a.created ~= b.created then return a.created < b.created end
  return a.serial < b.serial
end

local function sooner(a, b)
  if a.not_before ~= b.not_before then return a.not_before < b.not_before end
  return a.serial < b.serial
end

function M.new(key)
  local self = setmetatable({ key = key, ready = {}, later = heap.new(sooner), flying = 0, hold = 0, n = 0, turns = 0, jobs = {},
    counts = {}, idle = 0 }, M)
  for p = 1, #priority.names do self.ready[p], self.counts[p] = heap.new(older), 0 end
  return self
end

local function queue(self, job, now)
  self.counts[job.priority], self.idle = self.counts[job.priority] + 1, self.idle + 1
  if job.not_before <= now then self.ready[job.priority]:put(job) else self.later:put(job) end
end

local function unqueue(self, job)
  if self.ready[job.priority]:remove(job) or self.later:remove(job) then
    self.counts[job.priority], self.idle = self.counts[job.priority] - 1, self.idle - 1
  end
end

--- JOB belongs to this lane from now on.
function M:add(job, now)
  self.jobs[job], self.n = true, self.n + 1
  queue(self, job, now)
end

--- JOB belongs to it no more.
function M:remove(job)
  if not self.jobs[job] then return end
  self.jobs[job], self.n = nil, self.n - 1
  unqueue(self, job)
end

--- JOB leaves.
function M:fly(job)
  unqueue(self, job)
  job.flying = true
end

--- JOB is back, and tries again when its `not_before` has come.
function M:land(job, now)
  job.flying = nil
  if self.jobs[job] then queue(self, job, now) end
end

local function wake(self, now)
  local job = self.later:first()
  while job and job.not_before <= now do
    self.later:remove(job)
    self.ready[job.priority]:put(job)
    job = self.later:first()
  end
end

-- The oldest job that is less urgent than LEVEL and has been patient for too long.
local function impatient(self, level, now)
  local found
  for p = level + 1, #self.ready do
    local job = self.ready[p]:first()
    if job and job.created + PATIENCE <= now and (not found or older(job, found)) then found = job end
  end
  return found
end

--- The job that goes next, of those that are at least as urgent as LEAST; or nil and when there may be one.
function M:next(now, least)
  wake(self, now)
  for p = 1, math.min(least or #self.ready, #self.ready) do
    local job = self.ready[p]:first()
    if job then
      if not least and self.turns % SHARE == SHARE - 1 then return impatient(self, p, now) or job end
      return job
    end
  end
  local job = self.later:first()
  return nil, job and job.not_before
end

--- Since when the oldest waits that does not fly; nil when none does.
function M:oldest()
  local found
  for p = 1, #self.ready do
    local job = self.ready[p]:first()
    if job and (not found or job.created < found) then found = job.created end
  end
  for _, job in ipairs(self.later.list) do
    if not found or job.created < found then found = job.created end
  end
  return found
end

return M
