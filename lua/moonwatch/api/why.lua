--- why.lua - "why was I told, or not?": the whole story of an alert.
--
-- The router's half: the alert as it is known, the routes that took it, its groups with what was
-- decided for each receiver and when they are next looked at, what mutes it, who acknowledged it, what
-- was sent and how that was answered.  The rules' half (value, pending since, last error) is asked of
-- the rules actor and put beside it; so is what is known of a rule of another word, which has no alerts.
local Alerts = require "moonwatch.route.alerts"
local Tree = require "moonwatch.route.tree"
local labels = require "moonwatch.route.labels"
local mute = require "moonwatch.route.mute"
local notifications = require "moonwatch.api.notifications"
local reply = require "moonwatch.api.router_reply"

local M = {}

local SENT = 20

local function matches(alert, want)
  for name, value in pairs(want) do
    if (alert.labels[name] or "") ~= value then return false end
  end
  return true
end

local function decisions(router, group)
  local out = {}
  for target, d in pairs(group.decisions) do
    local entry = router.ledger:get(group.key, target)
    out[#out + 1] = { receiver = target, time = router.host.rfc3339(d.time), sent = d.sent, reason = d.reason,
      last_told = entry and router.host.rfc3339(entry.time) or nil }
  end
  table.sort(out, function(a, b) return a.receiver < b.receiver end)
  return router.host.json.array(out)
end

local function group_story(router, node, alert, now)
  local host = router.host
  local key = node.uid .. ":" .. labels.text(Tree.group_labels(node, alert.labels))
  local group = router.groups[key]
  local reason = mute.reason(alert.labels, node, router, now)
  local out = { route = node.key, receiver = node.receiver, escalation = node.escalate,
    muted = reason and { kind = reason.kind, by = host.json.array(reason.by), text = reason.text } or nil }
  if not node.receiver and not node.escalate then out.note = "this route has no receiver: nobody is told" end
  if not group then return out end
  local step = router:step_due(group)
  out.group = { key = group.key, labels = group.labels, next = host.rfc3339(group.next), flushed = group.flushed,
    next_step = step and host.rfc3339(step) or nil, steps_taken = group.escalation and group.escalation.step or nil,
    decisions = decisions(router, group) }
  return out
end

local function story(router, alert, now)
  local host = router.host
  local ack = router.acks:covering(alert, now)
  local routes = {}
  for i, node in ipairs(router.tree:match(alert.labels)) do routes[i] = group_story(router, node, alert, now) end
  local sent = router.history:find(function(e)
    for _, a in ipairs(e.alerts) do
      if a.fp == alert.fp then return true end
    end
    return false
  end, SENT)
  for i, e in ipairs(sent) do sent[i] = notifications.shown(host, e) end
  return {
    fingerprint = alert.fp, labels = alert.labels, annotations = alert.annotations, value = alert.value,
    threshold = alert.threshold, evidence = alert.evidence, state = Alerts.resolved(alert, now) and "resolved" or "firing",
    starts = host.rfc3339(alert.starts_at), ends = alert.ends_at and host.rfc3339(alert.ends_at) or nil,
    updated = host.rfc3339(alert.updated_at),
    ack = ack and { id = ack.id, author = ack.author, comment = ack.comment, ends = ack.ends_at and host.rfc3339(ack.ends_at) or nil } or nil,
    routes = host.json.array(routes), notifications = host.json.array(sent),
  }
end

-- Of the rules actor's answer to GET /api/v1/rules: the rules called NAME.
local function rules_named(host, answer, name)
  local found = {}
  local body = answer.body and host.json.decode(answer.body)
  local data = type(body) == "table" and body.data or {}
  for _, group in ipairs(data.groups or {}) do
    for _, rule in ipairs(group.rules or {}) do
      if rule.name == name then found[#found + 1] = rule end
    end
  end
  return found
end

-- Rules of any word that are called NAME, as /api/mw/v1/rules shows them.
local function others_named(host, answer)
  local body = answer.status == 200 and host.json.decode(answer.body)
  return type(body) == "table" and body.rules or {}
end

-- What rules are called NAME; DONE(list), at once or later.
local function find_rules(host, name, done)
  local function ask(path, query, then_do)
    host.ask("rules", { type = "http", method = "GET", path = path, query = query, headers = {}, body = "" }, function(answer) then_do(answer or {}) end)
  end
  ask("/api/v1/rules", { type = { "alert" } }, function(answer)
    local found = rules_named(host, answer, name)
    if #found > 0 then return done(found) end
    ask("/api/mw/v1/rules/" .. name, {}, function(other) done(others_named(host, other)) end)
  end)
end

local function wanted(msg)
  local want = { alertname = reply.param(msg, "alert") }
  for _, pair in ipairs(reply.params(msg, "label")) do
    local name, value = pair:match "^([^=]+)=(.*)$"
    if not name then return nil, ("bad label %q: write name=value"):format(pair) end
    want[name] = value
  end
  if not want.alertname then return nil, "say which alert: ?alert=NAME&label=name=value" end
  return want
end

local function get(router, msg, now)
  local host = router.host
  local want, err = wanted(msg)
  if not want then return reply.problem(host, 400, "bad_request", err) end
  local alerts = {}
  for _, alert in ipairs(router.alerts:list()) do
    if matches(alert, want) then alerts[#alerts + 1] = story(router, alert, now) end
  end
  local finished, waiting
  find_rules(host, want.alertname, function(rules)
    local nothing = #rules == 0 and #alerts == 0
    finished = nothing and reply.problem(host, 404, "not_found", ("no rule and no alert is called %q"):format(want.alertname))
      or reply.json(host, 200, { alert = want.alertname, rules = host.json.array(rules), alerts = host.json.array(alerts), sending = router.holds })
    if waiting then msg.reply(finished) end
  end)
  if finished then return finished end
  waiting = true
  return host.later
end

local ROWS = { { "GET", "^/api/mw/v1/why/?$", get } }

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
