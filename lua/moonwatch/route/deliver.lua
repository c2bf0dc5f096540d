--- deliver.lua - the outbox: what still has to be sent, and how often it has been tried.
--
-- Each target (one integration of one receiver) has a lane (lane.lua: urgent messages first), a circuit
-- breaker, and a time before which nothing is sent because the other side said so (Retry-After).  The
-- lanes of one receiver share its rate.  A job has a key; there is at most one job of a key, and a newer
-- one replaces what a waiting one says but not its place in the schedule of tries.  The schedule has no
-- randomness: 0.5 s, then half as much again each time, up to a minute.
--
-- Nothing that was taken is let go in silence: each job ends by `finish` with what became of it and why.
-- There is at most one job for each group and integration.  Beyond MOST in a lane only pages are taken:
-- the others are turned away ("deferred"), and their groups ask again.
--
-- Jobs are plain values, so `save` gives everything that is still owed; what was in flight then is
-- owed too: after a crash it is better told twice than never.
local breaker = require "moonwatch.breaker"
local bucket = require "moonwatch.route.bucket"
local lanes_of = require "moonwatch.route.lane"
local priority = require "moonwatch.route.priority"

local M = {}
M.__index = M

local FIRST, FACTOR, LONGEST = 0.5, 1.5, 60
local MOST_OBEYED = 3600
local AT_ONCE = 8
local MOST = 50000
local ATTEMPTS_KEPT = 20

--- How long to wait after the Nth failed try.
function M.delay(n)
  return math.min(LONGEST, FIRST * FACTOR ^ (n - 1))
end

--- o = {send=function(target, note, now, done), before_send=function(now) → nil, or when to try again, most=jobs per lane,
-- attempt=function(job, outcome, now), finish=function(job, result, why, now)}.
function M.new(o)
  return setmetatable({ o = o, lanes = {}, jobs = {}, by_group = {}, impatient = {}, buckets = {}, order = {}, most = o.most or MOST,
    serial = 0, fresh = false }, M)
end

-- -- lanes --------------------------------------------------------------------

local function remember(self, job)
  self.jobs[job.key] = job
  local of_group = self.by_group[job.group_key] or {}
  self.by_group[job.group_key], of_group[job] = of_group, true
  if job.deadline then self.impatient[job] = true end
end

local function drop(self, job, result, why, now)
  local lane, of_group = self.lanes[job.target], self.by_group[job.group_key]
  self.jobs[job.key], self.impatient[job] = nil, nil
  of_group[job] = nil
  if not next(of_group) then self.by_group[job.group_key] = nil end
  if lane then lane:remove(job) end
  self.o.finish(job, result, why, now)
end

