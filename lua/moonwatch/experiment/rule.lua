--- rule.lua - one experiment at work: a fault is injected while the steady state holds, watched, and rolled back.
--
-- A run goes from phase to phase, a look at each turn; what it is about to do is on disk before it does it, so a fault that was injected
-- is never forgotten: whoever finds a run that is not its own (after a restart, on another node) takes the fault back and says so.
--
--   checking    does the steady state hold?  If not it never begins
--   injecting   `inject` was called
--   running     abort conditions first, then the steady state, until the time is over
--   returning   `rollback` was called; it is called again until it works, or a person says that it is done
--   recovering  the steady state must hold again within `recover`
--
--   state = { run = { id=, phase=, life=, since=, injected_at=, ends=, phase_at=, author=, mark=, outcome=, reason=, evidence={}, tries= },
--             history = { newest last }, planned= (of the schedule), memory= (ctx.state of its functions), order= }
--   outcomes: held, broken, aborted, "not started"
local act = require "moonwatch.experiment.act"
local audit = require "moonwatch.audit"
local conditions = require "moonwatch.experiment.conditions"
local deadlines = require "moonwatch.expect.deadlines"

local M = {}
M.__index = M
M.word = "experiment"

local KEPT = 50       -- runs
local LATE = 60       -- seconds after which a moment of the schedule is let go
local PATIENCE = 60   -- seconds, at most, between two tries to take a fault back

function M.new(rule, engine)
  local self = setmetatable({ rule = rule, engine = engine, host = engine.host, state = { history = {} }, written = {}, health = "unknown",
                              life = engine.host.random_hex(8) }, M)
  if rule.schedule then
    local s = rule.schedule
    self.deadlines = assert(deadlines.new({ by = s.at, days = s.days, dates = s.dates, months = s.months, zone = s.zone }, engine.host))
  end
  return self
end

-- The runner that has this one's place now: a call that began before a reload ends there.
local function current(self)
  while self.heir do self = self.heir end
  return self
end

-- -- what others see -----------------------------------------------------------

