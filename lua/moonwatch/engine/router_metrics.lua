--- router_metrics.lua - what the router says of itself in numbers.
local M = {}

local BREAKER = { closed = 0, ["half-open"] = 1, open = 2 }

--- Set the gauges from what ROUTER knows at NOW.
function M.measure(router, now)
  local count = { active = 0, suppressed = 0 }
  for _, alert in ipairs(router.alerts:firing(now)) do
    local status = router:status(alert, now)
    local muted = status.inhibited_by or #status.silenced_by > 0
    count[muted and "suppressed" or "active"] = count[muted and "suppressed" or "active"] + 1
  end
  local metric = router.host.metric
  for name, n in pairs(count) do metric("set", "moonwatch_alerts", { state = name }, n, "Alerts by state.") end
  for name, n in pairs(router.silences:counts(now)) do metric("set", "moonwatch_silences", { state = name }, n, "Silences by state.") end
  local queued = {}
  for _, lane in ipairs(router.outbox:lanes_list()) do
    queued[lane.receiver] = (queued[lane.receiver] or 0) + lane.queued
    metric("set", "moonwatch_breaker_state", { receiver = lane.receiver, integration = lane.kind }, BREAKER[lane.breaker],
      "Circuit breaker of a receiver: 0 closed, 1 half-open, 2 open.")
  end
  for name, n in pairs(queued) do metric("set", "moonwatch_notification_queue", { receiver = name }, n, "Messages waiting for a receiver.") end
end

--- One try was answered.
function M.attempted(host, job, outcome)
  local who = { receiver = job.note.receiver, integration = job.note.integration }
  if outcome.seconds then
    host.metric("observe", "moonwatch_notification_seconds", who, outcome.seconds, "How long a receiver took to answer.")
  end
  if not outcome.ok then
    host.metric("add", "moonwatch_notification_failures_total", who, 1, "Tries that a receiver did not take.")
  end
end

local COUNTED = { sent = true, failed = true, dropped = true }

--- A message came to its end.
function M.finished(host, job, result)
  if not COUNTED[result] then return end
  local labels = { receiver = job.note.receiver, integration = job.note.integration, result = result }
  host.metric("add", "moonwatch_notifications_total", labels, 1, "Messages by how they ended.")
end

return M
