--- rules.lua - the rules engine: a set of rules, when each is due, and what they know over time.
--
-- The same object runs in the server, in a spec and over stored data: time comes in as an argument, alerts go out through
-- `emit`.  A rule is known by word and name; its state stays when the set around it changes.  With several nodes a rule
-- belongs to one of 16 slots, and only the node that holds the slot evaluates alerts and jobs of it; records, SLO figures
-- and checks run on every node, because each has a store of its own.
local burn = require "moonwatch.slo.burn"
local schedule = require "moonwatch.engine.rules_schedule"

local M = {}
M.__index = M

M.SLOTS = 16
local BATCH = 50 -- rules evaluated before the mailbox is looked at again

-- In this order at one moment: a record is there before the alert that reads it.
local RUNNERS = {
  { list = "records", new = require("moonwatch.engine.rules_record").new, word = "record" },
  { list = "slos", new = require("moonwatch.slo.rule").new, word = "slo" },
  { list = "checks", new = require("moonwatch.check.rule").new, word = "check" },
  { list = "alerts", new = require("moonwatch.alert.rule").new, word = "alert", owned = true },
  { list = "everys", new = require("moonwatch.engine.rules_every").new, word = "every", owned = true },
}

--- options: { host=, emit=function(alerts, now), cluster= (wait for leases), spread= (false: all rules at round times), clock= (for
-- measuring only) }.
function M.new(options)
  local self = setmetatable({
    host = options.host, emit_to = options.emit, cluster = options.cluster or false, clock = options.clock,
    spread = options.spread ~= false, runners = {}, by_id = {}, schedule = schedule.new(), shared = {}, leases = {},
    external_labels = {}, guests = {}, problems = {}, generation = 0,
  }, M)
  return self
end

function M.slot_of(id) return schedule.hash(id) % M.SLOTS end

--- Does this node evaluate what has this id?
function M:owns(id)
  if not self.cluster then return true end
  local lease = self.leases[M.slot_of(id)]
  return lease ~= nil and lease.held
end

-- -- what runners ask of the engine ----------------------------------------

function M:emit(alerts, now) self.emit_to(alerts, now) end

function M:generator_url(rule)
  return ("%s/#/rules/%s"):format(self.external_url or "", (rule.name:gsub("[^%w%-_%.~]", function(c)
    return ("%%%02X"):format(c:byte())
  end)))
end

function M:call_guest(fn, args, ctx, done)
  local guest = self.guests[fn.guest]
  if not guest then return done { ok = false, error = "its file is not loaded any more" } end
  guest:call(fn["@fn"], args, ctx, done)
end

--- For functions that cannot wait.
function M:run_guest(fn, args, ctx)
  local answer
  self:call_guest(fn, args, ctx, function(result) answer = result end)
  return answer or { ok = false, error = "the function waits, which is not allowed here" }
end

function M:count(name, runner, by)
  self.host.metric("add", name, { word = runner.rule.word, rule = runner.rule.name }, by)
end

--- A runner could not do its work.
function M:failed(runner, failure, now)
  local text = failure.error or "failed"
  if runner.last_error ~= text then
    self.host.log("warn", ("%s %q failed: %s"):format(runner.rule.word, runner.rule.name, text),
                  { file = runner.rule.file, line = runner.rule.line })
  end
  runner.health, runner.last_error, runner.traceback, runner.failed_at = "err", text, failure.traceback, now
  self:count("moonwatch_rule_failures_total", runner, 1)
end

--- Something of RUNNER changed that must survive.
function M:changed(runner, now)
  self.generation = self.generation + 1
  if not self.cluster or not runner.owned or not runner.save then return end
  local id = runner.id
  local lease = self.leases[M.slot_of(id)]
  if not lease or not lease.held then return end
  local value = runner:save() or { alerts = {}, at = now }
  value.at = now
  self.host.call("cluster.put", { kind = "alert-state", id = id, value = value, slot = "rules/" .. M.slot_of(id), fence = lease.fence })
end

--- Is the alert or check NAME down, for somebody with LABELS?
function M:is_down(name, labels)
  local alert, check = self.by_id["alert/" .. name], self.by_id["check/" .. name]
  return (alert and alert:fires_for(labels)) or (check and check:is_down()) or false
end

-- -- loading ---------------------------------------------------------------

