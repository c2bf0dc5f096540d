--- why.lua - "why was I told, or not?": the whole story of an alert, or of one that nobody heard of.
--
-- The router's half: a verdict for each receiver (why_verdict.lua), the story in order of time (why_timeline.lua), the routes that
-- took it and the matchers that decided, its groups with what was decided for each receiver and when they are next looked at, what
-- mutes it, who acknowledged it, what was sent and how that was answered.  The rules' half (values, pending since, last error) is
-- asked of the rules actor; so is what is known of a rule of another word, which has no alerts.
local Alerts = require "moonwatch.route.alerts"
local Tree = require "moonwatch.route.tree"
local explain = require "moonwatch.route.explain"
local keys_of = require "moonwatch.keys"
local labels = require "moonwatch.route.labels"
local mute = require "moonwatch.route.mute"
local notifications = require "moonwatch.api.notifications"
local past = require "moonwatch.api.why_past"
local reply = require "moonwatch.api.router_reply"
local routes = require "moonwatch.api.why_routes"
local timeline = require "moonwatch.api.why_timeline"
local verdict = require "moonwatch.api.why_verdict"
local words = require "moonwatch.api.why_words"

local M = {}

local SENT = 20
local MOST, NEAR = 50, 5

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
      since = router.host.rfc3339(d.since), count = d.n,
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
  local who = reason and words.muted(router, reason, now)
  local out = { route = node.key, receiver = node.receiver, escalation = node.escalate,
    muted = reason and { kind = reason.kind, by = host.json.array(reason.by), who = who.by, text = reason.text, words = who.text } or nil }
  if not node.receiver and not node.escalate then out.note = "this route has no receiver: nobody is told" end
  if not group then return out end
  local step = router:step_due(group)
  out.group = { key = group.key, labels = group.labels, next = host.rfc3339(group.next), flushed = group.flushed,
    made = host.rfc3339(group.created),
    next_step = step and host.rfc3339(step) or nil, steps_taken = group.escalation and group.escalation.step or nil,
    decisions = decisions(router, group) }
  return out
end

local function ack_of(router, alert, now)
  local ack = router.acks:covering(alert, now)
  return ack and { id = ack.id, author = ack.author, comment = ack.comment, ends = ack.ends_at and router.host.rfc3339(ack.ends_at) or nil } or nil
end

-- The rules' half of the alert with labels SET: the row of HALVES that has them.
local function half_of(halves, set)
  for _, half in ipairs(halves) do
    local same = type(half.labels) == "table"
    for name, value in pairs(same and half.labels or {}) do same = same and set[name] == value end
    if same then return half end
  end
end

local function story(router, alert, halves, query)
  local host, now = router.host, query.now
  local explained, taken = explain.of(router.tree, alert.labels), {}
  for i, node in ipairs(router.tree:match(alert.labels)) do taken[i] = group_story(router, node, alert, now) end
  local sent = router.history:find(function(e)
    for _, a in ipairs(e.alerts) do
      if a.fp == alert.fp then return true end
    end
    return false
  end, SENT)
  for i, e in ipairs(sent) do sent[i] = notifications.shown(host, e) end
  local events = timeline.of(router, alert, alert.labels, alert.fp, explained, half_of(halves, alert.labels), 0, query.at or now)
  local said = query.at and past.of(router, events, query) or verdict.of(router, alert, alert.labels, query.receiver, explained, now)
  return {
    fingerprint = alert.fp, labels = alert.labels, annotations = alert.annotations, value = alert.value,
    threshold = alert.threshold, evidence = alert.evidence, state = Alerts.resolved(alert, now) and "resolved" or "firing",
    starts = host.rfc3339(alert.starts_at), ends = alert.ends_at and host.rfc3339(alert.ends_at) or nil,
    updated = host.rfc3339(alert.updated_at), verdict = said,
    timeline = timeline.shown(host, events), tree = routes.shown(host, explained),
    ack = ack_of(router, alert, now), routes = host.json.array(taken), notifications = host.json.array(sent),
  }
