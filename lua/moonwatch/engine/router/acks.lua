--- acks.lua - "I am on it": said, passed on to somebody else, taken back, run out.
--
-- An ack is shared with the other nodes; what follows from it (PagerDuty hears of it, a person is told
-- that it is theirs now, what nobody is on any more rings again) is done by the node that speaks, be it
-- there that somebody said so or not.  Each function takes the router first.
local Ack = require "moonwatch.route.ack"
local Alerts = require "moonwatch.route.alerts"
local audit = require "moonwatch.engine.router.audit"
local flush = require "moonwatch.engine.router.flush"
local gone = require "moonwatch.engine.router.gone"
local labels = require "moonwatch.route.labels"
local metrics = require "moonwatch.engine.router.metrics"

local M = {}

-- WHO is a name, or who asks as router/audit.lua finds out.
local function note(router, what, who, a, now, more)
  local details = { ack = a.id, person = a.author, comment = a.comment, way = a.way,
    ends = a.ends_at and router.host.rfc3339(a.ends_at) or nil, alerts = next(a.labels) and labels.text(a.labels) or nil }
  for name, value in pairs(more or {}) do details[name] = value end
  audit.note(router, what, who or "unknown", now, details)
end

local function name_of(who) return type(who) == "table" and who.name or who end

-- -- groups --------------------------------------------------------------------

--- The hash by which the world outside knows a group (PagerDuty's dedup key, the links in messages).
function M.hash(router, group)
  group.hash = group.hash or router.host.sha256(group.key)
  return group.hash
end

--- Groups whose hash begins with HASH, which has 32 digits or more.
function M.groups(router, hash)
  local out = {}
  if #hash < 32 then return out end
  for _, group in pairs(router.groups) do
    if M.hash(router, group):sub(1, #hash) == hash then out[#out + 1] = group end
  end
  table.sort(out, function(a, b) return a.id < b.id end)
  return out
end

--- What fires in GROUPS and was there before BEFORE: a list of alerts.
function M.firing(groups, before, now)
  local out, seen = {}, {}
  for _, group in ipairs(groups) do
    for fp, alert in pairs(group.members) do
      if not seen[fp] and not Alerts.resolved(alert, now) and alert.seen <= before then
        seen[fp] = true
        out[#out + 1] = alert
      end
    end
  end
  table.sort(out, function(a, b) return a.fp < b.fp end)
  return out
end

--- The label sets of ALERTS.
function M.labels(alerts)
  local out = {}
  for i, alert in ipairs(alerts) do out[i] = alert.labels end
  return out
end

local function speaks_of_any(a, group, now)
  for _, alert in pairs(group.members) do
    if not Alerts.resolved(alert, now) and Ack.speaks_of(a, alert) then return true end
  end
  return false
end

-- -- saying so ------------------------------------------------------------------

-- The shortest time after which an escalation of what A covers wants to hear again.
local function timeout_of(router, a, now)
  local least
  for _, group in pairs(router.groups) do
    local policy = router.escalations[group.node.escalate]
    local timeout = policy and policy.ack_timeout
    if timeout and (not least or timeout < least) and speaks_of_any(a, group, now) then least = timeout end
  end
  return least
end

local function passed_on(router, a, now)
  for _, group in pairs(router.groups) do
    if speaks_of_any(a, group, now) then
      flush.acknowledge(router, group, a, now)
      if router.holds and a.by then flush.hand_over(router, group, a, now) end
    end
  end
end

--- A as route/ack.lua wants it, for WHO (see router/audit.lua; nil: its author).  Answers what is kept; nil, why.
function M.ack(router, a, now, who)
  local kept, before = router.acks:add(a, now)
  if not kept then return nil, "there are too many acknowledgements already; take some back" end
  if before then gone.share(router, "ack", before.id, now) end
  metrics.acknowledged(router.host, kept.way)
  local timeout = not kept.ends_at and timeout_of(router, kept, now)
  if timeout then kept.ends_at = now + timeout end
  router.share("ack", kept.id, kept)
  note(router, "ack.made", who or kept.by or kept.author, kept, now)
  passed_on(router, kept, now)
  return kept
end

--- The ack ID is PERSON's from now on, says BY.
function M.hand_over(router, id, person, by, comment, now)
  local a = router.acks:get(id)
  if not a then return nil end
  local before = a.author
  a.author, a.by, a.comment = person, name_of(by) or before, comment or a.comment
  router.share("ack", id, a)
  note(router, "ack.handed-over", by or before, a, now, { before = before })
  passed_on(router, a, now)
  return a
end

-- -- its end --------------------------------------------------------------------

-- Nobody is on what A covered any more: it rings again, and the message says why.
local function ended(router, a, why, now)
  for _, group in pairs(router.groups) do
    local rings
    for _, alert in pairs(group.members) do
      rings = rings or not Alerts.resolved(alert, now) and Ack.speaks_of(a, alert) and not router.acks:covering(alert, now)
    end
    if rings and group.flushed then
      group.ack_ended = ("%s was on it; %s"):format(a.author or "somebody", why)
      router:wake(group, now)
      router.book:mark("group", group.id) -- for what it says
    end
  end
end

--- Take the ack ID back; BY may be nil.
function M.unack(router, id, by, now)
  local over = router.acks:remove(id)
  if not over then return nil end
  gone.share(router, "ack", id, now)
  note(router, "ack.taken-back", by, over, now)
  local name = name_of(by)
  ended(router, over, name and name ~= over.author and "taken back by " .. name or "that was taken back", now)
  return over
end

--- Those whose time is up.  Answers when the next one's is.
function M.expire(router, now)
  local at = router.acks:next_change()
  if not at or at > now then return at end
  for _, over in ipairs(router.acks:expire(now)) do
    router.book:mark("ack", over.id)
    if router.holds then
      gone.share(router, "ack", over.id, now)
      note(router, "ack.expired", "moonwatch", over, now)
    end
    ended(router, over, "the time for that is over", now)
  end
  return router.acks:next_change()
end

--- What a peer said: VALUE or, when it is gone, nil.
function M.merge(router, id, value, now)
  local old = router.acks:get(id)
  if value == nil then
    if old then
      router.acks:remove(id)
      ended(router, old, "that was taken back", now)
    end
    return
  end
  router.acks:merge(value)
  router.links:note_ack(value)
  if not old or old.author ~= value.author then passed_on(router, value, now) end
end

return M
