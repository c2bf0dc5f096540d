--- deliver.lua - the outbox: what still has to be sent, and how often it has been tried.
--
-- Each target (one integration of one receiver) has a lane: a bounded queue, a circuit breaker, and a
-- time before which nothing is sent because the other side said so (Retry-After).  The lanes of one
-- receiver share its rate.  A job has a key; there is at most one job of a key, and a newer one
-- replaces what a waiting one says but not its place in the schedule of tries.  The schedule has no
-- randomness: 0.5 s, then half as much again each time, up to a minute.
--
-- Jobs are plain values, so `save` gives everything that is still owed; what was in flight then is
-- owed too: after a crash it is better told twice than never.
local breaker = require "moonwatch.breaker"
local bucket = require "moonwatch.route.bucket"

local M = {}
M.__index = M

local FIRST, FACTOR, LONGEST = 0.5, 1.5, 60
local MOST_OBEYED = 3600
local AT_ONCE = 8
local ATTEMPTS_KEPT = 20

--- How long to wait after the Nth failed try.
function M.delay(n)
  return math.min(LONGEST, FIRST * FACTOR ^ (n - 1))
end

--- o = {send=function(target, note, now, done), before_send=function(now) → nil, or when to try again, limit=jobs per lane,
-- attempt=function(job, outcome, now), finish=function(job, result, why, now)}.
function M.new(o)
  return setmetatable({ o = o, lanes = {}, jobs = {}, buckets = {}, order = {}, limit = o.limit or 1000, serial = 0, fresh = false }, M)
end

-- -- lanes --------------------------------------------------------------------

local function drop(self, job, result, why, now)
  local lane = self.lanes[job.target]
  self.jobs[job.key] = nil
  if lane then
    for i, other in ipairs(lane.queue) do
      if other == job then table.remove(lane.queue, i); break end
    end
  end
  self.o.finish(job, result, why, now)
end

