--- rules.lua - the rules engine: a set of rules, when each is due, and what they know over time.
--
-- The same object runs in the server, in a spec and over stored data: time comes in as an argument, alerts go out through
-- `emit`.  A rule is known by what config/identity.lua says; its state stays when the set around it changes.  With several nodes a rule
-- belongs to one of 16 slots, and only the node that holds the slot evaluates alerts and jobs of it; records, SLO figures
-- and checks run on every node, because each has a store of its own.
local breakers = require "moonwatch.engine.rules.breakers"
local identity = require "moonwatch.config.identity"
local incidents = require "moonwatch.status.incidents"
local line = require "moonwatch.engine.rules.line"
local state = require "moonwatch.engine.rules.state"
local suspend = require "moonwatch.engine.rules.suspend"
local turns = require "moonwatch.engine.rules.turn"
local marks = require "moonwatch.marks.book"
local migrate = require "moonwatch.engine.rules.migrate"
local guests = require "moonwatch.engine.rules.guests"
local own = require "moonwatch.engine.rules.own"
local page = require "moonwatch.alert.page"
local schedule = require "moonwatch.engine.rules.schedule"
local slos = require "moonwatch.engine.rules.slos"
local swap = require "moonwatch.engine.rules.swap"
local corrections = require "moonwatch.slo.corrections"

local M = {}
M.__index = M

M.SLOTS = 16
local BATCH, SLICE = 100, 25 -- rules evaluated before the mailbox is looked at again; of one group before the next has its turn
local BATCH_SECONDS, SLICE_SECONDS = 0.1, 0.02 -- and the time after which it is the others' turn anyway
local LONG = 0.005 -- seconds of a single evaluation or a piece of a group, after which it is looked who is due since

--- options: { host=, emit=function(alerts, now), cluster= (wait for leases), spread= (false: all rules at round times), clock= (for
-- measuring only, seconds) }.
function M.new(options)
  local self = setmetatable({
    host = options.host, emit_to = options.emit, cluster = options.cluster or false, clock = options.clock,
    spread = options.spread ~= false, runners = {}, by_id = {}, named = {}, burns = {}, promoted = {}, groups = {}, busy = line.new(), schedule = schedule.new(),
    keyed = {}, keeping = {}, shared = {}, leases = {}, observers = {}, external_labels = {}, guests = guests.new(), problems = {}, generation = 0, breakers = {}, shared_breakers = {}, guarded = {},
    corrections = corrections.new(), turns = {}, ready = {}, idle = {}, suspended = {}, figured = 0, alone = {}, -- see rules/turn.lua, rules/suspend.lua, rules/budget.lua
  }, M)
  self.late = options.host.instrument("observe", "moonwatch_rule_lateness_seconds", {}, "How late groups of rules, checks and jobs began.")
  self.marks = marks.new { host = options.host }
  self.incidents = incidents.new(options.host, function(id, value)
    self.generation = self.generation + 1
    if self.cluster then self.host.call("cluster.put", { kind = "incident", id = id, value = value }) end
  end)
  self.own = own.new(options.emit, function() return self.external_labels end)
  return self
end

