--- flush.lua - what happens when a group's time has come.
--
-- Its alerts are looked at one by one (muted?), its recipients are gathered (router/recipients.lua), and
-- for each of their integrations notify.decide says whether there is something to tell.  What is to be told
-- goes to the outbox; when nothing of the group is owed any more, resolved alerts leave it.
local Ack = require "moonwatch.route.ack"
local Alerts = require "moonwatch.route.alerts"
local compat = require "moonwatch.engine.router.compat"
local escalate = require "moonwatch.route.escalate"
local labels = require "moonwatch.route.labels"
local mute = require "moonwatch.route.mute"
local notify = require "moonwatch.route.notify"
local quiet = require "moonwatch.engine.router.quiet"
local recipients = require "moonwatch.engine.router.recipients"
local repeats = require "moonwatch.engine.router.repeat"
local route_labels = require "moonwatch.engine.router.labels"
local to = require "moonwatch.to"

local M = {}

-- Alerts apart: those that may be spoken of, and the sets that the decision is made on.  ENDED: all that are resolved.
local function look(router, group, now)
  local view, ended, n = { firing = {}, resolved = {}, muted = {} }, {}, 0
  local visible, reasons, unacked, muted_firing = {}, {}, false, false
  for fp, alert in pairs(group.members) do
    local over = Alerts.resolved(alert, now)
    local reason = not group.node.drill and mute.reason(alert.labels, group.node, router, now)
    n = n + 1
    if over then ended[fp] = alert end
    if reason then
      view.muted[fp], reasons[fp] = true, reason
      muted_firing = muted_firing or not over
    else
      visible[#visible + 1] = alert
      view[over and "resolved" or "firing"][fp] = true
      if not over and not unacked and not router.acks:covering(alert, now) then unacked = true end
    end
  end
  view.acked = next(view.firing) ~= nil and not unacked
  local state = unacked and "waiting" or view.acked and "over" or muted_firing and "held" or "over"
  return { n = n, ended = ended, visible = visible, view = view, reasons = reasons, state = state }
end

-- What is said of those of SEEN that may be spoken of.
local function views_of(seen, now)
  seen.views = seen.views or Alerts.views(seen.visible, now)
  return seen.views
end

local function texts(alerts, field)
  local out = {}
  for i, a in ipairs(alerts) do out[i] = a[field] or {} end
  return out
end

local function of_status(alerts, status)
  local out = {}
  for _, a in ipairs(alerts) do
    if a.status == status then out[#out + 1] = a end
  end
  return out
end

-- Why somebody hears of something that did not change.
local REMARKS = {
  ["ack-ended"] = function(group) return group.ack_ended or group.ack_said end,
  ["on-call"] = function() return "you are on call now" end,
}

--- The message for TARGET about ALERTS (views).  Also used for test messages.
function M.notification(router, group, target, alerts, reason, now)
  local remark = REMARKS[reason]
  local note = {
    id = router.host.random_hex(8), time = now, receiver = target.receiver, integration = target.kind,
    group_key = group.key, group_labels = group.labels, reason = reason, alerts = alerts,
    compat = group.node and group.node.compat, patience = group.node and compat.patience(group.node),
    status = #of_status(alerts, "firing") > 0 and "firing" or "resolved",
    common_labels = labels.common(texts(alerts, "labels")),
    common_annotations = labels.common(texts(alerts, "annotations")), route_labels = route_labels.of(group.node, alerts, group.labels),
    external_url = router.settings.external_url, remark = remark and remark(group) or nil,
  }
  local drill = group.node and group.node.drill
  if drill then note.test, note.drill = true, drill end
  local entry = router.ledger:get(group.key, target.key)
  note.memo = entry and entry.memo
  note.links = group.node and router.links:of(note, router.settings, now)
  return note
end

local function same_news(job, view)
  local function equal(a, b)
    for fp in pairs(a) do if not b[fp] then return false end end
    for fp in pairs(b) do if not a[fp] then return false end end
    return true
  end
  return job and equal(job.view.firing, view.firing) and equal(job.view.resolved, view.resolved)
end

-- What of SEEN concerns somebody who was told ENTRY (nil: nothing) and is no recipient any more: how that goes on, not what came since.
local function of_leaver(seen, entry)
  local out = { visible = {}, view = { firing = {}, resolved = {}, muted = seen.view.muted, acked = true },
    muted_why = "this receiver need not hear of it any more" }
  for _, alert in ipairs(seen.visible) do
    if entry and notify.may_believe(entry, alert.fp) then
      out.visible[#out.visible + 1] = alert
      out.view[seen.view.firing[alert.fp] and "firing" or "resolved"][alert.fp] = true
    end
  end
  return out
end

-- Queue, cancel or just note for one target; answers what was decided, for `why`.
local function decide(router, group, seen, target, force, now)
  local key = group.key .. "|" .. target.key
  local node = group.node
  local how = { repeat_interval = node.repeat_interval, repeat_factor = node.repeat_factor, repeat_most = node.repeat_most,
    send_resolved = target.send_resolved, compat = node.compat == "alertmanager", force = force }
  local job = router.outbox:get(key)
  if job and (job.flying or job.doubt) then
    group.again = true
    group.unsaid[target.key] = force
    return nil, job.flying and "a message is on its way" or "a message may have arrived before a crash; it is told again first"
  end
  group.unsaid[target.key] = nil
  local entry = router.ledger:get(group.key, target.key)
  local reason, why
  if #seen.visible == 0 then why = seen.muted_why or "everything in the group is muted"
  else
    reason, why = notify.decide(entry, seen.view, how, now)
    reason = reason or notify.corrects(entry, seen.view, how)
  end
  if not reason then
    router.outbox:cancel(key, why, now)
    -- Of an end that it may not know it does not want to hear, so there is nothing to wait for.
    if entry and entry.maybe and not target.send_resolved then router:believe(group.key, target.key, notify.entry_sure(entry)) end
    return nil, why
  end
  local alerts = views_of(seen, now)
  if not target.send_resolved then alerts = of_status(alerts, "firing") end
  if #alerts == 0 then
    router.outbox:cancel(key, "it resolved", now)
    router:believe(group.key, target.key, notify.entry_after(entry, seen.view, how, now))
    return nil, "this receiver does not want to hear of resolves"
  end
  if job and job.patience then router.outbox:afresh(key, now)
  elseif same_news(job, seen.view) then return nil, "a message is waiting to be tried again" end
  local note = M.notification(router, group, target, alerts, reason, now)
  local kind = to.kinds[target.kind]
  if kind and kind.wants_told and kind.wants_told(target.fields) then note.told = entry and entry.firing end
  if kind and kind.alive then router.outbox:cancel(key .. "|alive", "there is news", now) end
  job, why = router.outbox:put({ key = key, target = target.key, note = note, group_key = group.key, group_id = group.id,
    view = seen.view, how = how, patience = compat.patience(group.node), begun = now }, now)
  if not job then return nil, why end
  router.history:open(job, now)
  return reason
end

-- Without the lease another node speaks; what it told comes to us through the ledger.
local function follow(router, group, seen)
  group:settle(seen.ended, function(fp) return router:believed(group.key, fp) end)
end

--- What may leave GROUP after everybody was told about SEEN.
function M.settle(router, group, seen)
  local native = group.node.compat ~= "alertmanager"
  group:settle(seen.ended, function(fp)
    return native and router:believed(group.key, fp)
  end)
end

local function covered_by(seen, ack, now)
  local covered = {}
  for _, alert in ipairs(views_of(seen, now)) do
    if alert.status == "firing" and Ack.covers(ack, alert, now) then covered[#covered + 1] = alert end
  end
  return covered
end

--- ACK is somebody's who did not say so: they are told of what it covers in GROUP.
function M.hand_over(router, group, ack, now)
  local receiver = router.receivers[ack.author]
  local seen = receiver and look(router, group, now)
  local covered = seen and covered_by(seen, ack, now) or {}
  for _, target in ipairs(#covered > 0 and receiver.list or {}) do
    local note = M.notification(router, group, target, covered, "handover", now)
    note.remark = ("%s hands this over to you%s"):format(ack.by or "somebody", ack.comment and ": " .. ack.comment or "")
    local entry, view = router.ledger:get(group.key, target.key), { firing = {}, resolved = {}, muted = seen.view.muted }
    for _, alert in ipairs(covered) do view.firing[alert.fp] = true end
    for fp in pairs(entry and entry.firing or {}) do view.firing[fp] = true end
    local job = { key = group.key .. "|" .. target.key .. "|handover", target = target.key, note = note, group_key = group.key,
      group_id = group.id, view = view, how = { repeat_interval = group.node.repeat_interval, compat = group.node.compat == "alertmanager" } }
    router.outbox:put(job, now)
    router.history:open(job, now)
  end
end

--- Somebody said "I am on it" (ACK).  If all that fires is covered, the escalation is over, and integrations that can pass
-- that on are told.
function M.acknowledge(router, group, ack, now)
  local seen = look(router, group, now)
  if not seen.view.acked then return end
  if group.escalation then
    group.escalation = nil
    router.book:mark("group", group.id)
    if router.holds then router.share("escalation", group.id, nil) end
  end
  if not router.holds then return end
  local covered = covered_by(seen, ack, now)
  for key, entry in pairs(#covered > 0 and router.ledger:believers(group.key) or {}) do
    local target = router.targets[key]
    local kind = target and to.kinds[target.kind]
    if kind and (kind.hears_acks or kind.shows_acks and kind.shows_acks(target.fields, entry)) and ack.way ~= target.kind then
      local note = M.notification(router, group, target, covered, "acknowledged", now)
      note.status, note.ack = "acknowledged", { author = ack.author, comment = ack.comment }
      local job = { key = group.key .. "|" .. key .. "|ack", target = key, note = note, group_key = group.key,
        group_id = group.id, acknowledges = true, view = { firing = {}, resolved = {}, muted = {} }, how = {} }
      router.outbox:put(job, now)
      router.history:open(job, now)
    end
  end
end

-- The reasons of the last look stand in the group, and by `story:open` in the journal.
function M.note_muted(router, group, reasons, now)
  router.story:looked(group, router.alerts, group.reasons, reasons, now)
  group.reasons = reasons
  router.story:open(group.id).reasons = reasons
end

-- What TARGET of RECIPIENT is to be asked about; nil: nothing of this concerns it.
local function concern(router, group, seen, target, recipient)
  if not recipient.leaving and not recipient.only_known then return seen end
  local entry = router.ledger:get(group.key, target.key)
  local known = recipient.leaving and (entry or router.outbox:get(group.key .. "|" .. target.key))
  return known and of_leaver(seen, entry) or nil
end

--- Flush GROUP at NOW.  ESCALATING: only because a step is due, so only those it reached are told.  Answers how many alerts it has.
function M.flush(router, group, now, escalating)
  local seen = look(router, group, now)
  if not router.holds then
    recipients.follow(group, seen.state)
    follow(router, group, seen)
    return seen.n
  end
  local busy = not escalating and compat.busy_until(router, group, now)
  if busy then
    group.late = true
    router:wake(group, busy)
    return seen.n
  end
  group.failed = false
  if not escalating then group.again, group.late = nil, nil end -- whoever is not through yet will say so
  local before = group.escalation and escalate.mark(group.escalation)
  local heard_by = recipients.of(router, group, seen.state, now)
  if group.escalation and group.escalation.step > 0 and escalate.mark(group.escalation) ~= before then router.story:stepped(group, now) end
  -- Whom to tell although nothing changed, once what is on its way to them is answered.
  group.unsaid = seen.state == "waiting" and group.unsaid or {}
  for _, recipient in ipairs(heard_by) do
    for _, target in ipairs(router.receivers[recipient.name] and router.receivers[recipient.name].list or {}) do
      local force = recipient.force or group.unsaid[target.key]
      local concerns = (not escalating or force) and concern(router, group, seen, target, recipient)
      if concerns then
        if not group.node.drill then concerns = quiet.for_target(router, concerns, target, now) end
        local reason, why = decide(router, group, concerns, target, force, now)
        router.story:decided(group, target.key, reason ~= nil, reason or why, now)
      end
    end
  end
  if seen.state ~= "held" then group.ack_said, group.ack_ended = group.ack_ended or group.ack_said, nil end
  M.note_muted(router, group, seen.reasons, now)
  -- Not everybody was asked, so nothing may be forgotten yet.
  if escalating then return seen.n end
  group.seen = { view = seen.view, ended = seen.ended }
  repeats.plan(router, group, now)
  if not router.outbox:owes(group.key) then M.settle(router, group, seen) end
  return seen.n
end

return M
