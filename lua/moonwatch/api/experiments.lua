--- experiments.lua - /api/mw/v1/experiments: faults injected on purpose, what became of them, and the switch.
--
--   GET  /api/mw/v1/experiments, .../NAME    how they stand; one of them with its history and evidence
--   POST .../NAME/start                      { author= }; 409 while it or another one of its service runs
--   POST .../NAME/stop                       { reason=, author=, rolled_back= (the fault was taken back by hand) }
local runs = require "moonwatch.api.runs"

local TIMES = { "since", "injected_at", "returned_at", "ends", "ended" }

local function look_row(host, look)
  if not look then return nil end
  return { at = host.rfc3339(look.at), steady = host.json.array(look.steady), abort = host.json.array(look.abort) }
end

local function run_row(host, run)
  if not run then return nil end
  local out = { id = run.id, phase = run.phase, outcome = run.outcome, reason = run.reason, author = run.author, looks = run.looks, mark = run.mark,
                not_rolled_back = run.stuck, tries = run.tries, evidence = {} }
  for _, name in ipairs(TIMES) do out[name] = run[name] and host.rfc3339(run[name]) end
  for name, look in pairs(run.evidence) do out.evidence[name] = look_row(host, look) end
  return out
end

local function row(engine, runner, now)
  local host, rule, s = engine.host, runner.rule, runner.state
  local at = runner:next(now)
  return { name = rule.name, service = rule.service, status = runner:status(), lasts = rule.lasts, run = run_row(host, s.run),
           last = run_row(host, s.history[#s.history]), next = at and host.rfc3339(at), file = rule.file, line = rule.line }
end

local function whole(engine, runner, now)
  local out, host, history = row(engine, runner, now), engine.host, runner.state.history
  out.history = host.json.array {}
  for i = #history, 1, -1 do out.history[#out.history + 1] = run_row(host, history[i]) end
  return out
end

return runs.paths {
  word = "experiment", plural = "experiments", row = row, whole = whole, says = "start or stop",
  args = function(given) return { author = given.author, reason = given.reason, rolled_back = given.rolled_back == true } end,
}