local function enter(self, runner, spec, order, now, old)
  local rule = runner.rule
  runner.id, runner.owned = spec.word .. "/" .. rule.name, spec.owned
  local every = rule.every or runner.every
  local entry = { runner = runner, every = every, order = order,
                  offset = self.spread and schedule.hash(runner.id) % math.floor(every * 1000) / 1000 or 0 }
  local last = old and old.entry.every == every and old.entry.next - every or now
  runner.entry = entry
  self.schedule:add(entry, math.max(last, now - every), runner.eager and not old and now or nil)
  self.runners[order], self.by_id[runner.id] = runner, runner
end

-- The alerts of the files, and those that SLOs ask for.
local function with_burn_alerts(set)
  local out = {}
  for _, rule in ipairs(set.alerts) do out[#out + 1] = rule end
  for _, rule in ipairs(set.slos) do
    for _, alert in ipairs(burn.alerts(rule)) do out[#out + 1] = alert end
  end
  return out
end

--- Run SET from now on.  Rules that were there before keep their state; those that are gone end.
function M:load(set, now)
  local before = self.by_id
  self.runners, self.by_id, self.schedule = {}, {}, schedule.new()
  local guests = self.guests
  self.set, self.guests, self.external_labels = set, set.guests, set.settings.external_labels or {}
  self.external_url = set.settings.external_url
  for _, spec in ipairs(RUNNERS) do
    for _, rule in ipairs(spec.word == "alert" and with_burn_alerts(set) or set[spec.list]) do
      local old = before[spec.word .. "/" .. rule.name]
      local runner = spec.new(rule, self)
      if old then runner:inherit(old) end
      enter(self, runner, spec, #self.runners + 1, now, old)
      local shared = not old and self.shared[runner.id]
      if shared and runner.restore then runner:restore(shared, now, 0) end
    end
  end
  for id, runner in pairs(before) do
    if not self.by_id[id] then runner:drop(now) end
  end
  for _, guest in pairs(guests) do guest:close() end
  self.generation = self.generation + 1
end

-- -- time ------------------------------------------------------------------

local function evaluate(self, runner, t)
  local started = self.clock and self.clock()
  runner:evaluate(t)
  if started then
    runner.seconds = self.clock() - started
    self.host.metric("observe", "moonwatch_rule_evaluation_seconds", { word = runner.rule.word }, runner.seconds)
  end
  self:count("moonwatch_rule_evaluations_total", runner, 1)
end

--- Do what is due.  Gives the next time to be called.
function M:tick(now)
  for _ = 1, BATCH do
    local entry, t, missed = self.schedule:pop(now)
    if not entry then break end
    local runner = entry.runner
    if missed > 0 then self:count("moonwatch_rule_iterations_missed_total", runner, missed) end
    if not runner.owned or self:owns(runner.id) then evaluate(self, runner, t) end
  end
  return self.schedule:next_time()
end

-- -- other nodes -----------------------------------------------------------

local function adopt(self, id, now)
  local value, runner = self.shared[id], self.by_id[id]
  if not value or not runner or not runner.restore then return end
  if runner.last_evaluation and (value.at or 0) <= runner.last_evaluation then return end
  runner:restore(value, now, 0)
end

local on = {}

function on.shared(self, msg, now)
  if msg.kind ~= "alert-state" then return end
  self.shared[msg.id] = msg.value
  if not self:owns(msg.id) then adopt(self, msg.id, now) end
end

function on.lease(self, msg, now)
  local slot = tonumber(tostring(msg.slot):match "^rules/(%d+)$")
  if not slot then return end
  self.cluster = true
  local had = self.leases[slot] and self.leases[slot].held
  self.leases[slot] = { held = msg.held, fence = msg.fence }
  if msg.held and not had then
    for id in pairs(self.by_id) do
      if M.slot_of(id) == slot then adopt(self, id, now) end
    end
  end
end

--- A message of the rules actor that is the engine's: lease, shared.  Others are not known here.
function M:handle(msg, now)
  local f = on[msg.type]
  if f then return f(self, msg, now) end
end

-- -- restarts --------------------------------------------------------------

--- Everything that must survive, as plain values.
function M:snapshot(now)
  local out = { version = 1, at = now, rules = {} }
  for id, runner in pairs(self.by_id) do
    if runner.save then out.rules[id] = runner:save() end
  end
  return out
end

--- Take up a snapshot, after `load`.
function M:restore(snapshot, now)
  if type(snapshot) ~= "table" or snapshot.version ~= 1 or type(snapshot.rules) ~= "table" then return false end
  for id, saved in pairs(snapshot.rules) do
    local runner = self.by_id[id]
    if runner and runner.restore and type(saved) == "table" then
      local at = tonumber(saved.at) or tonumber(snapshot.at) or now
      runner:restore(saved, now, math.max(0, now - at))
    end
  end
  return true
end

return M
