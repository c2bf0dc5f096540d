--- why_verdict.lua - was this receiver told of that alert, and if not, why not?  One sentence for each.
--
-- "Told" is what the ledger says: the last message about the alert that the receiver took said that it fires.
local Alerts = require "moonwatch.route.alerts"
local Tree = require "moonwatch.route.tree"
local labels = require "moonwatch.route.labels"
local mute = require "moonwatch.route.mute"
local recipients = require "moonwatch.engine.router.recipients"
local words = require "moonwatch.api.why_words"

local M = {}

-- -- which receivers there are ---------------------------------------------------

-- Who is behind NAME of a step ("oncall:web" is whoever is on call).
local function person(router, name, now)
  local rotation = recipients.rotation(name)
  if not rotation then return name end
  local oncall = router.oncalls[rotation]
  return oncall and oncall:at(now) or nil
end

local function add(list, by, name, way)
  if not name then return end
  local ways = by[name]
  if not ways then
    ways = {}
    by[name], list[#list + 1] = ways, name
  end
  ways[#ways + 1] = way
end

local function steps_of(router, node)
  local out, policy = {}, router.escalations[node.escalate]
  for i, step in ipairs(policy and policy.steps or {}) do
    for _, name in ipairs(type(step.to) == "table" and step.to or { step.to }) do out[#out + 1] = { step = i, name = name, after = step.after } end
  end
  return out
end

--- The group that node NODE has for LABELS, or nil; and what its key is or would be.
function M.group(router, node, set)
  local text = labels.text(Tree.group_labels(node, set))
  return router.groups[node.uid .. ":" .. text], node.key .. ":" .. text
end

--- Receivers that an alert with LABELS reaches: list of names, and by name the ways {node=, group=, key=, step=, after=}.
function M.reached(router, set, now)
  local list, by = {}, {}
  for _, node in ipairs(router.tree:match(set)) do
    local group, key = M.group(router, node, set)
    add(list, by, node.receiver, { node = node, group = group, key = key })
    for _, step in ipairs(steps_of(router, node)) do
      add(list, by, person(router, step.name, now), { node = node, group = group, key = key, step = step.step, after = step.after, policy = node.escalate })
    end
    for key_of_target in pairs(router.ledger:believers(key)) do
      local target = router.targets[key_of_target]
      if target then add(list, by, target.receiver, { node = node, group = group, key = key, left = true }) end
    end
  end
  return list, by
end

-- -- told --------------------------------------------------------------------------

-- Does an integration of RECEIVER believe that FP fires?  The ledger's time of that.
local function told(router, receiver, ways, fp)
  for _, way in ipairs(ways) do
    for _, target in ipairs(receiver.list) do
      local entry = router.ledger:get(way.key, target.key)
      if entry and entry.firing[fp] then return target, entry end
    end
  end
end

-- The first message that RECEIVER took about FP since SINCE.
local function first_message(router, name, fp, since)
  local found
  for _, e in ipairs(router.history:find(function(e)
    if e.receiver ~= name or e.result ~= "sent" and e.result ~= "digested" or (e.done or e.time) < since then return false end
    for _, a in ipairs(e.alerts) do
      if a.fp == fp and a.status == "firing" then return true end
    end
    return false
  end, 1000)) do found = e end
  return found
end

-- -- not told ------------------------------------------------------------------------

-- Each gives a sentence and a code, or nothing.
local REASONS = {}

local function reason(fn) REASONS[#REASONS + 1] = fn end

reason(function(q)
  if not q.alert then return end
  if Alerts.resolved(q.alert, q.now) then return ("it is over since %s"):format(q.time(q.alert.ends_at)), "resolved" end
end)

reason(function(q)
  local muted = mute.reason(q.labels, q.way.node, q.router, q.now)
  if not muted then return end
  local who = words.muted(q.router, muted, q.now)
  return who.text, muted.kind, who
end)

reason(function(q)
  local ids = q.router.silences:muting_for(q.labels, q.target, q.now)
  if #ids == 0 then return end
  local who = words.muted_for(q.router, ids, q.now)
  return who.text:gsub(" mutes it ", " mutes it for this receiver ", 1), "silenced", who
end)

reason(function(q)
  if not q.alert then return "no such alert fires", "no-alert" end
  if not q.router.holds then return "another node of the cluster sends the notifications; ask that one", "other-node" end
end)

local function lane_says(q, lane)
  if not lane.breaker:ready(q.now) and lane.breaker:look(q.now).state ~= "half-open" then
    local trouble = lane.trouble and (" since %s (%s)"):format(q.time(lane.trouble.since), words.line(lane.trouble.error or "no answer")) or ""
    return "the circuit breaker of this receiver is open, nothing is taken" .. trouble, "breaker"
  end
  if lane.hold > q.now then return ("this receiver asked to wait until %s"):format(q.time(lane.hold)), "held" end
  local rate = q.router.outbox.buckets[q.target.receiver]
  if lane.limited or rate and not rate:has(q.now) then return "the rate of this receiver holds it back", "rate" end
end

reason(function(q)
  local job = q.router.outbox:get(q.way.key .. "|" .. q.target.key)
  local lane = q.router.outbox.lanes[q.target.key]
  if not job or not lane or not job.view.firing[q.alert.fp] then return end
  local text, code = lane_says(q, lane)
  local last = job.attempts[#job.attempts]
  if not text and last then
    text, code = ("the last of %d tries was not taken (%s), the next is due %s"):format(#job.attempts,
      words.line(last.error or last.status or "no answer"), q.time(job.not_before)), "failing"
  end
  if job.flying then return "a message is on its way" .. (text and "; " .. text or ""), "flying" end
  return "a message waits: " .. (text or ("%d wait for this receiver"):format(lane.n)), code or "queued"
end)

reason(function(q)
  local ack = q.router.acks:covering(q.alert, q.now)
  if ack and (q.way.step or 1) > 1 then
    return ("%s acknowledged it, so nobody else is told"):format(words.line(ack.author or "somebody")), "acknowledged"
  end
end)

reason(function(q)
  local group = q.way.group
  if not q.way.step or not group then return end
  local taken = group.escalation and group.escalation.step or 0
  if taken >= q.way.step then return end
  local since = group.escalation and group.escalation.since
  return ("escalation %s reaches it at step %d%s"):format(q.way.policy, q.way.step,
    since and (", due %s"):format(q.time(since + q.way.after)) or (", %d s after the first message"):format(q.way.after)), "escalation"
end)

reason(function(q)
  local group = q.way.group
  if not group or not group.members[q.alert.fp] then return "it is in no group of this route any more", "no-group" end
  if not group.flushed then return ("its group waits for others until %s (group_wait)"):format(q.time(group.next)), "group-wait" end
end)

-- How the last message that RECEIVER did not take ended.
local function last_failure(q)
  local e = q.router.history:find(function(e)
    if e.receiver ~= q.target.receiver or e.result == "sent" or e.result == "pending" or e.time < q.alert.starts_at then return false end
    for _, a in ipairs(e.alerts) do
      if a.fp == q.alert.fp then return true end
    end
    return false
  end, 1)[1]
  if e and (e.result == "failed" or e.result == "deferred" or e.result == "dropped") then return e end
end

reason(function(q)
  local failed = last_failure(q)
  if not failed then return end
  return ("the message of %s was %s (%s)"):format(q.time(failed.time), failed.result, words.line(failed.why or "no reason given")), "failed"
end)

reason(function(q)
  local decision = q.way.group.decisions[q.target.key]
  if decision and decision.time >= q.alert.seen then return decision.reason, "decided" end
  return ("its group was not asked since it came; it will be %s (group_interval)"):format(q.time(q.way.group.next)), "group-interval"
end)

local function why_not(q)
  for _, ask in ipairs(REASONS) do
    local text, code, by = ask(q)
    if text then return text, code, by end
  end
end

-- Why nothing leads to receiver NAME: the routes that have it, and what said no there.
local function unrouted(name, explained)
  local nearest
  for _, row in ipairs(explained) do
    if row.receiver == name and row.state ~= "taken" then nearest = nearest or row end
  end
  if not nearest then return ("no route has the receiver %s, or its parent did not match"):format(words.line(name)) end
  if nearest.state == "passed on" then return ("no route leads to it: %s passed the alert on to %s"):format(nearest.route, nearest.taker) end
  return ("no route leads to it: %s was %s"):format(nearest.route, words.route(nearest))
end

--- What is to be said of receiver NAME: {receiver=, told=, since=, code=, text=, muted=}.
function M.receiver(router, alert, set, name, ways, explained, now)
  local function time(t) return router.host.rfc3339(t) end
  local receiver = router.receivers[name]
  if not receiver then return { receiver = name, told = false, code = "unknown", text = ("there is no receiver %q"):format(words.line(name)) } end
  if not ways then return { receiver = name, told = false, code = "not-routed", text = unrouted(name, explained) } end
  local target, entry
  if alert then target, entry = told(router, receiver, ways, alert.fp) end
  if target then
    local message = first_message(router, name, alert.fp, alert.starts_at)
    local text = message and ("was told at %s"):format(time(message.done or message.time))
      or ("was told, last at %s"):format(time(entry.time))
    if Alerts.resolved(alert, now) then text = text .. (", not yet that it is over since %s"):format(time(alert.ends_at)) end
    return { receiver = name, told = true, since = time(message and (message.done or message.time) or entry.time), code = "told", text = text }
  end
  if #receiver.list == 0 then return { receiver = name, told = false, code = "empty", text = "this receiver has no integrations" } end
  local past = alert and first_message(router, name, alert.fp, alert.starts_at)
  local text, code, by = why_not { router = router, alert = alert, labels = set, way = ways[1], target = receiver.list[1], now = now, time = time }
  if past and code == "resolved" then
    text = ("was told at %s, and that it is over since %s"):format(time(past.done or past.time), time(alert.ends_at))
    return { receiver = name, told = false, was_told = true, code = "resolved", text = text }
  end
  return { receiver = name, told = false, code = code, text = text, muted = by }
end

local function told_sentence(list)
  local names = {}
  for i, v in ipairs(list) do names[i] = ("%s %s"):format(v.receiver, v.text) end
  return table.concat(names, "; ")
end

--- The sentence over all VERDICTS, or over that of the receiver called ONLY: of others it says nothing.
function M.sentence(verdicts, only)
  local heard, not_told, texts, seen = {}, {}, {}, {}
  for _, v in ipairs(verdicts) do
    if v.told or v.was_told then heard[#heard + 1] = v else
      not_told[#not_told + 1] = v
      if not seen[v.text] then seen[v.text], texts[#texts + 1] = true, v.text end
    end
  end
  if #verdicts == 0 then return "nobody is told: no route with a receiver takes these labels" end
  if #heard == 0 then
    if #texts == 1 then return ("%s told because %s"):format(only and words.line(only) .. " was not" or "nobody was", texts[1]) end
    for i, v in ipairs(not_told) do texts[i] = ("%s: %s"):format(v.receiver, v.text) end
    return "nobody was told: " .. table.concat(texts, "; ")
  end
  local out = told_sentence(heard)
  for _, v in ipairs(not_told) do out = ("%s; %s was not told: %s"):format(out, v.receiver, v.text) end
  return out
end

--- About ALERT (nil: only its labels SET are known) for each receiver, or for the one called ONLY.
-- { text=, told=, receivers={...} } and EXPLAINED is what explain.lua says.
function M.of(router, alert, set, only, explained, now)
  local list, by = M.reached(router, set, now)
  if only then list = { only } end
  local out, any = {}, false
  for i, name in ipairs(list) do
    out[i] = M.receiver(router, alert, set, name, by[name], explained, now)
    any = any or out[i].told
  end
  return { text = M.sentence(out, only), told = any, receivers = router.host.json.array(out) }
end

return M
