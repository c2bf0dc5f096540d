--- deliver.lua - the outbox: what still has to be sent, and how often it has been tried.
--
-- Each target (one integration of one receiver) has a lane (lane.lua: urgent messages first), a circuit
-- breaker, and a time before which nothing is sent because the other side said so (Retry-After).  The
-- lanes of one receiver share its rate.  A job has a key; there is at most one job of a key, and a newer
-- one replaces what a waiting one says but not its place in the schedule of tries.  The schedule has no
-- randomness: 0.5 s, then half as much again each time, up to a minute.
--
-- Nothing that was taken is let go in silence: each job ends by `finish` with what became of it and why.
-- What would come too late is told as one message (digest.lua): the jobs it tells of end as "digested".
-- There is at most one job for each group and integration.  Beyond MOST in a lane only pages are taken:
-- the others are turned away ("deferred"), and their groups ask again.
--
-- Jobs are plain values, so that whoever is called by `changed` can keep them; what was in flight is owed
-- too: after a crash it is better told twice than never.  Such a job is in `doubt`: nobody knows whether it arrived.
local breaker = require "moonwatch.breaker"
local bucket = require "moonwatch.route.bucket"
local digests = require "moonwatch.route.digest"
local fallback = require "moonwatch.route.fallback"
local keys_of = require "moonwatch.keys"
local lanes_of = require "moonwatch.route.lane"
local priority = require "moonwatch.route.priority"
local sooner = require "moonwatch.sooner"

local M = {}
M.__index = M

local FIRST, FACTOR, LONGEST = 0.5, 1.5, 60
local MOST_OBEYED = 3600
local AT_ONCE = 8
local MOST = 50000
local ATTEMPTS_KEPT = 20

local function nothing() end

--- How long to wait after the Nth failed try.
function M.delay(n)
  return math.min(LONGEST, FIRST * FACTOR ^ (n - 1))
end

--- o = {send=function(target, note, now, done), before_send=function(now) while new jobs are about to leave, most=jobs per lane,
-- launch=function(job) before it leaves, attempt=function(job, outcome, now), finish=function(job, result, why, now), digest=function(target, jobs, why, now) → note,
-- turned=function(target, look) when a breaker did, limited=function(target, now) when a rate begins to hold messages back, changed=function(key): the job came, was tried or went}.
function M.new(o)
  return setmetatable({ o = o, lanes = {}, jobs = {}, by_group = {}, impatient = {}, buckets = {}, order = {}, most = o.most or MOST,
    serial = 0, fresh = false, changed = o.changed or nothing, launched = o.launch or nothing,
    turned = o.turned or nothing }, M)
end

-- -- lanes --------------------------------------------------------------------

local function remember(self, job)
  self.jobs[job.key] = job
  self.changed(job.key)
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
  self.changed(job.key)
  self.o.finish(job, result, why, now)
end

local function tells_turns(self, lane)
  return function(look) self.turned(lane.target, look) end
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
    if not old and known then lane.hold, lane.trouble = known.hold or 0, known.trouble end
    fallback.begins(lane)
    local turned = tells_turns(self, lane)
    lane.breaker = old and breaker.continue(old.breaker, target.breaker, turned) or breaker.new(target.breaker, known, turned)
    lanes[key] = lane
    local name, rate = target.receiver, target.rate
    local same = self.buckets[name]
    if rate and not buckets[name] then
      buckets[name] = same and same:same(rate) and same or bucket.new(rate, now, not same and known and known.rate or nil)
    end
  end
  self.lanes, self.buckets, self.order = lanes, buckets, keys_of(lanes)
  for key, lane in pairs(before) do
    for job in pairs(lanes[key] and {} or lane.jobs) do drop(self, job, "dropped", "this receiver is no longer configured", now) end
  end
end

--- The job of KEY, waiting or flying; nil.
function M:get(key) return self.jobs[key] end