end

-- An alert that only the journal remembers: its labels, its end.
local function forgotten(router, fp, set, halves, query)
  local host = router.host
  local explained = explain.of(router.tree, set)
  local events = timeline.of(router, nil, set, fp, explained, half_of(halves, set), 0, query.at or query.now)
  return { fingerprint = fp, labels = set, annotations = {}, state = "resolved", starts = events[1] and host.rfc3339(events[1].at) or nil,
    verdict = past.of(router, events, { at = query.at or query.now, receiver = query.receiver }), timeline = timeline.shown(host, events),
    tree = routes.shown(host, explained), routes = host.json.array {}, notifications = host.json.array {} }
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

-- What the rules actor knows of alerts with labels WANT: DONE{ alerts={...}, near={...} }, at once or later.
local function ask_story(host, want, done)
  host.ask("rules", { type = "story", labels = want }, function(answer)
    local known = type(answer) == "table" and answer or {}
    done { alerts = type(known.alerts) == "table" and known.alerts or {}, rules = type(known.rules) == "table" and known.rules or {}, near = known.near }
  end)
end

local function wanted(msg)
  local want, why = reply.labels(msg)
  if not want then return nil, why end
  want.alertname = want.alertname or reply.param(msg, "alert")
  if next(want) == nil then return nil, "say which alert: ?alert=NAME&label=name=value" end
  return want
end

-- What is asked: { want=, receiver=, at=, now=, named=true when it was by ?alert= }; nil, message.
local function query_of(router, msg, now)
  local want, err = wanted(msg)
  if not want then return nil, err end
  local query = { want = want, receiver = reply.param(msg, "receiver"), now = now, named = reply.param(msg, "alert") ~= nil }
  local at = reply.param(msg, "at")
  if at then
    query.at = tonumber(at) or router.host.parse_time(at)
    if not query.at then return nil, ("bad time %q: write seconds since 1970 or 2006-01-02T15:04:05Z"):format(words.line(at)) end
  end
  if query.receiver and not router.receivers[query.receiver] then
    return nil, ("there is no receiver %q"):format(words.line(query.receiver))
  end
  return query
end

