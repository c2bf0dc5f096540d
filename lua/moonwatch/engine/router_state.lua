--- router_state.lua - what the router must not forget, and what its peers tell it.
--
-- A snapshot is one plain value: alerts, silences, acks, the ledger, groups with their timers and
-- escalation positions, messages still owed, breakers, the tail of the history.  Groups and messages
-- need the configuration, so they wait in `saved_*` until the first `configure`.
local Ack = require "moonwatch.route.ack"
local Alerts = require "moonwatch.route.alerts"
local Audit = require "moonwatch.route.audit"
local History = require "moonwatch.route.history"
local Silence = require "moonwatch.route.silence"
local Story = require "moonwatch.route.story"
local acks = require "moonwatch.engine.router_acks"
local escalate = require "moonwatch.route.escalate"
local evidence = require "moonwatch.alert.evidence"
local notify = require "moonwatch.route.notify"
local swaps = require "moonwatch.engine.router_swaps"

local M = {}

local VERSION = 1
local HISTORY = 200

function M.snapshot(router)
  local groups = {}
  for id, group in pairs(router.groups) do
    if not group:empty() then groups[id] = group:save() end
  end
  if not router.configured then groups = router.saved_groups end
  local owed = router.outbox:save()
  return {
    version = VERSION, alerts = router.alerts:list(), silences = router.silences:list(), acks = router.acks:list(),
    ledger = router.ledger.groups, groups = groups, jobs = router.configured and owed.jobs or router.saved_jobs or {},
    breakers = router.configured and owed.breakers or router.saved_breakers or {}, history = router.history:tail(HISTORY),
    audit = router.audits:tail(), drills = router.drills.memory, story = router.story:save(),
    links = router.links:save(), heard = router.heard, swaps = router.swaps,
  }
end

--- Take a snapshot up, before the first `configure`.  nil, message when it is not one.
function M.restore(router, saved)
  if type(saved) ~= "table" or saved.version ~= VERSION then
    return nil, "the saved state is of another version"
  end
  router.alerts = Alerts.new(router.host, saved.alerts)
  router.silences = Silence.new(router.host, saved.silences)
  router.acks = Ack.new(router.host, saved.acks)
  router.ledger = notify.ledger(saved.ledger)
  router.history, router.audits = History.new(saved.history), Audit.new(router.host, saved.audit)
  router.story = Story.new(saved.story)
  router.links:restore(saved.links)
  router.heard, router.swaps = saved.heard or {}, saved.swaps or {}
  router.drills.memory = saved.drills or {}
  router.saved_groups, router.saved_jobs, router.saved_breakers = saved.groups or {}, saved.jobs or {}, saved.breakers or {}
  return true
end

--- Put the messages of a snapshot back into the outbox; those without a receiver are let go.
function M.requeue(router, now)
  for _, job in ipairs(router.saved_jobs or {}) do
    if not router.outbox:put(job, now) then
      router.history:update(job, "dropped", "this receiver is no longer configured", now)
    end
  end
  router.saved_jobs = nil
end

-- -- peers ------------------------------------------------------------------------

local merge = {}

function merge.silence(router, id, value)
  if value == nil then
    router.silences:remove(id)
  else
    router.silences:merge(value)
  end
end

merge.ack, merge.swap = acks.merge, swaps.merge

function merge.alert(router, _, value, now)
  if value == nil then return end -- each node forgets alerts by itself
  local old = router.alerts:get(value.fp)
  if old and old.updated_at >= value.updated_at then return end
  value.evidence = evidence.read(value.evidence)
  local kept = router.alerts:put(value, now)
  local over = Alerts.resolved(kept, now)
  if not old or over ~= Alerts.resolved(old, now) then router.story:news(old, kept, over, now) end
  router:route(kept, now)
end

function merge.ledger(router, _, value)
  if value then router.ledger:merge(value.group, value.target, value.entry) end
end

function merge.audit(router, _, value)
  if value then router.audits:merge(value) end
end

function merge.escalation(router, id, value)
  local group = router.groups[id]
  if not group then return end
  if value == nil or escalate.further(value, group.escalation) then group.escalation = value end
end

function merge.pagerduty(router, id, value)
  if value and value.at > (router.heard[id] or 0) then router.heard[id] = value.at end
end

function merge.drill(router, name, value) router.drills:merge(name, value) end

function merge.links(router, _, value) router.links:merge(value) end

--- What a peer shared: KIND, ID and VALUE (nil: gone).  Kinds that are not the router's are left alone.
function M.merge(router, kind, id, value, now)
  if merge[kind] then
    merge[kind](router, id, value, now)
    router.changed = true
  end
end

return M