--- TARGETS: key → {receiver=, kind=, index=, fields=, rate=}.  Jobs of targets that are gone are dropped.
-- SAVED: what `save` said of the lanes.
function M:configure(targets, now, saved)
  local lanes, buckets, before = {}, {}, self.lanes
  for key, target in pairs(targets) do
    local old = before[key]
    local lane = old or lanes_of.new(key)
    local known = saved and saved[key]
    lane.target = target
    if not old and known then lane.hold = known.hold or 0 end
    lane.breaker = breaker.new(target.breaker, old and old.breaker:save() or known)
    lanes[key] = lane
    local name, rate = target.receiver, target.rate
    local same = self.buckets[name]
    if rate then
      buckets[name] = same and same.n == rate.n and same.per == rate.per and same or bucket.new(rate, now)
    end
  end
  self.lanes, self.buckets, self.order = lanes, buckets, {}
  for key in pairs(lanes) do self.order[#self.order + 1] = key end
  table.sort(self.order)
  for key, lane in pairs(before) do
    for job in pairs(lanes[key] and {} or lane.jobs) do drop(self, job, "dropped", "this receiver is no longer configured", now) end
  end
end

--- The job of KEY, waiting or flying; nil.
function M:get(key) return self.jobs[key] end

-- JOB takes the place of OLD, of the same key.
local function supersede(self, job, old, now)
  job.serial, job.tries, job.not_before, job.created, job.attempts = old.serial, old.tries, old.not_before, old.created, old.attempts
  drop(self, old, "superseded", "a newer message of this group took its place", now)
end

--- Queue JOB {key, target, group_key, note, ...}.  A waiting job of that key gives it its tries.  Nil, message: no such target,
-- or too many are waiting.  job.once: one try only; job.deadline: it fails if it has not left by then.
function M:put(job, now)
  local lane = self.lanes[job.target]
  if not lane then return nil, "no such receiver" end
  local old = self.jobs[job.key]
  self.serial = self.serial + 1
  job.serial, job.tries, job.not_before, job.created = self.serial, job.tries or 0, job.not_before or now, job.created or now
  job.attempts, job.priority = job.attempts or {}, job.priority or priority.of(job.note.alerts)
  if old then
    supersede(self, job, old, now)
  elseif lane.n >= self.most and job.priority > priority.PAGE then
    local why = "too many messages wait for this receiver; the group will ask again"
    self.o.finish(job, "deferred", why, now)
    return nil, why
  end
  remember(self, job)
  lane:add(job, now)
  self.fresh = true
  return job
end

--- The waiting job of KEY is not needed any more.
function M:cancel(key, why, now)
  local job = self.jobs[key]
  if job and not job.flying then drop(self, job, "cancelled", why, now) end
end

--- Is anything of GROUP_KEY still owed?
function M:owes(group_key) return self.by_group[group_key] ~= nil end

--- The set of jobs of GROUP_KEY.
function M:of_group(group_key) return self.by_group[group_key] or {} end

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
  lane.flying = lane.flying - 1
  judge(lane, job, outcome, now)
  self.o.attempt(job, outcome, now)
  job.not_before = now + M.delay(job.tries)
  lane:land(job, now)
  if self.jobs[job.key] ~= job then return end
  if outcome.ok then return drop(self, job, "sent", nil, now) end
  if not outcome.retry or job.once then return drop(self, job, "failed", outcome.error, now) end
end

local function launch(self, lane, job, now)
  lane:fly(job)
  lane.flying, job.tries = lane.flying + 1, job.tries + 1
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

local function pump_lane(self, lane, now)
  while lane.n > lane.flying do
    local ready, at = open(lane, now)
    if not ready then return at end
    local job
    job, at = lane:next(now)
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

-- What keeps LANE from sending, for those who will not wait.
local function obstacle(self, lane, now)
  if lane.breaker.state == "open" then return "the circuit breaker of this receiver is open" end
  if lane.hold > now then return "this receiver wants no messages for another " .. math.ceil(lane.hold - now) .. " s" end
  local rate = self.buckets[lane.target.receiver]
  if rate and not rate:has(now) then return "the rate of this receiver holds it back" end
  return "it could not leave in time"
end

-- Jobs that do not wait: whose deadline has come, and those with one try when the breaker is open.
local function refuse(self, now)
  local over, at = {}, nil
  for job in pairs(self.impatient) do
    local lane = self.lanes[job.target]
    if not job.flying then
      if job.deadline <= now or job.once and lane.breaker.state == "open" and not lane.breaker:ready(now) then over[#over + 1] = job
      else at = sooner(at, job.deadline) end
    end
  end
  for _, job in ipairs(over) do drop(self, job, "failed", obstacle(self, self.lanes[job.target], now), now) end
  return at
end

--- Send what may be sent.  Answers when to look again, or nil.
function M:pump(now)
  local at
  for _, key in ipairs(self.order) do at = sooner(at, pump_lane(self, self.lanes[key], now)) end
  if next(self.impatient) then at = sooner(at, refuse(self, now)) end
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
  for key, lane in pairs(self.lanes) do
    out.breakers[key] = lane.breaker:save()
    out.breakers[key].hold = lane.hold
  end
  return out
end

--- How full each lane is and how its breaker stands: list of {key, receiver, kind, queued, flying, breaker, hold, ...}.
function M:lanes_list()
  local out = {}
  for i, key in ipairs(self.order) do
    local lane = self.lanes[key]
    out[i] = { key = key, receiver = lane.target.receiver, kind = lane.target.kind, index = lane.target.index, queued = lane.n,
      flying = lane.flying, waiting = lane.counts, oldest = lane:oldest(), breaker = lane.breaker.state, hold = lane.hold }
  end
  return out
end

return M