-- The stories of all alerts that QUERY wants, at most MOST; and of those that only the journal knows.
local function stories(router, halves, query)
  local out, found = {}, {}
  for _, alert in ipairs(router.alerts:list()) do
    if #out < MOST and matches(alert, query.want) then
      out[#out + 1], found[alert.fp] = story(router, alert, halves, query), true
    end
  end
  router.story:each_alert(function(fp, set)
    if #out < MOST and not found[fp] and matches({ labels = set }, query.want) then out[#out + 1] = forgotten(router, fp, set, halves, query) end
  end)
  return out
end

-- How many labels of WANT the SET has.
local function likeness(want, set)
  local n = 0
  for name, value in pairs(want) do
    if set[name] == value then n = n + (name == "alertname" and 2 or 1) end
  end
  return n
end

-- Known alerts that have some of the labels, the most alike first.
local function nearest(router, want, now)
  local rows = {}
  for _, alert in ipairs(router.alerts:list()) do
    local n = likeness(want, alert.labels)
    if n > 0 then rows[#rows + 1] = { labels = alert.labels, state = Alerts.resolved(alert, now) and "resolved" or "firing", n = n } end
  end
  table.sort(rows, function(a, b) return a.n > b.n end)
  local out = router.host.json.array {}
  for i = 1, math.min(NEAR, #rows) do out[i] = { labels = rows[i].labels, state = rows[i].state } end
  return out
end

local RULE_SAYS = {
  inactive = "the rule %s is evaluated and finds nothing", unknown = "the rule %s was not evaluated yet",
  pending = "the rule %s is pending", firing = "the rule %s fires, but with other labels",
}

local function did_you_mean(near) return near and (" (did you mean %s?)"):format(words.line(near)) or "" end

-- The sentence when no alert is known: what of its rule, and what would happen if it came.
local function of_nothing(router, query, rules, near)
  local set = {}
  for name, value in pairs(query.want) do set[name] = value end
  local said = verdict.of(router, nil, set, query.receiver, explain.of(router.tree, set), query.now)
  local why = {}
  for _, rule in ipairs(rules) do
    local name = words.line(rule.name)
    if rule.suspended then why[#why + 1] = ("the rule %s is suspended: it failed too often"):format(name)
    elseif rule.lastError and rule.lastError ~= "" then why[#why + 1] = ("the rule %s fails: %s"):format(name, words.line(rule.lastError))
    elseif rule.heldBack then
      local held = rule.heldBack[1]
      why[#why + 1] = ("the rule %s finds %d and begins no alert while %s fails, which it depends on"):format(name, held.alerts, words.line(held.by))
    elseif RULE_SAYS[rule.state] then why[#why + 1] = RULE_SAYS[rule.state]:format(name) end
  end
  if #rules == 0 then why[1] = "no rule makes such an alert" .. did_you_mean(near) end
  said.text = "nobody was told because no such alert is known here" .. (#why > 0 and ": " .. table.concat(why, "; ") or "")
  said.would = routes.would(router, set, query.now)
  return said
end

-- The one sentence that comes first.
local function first_words(alerts, nothing, query)
  if #alerts == 0 then return nothing.text end
  if #alerts == 1 then return alerts[1].verdict.text end
  local told = 0
  for _, a in ipairs(alerts) do told = told + (a.verdict.told and 1 or 0) end
  return ("%d alerts with these labels; %s of %d of them"):format(#alerts, query.receiver and query.receiver .. " was told" or "somebody was told", told)
end

-- The name of a rule, or of an alert that somebody posted, that is nearly NAME.
local function near_name(router, name, rule)
  if rule or not name then return rule end
  local names = {}
  for _, alert in pairs(router.alerts.by_fp) do names[alert.labels.alertname or ""] = true end
  return router.host.nearest(name, keys_of(names))
end

local function answer_of(router, query, rules, known)
  local host = router.host
  local alerts = stories(router, known.alerts, query)
  local shown = #rules > 0 and rules or known.rules
  local near = #alerts == 0 and #rules == 0 and near_name(router, query.want.alertname, known.near) or nil
  if query.named and #rules == 0 and #alerts == 0 then
    return reply.problem(host, 404, "not_found", ("no rule and no alert is called %q%s"):format(words.line(query.want.alertname), did_you_mean(near)))
  end
  local nothing = #alerts == 0 and of_nothing(router, query, shown, near) or nil
  return reply.json(host, 200, { alert = query.want.alertname, asked = query.want, verdict = first_words(alerts, nothing, query),
    at = query.at and host.rfc3339(query.at) or nil, rules = host.json.array(shown), alerts = host.json.array(alerts), sending = router.holds,
    pending = host.json.array(known.alerts), nothing = nothing, near = #alerts == 0 and nearest(router, query.want, query.now) or nil })
end

local function get(router, msg, now)
  local host = router.host
  local query, err = query_of(router, msg, now)
  if not query then return reply.problem(host, 400, "bad_request", err) end
  local finished, waiting
  local function finish(rules)
    ask_story(host, query.want, function(known)
      finished = answer_of(router, query, rules, known)
      if waiting then msg.reply(finished) end
    end)
  end
  if query.want.alertname then find_rules(host, query.want.alertname, finish) else finish {} end
  if finished then return finished end
  waiting = true
  return host.later
end

local ROWS = { { "GET", "^/api/mw/v1/why/routes/?$", routes.get }, { "GET", "^/api/mw/v1/why/?$", get } }

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