--- TARGETS: key → {receiver=, kind=, index=, fields=, rate=}.  Jobs of targets that are gone are dropped.
function M:configure(targets, now, saved_breakers)
  local lanes, buckets = {}, {}
  for key, target in pairs(targets) do
    local old = self.lanes[key]
    local lane = old or { queue = {}, flying = 0, hold = 0 }
    lane.key, lane.target = key, target
    lane.breaker = breaker.new(target.breaker, old and old.breaker:save() or saved_breakers and saved_breakers[key])
    lanes[key] = lane
    local name, rate = target.receiver, target.rate
    local same = self.buckets[name]
    if rate then
      buckets[name] = same and same.n == rate.n and same.per == rate.per and same or bucket.new(rate, now)
    end
  end
  for key, lane in pairs(self.lanes) do
    for i = #lane.queue, 1, -1 do
      if not lanes[key] then drop(self, lane.queue[i], "dropped", "this receiver is no longer configured", now) end
    end
  end
  self.lanes, self.buckets, self.order = lanes, buckets, {}
  for key in pairs(lanes) do self.order[#self.order + 1] = key end
  table.sort(self.order)
end

--- The job of KEY, waiting or flying; nil.
function M:get(key) return self.jobs[key] end

--- Queue JOB {key, target, note, ...}.  A waiting job of that key gives it its tries.  Nil, message: no such target.
function M:put(job, now)
  local lane = self.lanes[job.target]
  if not lane then return nil, "no such receiver" end
  local old = self.jobs[job.key]
  self.serial = self.serial + 1
  job.serial, job.tries, job.not_before, job.created = self.serial, job.tries or 0, job.not_before or now, job.created or now
  job.attempts = job.attempts or {}
  if old then
    job.serial, job.tries, job.not_before, job.created, job.attempts = old.serial, old.tries, old.not_before, old.created, old.attempts
    drop(self, old, "superseded", "a newer message of this group took its place", now)
  end
  self.jobs[job.key] = job
  local at = #lane.queue + 1
  while at > 1 and lane.queue[at - 1].serial > job.serial do at = at - 1 end
  table.insert(lane.queue, at, job)
  if #lane.queue > self.limit then drop(self, lane.queue[1], "dropped", "the queue of this receiver is full", now) end
  self.fresh = true
  return job
end

--- The waiting job of KEY is not needed any more.
function M:cancel(key, why, now)
  local job = self.jobs[key]
  if job and not job.flying then drop(self, job, "cancelled", why, now) end
end

--- Is anything of GROUP_KEY still owed?
function M:owes(group_key)
  for _, job in pairs(self.jobs) do
    if job.group_key == group_key then return true end
  end
  return false
end

-- -- sending --------------------------------------------------------------------

local function judge(lane, job, outcome, now)
  if outcome.ok or not outcome.retry then
    lane.breaker:ok(now) -- it answered: that we were refused is no fault of the line
  elseif outcome.status == 429 then
    lane.breaker:cancel()
  else
    lane.breaker:fail(now)
  end
  if outcome.after then lane.hold = math.max(lane.hold, now + math.min(outcome.after, MOST_OBEYED)) end
  job.attempts[#job.attempts + 1] =
    { time = now, ok = outcome.ok or false, status = outcome.status, error = outcome.error, seconds = outcome.seconds }
  if #job.attempts > ATTEMPTS_KEPT then table.remove(job.attempts, 1) end
end

local function answered(self, lane, job, outcome, now)
  lane.flying, job.flying = lane.flying - 1, nil
  judge(lane, job, outcome, now)
  self.o.attempt(job, outcome, now)
  if self.jobs[job.key] ~= job then return end
  if outcome.ok then return drop(self, job, "sent", nil, now) end
  if not outcome.retry or job.once then return drop(self, job, "failed", outcome.error, now) end
  job.not_before = now + M.delay(job.tries)
end

local function launch(self, lane, job, now)
  lane.flying, job.flying, job.tries = lane.flying + 1, true, job.tries + 1
  local told = false
  self.o.send(lane.target, job.note, now, function(outcome, at)
    if told then return end
    told = true
    answered(self, lane, job, outcome, at)
  end)
end

-- The earliest of two times, either may be nil.
local function sooner(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end

-- What keeps the whole lane from sending: true, or false and until when.
local function open(lane, now)
  if lane.flying >= AT_ONCE then return false end
  if lane.hold > now then return false, lane.hold end
  local ready, at = lane.breaker:ready(now)
  if not ready then return false, at end
  return true
end

local function next_job(lane, now)
  local at
  for _, job in ipairs(lane.queue) do
    if not job.flying then
      if job.not_before <= now then return job end
      at = sooner(at, job.not_before)
    end
  end
  return nil, at
end

local function refuse_once(self, lane, now)
  for i = #lane.queue, 1, -1 do
    local job = lane.queue[i]
    if job.once and not job.flying and lane.breaker.state == "open" then
      drop(self, job, "failed", "the circuit breaker of this receiver is open", now)
    end
  end
end

local function pump_lane(self, lane, now)
  while #lane.queue > 0 do
    local ready, at = open(lane, now)
    if not ready then
      refuse_once(self, lane, now)
      return at
    end
    local job
    job, at = next_job(lane, now)
    if not job then return at end
    local later = self.fresh and self.o.before_send(now)
    if later then return later end
    self.fresh = false
    local rate = self.buckets[lane.target.receiver]
    if rate then
      local ok, when = rate:take(now)
      if not ok then return when end
    end
    lane.breaker:allow(now)
    launch(self, lane, job, now)
  end
end

--- Send what may be sent.  Answers when to look again, or nil.
function M:pump(now)
  local at
  for _, key in ipairs(self.order) do at = sooner(at, pump_lane(self, self.lanes[key], now)) end
  return at
end

-- -- state --------------------------------------------------------------------------

--- Everything owed, oldest first, and the breakers.
function M:save()
  local out = { jobs = {}, breakers = {} }
  for _, job in pairs(self.jobs) do
    if not job.once then
      local copy = {}
      for k, v in pairs(job) do copy[k] = v end
      copy.flying = nil
      out.jobs[#out.jobs + 1] = copy
    end
  end
  table.sort(out.jobs, function(a, b) return a.serial < b.serial end)
  for key, lane in pairs(self.lanes) do out.breakers[key] = lane.breaker:save() end
  return out
end

--- How full each lane is and how its breaker stands: list of {key, receiver, kind, queued, flying, breaker, hold}.
function M:lanes_list()
  local out = {}
  for key, lane in pairs(self.lanes) do
    out[#out + 1] = { key = key, receiver = lane.target.receiver, kind = lane.target.kind, queued = #lane.queue,
      flying = lane.flying, breaker = lane.breaker.state, hold = lane.hold }
  end
  table.sort(out, function(a, b) return a.key < b.key end)
  return out
end

return M
