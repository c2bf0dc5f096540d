--- state.lua - what rules keep beyond one life of this process: over restarts, and from other nodes.
local breakers = require "moonwatch.engine.rules.breakers"
local heartbeat = require "moonwatch.check.heartbeat"
local identity = require "moonwatch.config.identity"
local suspend = require "moonwatch.engine.rules.suspend"
local migrate = require "moonwatch.engine.rules.migrate"
local order = require "moonwatch.engine.rules.order"
local promoted = require "moonwatch.engine.rules.promoted"
local slos = require "moonwatch.engine.rules.slos"
local alert_state = require "moonwatch.alert.state"

local M = {}

-- RUNNER takes up what it, or the rule FROM, saved DOWN seconds ago.
local function take_up(engine, runner, saved, from, now, down)
  local call = function(fn, args) return engine:run_guest(fn, args, { kind = "text", now = now }) end
  local fit, why = migrate.saved(runner, saved, from, call, alert_state.id)
  if why then
    engine.host.log("error", ("%s %q: %s; its state is kept as it was until a version of the rule can read it"):format(
      runner.rule.word, runner.rule.name, why), { file = runner.rule.file, line = runner.rule.line })
  end
  runner:restore(fit, now, down)
  engine.keeping[runner.id], runner.kept_text = runner, nil
end

local function adopt(engine, id, now)
  local value, runner = engine.shared[id], engine.by_id[id]
  if not value or not runner or not runner.restore then return end
  if runner.refresh then runner:refresh() end
  if runner.last_evaluation and (value.at or 0) <= runner.last_evaluation then return end
  take_up(engine, runner, value, id, now, 0)
end

local on, shared = {}, {}

function on.shared(engine, msg, now)
  if shared[msg.kind] then shared[msg.kind](engine, msg, now) end
end

function shared.mark(engine, msg) engine.marks:shared(msg.id, msg.value) end

function shared.incident(engine, msg) engine.incidents:take(msg.id, msg.value) end

function shared.promotion(engine, msg, now) promoted.shared(engine, msg.id, msg.value, now) end

function shared.breaker(engine, msg) breakers.shared(engine, msg.id, msg.value) end

shared["slo-correction"] = function(engine, msg) slos.shared(engine, msg.value) end

shared["expect-beat"] = function(engine, msg, now)
  local runner, at = engine.by_id[msg.id], type(msg.value) == "table" and tonumber(msg.value.at)
  if runner and runner.beat and at and at <= now + 60 then runner:beat(at, now) end
end

shared["check-beat"] = function(engine, msg, now)
  local runner, v = engine.by_id[msg.id], type(msg.value) == "table" and msg.value or {}
  local at = tonumber(v.at)
  if not runner or not runner.beats or not at or at > now + 60 or at <= (runner.beats.at or 0) then return end
  local beat = heartbeat.read(v)
  if beat then runner:beat(beat, at, now) end
end

shared["rule-order"] = function(engine, msg, now) order.shared(engine, msg.id, msg.value, now) end

shared["alert-state"] = function(engine, msg, now)
  engine.shared[msg.id] = msg.value
  engine:rouse(msg.id)
  if not engine:owns(msg.id) then adopt(engine, msg.id, now) end
end

function on.lease(engine, msg, now)
  local slot = tonumber(tostring(msg.slot):match "^rules/(%d+)$")
  if not slot then return end
  engine.cluster = true
  local had = engine.leases[slot] and engine.leases[slot].held
  engine.leases[slot] = { held = msg.held, fence = msg.fence }
  for _, group in ipairs(engine.groups) do group:rouse() end
  suspend.moved(engine, now)
  if msg.held and not had then
    for id in pairs(engine.by_id) do
      if engine.slot_of(id) == slot then adopt(engine, id, now) end
    end
  end
end

--- A message of the rules actor that is the engine's: lease, shared.  Others are not known here.
function M.handle(engine, msg, now)
  local f = on[msg.type]
  if f then return f(engine, msg, now) end
end

-- -- restarts --------------------------------------------------------------

--- Everything that must survive, as JSON.  What did not change is as it was the last time, unless FRESH.
function M.snapshot(engine, now, fresh)
  local encode, parts = engine.host.json.encode, {}
  for id, runner in pairs(engine.keeping) do
    if fresh or not runner.kept_text then
      local saved = migrate.save(runner)
      runner.kept_text = saved and encode(saved)
      if not saved then engine.keeping[id] = nil end
    end
    if runner.kept_text then parts[#parts + 1] = encode(id) .. ":" .. runner.kept_text end
  end
  local kept_breakers = breakers.save(engine)
  local told = engine.incidents:save()
  return ('{"version":2,"at":%s,"rules":{%s}%s%s}'):format(encode(now), table.concat(parts, ","),
    kept_breakers and ',"breakers":' .. encode(kept_breakers) or "", told[1] and ',"incidents":' .. encode(told) or "")
end

-- The runner that was saved under ID.  Version 1 knew rules by word and name only.
local VERSIONS = {
  function(engine, id)
    local same = engine.named[id]
    return same and #same == 1 and same[1] or nil
  end,
  function(engine, id) return engine.by_id[id] end,
}

-- Rules that were renamed while nobody ran: runner -> the id that it takes over from.
local function renamed(engine, rules)
  local out, taken = {}, {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.migrate_from and not rules[runner.id] then
      local from = migrate.source(runner.rule, rules, setmetatable({}, { __index = function(_, id) return engine.by_id[id] or taken[id] end }))
      if from then out[from], taken[from] = runner, true end
    end
  end
  return out
end

-- Shadows that came while nobody ran begin with what was SAVED of the live rule.
local function begin_shadows(engine, saved, now, down)
  for _, runner in ipairs(engine.runners) do
    local live = runner.silent and not saved[runner.id] and saved[identity.live(runner.rule)]
    if type(live) == "table" and runner.restore then take_up(engine, runner, live, runner.id, now, down(live)) end
  end
end

--- Take up a snapshot that was JSON, after `load`.
function M.restore(engine, snapshot, now)
  local find = type(snapshot) == "table" and VERSIONS[snapshot.version]
  if not find or type(snapshot.rules) ~= "table" then return false end
  local heirs = renamed(engine, snapshot.rules)
  local function down(saved) return math.max(0, now - (tonumber(saved.at) or tonumber(snapshot.at) or now)) end
  for id, saved in pairs(snapshot.rules) do
    local same = find(engine, id)
    local runner = same or heirs[id]
    engine:rouse(runner and runner.id)
    if runner and runner.restore and type(saved) == "table" then
      take_up(engine, runner, saved, same and runner.id or id, now, down(saved))
    end
  end
  begin_shadows(engine, snapshot.rules, now, down)
  breakers.restore(engine, snapshot.breakers)
  engine.incidents:restore(snapshot.incidents)
  return true
end

return M
