--- state.lua - what the router must not forget, as one plain value, and what its peers tell it.
--
-- A snapshot has everything by kind and id (router/kinds.lua).  Groups and messages need the
-- configuration, so they wait in `saved_*` until the first `configure`.
local Ack = require "moonwatch.route.ack"
local Alerts = require "moonwatch.route.alerts"
local Audit = require "moonwatch.route.audit"
local History = require "moonwatch.route.history"
local Silence = require "moonwatch.route.silence"
local Story = require "moonwatch.route.story"
local acks = require "moonwatch.engine.router.acks"
local audit = require "moonwatch.engine.router.audit"
local escalate = require "moonwatch.route.escalate"
local evidence = require "moonwatch.alert.evidence"
local gone = require "moonwatch.engine.router.gone"
local kinds = require "moonwatch.engine.router.kinds"
local labels = require "moonwatch.route.labels"
local notify = require "moonwatch.route.notify"
local swaps = require "moonwatch.engine.router.swaps"

local M = {}

--- All of it: kind → id → value.
function M.snapshot(router)
  local out = {}
  for kind, of in pairs(kinds) do
    out[kind] = {}
    of.each(router, function(id, about) out[kind][id] = of.get(router, id, about) end)
  end
  return out
end

local function values(map)
  local out = {}
  for _, value in pairs(map or {}) do out[#out + 1] = value end
  return out
end

local function sorted(list, field)
  table.sort(list, function(a, b) return a[field] < b[field] end)
  return list
end

local function ledger_of(saved)
  local out = notify.ledger()
  for _, v in pairs(saved or {}) do out:put(v.group, v.target, v.entry) end
  return out
end

--- Take a snapshot up, before the first `configure`.  nil, message when it is not one.
function M.restore(router, saved)
  if type(saved) ~= "table" or type(saved.alert) ~= "table" then return nil, "this is no saved state of alerts" end
  local host = router.host
  router.alerts = Alerts.new(host, values(saved.alert))
  router.silences, router.acks = Silence.new(host, values(saved.silence)), Ack.new(host, values(saved.ack))
  router.ledger = ledger_of(saved.ledger)
  router.history = History.new(sorted(values(saved.history), "place"), router.history.changed)
  router.audits = Audit.new(host, values(saved.audit))
  router.story = Story.new(saved.story and saved.story[""])
  router.links:restore(saved.links)
  router.heard, router.swaps, router.drills.memory = saved.pagerduty or {}, saved.swap or {}, saved.drill or {}
  router.saved_groups, router.saved_jobs, router.saved_breakers = saved.group or {}, saved.job or {}, saved.lanes and saved.lanes[""] or {}
  return true
end

-- The alert that stands for {fp=, status=, ends_at=} in a saved message, or for its fingerprint when it fires; nil when it is forgotten.
local function full(router, alert, now)
  if type(alert) == "string" then alert = { fp = alert, status = "firing" } end
  if alert.labels then return alert end
  local known = router.alerts:get(alert.fp)
  if not known then return nil end
  local view = Alerts.view(known, now)
  view.status, view.ends_at = alert.status, alert.ends_at
  return view
end

-- The message of a saved job as it was; false when all its alerts are forgotten.
local function fill(router, note, now)
  local alerts, texts = {}, { labels = {}, annotations = {} }
  for _, alert in ipairs(note.alerts) do alerts[#alerts + 1] = full(router, alert, now) end
  for i, alert in ipairs(alerts) do texts.labels[i], texts.annotations[i] = alert.labels, alert.annotations or {} end
  note.alerts, note.common_labels, note.common_annotations = alerts, labels.common(texts.labels), labels.common(texts.annotations)
  return #alerts > 0
end

--- Put the messages of a snapshot back into the outbox; those without a receiver are let go.
function M.requeue(router, now)
  for _, job in ipairs(sorted(values(router.saved_jobs), "serial")) do
    local filled = fill(router, job.note, now)
    if not filled or not router.outbox:put(job, now) then
      router.book:mark("job", job.key)
      router.history:update(job, "dropped", filled and "this receiver is no longer configured" or "its alerts are forgotten", now)
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

function merge.audit(router, _, value, now)
  if not value then return end
  local _, other = router.audits:merge(value)
  if other then audit.rewritten(router, value, other, now) end
end

function merge.escalation(router, id, value)
  local group = router.groups[id]
  if not group then return end
  if value == nil or escalate.further(value, group.escalation) then
    group.escalation = value
    router.agenda:put(group)
  end
end

function merge.pagerduty(router, id, value)
  if value and value.at > (router.heard[id] or 0) then router.heard[id] = value.at end
end

function merge.flying(router, key, value) router.flying[key] = value end

-- Whoever sends knows better.
merge["receiver-breaker"] = function(router, key, value)
  if router.holds or type(value) ~= "table" or router.outbox:take_breaker(key, value) then return end
  router.saved_breakers = router.saved_breakers or {}
  value.opened_at = nil
  router.saved_breakers[key] = value
end

function merge.drill(router, name, value) router.drills:merge(name, value) end

function merge.links(router, id, value) router.links:merge(id, value) end

--- What a peer shared: KIND, ID and VALUE (nil: gone).  Kinds that are not the router's are left alone.
function M.merge(router, kind, id, value, now)
  if merge[kind] then
    value = gone.read(router, kind, id, value)
    merge[kind](router, id, value, now)
    router.book:mark(kind, id, value)
  end
end

return M
