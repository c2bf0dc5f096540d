--- group.lua - rules that run one after the other, in the order of their file, at one moment.
--
-- The records, alerts and SLOs of one file with one interval are a group, unless they name another with `group`; checks and
-- jobs stand alone.  All rules of a group look at the same time, so that one sees what an earlier one of its group has just
-- written.  A long group is worked off in pieces, others in between; its time stays the one it began with.  Those that stand
-- alone share their figures by their word: ten thousand checks must not make ninety thousand series.
--
-- A rule whose query is slow leaves the others to go on: its turn ends later (rules/turn.lua), and until then it has no other.
-- Only rules of its group whose expressions name the series that it writes wait for it, likewise.
--
-- Most alerts have nothing to tell most of the time.  Their queries stand in `quiet`, and host.quiet walks along them as long
-- as they give nothing, without touching any rule.
local budget = require "moonwatch.engine.rules.budget"
local suspend = require "moonwatch.engine.rules.suspend"
local turns = require "moonwatch.engine.rules.turn"
local shadow = require "moonwatch.engine.rules.shadow"

local M = {}
M.__index = M

local HELP = {
  evaluations = "Rules evaluated.",
  iterations = "Times a group was due, whether it ran or was missed.",
  missed = "Times a group was due and did not run, because it was still running or the server was behind.",
  duration = "Time that the last run of a group took.",
  at = "Time that the last run of a group looked at.",
  samples = "Samples that the last run of a group gave.",
  interval = "Time between two runs of a group.",
  rules = "Rules of a group.",
}

--- What RULE belongs to: name of the group, without the interval.
function M.name_of(rule)
  if rule.group then return rule.group end
  local file = rule.file or ""
  return file:match "([^/]*)%.lua$" or file
end

--- options: { engine=, key= ("FILE;NAME", known to users as rule_group), name=, file=, every=, listed= (a group of its file) }.
function M.new(options)
  return setmetatable({
    engine = options.engine, key = options.key, name = options.name, file = options.file, every = options.every,
    listed = options.listed, members = {}, quiet = {}, waiting = {}, seconds = 0,
  }, M)
end