-- JOB takes the place of OLD, of the same key.
local function supersede(self, job, old, now)
  job.serial, job.tries, job.not_before, job.created = old.serial, old.tries, old.not_before, old.created
  job.attempts = {}
  for i, attempt in ipairs(old.attempts) do job.attempts[i] = attempt end -- the older message keeps its own list
  drop(self, old, "superseded", "a newer message of this group took its place", now)
end

--- Queue JOB {key, target, group_key, note, ...}.  A waiting job of that key gives it its tries.  Nil, message: no such target,
-- or too many are waiting.  job.once: one try only; job.deadline: it fails if it has not left by then.
function M:put(job, now)
  local lane = self.lanes[job.target]
  if not lane then return nil, "no such receiver" end
  local old = self.jobs[job.key]
  self.serial = self.serial + 1
  job.serial, job.tries, job.not_before, job.created = self.serial, job.tries or #(job.attempts or {}), job.not_before or now, job.created or now
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
  fallback.added(lane, job)
  self.fresh = true
  return job
end

--- The waiting job of KEY is not needed any more.  One in doubt is sent all the same: what it said may be believed.
function M:cancel(key, why, now)
  local job = self.jobs[key]
  if job and not job.flying and not job.doubt then drop(self, job, "cancelled", why, now) end
end

--- The waiting job of KEY begins anew with its tries.
function M:afresh(key, now)
  local job = self.jobs[key]
  if not job or job.flying then return end
  local lane = self.lanes[job.target]
  lane:remove(job)
  job.tries, job.not_before, job.begun = 0, now, now
  lane:add(job, now)
  self.changed(key)
end

--- Is anything of GROUP_KEY still owed?
function M:owes(group_key) return self.by_group[group_key] ~= nil end

--- Is there a message of GROUP_KEY that says something about alert FP?
function M:speaks_of(group_key, fp)
  for job in pairs(self.by_group[group_key] or {}) do
    local view = job.view
    if view.firing and (view.firing[fp] or view.resolved[fp]) then return true end
  end
  return false
end

--- The set of jobs of GROUP_KEY.
function M:of_group(group_key) return self.by_group[group_key] or {} end

-- -- sending --------------------------------------------------------------------

-- 429 without a time: the whole lane waits as a message would, longer each time.
local function hold(lane, job, outcome, now)
  local after = outcome.after
  if outcome.status == 429 and outcome.retry and not job.patience then
    lane.throttled = (lane.throttled or 0) + 1
    after = after or M.delay(lane.throttled)
  elseif outcome.ok then
    lane.throttled = nil
  end
  if after then lane.hold = math.max(lane.hold, now + math.min(after, MOST_OBEYED)) end
end

