--- notifications.lua - what was sent to whom, when, and what became of it.
local reply = require "moonwatch.api.router_reply"

local M = {}

local MOST = 1000

local function named(entry, name)
  for _, alert in ipairs(entry.alerts) do
    if alert.labels.alertname == name then return true end
  end
  return false
end

--- The tries of a message as JSON shows them.
function M.attempts(host, attempts)
  local out = {}
  for i, a in ipairs(attempts) do
    out[i] = { time = host.rfc3339(a.time), ok = a.ok, status = a.status, error = a.error, seconds = a.seconds }
  end
  return host.json.array(out)
end

--- One entry of the history as JSON shows it.
function M.shown(host, e)
  local alerts = {}
  for i, a in ipairs(e.alerts) do alerts[i] = { fingerprint = a.fp, labels = a.labels, status = a.status } end
  return { id = e.id, time = host.rfc3339(e.time), receiver = e.receiver, integration = e.integration, status = e.status,
    reason = e.reason, result = e.result, why = e.why, test = e.test, digest = e.digest, fallback = e.fallback, done = e.done and host.rfc3339(e.done),
    groupKey = e.group_key, groupLabels = e.group_labels, alerts = host.json.array(alerts),
    attempts = M.attempts(host, e.attempts) }
end

local function list(router, msg)
  local receiver, alert, result = reply.param(msg, "receiver"), reply.param(msg, "alert"), reply.param(msg, "result")
  local limit = math.min(MOST, tonumber(reply.param(msg, "limit") or 100) or 100)
  local out = router.history:find(function(e)
    return (not receiver or e.receiver == receiver) and (not result or e.result == result) and (not alert or named(e, alert))
  end, limit)
  for i, e in ipairs(out) do out[i] = M.shown(router.host, e) end
  return reply.json(router.host, 200, { notifications = router.host.json.array(out) })
end

local ROWS = {
  { "GET", "^/api/mw/v1/notifications/?$", list },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
