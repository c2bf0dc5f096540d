--- outbox.lua - the router and its outbox: what becomes of a message is written into ledger, history and numbers.
local Alerts = require "moonwatch.route.alerts"
local Deliver = require "moonwatch.route.deliver"
local compat = require "moonwatch.engine.router.compat"
local digest = require "moonwatch.to.digest"
local fallback = require "moonwatch.engine.router.fallback"
local flush = require "moonwatch.engine.router.flush"
local flying = require "moonwatch.engine.router.flying"
local metrics = require "moonwatch.engine.router.metrics"
local notify = require "moonwatch.route.notify"
local repeats = require "moonwatch.engine.router.repeat"
local sooner = require "moonwatch.sooner"
local to = require "moonwatch.to"

local M = {}

local TEST_PATIENCE = 25

-- The receiver of JOB may know what it says.
local function may_know(router, job, now)
  if job.acknowledges or job.notice or job.once or job.how.compat then return end
  router:believe(job.group_key, job.target, notify.entry_unsure(router.ledger:get(job.group_key, job.target), job.view, now))
end

-- A try was answered.
local function attempted(router, job, outcome, now)
  flying.landed(router, job)
  job.memo = outcome.memo or job.memo
  router.history:update(job, nil, nil, now)
  metrics.attempted(router.host, job, outcome)
  if outcome.ok then return end
  if outcome.unsure then
    for _, one in ipairs(job.members or { job }) do may_know(router, one, now) end
  end
  router.host.log("warn", "a notification was not taken",
    { receiver = job.note.receiver, integration = job.note.integration, error = outcome.error, status = outcome.status,
      try = job.tries, again = outcome.retry or false })
end

-- The receiver knows now what JOB says.
local function told(router, job, now)
  local entry = router.ledger:get(job.group_key, job.target)
  metrics.told(router.host, job, entry, now)
  local after = notify.entry_after(entry, job.view, job.how, now)
  -- What the next message of the group may change; when all is over the next one is new.
  after.memo = next(after.firing) and (job.memo or entry and entry.memo) or nil
  after.repeats = job.note.reason == "repeat" and (entry and entry.repeats or 0) + 1 or nil
  after.fallback = (job.fallback or entry and entry.fallback) and true or nil
  router:believe(job.group_key, job.target, after)
end

local TOLD = { sent = true, digested = true }
local FAILED = { failed = true, deferred = true }
local REPLACED = { superseded = true, cancelled = true }

-- A message came to its end.
local function finished(router, job, result, why, now)
  flying.landed(router, job)
  router.history:update(job, result, why, now)
  metrics.finished(router.host, job, result)
  if job.answer then return job.answer(result, why, job) end
  if job.note.drill then router.drills:finished(job, result, why, now) end
  if job.acknowledges or job.digest or job.notice then return end
  local group = router.groups[job.group_id]
  if TOLD[result] then
    told(router, job, now)
    fallback.recall(router, job, "the receiver was told after all", now)
    if group then repeats.plan(router, group, now) end
  elseif FAILED[result] then
    fallback.tell(router, job, why, now)
    if group then group.failed = true end
  elseif result == "cancelled" then
    fallback.recall(router, job, why, now)
  end
  if not group or REPLACED[result] then return end
  local over = group.seen and not group.failed and not group.again and not router.outbox:owes(job.group_key)
  if over then flush.settle(router, group, group.seen) end
  if group.again or group.late then
    group.again, group.late = nil, nil
    router:wake(group, now)
  end
end

-- The message for TARGET that stands for JOBS.
local function digested(router, target, jobs, why, now)
  local note = digest.note(target, jobs, why, router.host, router.settings.external_url, now)
  router.history:open({ note = note }, now)
  return note
end

-- Give NOTE to TARGET in the manner of its route.
local function send(router, target, note, now, done)
  if note.compat ~= "alertmanager" then return router.o.send(target, note, now, done) end
  router.o.send(target, note, now, function(outcome, at) done(compat.outcome(target, outcome), at) end)
end

--- The other nodes hear how the breaker of the integration KEY stands: one of them may take over.
function M.share_breaker(router, key) router.share("receiver-breaker", key, router.outbox:breaker_of(key)) end

--- The outbox of ROUTER.
function M.new(router)
  return Deliver.new {
    send = function(target, note, now, done) send(router, target, note, now, done) end,
    before_send = function(now) router.book:flush(now) end,
    launch = function(job) flying.left(router, job) end,
    attempt = function(job, outcome, now) attempted(router, job, outcome, now) end,
    finish = function(job, result, why, now) finished(router, job, result, why, now) end,
    digest = function(target, jobs, why, now) return digested(router, target, jobs, why, now) end,
    changed = function(key) router.book:mark("job", key) end,
    turned = function(target, look)
      metrics.turned(router.host, target, look)
      if router.holds then M.share_breaker(router, target.key) end
    end,
    limited = function(target) metrics.limited(router.host, target) end,
  }
end

--- Send what may be sent, and tell fallbacks what could not be for too long.  Answers when to look again, or nil.
-- While another node speaks only tests leave.
function M.pump(router, now)
  if not router.holds then return router.outbox:hurry(now) end
  local at = router.outbox:pump(now)
  local some, when = fallback.run(router, now)
  if some then at = router.outbox:pump(now) end
  return sooner(at, when)
end

-- Where a test opens something that somebody would have to close, it is followed by its end.
local function close(router, group, target, alert, now)
  local kind = to.kinds[target.kind]
  if not target.send_resolved or not (kind and (kind.hears_acks or kind.digests == "never")) then return end
  local ended = Alerts.view(alert, now)
  ended.status, ended.ends_at = "resolved", now
  local note = flush.notification(router, group, target, { ended }, "test", now)
  note.test = true
  local job = { key = group.key .. "|" .. target.key .. "|end", target = target.key, note = note, group_key = group.key, notice = true,
    view = { firing = {}, resolved = {}, muted = {} }, how = {} }
  router.history:open(job, now)
  router.outbox:put(job, now)
end

--- Send a marked test message to receiver NAME; DONE(list of {integration, result, error, attempts}).
function M.test(router, name, now, done)
  local receiver = router.receivers[name]
  if not receiver then return nil, ("there is no receiver %q"):format(name) end
  local alert = { fp = "0000000000000000", labels = { alertname = "MoonwatchTest", severity = "info", receiver = name }, status = "firing",
    annotations = { summary = "This is a test message, sent by hand. Nothing is wrong." }, starts_at = now, updated_at = now,
    severity = "info", test = true }
  local group = { key = "test/" .. router.host.random_hex(4), labels = { alertname = "MoonwatchTest" } }
  local left, out = #receiver.list, {}
  if left == 0 then done(out) end
  for i, target in ipairs(receiver.list) do
    local note = flush.notification(router, group, target, { alert }, "test", now)
    note.test = true
    local job = { key = group.key .. "|" .. target.key, target = target.key, note = note, once = true, deadline = now + TEST_PATIENCE,
      group_key = group.key, view = {} }
    job.answer = function(result, why, ended)
      out[i] = { integration = target.kind, result = result, error = why, attempts = ended.attempts }
      if result == "sent" then close(router, group, target, alert, now) end
      left = left - 1
      if left == 0 then done(out) end
    end
    router.history:open(job, now)
    router.outbox:put(job, now)
  end
  return true
end

return M
