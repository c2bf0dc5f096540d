--- metrics.lua - what the router says of itself in numbers.
local Alerts = require "moonwatch.route.alerts"
local mute = require "moonwatch.route.mute"
local priority = require "moonwatch.route.priority"

local M = {}

local FRESH = 600
local BREAKER = { closed = 0, ["half-open"] = 1, open = 2 }

local function who(lane) return { receiver = lane.receiver, integration = lane.kind } end

local function breaker_state(look) return BREAKER[look.forced or look.state] end

--- The breaker of TARGET turned.
function M.turned(host, target, look)
  host.metric("add", "moonwatch_breaker_transitions_total", { receiver = target.receiver, integration = target.kind, to = look.state }, 1,
    "How often a circuit breaker turned.")
end

-- For how long nothing was taken; a failure of long ago says nothing when nothing waits.
local function trouble(lane, now)
  if not lane.trouble or lane.queued == 0 and now - lane.trouble.at > FRESH then return 0 end
  return math.max(0, now - lane.trouble.since)
end

-- What waits, since when, and what keeps it.
local function lanes(router, now)
  local metric, queued = router.host.metric, {}
  for _, lane in ipairs(router.outbox:lanes_list(now)) do
    queued[lane.receiver] = (queued[lane.receiver] or 0) + lane.queued
    metric("set", "moonwatch_breaker_state", who(lane), breaker_state(lane.breaker), "Circuit breaker of a receiver: 0 closed, 1 half-open, 2 open.")
    for p, name in ipairs(priority.names) do
      metric("set", "moonwatch_notifications_queued", { receiver = lane.receiver, integration = lane.kind, priority = name },
        lane.waiting[p], "Messages waiting, by how urgent they are.")
    end
    metric("set", "moonwatch_notifications_flying", who(lane), lane.flying, "Messages sent and not answered yet.")
    metric("set", "moonwatch_notifications_oldest_seconds", who(lane), lane.oldest and math.max(0, now - lane.oldest) or 0,
      "For how long the oldest message has waited.")
    metric("set", "moonwatch_notifications_held_seconds", who(lane), math.max(0, lane.hold - now),
      "For how long the receiver wants no messages (Retry-After).")
    metric("set", "moonwatch_notifications_trouble_seconds", who(lane), trouble(lane, now),
      "For how long the receiver has taken no message it was sent.")
  end
  for name, n in pairs(queued) do metric("set", "moonwatch_notification_queue", { receiver = name }, n, "Messages waiting for a receiver.") end
end

--- Set the gauges from what ROUTER knows at NOW.
function M.measure(router, now)
  local count = { active = 0, suppressed = 0 }
  for _, alert in pairs(router.alerts.by_fp) do
    if not Alerts.resolved(alert, now) then
      local state = mute.is_muted(alert.labels, router.inhibitor, router.silences, now) and "suppressed" or "active"
      count[state] = count[state] + 1
    end
  end
  local metric = router.host.metric
  for name, n in pairs(count) do metric("set", "moonwatch_alerts", { state = name }, n, "Alerts by state.") end
  for name, n in pairs(router.silences:counts(now)) do metric("set", "moonwatch_silences", { state = name }, n, "Silences by state.") end
  metric("set", "moonwatch_acknowledgements", {}, #router.acks:list(), "Acknowledgements in force.")
  for name in pairs(router.oncalls) do
    local about = router.calendars and router.calendars:about(name)
    if about then
      metric("set", "moonwatch_oncall_calendar_failing", { oncall = name }, about.error and 1 or 0,
        "1 while the calendar of a rotation cannot be read; what it said last is in force.")
    end
  end
  local entries, _, bytes = router.story:size()
  metric("set", "moonwatch_decisions_kept", {}, entries, "Entries of the journal of decisions, see `why`.")
  metric("set", "moonwatch_decisions_kept_bytes", {}, bytes, "Memory that the journal of decisions takes, about.")
  local written = router.book:size()
  if written then metric("set", "moonwatch_router_journal_bytes", {}, written, "Bytes of the journal that alerts and what is owed are kept in.") end
  lanes(router, now)
end

--- Somebody said "I am on it", in this WAY.
function M.acknowledged(host, way)
  host.metric("add", "moonwatch_acknowledgements_total", { way = way or "api" }, 1, "Acknowledgements, by where they were said.")
end

--- A step of ESCALATION was taken.
function M.escalated(host, escalation)
  host.metric("add", "moonwatch_escalation_steps_total", { escalation = escalation }, 1, "Steps and reminders of escalations.")
end

local function outcome_of(outcome)
  return outcome.ok and "taken" or outcome.status == 429 and "throttled" or outcome.retry and "failed" or "refused"
end

--- One try was answered.
function M.attempted(host, job, outcome)
  local labels = { receiver = job.note.receiver, integration = job.note.integration }
  if outcome.seconds then
    host.metric("observe", "moonwatch_notification_seconds", labels, outcome.seconds, "How long a receiver took to answer.")
  end
  if not outcome.ok then
    host.metric("add", "moonwatch_notification_failures_total", labels, 1, "Tries that a receiver did not take.")
  end
  host.metric("add", "moonwatch_notifications_attempts_total",
    { receiver = labels.receiver, integration = labels.integration, outcome = outcome_of(outcome) }, 1,
    "Tries by their answer: taken, throttled (429), failed (comes again), refused (does not).")
end

--- The rate of TARGET's receiver begins to hold messages back.
function M.limited(host, target)
  host.metric("add", "moonwatch_notifications_rate_limited_total", { receiver = target.receiver, integration = target.kind }, 1,
    "How often the rate of a receiver began to hold messages back.")
end

--- A message for TARGET is told to FALLBACK, too.
function M.fell(host, target, fallback)
  host.metric("add", "moonwatch_notifications_fallback_total",
    { receiver = target.receiver, integration = target.kind, fallback = fallback }, 1, "Messages that were told to a fallback, too.")
end

--- A message came to its end.
function M.finished(host, job, result)
  local labels = { receiver = job.note.receiver, integration = job.note.integration }
  if job.digest and result == "sent" then
    host.metric("add", "moonwatch_notifications_digests_total", labels, 1, "Messages that were told in place of many.")
  end
  labels.result = result
  host.metric("add", "moonwatch_notifications_total", labels, 1, "Messages by how they ended.")
end

--- JOB told its receiver; ENTRY is what it believed before.  What is new to it took so long from its start.
function M.told(host, job, entry, now)
  local first
  for _, alert in ipairs(job.note.alerts) do
    if alert.status == "firing" and not (entry and entry.firing[alert.fp]) then first = math.min(first or now, alert.starts_at or now) end
  end
  if not first then return end
  host.metric("wait", "moonwatch_notifications_latency_seconds", { receiver = job.note.receiver, integration = job.note.integration },
    now - first, "From the start of an alert until a receiver knows of it.")
end

return M
