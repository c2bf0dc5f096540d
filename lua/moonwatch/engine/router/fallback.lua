--- fallback.lua - somebody else is told what a receiver does not take.
--
-- The fallback is told as if it were a receiver of the group: the ledger knows what it believes, so it hears the end too, as
-- anybody who was told once.  What it was not told yet when the receiver is back, it is not told any more.
local fallback = require "moonwatch.route.fallback"
local flush = require "moonwatch.engine.router.flush"
local metrics = require "moonwatch.engine.router.metrics"
local notify = require "moonwatch.route.notify"

local M = {}

local NEWS = { new = true, changed = true }

-- Why somebody else hears of it: { of=, since=, error= } and a sentence.
local function because(router, lane, job, error)
  local of, since = lane.target.receiver, lane.trouble.since
  local why = { of = of, since = since, error = error or lane.trouble.error, path = {} }
  for i, name in ipairs(job.fallback and job.fallback.path or {}) do why.path[i] = name end
  why.path[#why.path + 1] = of
  local said = why.error and (" (%s)"):format(why.error) or ""
  if error then return why, ("because %s did not take this message%s"):format(of, said) end
  return why, ("because %s cannot be reached since %s%s"):format(of, router.host.rfc3339(since), said)
end

local function been(why, name)
  for _, before in ipairs(why.path) do
    if before == name then return true end
  end
  return false
end

-- The alerts that TARGET wants to hear of.
local function wanted(target, alerts)
  if target.send_resolved then return alerts end
  local out = {}
  for _, alert in ipairs(alerts) do
    if alert.status == "firing" then out[#out + 1] = alert end
  end
  return out
end

-- Tell TARGET what JOB says, unless it knows.  True when it is told; "later" when it is just being told something older.
local function tell(router, target, job, why, remark, now)
  local key = job.group_key .. "|" .. target.key
  local waiting = router.outbox:get(key)
  if waiting and waiting.flying then return "later" end
  if waiting and not waiting.fallback then return false end
  local how = { repeat_interval = job.how.repeat_interval, send_resolved = target.send_resolved, compat = job.how.compat }
  local entry = router.ledger:get(job.group_key, target.key)
  if not NEWS[notify.decide(entry, job.view, how, now) or ""] then return false end
  local group = router.groups[job.group_id] or { key = job.group_key, labels = job.note.group_labels }
  local note = flush.notification(router, group, target, wanted(target, job.note.alerts), "fallback", now)
  note.fallback, note.remark = { of = why.of, since = why.since, error = why.error }, remark
  local put = router.outbox:put({ key = key, target = target.key, note = note, group_key = job.group_key, group_id = job.group_id,
    view = job.view, how = how, fallback = why }, now)
  if put then router.history:open(put, now) end
  return put ~= nil
end

--- JOB is told to the fallback of its receiver; ERROR: it was refused for good with that.  True when somebody is told.
function M.tell(router, job, error, now)
  local lane = router.outbox.lanes[job.target]
  local receiver = lane and lane.trouble and router.receivers[lane.target.fallback or ""]
  if not receiver or job.fell or job.note.test or not job.how or not job.how.repeat_interval then return false end
  job.fell = true
  local why, remark = because(router, lane, job, error)
  if been(why, receiver.name) then return false end
  local told = false
  for _, target in ipairs(receiver.list) do
    local how = tell(router, target, job, why, remark, now)
    if how == "later" then job.fell, lane.falls_at = nil, math.min(lane.falls_at or math.huge, now + 1) else told = how or told end
  end
  if not told then return false end
  lane.fell = (lane.fell or 0) + 1
  metrics.fell(router.host, lane.target, receiver.name)
  router.host.log("warn", "a message is told to the fallback of its receiver",
    { receiver = lane.target.receiver, fallback = receiver.name, since = router.host.rfc3339(lane.trouble.since), error = why.error })
  return true
end

--- What has waited too long at NOW is told to others.  True when something was put into the outbox, and when to ask again.
function M.run(router, now)
  local jobs, at = fallback.overdue(router.outbox.lanes, now)
  local some = false
  for _, job in ipairs(jobs) do some = M.tell(router, job, nil, now) or some end
  return some, at
end

--- JOB was told, or is over: what waits for others in its stead is not needed any more, if it is about nothing else.
function M.recall(router, job, why, now)
  local name, waiting = router.targets[job.target] and router.targets[job.target].receiver, {}
  for other in pairs(router.outbox:of_group(job.group_key)) do
    if other.fallback and other.fallback.of == name and not other.flying then waiting[#waiting + 1] = other end
  end
  for _, other in ipairs(waiting) do router.outbox:cancel(other.key, why, now) end
end

return M
