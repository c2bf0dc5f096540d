--- why_timeline.lua - the story of an alert in order of time, out of the journal, the history of messages, the audit and the rules.
--
-- Each event: { time=, kind=, text=, count= and last= of what happened several times, receiver=, by= }.
local Ack = require "moonwatch.route.ack"
local matchers = require "moonwatch.route.matchers"
local verdict = require "moonwatch.api.why_verdict"
local words = require "moonwatch.api.why_words"

local M = {}

local MOST = 500

-- What gathers events; SINCE: nothing before that is told.
local function collector(since, till)
  local out = { list = {} }
  function out.put(time, kind, text, more)
    if not time or time < since or time > till then return end
    local event = { at = time, kind = kind, text = text, serial = #out.list + 1 }
    for name, value in pairs(more or {}) do event[name] = value end
    out.list[#out.list + 1] = event
  end
  return out
end

local function number(v) return type(v) == "number" and ("%.6g"):format(v) or v and words.line(v) or nil end

local function valued(v) return v ~= nil and (", value %s"):format(number(v)) or "" end

-- -- the alert itself --------------------------------------------------------------

local EPISODE = { fired = "it fires", resolved = "it is over" }

local function of_alert(router, alert, book, out)
  local noted -- the last beginning or end that the book knows
  for _, e in ipairs(book) do
    if EPISODE[e.kind] then
      noted = e
      out.put(e.time, e.kind, EPISODE[e.kind] .. valued(e.value), { value = e.value })
    elseif e.kind == "muted" then
      local who = words.muted(router, e.reason, e.time, e.source)
      out.put(e.time, "muted", who.text, { by = who.by })
    elseif e.kind == "unmuted" then
      out.put(e.time, "unmuted", "it is not muted any more")
    end
  end
  if not alert then return end
  if not noted or noted.kind == "resolved" and alert.starts_at > noted.time then
    local threshold = alert.threshold ~= nil and (" (threshold %s)"):format(number(alert.threshold)) or ""
    out.put(alert.starts_at, "fired", EPISODE.fired .. valued(alert.value) .. threshold, { value = alert.value })
    if alert.seen and alert.seen > alert.starts_at then out.put(alert.seen, "heard", "the router heard of it") end
  end
  local last = book[#book]
  if alert.ends_at and alert.timeout and not (last and last.kind == "resolved") then
    out.put(alert.ends_at, "resolved", "it is over: nobody said it again in time")
  end
end

-- -- its groups --------------------------------------------------------------------

local function of_decision(e, out)
  local text = e.sent and ("%s is to be told: %s"):format(e.target, e.reason) or ("%s is not told: %s"):format(e.target, e.reason)
  out.put(e.since, "decision", text, { receiver = e.target:match "^[^/]*", target = e.target, sent = e.sent, reason = e.reason,
    count = e.n > 1 and e.n or nil, last_at = e.n > 1 and e.time or nil })
end

local function of_group(router, row, set, alert, out)
  local group, key = verdict.group(router, row.node, set)
  out.put(alert and alert.seen or nil, "route", ("route %s, %s; to %s"):format(row.route, words.route(row),
    row.receiver or row.escalation and "escalation " .. row.escalation or "nobody"), { route = row.route, receiver = row.receiver })
  local id = row.node.uid .. key:sub(#row.node.key + 1)
  for _, e in ipairs(router.story:of(id)) do
    if e.kind == "decision" then of_decision(e, out) else
      out.put(e.time, "step", ("escalation %s takes step %d"):format(e.policy or "", e.step), { step = e.step })
    end
  end
  local live = router.story.live[id]
  for _, e in pairs(live and live.decisions or {}) do of_decision(e, out) end
  if not group then return end
  out.put(group.created, "group", ("group %s was made"):format(key), { group = key })
end

-- -- messages ------------------------------------------------------------------------

-- What message E says of FP: "firing", "resolved"; nil: nothing.
local function status_in(e, fp)
  for _, a in ipairs(e.alerts) do
    if a.fp == fp then return a.status end
  end
end

local function of_message(e, fp, out)
  local name = ("%s/%s"):format(e.receiver, e.integration)
  local function more(took) return { receiver = e.receiver, message = e.id, status = status_in(e, fp), took = took } end
  for i, a in ipairs(e.attempts) do
    local answer = a.ok and "took it" or ("did not take it: %s"):format(words.line(a.error or "no answer"))
    -- What the answer says itself is not said twice.
    local status = a.status and not answer:find(a.status, 1, true) and (" (%s)"):format(a.status) or ""
    local took = a.seconds and not answer:find(" after ", 1, true) and (" after %.3g s"):format(a.seconds) or ""
    out.put(a.time, "attempt", ("try %d of the message \"%s\" (%s): %s %s%s%s"):format(i, e.reason or "", e.status, name, answer, status, took), more(a.ok or nil))
  end
  if e.done and e.result ~= "sent" then
    out.put(e.done, "message", ("the message \"%s\" to %s was %s%s"):format(e.reason or "", name, e.result, e.why and ": " .. words.line(e.why) or ""), more())
  elseif not e.done and #e.attempts == 0 then
    out.put(e.time, "message", ("a message \"%s\" to %s waits"):format(e.reason or "", name), more())
  end
end

-- -- people ----------------------------------------------------------------------------

local DID = {
  ["silence.made"] = "%s made silence %s", ["silence.changed"] = "%s changed silence %s", ["silence.expired"] = "%s ended silence %s",
  ["ack.made"] = "%s acknowledged it", ["ack.handed-over"] = "%s handed it over to %s", ["ack.taken-back"] = "%s took the acknowledgement back",
  ["ack.expired"] = "the time of the acknowledgement is over",
}

local function of_people(router, alert, set, out)
  local silences, acks = {}, {}
  for _, s in pairs(router.silences.by_id) do
    for _, list in ipairs(router.silences.compiled[s.id].sets) do
      if matchers.match(list, set) then silences[s.id] = true end
    end
  end
  for id, a in pairs(router.acks.by_id) do
    if alert and Ack.speaks_of(a, alert) then acks[id] = true end
  end
  for _, e in ipairs(router.audits.list) do
    local d, form = e.details, DID[e.what]
    local about = silences[d.silence] or acks[d.ack] or d.alerts and d.alerts == M.ack_text(set, d.alerts)
    if form and about then
      local comment = d.comment and d.comment ~= "" and (" (%s)"):format(words.line(d.comment)) or ""
      out.put(e.time, e.what:match "^%a+", form:format(words.line(e.who), words.line(d.silence or d.person or "")) .. comment, { author = e.who })
    end
  end
end

--- TEXT if it is that of labels that SET has all of, as an audit entry of an ack that is over keeps them.
function M.ack_text(set, text)
  local any = false
  for name, value in text:gmatch '([%w_]+)="([^"]*)"' do
    any = true
    if set[name] ~= value then return nil end
  end
  return any and text or nil
end

local MARKS = {
  config = function() return "a new configuration was taken" end,
  lease = function(m) return m.held and "this node sends the notifications from now on" or "another node sends the notifications from now on" end,
}

-- -- the whole -------------------------------------------------------------------------

local function before(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.serial < b.serial
end

-- The rules' half: {samples={ {t,v} }, changes={ {time=, from=, to=, value=} }, active_at=, fired_at=}.
local function of_rule(half, out)
  for _, p in ipairs(half.samples or {}) do out.put(p[1], "sample", ("value %s"):format(number(p[2])), { value = p[2] }) end
  local pending = false
  for _, c in ipairs(half.changes or {}) do
    if c.to == "pending" then
      pending = true
      out.put(c.time, "pending", "it is pending" .. valued(c.value), { value = c.value })
    elseif c.from == "pending" and not c.to then
      out.put(c.time, "gone", "it is not pending any more" .. valued(c.value), { value = c.value })
    elseif c.from == "firing" and c.to == "firing" then
      out.put(c.time, "severity", "its severity changed" .. valued(c.value), { value = c.value })
    end
  end
  if not pending and half.active_at and half.active_at ~= half.fired_at then out.put(half.active_at, "pending", "it is pending") end
end

--- Events about the alert with labels SET and fingerprint FP (ALERT, when the router knows it), from SINCE to TILL, oldest first.
-- EXPLAINED: what explain.lua says; HALF: what the rules know of it, or nil.
function M.of(router, alert, set, fp, explained, half, since, till)
  local out = collector(since, till)
  if half then of_rule(half, out) end
  of_alert(router, alert, router.story:of(fp), out)
  for _, row in ipairs(explained) do
    if row.state == "taken" then of_group(router, row, set, alert, out) end
  end
  for _, e in ipairs(router.history:find(function(e) return status_in(e, fp) ~= nil end, 100)) do of_message(e, fp, out) end
  of_people(router, alert, set, out)
  local first = math.huge
  for _, e in ipairs(out.list) do first = math.min(first, e.at) end
  for _, m in ipairs(router.story.marks) do
    if m.time > first then out.put(m.time, m.kind, MARKS[m.kind](m)) end
  end
  table.sort(out.list, before)
  while #out.list > MOST do table.remove(out.list, 1) end
  return out.list
end

--- EVENTS as JSON shows them.
function M.shown(host, events)
  local out = host.json.array {}
  for i, e in ipairs(events) do
    local row = {}
    for name, value in pairs(e) do row[name] = value end
    row.time, row.last = host.rfc3339(e.at), e.last_at and host.rfc3339(e.last_at) or nil
    row.at, row.serial, row.last_at = nil, nil, nil
    out[i] = row
  end
  return out
end

--- Did it fire at TIME, as EVENTS (from the beginning) know?  And who mutes it then: the last words.
function M.at(events, time, receiver)
  local out = { firing = false, decisions = {} }
  for _, e in ipairs(events) do
    if e.at > time then break end
    if e.kind == "fired" then out.firing, out.muted = true, nil
    elseif e.kind == "resolved" then out.firing, out.muted = false, nil
    elseif e.kind == "muted" then out.muted = e.text
    elseif e.kind == "unmuted" then out.muted = nil
    elseif e.kind == "decision" and (not receiver or e.receiver == receiver) then out.decisions[e.target] = e end
  end
  return out
end

return M
