--- suspend.lua - a rule that keeps failing is left alone for longer and longer, and an alert says so.
--
-- After FAILURES evaluations in a row that failed (an error, or beyond the budget) a rule is suspended: it is tried again
-- after two intervals, then four, up to a minute, or ten when it went beyond its budget, and never more often than its own
-- interval.  One evaluation that works ends it; so does a reload with another text of the rule.  Its alerts stay as they are, and
-- are told as ever.
-- Meanwhile the engine itself fires RuleSuspended{word=,rule=}, for which no rule file needs to say anything.
local M = {}

M.FAILURES = 5
M.ALERT = "RuleSuspended"
local LONGEST, LONGEST_OVER = 60, 600

-- -- the alert -------------------------------------------------------------

-- What is said of RUNNER in texts, which change with each time that it fails.
local function describe(runner, annotations)
  local rule, s = runner.rule, runner.suspended
  annotations.summary = ("%s %q failed %d times in a row and is tried less often"):format(rule.word, rule.name, s.failures)
  annotations.description = s.reason
  annotations.file = rule.file and ("%s:%d"):format(rule.file, rule.line or 1) or nil
end

local function row(engine, runner)
  local word, name, s = runner.rule.word, runner.rule.name, runner.suspended
  if #engine:called(word, name) > 1 then name = runner.id:sub(#word + 2) end
  s.annotations = {}
  describe(runner, s.annotations)
  return { labels = { word = word, rule = name }, annotations = s.annotations }
end

-- What this node says of those that it has.
local function tell(engine, now)
  local list = {}
  for id, runner in pairs(engine.suspended) do
    if not runner.silent and (not runner.owned or engine:owns(id)) then list[#list + 1] = row(engine, runner) end
  end
  engine.own:set(M.ALERT, list, now)
end

local function mark(engine, runner, on)
  engine.host.metric("set", "moonwatch_rule_suspended", { word = runner.rule.word, rule = runner.rule.name }, on and 1 or 0,
                     "1 while a rule is tried less often because it keeps failing.")
end

-- -- begin and end ---------------------------------------------------------

local function over_budget(engine, runner)
  if runner.over then return true end
  return runner.meter ~= nil and select(3, engine.host.usage(runner.meter))
end

local function suspend(engine, runner, now)
  local every = runner.group.every
  local s, first = runner.suspended, not runner.suspended
  if first then
    s = { since = now, step = every }
    runner.suspended = s
    engine.suspended[runner.id] = runner
    engine.host.log("warn", ("%s %q is suspended: it failed %d times in a row"):format(runner.rule.word, runner.rule.name, runner.streak),
                    { file = runner.rule.file, line = runner.rule.line })
    mark(engine, runner, true)
  end
  s.failures, s.reason = runner.streak, runner.last_error
  s.step = math.min(s.step * 2, math.max(every, over_budget(engine, runner) and LONGEST_OVER or LONGEST))
  s.again = now + s.step
  if first then tell(engine, now)
  elseif s.annotations then describe(runner, s.annotations) end
end

--- RUNNER is not suspended any more.
function M.lift(engine, runner, now)
  local s = runner.suspended
  if not s then return end
  runner.suspended, engine.suspended[runner.id] = nil, nil
  mark(engine, runner, false)
  tell(engine, now)
end

--- An evaluation of RUNNER failed.
function M.failed(engine, runner, now)
  runner.streak = (runner.streak or 0) + 1
  if runner.streak >= M.FAILURES then suspend(engine, runner, now) end
end

--- An evaluation of RUNNER did its work.
function M.worked(engine, runner, now)
  runner.streak = nil
  if runner.suspended then
    engine.host.log("info", ("%s %q works again"):format(runner.rule.word, runner.rule.name), { file = runner.rule.file })
    M.lift(engine, runner, now)
  end
end

--- Other rules may be this node's now; those that another node has begin anew when they come back.
function M.moved(engine, now)
  if not next(engine.suspended) then return end
  for id, runner in pairs(engine.suspended) do
    if runner.owned and not engine:owns(id) then
      runner.suspended, runner.streak, engine.suspended[id] = nil, nil, nil
      mark(engine, runner, false)
    end
  end
  tell(engine, now)
end

--- Is RUNNER left out at T?
function M.rests(runner, t) return runner.suspended ~= nil and t < runner.suspended.again end

-- -- over reloads -------------------------------------------------

--- RUNNER takes the place of OLD, whose text was the SAME or not.
function M.inherit(engine, runner, old, same, now)
  if not old.suspended then
    if same then runner.streak = old.streak end
  elseif same then
    runner.streak, runner.suspended = old.streak, old.suspended
    engine.suspended[runner.id] = runner
  else
    M.lift(engine, old, now)
  end
end

--- For people: { since=, again=, failures=, reason= }, or nil.
function M.shown(host, runner)
  local s = runner.suspended
  if not s then return nil end
  return { since = host.rfc3339(s.since), again = host.rfc3339(s.again), failures = s.failures, reason = s.reason }
end

return M