function M:add(runner)
  self.members[#self.members + 1], self.quiet[#self.members + 1] = runner, false
  runner.group = self
end

--- The limit that all its rules share, 0 when they do not.
function M:limit()
  local limit = self.members[1] and self.members[1].rule.limit
  for _, runner in ipairs(self.members) do
    if runner.rule.limit ~= limit then return 0 end
  end
  return limit or 0
end

-- -- figures ---------------------------------------------------------------

local function nothing() end

-- The figures of all that stand alone and are the same WORD.
local function shared_figures(self, host, word)
  local all = self.engine.alone
  if all[word] then return all[word] end
  local labels = { rule_group = word }
  all[word] = {
    evaluations = host.instrument("add", "moonwatch_rule_evaluations_total", labels, HELP.evaluations),
    iterations = host.instrument("add", "moonwatch_rule_group_iterations_total", labels, HELP.iterations),
    missed = host.instrument("add", "moonwatch_rule_iterations_missed_total", labels, HELP.missed),
    duration = nothing, at = nothing, samples = nothing, rules = nothing,
  }
  all[word].missed(0)
  return all[word]
end

--- Ready for work, with all its members: makes its instruments, or goes on with those of BEFORE, this group in the set before.
function M:complete(host, before)
  if not self.listed then
    self.count = shared_figures(self, host, self.members[1].rule.word)
    return self:completed()
  end
  if before then
    self.count = before.count
    if before.every ~= self.every then host.instrument("set", "moonwatch_rule_group_interval_seconds", { rule_group = self.key }, HELP.interval)(self.every) end
    return self:completed()
  end
  local labels = { rule_group = self.key }
  local function make(kind, name, help) return host.instrument(kind, "moonwatch_rule_" .. name, labels, help) end
  self.count = {
    evaluations = make("add", "evaluations_total", HELP.evaluations),
    iterations = make("add", "group_iterations_total", HELP.iterations),
    missed = make("add", "iterations_missed_total", HELP.missed),
    duration = make("set", "group_last_duration_seconds", HELP.duration),
    at = make("set", "group_last_evaluation_timestamp_seconds", HELP.at),
    samples = make("set", "group_last_evaluation_samples", HELP.samples), rules = make("set", "group_rules", HELP.rules),
  }
  self.count.missed(0)
  make("set", "group_interval_seconds", HELP.interval)(self.every)
  self:completed()
end

function M:completed()
  self.count.rules(#self.members)
  self.behind = self.members[1] and self.engine:behind(self.members[1].rule) or 0
end

--- It is no more.
function M:close() self.count.rules(0) end

-- -- running ---------------------------------------------------------------

--- Due at T, MISSED times in vain before.
function M:begin(t, missed)
  self.t, self.at, self.spent, self.samples, self.running = t, 1, 0, 0, true
  self.count.iterations(missed + 1)
  if missed > 0 then self.count.missed(missed) end
end

--- Go on with what BEFORE, this group in the set before, was at: those that it has done are not done twice, those whose turn was
-- abandoned have not.
function M:resume(before)
  self.t, self.at, self.spent, self.samples, self.running = before.t, 1, before.spent, before.samples, true
  self.done = before.done or {}
  for i = 1, before.at - 1 do
    local runner = before.members[i]
    self.done[runner.id] = not runner.abandoned or nil
  end
end

--- Wait for what BEFORE waited for, as far as that goes on.
function M:wait_with(before)
  for _, turn in ipairs(before.waiting) do
    if turn.runner.turn == turn then self.waiting[#self.waiting + 1] = turn end
  end
end

-- The rule at I has been evaluated; it had failed FAILS times before.
local function settle(self, i, before, fails)
  local runner, engine = self.members[i], self.engine
  self.samples = self.samples + (runner.samples or 0)
  if before then
    runner.seconds = engine.clock() - before
    engine:observe(runner, runner.seconds)
  end
  budget.account(engine, runner)
  if not runner.running and runner.fails == fails then suspend.worked(engine, runner, self.t) end
  if runner.pair then shadow.look(runner, self.t) end
  self.quiet[i] = not runner.pair and runner.quiet and engine:behind(runner.rule) == self.behind and not runner.rule.budget and runner:quiet() or false
end

local EXPRESSIONS = { "expr", "unless", "good", "bad", "total", "ratio" }

-- Does an expression of RULE name the series NAME?  What functions read is not known; they take what is there.
local function reads(rule, name)
  local pattern = "%f[%w_:]" .. name .. "%f[^%w_:]"
  for _, field in ipairs(EXPRESSIONS) do
    if type(rule[field]) == "string" and rule[field]:find(pattern) then return true end
  end
  return type(rule.latency) == "table" and rule.latency.metric:find(pattern) ~= nil
end

-- The turn of an earlier record that still waits and that the rule at I reads.
local function held_up(self, i)
  for k = #self.waiting, 1, -1 do
    local turn = self.waiting[k]
    if turn.runner.turn ~= turn then table.remove(self.waiting, k)
    elseif turn.runner.rule.word == "record" and reads(self.members[i].rule, turn.runner.rule.name) then return turn end
  end
end

-- The turn of the rule at I, if it is one.
local function evaluate(self, i)
  local runner, engine = self.members[i], self.engine
  if self.done and self.done[runner.id] then return end
  if runner.turn then return engine:count("moonwatch_rule_turns_missed_total", runner, 1) end
  if runner.owned and not engine:owns(runner.id) then
    self.quiet[i] = false
    return
  end
  if suspend.rests(runner, self.t) then
    self.quiet[i] = false
    if runner.remind then runner:remind(self.t) end
    return
  end
  local before, fails = engine.clock and engine.clock(), runner.fails
  budget.begin(engine, runner)
  local function done() settle(self, i, before, fails) end
  local turn = turns.begin(engine, runner, self.t, done, held_up(self, i))
  if not turn then return done() end
  self.quiet[i] = false
  self.waiting[#self.waiting + 1] = turn
end

-- All rules up to LAST, or up to the one after which it is late.
local function walk(self, last, untill)
  local engine, quiet = self.engine, self.quiet
  local clock = engine.clock
  repeat
    local at = self.at
    if quiet[at] and not held_up(self, at) then
      local stop = self.waiting[1] and at or last
      engine.host.metered(budget.of_quiet(engine))
      at = engine.host.quiet(quiet, at, stop, self.t - self.behind, untill, engine:observer "alert")
      engine.host.metered(nil)
    end
    if at == self.at or (at <= last and not self.waiting[1]) then
      evaluate(self, at)
      at = at + 1
    end
    self.at = at
  until self.at > last or (untill and clock() >= untill)
end

--- Evaluate up to N rules, fewer when it gets later than UNTILL on the engine's clock.  Gives how many, and whether that was
-- the last.
function M:go(n, untill)
  local first, clock = self.at, self.engine.clock
  local before = clock and clock()
  if #self.members > 0 then walk(self, math.min(first + n - 1, #self.members), untill) end
  if clock then self.spent = self.spent + clock() - before end
  self.count.evaluations(self.at - first)
  if self.at <= #self.members then return self.at - first, false end
  self.seconds, self.last_evaluation, self.running, self.done = self.spent, self.t, false, nil
  self.count.duration(self.spent)
  self.count.at(self.t)
  self.count.samples(self.samples)
  return self.at - first, true
end

--- What is owned may have come or gone: look at every rule again.
function M:rouse()
  for i = 1, #self.members do self.quiet[i] = false end
end

return M
