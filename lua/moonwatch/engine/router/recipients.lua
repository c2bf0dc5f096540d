--- recipients.lua - who is to hear of a group now.
--
-- The receiver of its route, the receivers of the escalation steps taken, and those that were told of it
-- once and have left since (off duty, step of an escalation that is over): they hear only how it ends.
-- "oncall:NAME" stands for whoever is on call at this moment; when that changes while nobody is on it,
-- the new person is told.
local escalate = require "moonwatch.route.escalate"
local metrics = require "moonwatch.engine.router.metrics"
local sooner = require "moonwatch.sooner"

local M = {}

--- The name of the rotation that NAME ("oncall:web") stands for; nil when it is a receiver's.
function M.rotation(name) return type(name) == "string" and name:match "^oncall:(.+)$" or nil end

-- Receivers behind NAME at NOW, and until when that is so.
local function behind(router, name, now)
  local rotation = M.rotation(name)
  if not rotation then return name end
  local oncall = router.oncalls[rotation]
  if not oncall then return nil end
  return oncall:at(now), oncall:next_change(now)
end

-- Puts recipients into a list, each once.
local function collector(router, group, state, now)
  local out = { list = {}, by = {}, changes = nil, oncall = {} }
  function out.add(name, force)
    local receiver, changes = behind(router, name, now)
    if not receiver then return end
    if receiver ~= name then
      out.changes, out.oncall[name] = sooner(out.changes, changes), receiver
      local before = group.oncall and group.oncall[name]
      if state == "waiting" and before and before ~= receiver then force = force or "on-call" end
    end
    local known = out.by[receiver]
    if not known then
      -- Whoever comes on duty need not hear of what somebody is on already.
      known = { name = receiver, only_known = receiver ~= name and state ~= "waiting" }
      out.by[receiver], out.list[#out.list + 1] = known, known
    end
    known.force = known.force or force
  end
  return out
end

local function add_leaver(out, target)
  local known = out.by[target.receiver]
  if not known then
    known = { name = target.receiver, leaving = true }
    out.by[known.name], out.list[#out.list + 1] = known, known
  elseif known.only_known then
    known.leaving = true
  end
end

-- Those that were told, and those whose message still waits: it may not be true any more.
-- Of a route with compat only those that were told in place of another.
local function add_leavers(router, group, out)
  local compat = group.node.compat == "alertmanager"
  for key, entry in pairs(router.ledger:believers(group.key)) do
    local target = (not compat or entry.fallback) and router.targets[key]
    if target then add_leaver(out, target) end
  end
  for job in pairs(compat and {} or router.outbox:of_group(group.key)) do
    local own = job.group_id == group.id and job.key == group.key .. "|" .. job.target and not job.fallback
    local target = own and router.targets[job.target]
    if target then add_leaver(out, target) end
  end
end

--- Who hears of GROUP at NOW, in whose alerts STATE is as escalate wants it: a list of {name=, force= (told even when
-- nothing changed, and why), leaving= (was told, hears only of the end), only_known= (told only with `leaving`)}.
function M.of(router, group, state, now)
  local out = collector(router, group, state, now)
  local ended = state == "waiting" and group.ack_ended and "ack-ended" or nil
  if group.node.receiver then out.add(group.node.receiver, ended) end
  local policy = router.escalations[group.node.escalate]
  group.held = state == "held"
  if policy then
    local names
    group.escalation, names = escalate.advance(policy, group.escalation, state, now)
    if #names > 0 then metrics.escalated(router.host, group.node.escalate) end
    for _, name in ipairs(names) do out.add(name, "escalation") end
    for _, name in ipairs(escalate.taken(policy, group.escalation)) do out.add(name) end
  end
  add_leavers(router, group, out)
  group.oncall, group.oncall_until = next(out.oncall) and out.oncall or nil, state == "waiting" and out.changes or nil
  return out.list
end

--- What a node that does not speak keeps of it: an escalation that is over begins anew the next time.
function M.follow(group, state)
  if state == "over" then group.escalation = nil end
end

--- Who is on call may be somebody else than was thought: groups that tell whoever it is look again.
function M.changed(router, now)
  for _, group in pairs(router.groups) do
    if group.oncall_until or group.oncall then
      group.oncall_until = now
      router.agenda:put(group)
    end
  end
end

--- When does somebody else have to be told of GROUP?  nil while all of it is muted.
function M.due(router, group)
  if group.held then return nil end
  return sooner(escalate.next(router.escalations[group.node.escalate], group.escalation), group.oncall_until)
end

return M