--- A shadow is where the live rule is.
function M.slot_of(id)
  if id:sub(1, #identity.SHADOW) == identity.SHADOW then id = id:sub(#identity.SHADOW + 1) end
  return schedule.hash(id) % M.SLOTS
end

--- Does this node evaluate what has this id?
function M:owns(id)
  if not self.cluster then return true end
  local lease = self.leases[M.slot_of(id)]
  return lease ~= nil and lease.held
end

-- -- what runners ask of the engine ----------------------------------------

function M:emit(alerts, now) self.emit_to(alerts, now) end

--- Where people see the alert of LABELS; nil when nobody said where they reach us.
function M:alert_page(labels)
  local base = page.base(self.external_url)
  return base and page.address(base, labels)
end

function M:call_guest(fn, args, ctx, done) self.guests:call(fn, args, ctx, done) end

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

--- The window that is called NAME, or nil.
function M:window(name) return slos.window(self, name) end

--- What came late goes to the SLOs that count such things.
function M:take_late() slos.take_late(self) end

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
  if not runner.silent then self:count("moonwatch_rule_failures_total", runner, 1) end
  runner.fails, runner.over = (runner.fails or 0) + 1, failure.over
  if not failure.outside then suspend.failed(self, runner, now) end
end

--- Something of RUNNER changed that must survive.
function M:changed(runner, now)
  if self.by_id[runner.id] ~= runner then return end -- one of an older set, whose last call came back
  self.generation = self.generation + 1
  self.keeping[runner.id], runner.kept_text = runner, nil
  if not self.cluster or not runner.owned or not runner.save then return end
  local id = runner.id
  local lease = self.leases[M.slot_of(id)]
  if not lease or not lease.held then return end
  local value = migrate.save(runner) or { alerts = {}, at = now }
  value.at = now
  self.host.call("cluster.put", { kind = "alert-state", id = id, value = value, slot = "rules/" .. M.slot_of(id), fence = lease.fence })
end

--- The same, and on disk before anybody is told.  True, or nil, why.
function M:keep(runner, now)
  self:changed(runner, now)
  if self.save_now then return self.save_now(now) end
  return true
end

--- The program ends: what must not be left as it is.
function M:farewell(now)
  for _, runner in ipairs(self.runners) do
    if runner.farewell then runner:farewell(now) end
  end
end

--- The rules of WORD that are called NAME.
function M:called(word, name) return self.named[word .. "/" .. name] or {} end

--- Is an alert, expectation or check NAME down, for somebody with LABELS?
function M:is_down(name, labels)
  for _, word in ipairs { "alert", "expect" } do
    for _, alert in ipairs(self:called(word, name)) do
      if alert:fires_for(labels) then return true end
    end
  end
  local check = self.by_id["check/" .. name]
  return check and check:is_down() or false
end

--- RUNNER, which stands alone in its group, comes up each EVERY seconds from NOW on.
function M:pace(runner, every, now)
  local entry = self.by_id[runner.id] == runner and runner.group and runner.group.entry
  if entry then self.schedule:pace(entry, every, now) end
end

--- RUNNER, an expectation, was heard of.  The node that asks for it may be another one.
function M:beat(runner, now)
  runner:beat(now, now)
  if self.cluster then self.host.call("cluster.put", { kind = "expect-beat", id = runner.id, value = { at = now } }) end
end

--- RUNNER, a heartbeat, was told BEAT, see check/heartbeat.lua.
function M:check_beat(runner, beat, now)
  runner:beat(beat, now, now)
  if not self.cluster then return end
  self.host.call("cluster.put", { kind = "check-beat", id = runner.id,
    value = { at = now, kind = beat.kind, message = beat.message, seconds = beat.seconds } })
end

--- Run SET from now on.  Rules that were there before keep their state; those that are gone end.  MOVES: of the plan, if there
-- was one.
function M:load(set, now, moves) swap.load(self, set, now, moves) end

--- How the rules of SET are known here, see swap.
M.ids = swap.ids

--- What waits for rules that are others now, or gone, is not waited for any more.
function M:abandon()
  for turn in pairs(self.turns) do
    local runner = turn.runner
    if self.by_id[runner.id] ~= runner then
      runner.abandoned = true
      turn:abandon()
    end
  end
  self.figured = 0
  for _, runner in pairs(self.by_id) do
    if runner.figures then self.figured = self.figured + 1 end
  end
end

-- -- time ------------------------------------------------------------------

-- Who is due gets in line.
local function line_up(self, now)
  while true do
    local entry, t, missed = self.schedule:pop(now)
    if not entry then return end
    entry.group:begin(t, missed)
    self.late(math.max(0, now - t))
    self.busy:add(entry)
  end
end

-- Turns whose answer is there, as many as fit.
local function resume(self, clock)
  local untill = clock and clock() + SLICE_SECONDS
  while self.ready[1] do
    table.remove(self.ready, 1):resume()
    if clock and clock() >= untill then return end
  end
end

--- Do what is due, every group in its turn, until one has taken long: quick ones may be due since.  Gives the next time to be
-- called.
function M:tick(now)
  local clock, left = self.clock, BATCH
  resume(self, clock)
  self.guests:tick(now)
  self.own:tick(now)
  breakers.tick(self, now)
  line_up(self, now)
  local untill, before = clock and clock() + BATCH_SECONDS, nil
  while self.busy:any() and left > 0 and not (before and clock() - before >= LONG) and not (clock and clock() >= untill) do
    local entry = self.busy:take()
    before = clock and clock()
    local n, done = entry.group:go(math.min(SLICE, left), clock and clock() + SLICE_SECONDS)
    left = left - n
    if done then self.schedule:back(entry, entry.group.t) else self.busy:add(entry) end
  end
  if self.busy:any() or self.ready[1] then return now end
  return self.schedule:next_time()
end

--- The alerts of the rule ID may be others from now on, or this node's to judge no longer.
function M:rouse(id)
  local runner = self.by_id[id]
  if runner and runner.group then runner.group:rouse() end
end

M.handle, M.snapshot, M.restore = state.handle, state.snapshot, state.restore

return M
