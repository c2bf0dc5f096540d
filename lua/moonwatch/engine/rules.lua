--- rules.lua - the rules engine: a set of rules, when each is due, and what they know over time.
--
-- The same object runs in the server, in a spec and over stored data: time comes in as an argument, alerts go out through
-- `emit`.  A rule is known by what config/identity.lua says; its state stays when the set around it changes.  With several nodes a rule
-- belongs to one of 16 slots, and only the node that holds the slot evaluates alerts and jobs of it; records, SLO figures
-- and checks run on every node, because each has a store of its own.
local burn = require "moonwatch.slo.burn"
local identity = require "moonwatch.config.identity"
local change = require "moonwatch.engine.rules_change"
local groups = require "moonwatch.engine.rules_group"
local line = require "moonwatch.engine.rules_line"
local schedule = require "moonwatch.engine.rules_schedule"
local suspend = require "moonwatch.engine.rules_suspend"
local turns = require "moonwatch.engine.rules_turn"

local M = {}
M.__index = M

M.SLOTS = 16
local BATCH, SLICE = 100, 25 -- rules evaluated before the mailbox is looked at again; of one group before the next has its turn
local BATCH_SECONDS, SLICE_SECONDS = 0.1, 0.02 -- and the time after which it is the others' turn anyway

local RUNNERS = {
  { list = "records", new = require("moonwatch.engine.rules_record").new, word = "record", grouped = true },
  { list = "slos", new = require("moonwatch.slo.rule").new, word = "slo", grouped = true },
  { list = "checks", new = require("moonwatch.check.rule").new, word = "check" },
  { list = "alerts", new = require("moonwatch.alert.rule").new, word = "alert", owned = true, grouped = true },
  { list = "everys", new = require("moonwatch.engine.rules_every").new, word = "every", owned = true },
}

