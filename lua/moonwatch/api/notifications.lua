--- notifications.lua - what was sent, and how each receiver is doing.
local reply = require "moonwatch.api.router_reply"

local M = {}

local MOST = 1000

local function named(entry, name)
  for _, alert in ipairs(entry.alerts) do
    if alert.labels.alertname == name then return true end
  end
  return false
end

local function shown_attempts(host, attempts)
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
    attempts = shown_attempts(host, e.attempts) }
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

local function receivers(router, _, now)
  local host, by, out = router.host, {}, {}
  for name in pairs(router.receivers) do
    by[name] = { name = name, integrations = host.json.array {} }
    out[#out + 1] = by[name]
  end
  for _, lane in ipairs(router.outbox:lanes_list()) do
    table.insert(by[lane.receiver].integrations, { kind = lane.kind, queued = lane.queued, flying = lane.flying,
      breaker = lane.breaker, held_until = lane.hold > now and host.rfc3339(lane.hold) or nil })
  end
  table.sort(out, function(a, b) return a.name < b.name end)
  return reply.json(host, 200, { receivers = host.json.array(out) })
end

-- A test message; the answer waits for the receiver's.
local function test(router, msg, now, name)
  local host = router.host
  local answer
  local ok, why = router:test(name, now, function(results)
    local good = true
    for _, r in ipairs(results) do
      good = good and r.result == "sent"
      r.attempts = shown_attempts(host, r.attempts)
    end
    answer = reply.json(host, 200, { ok = good, results = host.json.array(results) })
    if msg.waiting then msg.reply(answer) end
  end)
  if not ok then return reply.problem(host, 404, "not_found", why) end
  router.outbox:pump(now)
  if answer then return answer end
  msg.waiting = true
  return host.later
end

local ROWS = {
  { "GET", "^/api/mw/v1/notifications/?$", list },
  { "GET", "^/api/mw/v1/receivers/?$", receivers },
  { "POST", "^/api/mw/v1/receivers/([^/]+)/test$", test },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