local function write(self, t, values)
  local rows = {}
  for _, v in ipairs(values) do
    local labels = { __name__ = v[1], experiment = self.rule.name, service = self.rule.service, condition = v[3] }
    rows[#rows + 1] = { labels = labels, t = t, value = v[2] }
    self.written[v[1] .. (v[3] or "")] = labels
  end
  self.host.append(rows)
end

local function write_look(self, look, t)
  local values = { { "experiment_running", 1 } }
  for _, row in ipairs(look.steady) do values[#values + 1] = { "experiment_steady", row.holds and 1 or 0, row.name } end
  write(self, t, values)
end

-- The fault on every plot: from when it was injected until it was rolled back, as far as that is known.
local function mark(self, run, t, text)
  local value = { id = run.mark, kind = "experiment", time = run.injected_at, until_ = math.max(t, run.injected_at), service = self.rule.service,
                  text = self.rule.name .. ": " .. text, labels = { experiment = self.rule.name }, author = run.author }
  local kept = self.engine.marks:put(value)
  run.mark = kept and kept.id or run.mark
end

local function say(self, level, text, why)
  self.host.log(level, ("experiment %q: %s"):format(self.rule.name, text), { experiment = self.rule.name, service = self.rule.service, why = why })
end

-- Everybody hears of a fault that cannot be taken back.
local function alarm(self, t, why)
  local name = "ExperimentNotRolledBack"
  local list = {}
  for _, runner in ipairs(self.engine.runners) do
    local stuck = runner.rule.word == "experiment" and runner.state.run and runner.state.run.stuck
    if runner == self and why then stuck = why end
    if stuck then
      list[#list + 1] = { labels = { experiment = runner.rule.name, service = runner.rule.service }, severity = "page",
                          annotations = { summary = ("the fault of experiment %s in %s is still there: %s"):format(runner.rule.name, runner.rule.service, stuck) } }
    end
  end
  self.engine.own:set(name, list, t)
end

-- -- the end -------------------------------------------------------------------

local function over(self, t, outcome, reason)
  local run = self.state.run
  run.outcome, run.reason, run.ended = outcome, reason, t
  run.phase, run.life, run.phase_at, run.tries = nil, nil, nil, nil
  if run.stuck then
    run.stuck = nil
    alarm(self, t)
  end
  self.state.run, self.state.memory = nil, nil
  table.insert(self.state.history, run)
  while #self.state.history > KEPT do table.remove(self.state.history, 1) end
  if run.injected_at then mark(self, run, run.returned_at or t, ("%s, %s"):format(outcome, reason)) end
  say(self, outcome == "held" and "info" or "warn", outcome, reason)
  audit.note(self.host, "experiment.ended", run.author or "moonwatch", { experiment = self.rule.name, service = self.rule.service, outcome = outcome, reason = reason,
    injected = run.injected_at and self.host.rfc3339(run.injected_at) or nil })
  self.host.metric("add", "moonwatch_experiments_total", { experiment = self.rule.name, outcome = outcome }, 1, "Experiments that ended, by outcome.")
  write(self, t + 0.001, { { "experiment_running", 0 } }) -- a look of this moment may have said 1
  self.engine:keep(self, t)
end

local function enter(self, phase, t)
  local run = self.state.run
  run.phase, run.phase_at = phase, t
  return self.engine:keep(self, t)
end

-- -- the way back --------------------------------------------------------------

-- RUN's fault is to be taken back at T; what came of it so far is OUTCOME and REASON, unless something did before.
local function take_back(self, t, outcome, reason)
  local run = self.state.run
  run.outcome, run.reason = run.outcome or outcome, run.reason or reason
  run.tries = (run.tries or 0) + 1
  self.calling = (self.calling or 0) + 1
  local call = self.calling
  enter(self, "returning", t)
  self.asked_at, self.pending = t, true
  act.go(self, self.rule.rollback, t, function(ok, why)
    local me = current(self)
    if me.state.run ~= run or me.calling ~= call or run.phase ~= "returning" then return end
    me.pending = nil
    local now = me.now or t
    if ok then
      run.returned_at, run.stuck = now, nil
      alarm(me, now)
      enter(me, "recovering", now)
      mark(me, run, now, run.outcome)
    else
      run.stuck = ("rollback: %s"):format(why)
      say(me, "error", "its fault was not taken back, and it is tried again", run.stuck)
      alarm(me, now, run.stuck)
      me.engine:keep(me, now)
    end
  end)
end

local function returning(self, t)
  local run = self.state.run
  local since = t - (self.asked_at or 0)
  if self.pending and since < self.rule.timeout + 1 then return end
  if self.pending then
    self.pending, run.stuck = nil, "rollback: it never ended"
    alarm(self, t, run.stuck)
  elseif since < math.min(PATIENCE, self.rule.every * 2 ^ math.min(10, (run.tries or 1) - 1)) then return end
  take_back(self, t)
end

local function recovering(self, t)
  local run, rule = self.state.run, self.rule
  local look = conditions.look(self.host, rule, t)
  if self.state.run ~= run or run.phase ~= "recovering" then return end
  local why = conditions.unsteady(look)
  write_look(self, look, t)
  run.evidence.after = look
  if not why then return over(self, t, run.outcome, run.reason) end
  if t - run.returned_at < rule.recover then return end
  local text = ("it did not recover within %s: %s"):format(self.host.duration_text(rule.recover), why)
  if run.outcome == "held" then return over(self, t, "broken", text) end
  over(self, t, run.outcome, run.reason .. "; " .. text)
end

-- -- the way in ----------------------------------------------------------------

local function inject(self, t)
  local run = self.state.run
  self.calling = (self.calling or 0) + 1
  local call = self.calling
  self.pending = true
  act.go(self, self.rule.inject, t, function(ok, why, memory)
    local me = current(self)
    local now = me.now or t
    if me.state.run ~= run or run.phase ~= "injecting" or me.calling ~= call then
      -- It came too late: what it did meanwhile is taken back once more.
      say(me, "warn", "`inject` ended after it had been given up; `rollback` is called once more")
      return act.go(me, me.rule.rollback, now, function(back, wrong)
        if not back then say(me, "error", "rollback after a late inject failed", wrong) end
      end)
    end
    me.pending, me.state.memory = nil, memory or me.state.memory
    if not ok then return take_back(me, now, "aborted", "inject failed: " .. tostring(why)) end
    run.ends = now + me.rule.lasts
    enter(me, "running", now)
  end)
end

local phases = {}

function phases.checking(self, t)
  local run = self.state.run
  local look = conditions.look(self.host, self.rule, t)
  if self.state.run ~= run or run.phase ~= "checking" then return end
  run.evidence.before = look
  local why = conditions.unsteady(look) or conditions.ends(look)
  if why then return over(self, t, "not started", "the steady state does not hold: " .. why) end
  run.injected_at = t
  local kept, wrong = enter(self, "injecting", t)
  if not kept then
    run.injected_at = nil
    return over(self, t, "not started", "that it begins cannot be written down: " .. tostring(wrong))
  end
  mark(self, run, t + self.rule.lasts, "a fault is let in")
  say(self, "warn", "a fault is let in")
  audit.note(self.host, "experiment.injected", run.author, { experiment = self.rule.name, service = self.rule.service })
  write_look(self, look, t)
  inject(self, t)
end

function phases.injecting(self, t)
  if t - self.state.run.phase_at > self.rule.timeout + 1 then take_back(self, t, "aborted", "inject never ended") end
end

function phases.running(self, t)
  local run = self.state.run
  local look = conditions.look(self.host, self.rule, t)
  if self.state.run ~= run or run.phase ~= "running" then return end
  write_look(self, look, t)
  local ends, unsteady = conditions.ends(look), conditions.unsteady(look)
  run.looks, run.evidence.last = (run.looks or 0) + 1, look
  if unsteady and not run.evidence.broken then run.evidence.broken, run.broken = look, unsteady end
  if ends then
    run.evidence.aborted = look
    return take_back(self, t, "aborted", ends)
  end
  if t < run.ends then return end
  if run.broken then return take_back(self, t, "broken", run.broken) end
  take_back(self, t, "held", ("the steady state held for %s"):format(self.host.duration_text(self.rule.lasts)))
end

phases.returning, phases.recovering = returning, recovering

-- A run that somebody else began: this program before a restart, or another node.
local function found(self, t)
  local run = self.state.run
  run.life = self.life
  if run.phase == "checking" then return over(self, t, "not started", "moonwatch was restarted before it began") end
  if run.phase == "recovering" then return end
  say(self, "warn", "it ran while moonwatch went away: its fault is taken back")
  take_back(self, t, "aborted", "moonwatch was restarted, or another node took over, while the fault was there")
end

-- -- time ----------------------------------------------------------------------

-- The first moment of the schedule that counts is one after this rule was first seen.
local function scheduled(self, t)
  if not self.deadlines then return end
  local due = self.deadlines:before(t)
  local planned = self.state.planned
  if due and planned and due > planned and t - due <= LATE + self.rule.every then
    local ok, why = self:order("start", { author = "schedule" }, t)
    if not ok then say(self, "warn", "it does not begin as scheduled", why) end
  end
  if not planned or (due or 0) > planned then
    self.state.planned = math.max(planned or 0, due or 0, planned and 0 or t)
    self.engine:changed(self, t)
  end
end

function M:evaluate(t)
  self.last_evaluation, self.now, self.health, self.last_error = t, t, "ok", nil
  scheduled(self, t)
  local run = self.state.run
  if not run then return end
  if run.life ~= self.life then found(self, t) else phases[run.phase](self, t) end
end

-- -- what people do ------------------------------------------------------------

-- Another experiment in the same service, which runs.
local function neighbour(self)
  for _, runner in ipairs(self.engine.runners) do
    if runner ~= self and runner.rule.word == "experiment" and runner.rule.service == self.rule.service and runner.state.run then return runner.rule.name end
  end
end

local does = {}

function does.start(self, args, now)
  if self.state.run then return nil, "it runs since " .. self.host.rfc3339(self.state.run.since), "running" end
  local other = neighbour(self)
  if other then return nil, ("experiment %q runs in %s: one at a time"):format(other, self.rule.service), "busy" end
  self.state.run = { id = self.host.random_hex(8), phase = "checking", life = self.life, since = now, phase_at = now, author = args.author, evidence = {} }
  self.state.memory = nil
  self.engine:keep(self, now)
  return true
end

-- args: { reason=, author=, rolled_back= (a person took the fault back) }
function does.stop(self, args, now)
  local run = self.state.run
  if not run then return nil, "it does not run", "idle" end
  self.now = now
  local reason = ("stopped%s%s"):format(args.author and " by " .. args.author or "", args.reason and ": " .. args.reason or "")
  if run.phase == "checking" then
    over(self, now, "not started", reason)
  elseif args.rolled_back then
    run.returned_at = run.returned_at or now
    over(self, now, run.outcome or "aborted", (run.reason and run.reason .. "; " or "") .. reason .. "; the fault was taken back by hand")
  elseif run.phase == "injecting" or run.phase == "running" then
    take_back(self, now, "aborted", reason)
  else
    return nil, "its fault is being taken back", "returning"
  end
  return true
end

--- WHAT: "start" or "stop".  True, or nil, message, code.
function M:order(what, args, now) return does[what](self, args, now) end

--- "idle", a phase of the run that goes on, or the outcome of the last one.
function M:status()
  if self.state.run then return self.state.run.phase end
  local last = self.state.history[#self.state.history]
  return last and last.outcome or "idle"
end

--- When it begins by itself the next time, after NOW; nil: never.
function M:next(now) return self.deadlines and self.deadlines:after(now) end

-- -- over reloads, restarts and nodes --------------------------------------------

function M:inherit(old)
  self.state, self.life, self.calling, self.pending, self.asked_at = old.state, old.life, old.calling, old.pending, old.asked_at
  self.written, self.last_evaluation, self.health, self.now = old.written, old.last_evaluation, old.health, old.now
  old.heir = self
end

local HARMLESS = { checking = true, recovering = true }

-- Take the fault back, of whose run nobody will hear any more; DONE(ok, why).
local function let_go(self, t, done)
  local run = self.state.run
  if not run or HARMLESS[run.phase] or not self.engine:owns(self.id) then return end
  act.go(self, self.rule.rollback, t, done)
end

--- The rule is no more.
function M:drop(t)
  let_go(self, t, function(ok, why)
    if ok then return say(self, "warn", "its rule was removed while it ran: its fault was taken back") end
    say(self, "error", "its rule was removed while it ran, and its fault was not taken back", why)
  end)
  local rows = {}
  for _, labels in pairs(self.written) do rows[#rows + 1] = { labels = labels, t = t, value = "stale" } end
  if #rows > 0 then self.host.append(rows) end
end

--- The program ends: what can be done at once is; the rest when it is there again.
function M:farewell(t)
  if not self.rule.rollback["@fn"] then return end
  let_go(self, t, function(ok)
    local run = self.state.run
    if not ok or not run then return end
    run.returned_at = t
    over(self, t, "aborted", "moonwatch was stopped while the fault was there: it was taken back")
  end)
end

function M:save()
  if self.state.run or #self.state.history > 0 or self.state.planned then return { state = self.state } end
end

local function is_run(run)
  return type(run) == "table" and (phases[run.phase] ~= nil or run.outcome ~= nil) and type(run.evidence) == "table" and type(run.since) == "number"
         and (run.phase ~= "recovering" or type(run.returned_at) == "number")
         and (run.phase == nil or run.phase == "checking" or type(run.injected_at) == "number")
end

function M:restore(saved)
  local s = type(saved.state) == "table" and saved.state or {}
  self.state = { run = is_run(s.run) and s.run.phase and s.run or nil, history = {}, planned = tonumber(s.planned), order = s.order,
                 memory = type(s.memory) == "table" and s.memory or nil }
  for _, run in ipairs(type(s.history) == "table" and s.history or {}) do
    if is_run(run) and run.outcome then table.insert(self.state.history, run) end
  end
end

return M
