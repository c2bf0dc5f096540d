--- receivers.lua - how each receiver is doing: what waits, what keeps it, who is told instead; and a test message.
local audit = require "moonwatch.engine.router.audit"
local keys_of = require "moonwatch.keys"
local notifications = require "moonwatch.api.notifications"
local outbox = require "moonwatch.engine.router.outbox"
local priority = require "moonwatch.route.priority"
local reply = require "moonwatch.api.router_reply"

local M = {}

local function waiting_of(lane)
  local out = {}
  for p, name in ipairs(priority.names) do out[name] = lane.waiting[p] end
  return out
end

local function rate_of(rate, now)
  if not rate then return nil end
  rate:has(now)
  return { n = rate.n, per = rate.per, burst = rate.burst, pages = rate.pages > 0 and rate.pages or nil, left = math.floor(rate.tokens + 1e-9) }
end

local function trouble_of(trouble, host)
  return trouble and { since = host.rfc3339(trouble.since), error = trouble.error } or nil
end

-- One integration: what waits and flies, and what keeps it from leaving.
local function integration(lane, host, now)
  return { kind = lane.kind, index = lane.index, queued = lane.queued, flying = lane.flying, waiting = waiting_of(lane),
    oldest = lane.oldest and host.rfc3339(lane.oldest) or nil, oldest_seconds = lane.oldest and math.max(0, now - lane.oldest) or nil,
    breaker = lane.breaker.state, breaker_cause = lane.breaker.cause, breaker_forced = lane.breaker.forced,
    breaker_until = lane.breaker.opens_until and host.rfc3339(lane.breaker.opens_until) or nil,
    held_until = lane.hold > now and host.rfc3339(lane.hold) or nil, rate = rate_of(lane.rate, now),
    trouble = trouble_of(lane.trouble, host) }
end

local function list(router, _, now)
  local host, by, out = router.host, {}, {}
  for i, name in ipairs(keys_of(router.receivers)) do
    out[i] = { name = name, integrations = host.json.array {} }
    by[name] = out[i]
  end
  for _, lane in ipairs(router.outbox:lanes_list(now)) do
    local row = by[lane.receiver]
    table.insert(row.integrations, integration(lane, host, now))
    if lane.fallback then
      row.fallback = row.fallback or { receiver = lane.fallback, after = lane.fallback_after, in_use = false }
      row.fallback.in_use = row.fallback.in_use or lane.fell ~= nil
    end
  end
  return reply.json(host, 200, { receivers = host.json.array(out) })
end

-- A test message; the answer waits for the receiver's.
local function test(router, msg, now, name)
  local host, who = router.host, audit.who(msg)
  local answer
  local ok, why = router:test(name, now, function(results)
    local good = true
    for _, r in ipairs(results) do
      good = good and r.result == "sent"
      r.attempts = notifications.attempts(host, r.attempts)
    end
    audit.note(router, "receiver.tested", who, now, { receiver = name, ok = good })
    answer = reply.json(host, 200, { ok = good, results = host.json.array(results) })
    if msg.waiting then msg.reply(answer) end
  end)
  if not ok then return reply.problem(host, 404, "not_found", why) end
  router.outbox:hurry(now)
  if answer then return answer end
  msg.waiting = true
  return host.later
end

local FORCE = { open = true, closed = true, none = true }
local WRONG = 'the body must be a JSON object {"force": "open", "closed" or "none", "author": "who", "reason": "why"}'

-- The breakers of all integrations of a receiver, forced or left to themselves again.
local function force(router, msg, now, name)
  local host = router.host
  if not router.receivers[name] then return reply.problem(host, 404, "not_found", ("there is no receiver %q"):format(name)) end
  local body = host.json.decode(msg.body or "")
  if type(body) ~= "table" or not FORCE[body.force or ""] or type(body.author or "") ~= "string" or type(body.reason or "") ~= "string" then
    return reply.problem(host, 400, "bad_request", WRONG)
  end
  for _, key in ipairs(router.outbox:force(name, body.force ~= "none" and body.force or nil)) do outbox.share_breaker(router, key) end
  router:audit("breaker.forced", audit.who(msg, body.author), now, { breaker = "receiver/" .. name, force = body.force, reason = body.reason })
  return list(router, msg, now)
end

local ROWS = {
  { "GET", "^/api/mw/v1/receivers/?$", list },
  { "POST", "^/api/mw/v1/receivers/(.+)/force$", force },
  { "POST", "^/api/mw/v1/receivers/(.+)/test$", test },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