--- options: { host=, emit=function(alerts, now), cluster= (wait for leases), spread= (false: all rules at round times), clock= (for
-- measuring only, seconds) }.
function M.new(options)
  local self = setmetatable({
    host = options.host, emit_to = options.emit, cluster = options.cluster or false, clock = options.clock,
    spread = options.spread ~= false, runners = {}, by_id = {}, named = {}, groups = {}, busy = line.new(), schedule = schedule.new(),
    keyed = {}, keeping = {}, shared = {}, leases = {}, observers = {}, external_labels = {}, guests = {}, problems = {}, generation = 0,
    turns = {}, ready = {}, idle = {}, suspended = {}, figured = 0, -- see rules_turn.lua, rules_suspend.lua, rules_budget.lua
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

--- For functions that wait for slow queries only, within the turn of a rule.
function M:run_guest(fn, args, ctx)
  local answer = turns.await(self, function(done) self:call_guest(fn, args, ctx, done) end)
  return answer or { ok = false, error = "the function waits, which is not allowed here" }
end

function M:count(name, runner, by)
  self.host.metric("add", name, { word = runner.rule.word, rule = runner.rule.name }, by)
end

--- The histogram of the time that rules of WORD take.
function M:observer(word)
  local record = self.observers[word]
  if not record then
    record = self.host.instrument("observe", "moonwatch_rule_evaluation_seconds", { word = word }, "Time to evaluate one rule.")
    self.observers[word] = record
  end
  return record
end

--- RUNNER was at work for SECONDS.
function M:observe(runner, seconds) self:observer(runner.rule.word)(seconds) end

--- How far back RULE looks and writes.
function M:behind(rule) return rule.query_offset or self.set and self.set.settings.query_offset or 0 end

--- The store did not take samples of RUNNER: REFUSED is reason -> number.
function M:refused(runner, refused, now)
  local what = {}
  for reason, n in pairs(refused) do
    what[#what + 1] = ("%d %s"):format(n, (reason:gsub("_", " ")))
    self.host.metric("add", "moonwatch_rule_samples_refused_total", { rule_group = runner.group.key, reason = reason }, n,
                     "Samples of recording rules that the store did not take.")
  end
  table.sort(what)
  self:failed(runner, { error = "samples not taken: " .. table.concat(what, ", "), outside = true }, now)
end

--- A runner could not do its work.  failure: { error=, traceback=, outside= (not by a fault of the rule) }.
function M:failed(runner, failure, now)
  local text = failure.error or "failed"
  if runner.last_error ~= text then
    self.host.log("warn", ("%s %q failed: %s"):format(runner.rule.word, runner.rule.name, text),
                  { file = runner.rule.file, line = runner.rule.line })
  end
  runner.health, runner.last_error, runner.traceback, runner.failed_at = "err", text, failure.traceback, now
  self:count("moonwatch_rule_failures_total", runner, 1)
  runner.fails, runner.over = (runner.fails or 0) + 1, failure.over
  if not failure.outside then suspend.failed(self, runner, now) end
end

--- Something of RUNNER changed that must survive.
function M:changed(runner, now)
  self.generation = self.generation + 1
  self.keeping[runner.id], runner.kept_text = runner, nil
  if not self.cluster or not runner.owned or not runner.save then return end
  local id = runner.id
  local lease = self.leases[M.slot_of(id)]
  if not lease or not lease.held then return end
  local value = runner:save() or { alerts = {}, at = now }
  value.at = now
  self.host.call("cluster.put", { kind = "alert-state", id = id, value = value, slot = "rules/" .. M.slot_of(id), fence = lease.fence })
end

--- The rules of WORD that are called NAME.
function M:called(word, name) return self.named[word .. "/" .. name] or {} end

--- Is an alert or check NAME down, for somebody with LABELS?
function M:is_down(name, labels)
  for _, alert in ipairs(self:called("alert", name)) do
    if alert:fires_for(labels) then return true end
  end
  local check = self.by_id["check/" .. name]
  return check and check:is_down() or false
end

-- -- loading ---------------------------------------------------------------

-- The groups of a file, in the order of its rules: FILE;NAME with the interval behind all but the first of a name.
local function group_of(self, found, spec, runner, every)
  local rule = runner.rule
  local name, file = groups.name_of(rule), rule.file or ""
  local options = { engine = self, every = every, name = name, file = file, listed = spec.grouped }
  if not spec.grouped then
    options.name, options.key = runner.id, runner.id
    return groups.new(options), true
  end
  local of_name = found[file .. ";" .. name] or {}
  found[file .. ";" .. name] = of_name
  local group = of_name[every]
  if group then return group, false end
  if next(of_name) then options.name = name .. " " .. self.host.duration_text(every) end
  options.key = file .. ";" .. options.name
  of_name[every] = groups.new(options)
  return of_name[every], true
end

local function in_file_order(runners)
  local out = {}
  for i, item in ipairs(runners) do out[i] = item end
  table.sort(out, function(a, b)
    local x, y = a.runner.rule.order or 0, b.runner.rule.order or 0
    if x ~= y then return x < y end
    return a.place < b.place
  end)
  return out
end

-- When GROUP comes up: where the one with its name did before, when its interval is the same.
local function enter(self, group, order, now, eager)
  local before = self.keyed[group.key]
  local entry = { group = group, every = group.every, order = order,
                  offset = self.spread and schedule.hash(group.key) % math.floor(group.every * 1000) / 1000 or 0 }
  local last = now
  if before and before.every == group.every then
    last = before.running and before.t or before.entry.next - group.every
    group.seconds, group.last_evaluation = before.seconds, before.last_evaluation
  end
  group.entry = entry
  group:complete(self.host)
  self.schedule:add(entry, math.max(last, now - group.every), eager and now or nil)
end

-- Put RUNNERS, { runner=, spec=, place=, eager= }, into groups.  What is done for its turn stays with the runner: a group that
-- was at work ends there, and its rules come up again in their next turn.
local function regroup(self, runners, now)
  local found, keyed, eager = {}, {}, {}
  self.groups, self.busy = {}, line.new()
  for _, item in ipairs(in_file_order(runners)) do
    local runner = item.runner
    local group, fresh = group_of(self, found, item.spec, runner, runner.rule.every or runner.every)
    group:add(runner)
    if fresh then self.groups[#self.groups + 1] = group end
    eager[group] = eager[group] or item.eager
    keyed[group.key] = group
  end
  for order, group in ipairs(self.groups) do enter(self, group, order, now, eager[group]) end
  for key, group in pairs(self.keyed) do
    if not keyed[key] then group:close() end
  end
  self.keyed = keyed
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

-- Of all runners, which are thousands, those that have something to keep over a restart.
local function find_keepers(self)
  self.keeping = {}
  for id, runner in pairs(self.by_id) do
    if runner.save and runner:save() then self.keeping[id] = runner end
  end
end

-- RUNNER is no more.  Series whose record got other labels go on until those are there.
local function leave(self, runner, now)
  local heir = runner.rule.word == "record" and self:called("record", runner.rule.name)[1]
  if heir then heir:take(runner) else runner:drop(now) end
end

-- What waits is not waited for any more: those rules come up again.
local function abandon(self)
  for turn in pairs(self.turns) do turn:abandon() end
  self.ready = {}
end

--- Run SET from now on.  Rules that were there before keep their state; those that are gone end.
function M:load(set, now)
  abandon(self)
  local set_before = self.set
  self.figured = 0
  local before, runners = self.by_id, {}
  self.runners, self.by_id, self.named, self.schedule = {}, {}, {}, schedule.new()
  local guests = self.guests
  self.set, self.guests, self.external_labels = set, set.guests, set.settings.external_labels or {}
  self.external_url = set.settings.external_url
  for _, spec in ipairs(RUNNERS) do
    for _, rule in ipairs(spec.word == "alert" and with_burn_alerts(set) or set[spec.list]) do
      local id, name = identity.id(rule), spec.word .. "/" .. rule.name
      local old, runner = before[id], spec.new(rule, self)
      runner.id, runner.owned = id, spec.owned
      if old then
        runner:inherit(old)
        suspend.inherit(self, runner, old, change.same(old.rule, rule, set_before, set), now)
      end
      local place = #self.runners + 1
      self.runners[place], self.by_id[id] = runner, runner
      self.named[name] = self.named[name] or {}
      table.insert(self.named[name], runner)
      runners[place] = { runner = runner, spec = spec, place = place, eager = runner.eager and not old }
      local shared = not old and self.shared[id]
      if shared and runner.restore then runner:restore(shared, now, 0) end
    end
  end
  regroup(self, runners, now)
  for id, runner in pairs(before) do
    if not self.by_id[id] then
      suspend.lift(self, runner, now)
      leave(self, runner, now)
    end
  end
  for _, guest in pairs(guests) do guest:close() end
  find_keepers(self)
  self.generation = self.generation + 1
end

-- -- time ------------------------------------------------------------------

-- Who is due gets in line.
local function line_up(self, now)
  while true do
    local entry, t, missed = self.schedule:pop(now)
    if not entry then return end
    entry.group:begin(t, missed)
    self.busy:add(entry)
  end
end

-- Turns whose answer is there.
local function resume(self)
  while self.ready[1] do table.remove(self.ready, 1):resume() end
end

--- Do what is due, every group in its turn.  Gives the next time to be called.
function M:tick(now)
  resume(self)
  line_up(self, now)
  local clock, left = self.clock, BATCH
  local untill = clock and clock() + BATCH_SECONDS
  while self.busy:any() and left > 0 and not (clock and clock() >= untill) do
    local entry = self.busy:take()
    local n, done = entry.group:go(math.min(SLICE, left), clock and clock() + SLICE_SECONDS)
    left = left - n
    if done then self.schedule:back(entry, entry.group.t) else self.busy:add(entry) end
  end
  local again = suspend.tick(self, now)
  if self.busy:any() or self.ready[1] then return now end
  local next_time = self.schedule:next_time()
  return next_time and math.min(next_time, again or next_time) or again
end

-- -- other nodes -----------------------------------------------------------

--- The alerts of the rule ID may be others from now on, or this node's to judge no longer.
function M:rouse(id)
  local runner = self.by_id[id]
  if runner and runner.group then runner.group:rouse() end
end

local function adopt(self, id, now)
  local value, runner = self.shared[id], self.by_id[id]
  if not value or not runner or not runner.restore then return end
  if runner.refresh then runner:refresh() end
  if runner.last_evaluation and (value.at or 0) <= runner.last_evaluation then return end
  runner:restore(value, now, 0)
  self.keeping[id], runner.kept_text = runner, nil
end

local on = {}

function on.shared(self, msg, now)
  if msg.kind ~= "alert-state" then return end
  self.shared[msg.id] = msg.value
  self:rouse(msg.id)
  if not self:owns(msg.id) then adopt(self, msg.id, now) end
end

function on.lease(self, msg, now)
  local slot = tonumber(tostring(msg.slot):match "^rules/(%d+)$")
  if not slot then return end
  self.cluster = true
  local had = self.leases[slot] and self.leases[slot].held
  self.leases[slot] = { held = msg.held, fence = msg.fence }
  for _, group in ipairs(self.groups) do group:rouse() end
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

--- Everything that must survive, as JSON.  What did not change is as it was the last time, unless FRESH.
function M:snapshot(now, fresh)
  local encode, parts = self.host.json.encode, {}
  for id, runner in pairs(self.keeping) do
    if fresh or not runner.kept_text then
      local saved = runner:save()
      runner.kept_text = saved and encode(saved)
      if not saved then self.keeping[id] = nil end
    end
    if runner.kept_text then parts[#parts + 1] = encode(id) .. ":" .. runner.kept_text end
  end
  return ('{"version":2,"at":%s,"rules":{%s}}'):format(encode(now), table.concat(parts, ","))
end

-- Version 1 knew rules by word and name only.
local VERSIONS = {
  function(self, id)
    local same = self.named[id]
    return same and #same == 1 and same[1] or nil
  end,
  function(self, id) return self.by_id[id] end,
}

--- Take up a snapshot that was JSON, after `load`.
function M:restore(snapshot, now)
  local find = type(snapshot) == "table" and VERSIONS[snapshot.version]
  if not find or type(snapshot.rules) ~= "table" then return false end
  for id, saved in pairs(snapshot.rules) do
    local runner = find(self, id)
    self:rouse(runner and runner.id)
    if runner and runner.restore and type(saved) == "table" then
      local at = tonumber(saved.at) or tonumber(snapshot.at) or now
      runner:restore(saved, now, math.max(0, now - at))
      self.keeping[runner.id], runner.kept_text = runner, nil
    end
  end
  return true
end

return M
