--- pagerduty.lua - what people do in PagerDuty with our incidents, told by its webhooks (V3).
--
-- An incident is ours when its key is the hash of a group's key, which is what to/pagerduty.lua sends as
-- dedup key.  Who acknowledges there is on it here, and PagerDuty is not told of that again; who resolves
-- there what still fires here is on it, too.  A post may come twice or late, so what is not newer than what
-- was last heard of an incident changes nothing.
local acks = require "moonwatch.engine.router.acks"
local labels_of = require "moonwatch.route.labels"
local people = require "moonwatch.route.people"
local reply = require "moonwatch.api.router_reply"
local secrets = require "moonwatch.api.secrets"

local M = {}

local BODY, SIGNATURES, NAME, KEPT = 1048576, 10, 100, 1000

local function refusal(router, msg)
  local host = router.host
  local list, missing = secrets.list(router, "pagerduty")
  if not list then return reply.problem(host, 503, "not_configured", missing) end
  local signatures = {}
  for version, hex in ((msg.headers or {})["x-pagerduty-signature"] or ""):gmatch "(v%d+)=(%x+)" do
    if version == "v1" and #signatures < SIGNATURES then signatures[#signatures + 1] = hex end
  end
  if #signatures == 0 then return reply.problem(host, 401, "unauthorized", "the header with PagerDuty's signature is missing") end
  if not secrets.signed(host, list, msg.body, signatures) then
    return reply.problem(host, 401, "unauthorized", "no signature fits the secret of the webhook")
  end
end

-- -- what happened -----------------------------------------------------------------

local function text(x) return type(x) == "string" and x ~= "" and x:gsub("%c", " "):sub(1, NAME) or nil end

local function who(router, event)
  local agent = type(event.agent) == "table" and event.agent or {}
  local names = {}
  for _, name in ipairs { "id", "summary" } do names[#names + 1] = text(agent[name]) end
  return people.known(router.people, names) or text(agent.summary) or "somebody in PagerDuty"
end

-- Only of alerts nobody is on: what one acknowledged here and passed on comes back as an echo.
local function take(comment)
  return function(router, groups, event, now)
    local set, free = {}, {}
    for _, alert in ipairs(acks.firing(groups, now, now)) do
      if not router.acks:covering(alert, now) then set[alert.fp], free[#free + 1] = true, alert end
    end
    if #free == 0 then return "nothing of it fires that nobody is on" end
    local kept, why = router:ack({ labels = labels_of.common(acks.labels(free)), alerts = set, author = who(router, event), comment = comment,
      way = "pagerduty" }, now)
    return kept and "acknowledged" or why
  end
end

-- Acks that speak of nothing but these groups end; one that was said of more stays.
local function release(router, groups, event, now)
  local inside, ids = {}, {}
  for _, alert in ipairs(acks.firing(groups, now, now)) do inside[alert.fp] = alert end
  for _, alert in pairs(inside) do
    local ack = router.acks:covering(alert, now)
    if ack then ids[ack.id] = true end
  end
  for _, alert in ipairs(router.alerts:firing(now)) do
    local ack = not inside[alert.fp] and router.acks:covering(alert, now)
    if ack then ids[ack.id] = nil end
  end
  local some
  for id in pairs(ids) do
    router:unack(id, who(router, event), now)
    some = true
  end
  return some and "nobody is on it any more" or "nobody was on it"
end

local EVENTS = {
  ["incident.acknowledged"] = take(nil), ["incident.resolved"] = take "resolved in PagerDuty",
  ["incident.unacknowledged"] = release, ["incident.reassigned"] = release, ["incident.escalated"] = release,
  ["incident.reopened"] = release, ["incident.delegated"] = release,
}

-- -- order -------------------------------------------------------------------------

-- Is what happened AT news of the incident of HASH?  Remembers it.
local function is_news(router, hash, at)
  local heard = router.heard
  if heard[hash] and heard[hash] >= at then return false end
  local n, oldest = 0, nil
  for key, when in pairs(heard) do
    n = n + 1
    if not oldest or when < heard[oldest] then oldest = key end
  end
  if n >= KEPT and not heard[hash] then
    heard[oldest] = nil
    router.book:mark("pagerduty", oldest)
  end
  heard[hash] = at
  router.share("pagerduty", hash, { at = at })
  return true
end

local function said(router, result, more)
  local out = { result = result }
  for k, v in pairs(more or {}) do out[k] = v end
  return reply.json(router.host, 200, out)
end

local function take_event(router, event, now)
  local does = EVENTS[event.event_type]
  if not does then return said(router, "ignored", { reason = "this kind of event changes nothing here" }) end
  local data = type(event.data) == "table" and event.data or {}
  local hash = type(data.incident_key) == "string" and data.incident_key:match "^%x+$"
  if not hash or #hash ~= 64 then return said(router, "ignored", { reason = "the incident has no key of ours" }) end
  local groups = acks.groups(router, hash)
  if #groups == 0 then return said(router, "ignored", { reason = "no group here has this incident's key" }) end
  local at = type(event.occurred_at) == "string" and router.host.parse_time(event.occurred_at)
  if not at then return reply.problem(router.host, 400, "bad_request", "event.occurred_at is no time") end
  if not is_news(router, hash, at) then return said(router, "ignored", { reason = "something later of this incident is known already" }) end
  return said(router, does(router, groups, event, now))
end

local function webhook(router, msg, now)
  local host = router.host
  if #(msg.body or "") > BODY then return reply.problem(host, 413, "too_large", ("the body is larger than %d bytes"):format(BODY)) end
  local refused = refusal(router, msg)
  if refused then return refused end
  local body, why = host.json.decode(msg.body)
  local event = type(body) == "table" and body.event
  if type(event) ~= "table" then
    return reply.problem(host, 400, "bad_request", "the body must be a JSON object with an event" .. (why and ": " .. tostring(why) or ""))
  end
  return take_event(router, event, now)
end

local ROWS = { { "POST", "^/api/mw/v1/pagerduty/webhook$", webhook } }

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