local function judge(lane, job, outcome, now)
  if outcome.ok or not outcome.retry then
    lane.breaker:ok(now, outcome.seconds) -- it answered: that we were refused is no fault of the line
  elseif outcome.status == 429 or job.patience and not lane.target.breaker then
    lane.breaker:cancel()
  else
    lane.breaker:fail(now, outcome.seconds)
  end
  hold(lane, job, outcome, now)
  -- Since when nothing was taken, and why the last was not.
  if outcome.ok then
    lane.trouble, lane.fell = nil, nil
  else
    if not lane.trouble then fallback.begins(lane) end
    lane.trouble = { since = lane.trouble and lane.trouble.since or now, at = now, error = outcome.error }
  end
  job.attempts[#job.attempts + 1] =
    { time = now, ok = outcome.ok or false, status = outcome.status, error = outcome.error, seconds = outcome.seconds }
  if #job.attempts > ATTEMPTS_KEPT then table.remove(job.attempts, 1) end
end

local function answered(self, lane, job, outcome, now)
  lane.flying = lane.flying - 1
  judge(lane, job, outcome, now)
  self.o.attempt(job, outcome, now)
  job.not_before = now + M.delay(job.tries)
  self.changed(job.key)
  lane:land(job, now)
  if self.jobs[job.key] ~= job then return end
  if outcome.ok then return drop(self, job, "sent", nil, now) end
  if not outcome.retry or job.once then return drop(self, job, "failed", outcome.error, now) end
end

-- The messages of a digest that was not taken wait again; if it was refused for good, each goes alone.
local function digest_answered(self, lane, digest, outcome, now)
  lane.flying = lane.flying - 1
  judge(lane, digest, outcome, now)
  self.o.attempt(digest, outcome, now)
  for _, job in ipairs(digest.members) do
    job.not_before = outcome.retry and now + M.delay(job.tries) or now
    job.alone = not outcome.ok and not outcome.retry or nil
    self.changed(job.key)
    lane:land(job, now)
    if outcome.ok and self.jobs[job.key] == job then drop(self, job, "digested", "told in the digest " .. digest.note.id, now) end
  end
  self.o.finish(digest, outcome.ok and "sent" or "failed", outcome.error, now)
end

local function send(self, lane, job, now, back)
  lane.flying, lane.turns = lane.flying + 1, lane.turns + 1
  local told = false
  self.o.send(lane.target, job.note, now, function(outcome, at)
    if told then return end
    told = true
    back(self, lane, job, outcome, at)
  end)
end

local function launch(self, lane, job, now)
  job.tries = job.tries + 1
  self.launched(job)
  lane:fly(job)
  send(self, lane, job, now, answered)
end

local function launch_digest(self, lane, members, why, now)
  self.serial = self.serial + 1
  local digest = { key = "digest/" .. lane.key, target = lane.key, serial = self.serial, created = now, tries = 1, attempts = {},
    digest = true, members = members, note = self.o.digest(lane.target, members, why, now) }
  for _, job in ipairs(members) do
    job.tries = job.tries + 1
    self.launched(job)
    lane:fly(job)
  end
  send(self, lane, digest, now, digest_answered)
end

-- What keeps the whole lane from sending: true, or false and until when.
local function open(lane, now)
  if lane.flying >= (lane.target.at_once or AT_ONCE) then return false end
  if lane.hold > now then return false, lane.hold end
  local ready, at = lane.breaker:ready(now)
  if not ready then return false, at end
  return true
end

-- The job of LANE that may leave now, by RATE; or nil and when there may be one.
local function allowed(self, lane, rate, now)
  if not rate or rate:has(now) then
    lane.limited = nil
    return lane:next(now)
  end
  local job, at
  if rate:has(now, true) then job, at = lane:next(now, priority.PAGE) end
  if job then return job end
  if lane:next(now) then
    if not lane.limited and self.o.limited then self.o.limited(lane.target, now) end
    lane.limited = true
  end
  return nil, sooner(at, rate:when(now, lane.ready[priority.PAGE]:first() ~= nil))
end

local function pump_lane(self, lane, now)
  local rate = self.buckets[lane.target.receiver]
  while lane.idle > 0 do
    local ready, at = open(lane, now)
    if not ready then return at end
    local job
    job, at = allowed(self, lane, rate, now)
    if not job then return at end
    if self.fresh then self.o.before_send(now) end
    self.fresh = false
    local why, above = digests.wanted(lane, rate, job, now)
    if rate then rate:take(now, job.priority == priority.PAGE) end
    lane.breaker:allow(now)
    if why then launch_digest(self, lane, digests.members(lane, above), why, now)
    else launch(self, lane, job, now) end
  end
end

-- What keeps LANE from sending, for those who will not wait.
local function obstacle(self, lane, now)
  if not lane.breaker:ready(now) then return "the circuit breaker of this receiver is open" end
  if lane.hold > now then return "this receiver wants no messages for another " .. math.ceil(lane.hold - now) .. " s" end
  local rate = self.buckets[lane.target.receiver]
  if rate and not rate:has(now) then return "the rate of this receiver holds it back" end
  return "it could not leave in time"
end

-- Will nothing leave LANE for a while?
local function is_open(lane, now)
  local look = lane.breaker:look(now)
  return look.forced == "open" or not look.forced and look.state == "open"
end

-- Jobs that do not wait: whose deadline has come, and those with one try when the breaker is open.
local function refuse(self, now)
  local over, at = {}, nil
  for job in pairs(self.impatient) do
    local lane = self.lanes[job.target]
    if not job.flying then
      if job.deadline <= now or job.once and is_open(lane, now) then over[#over + 1] = job
      else at = sooner(at, job.deadline) end
    end
  end
  for _, job in ipairs(over) do drop(self, job, "failed", obstacle(self, self.lanes[job.target], now), now) end
  return at
end

-- Jobs with a deadline do not stand in line: somebody waits for them.
local function ahead(self, now)
  local list = {}
  for job in pairs(self.impatient) do
    if not job.flying then list[#list + 1] = job end
  end
  table.sort(list, function(a, b) return a.serial < b.serial end)
  for _, job in ipairs(list) do
    local lane = self.lanes[job.target]
    local rate = self.buckets[lane.target.receiver]
    local urgent = job.priority == priority.PAGE
    if open(lane, now) and (not rate or rate:has(now, urgent)) then
      if rate then rate:take(now, urgent) end
      lane.breaker:allow(now)
      launch(self, lane, job, now)
    end
  end
end

--- Send what has a deadline, or let it go.  Answers when to look again, or nil.
function M:hurry(now)
  if not next(self.impatient) then return nil end
  ahead(self, now)
  return refuse(self, now)
end

--- Send what may be sent.  Answers when to look again, or nil.
function M:pump(now)
  local at = self:hurry(now)
  for _, key in ipairs(self.order) do at = sooner(at, pump_lane(self, self.lanes[key], now)) end
  return at
end

-- -- state --------------------------------------------------------------------------

--- Force the breakers of all integrations of receiver NAME: HOW is "open", "closed" or nil.  Answers their keys.
function M:force(name, how)
  local keys = {}
  for key, lane in pairs(self.lanes) do
    if lane.target.receiver == name then
      lane.breaker:force(how)
      keys[#keys + 1] = key
    end
  end
  return keys
end

--- The breaker of the lane KEY as a plain value; nil when there is no such lane.
function M:breaker_of(key) return self.lanes[key] and self.lanes[key].breaker:save() end

--- That of another node, SAVED, is ours now.  It may have been its own way there that failed, so an open one lets a message try at
-- once.  False when there is no such lane.
function M:take_breaker(key, saved)
  local lane = self.lanes[key]
  if not lane then return false end
  saved.opened_at = nil
  lane.breaker = breaker.new(lane.target.breaker, saved, tells_turns(self, lane))
  return true
end

--- How each lane stands: key → its breaker, what it holds back, its trouble and its rate, as `configure` takes it.
function M:breakers()
  local out = {}
  for key, lane in pairs(self.lanes) do
    out[key] = lane.breaker:save()
    local rate = self.buckets[lane.target.receiver]
    out[key].hold, out[key].trouble, out[key].rate = lane.hold, lane.trouble, rate and rate:save()
  end
  return out
end

--- How full each lane is and how its breaker stands at NOW: list of {key, receiver, kind, queued, flying, breaker, hold, ...}.
function M:lanes_list(now)
  local out = {}
  for i, key in ipairs(self.order) do
    local lane = self.lanes[key]
    out[i] = { key = key, receiver = lane.target.receiver, kind = lane.target.kind, index = lane.target.index, queued = lane.n,
      flying = lane.flying, waiting = lane.counts, oldest = lane:oldest(), breaker = lane.breaker:look(now), hold = lane.hold,
      trouble = lane.trouble, fell = lane.fell, fallback = lane.target.fallback,
      fallback_after = lane.target.fallback_after,
      rate = self.buckets[lane.target.receiver] }
  end
  return out
end

return M
