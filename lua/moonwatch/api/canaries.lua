--- canaries.lua - /api/mw/v1/canaries: two versions compared, and the gate that a pipeline asks.
--
--   GET  /api/mw/v1/canaries, .../NAME         how they stand, with the last results
--   POST .../NAME/start                        { baseline=, candidate= (labels), lasts=, author= }; 409 while it runs
--   POST .../NAME/stop                         { judge=, reason=, author= }
--   GET  .../NAME/gate                         200 passed, 409 anything else; ?marginal=ok lets a marginal one through
--   POST .../NAME/judge                        { baseline = { from=, to=, labels= }, candidate = {...} } -> a verdict of these times, at once
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local ask = require "moonwatch.engine.rules.ask"
local mark_of = require "moonwatch.marks.mark"
local runs = require "moonwatch.api.runs"

local function result_row(engine, result)
  if not result then return nil end
  local host, metrics = engine.host, engine.host.json.array {}
  for i, m in ipairs(result.metrics) do metrics[i] = m end
  return { id = result.id, verdict = result.verdict or "stopped", score = result.score, reasons = host.json.array(result.reasons), metrics = metrics,
           traffic = result.traffic, early = result.early, author = result.author, stopped_by = result.stopped_by, baseline = result.baseline,
           candidate = result.candidate, since = result.since and host.rfc3339(result.since), ended = result.ended and host.rfc3339(result.ended) }
end

local function row(engine, runner, now)
  local rule, run, host = runner.rule, runner.state.run, engine.host
  local results = host.json.array {}
  for i = #runner.state.results, 1, -1 do results[#results + 1] = result_row(engine, runner.state.results[i]) end
  return { name = rule.name, status = runner:status(), baseline = rule.baseline, candidate = rule.candidate, lasts = rule.lasts, every = rule.step,
           run = run and { id = run.id, since = host.rfc3339(run.since), ["until"] = host.rfc3339(run.until_), left = math.max(0, run.until_ - now),
                           baseline = run.baseline, candidate = run.candidate, author = run.author },
           results = results, labels = rule.labels, file = rule.file, line = rule.line, health = runner.health, lastError = runner.last_error }
end

local function gate(engine, req, _, runner)
  local status, result = runner:status(), runner:result()
  local open = status == "pass" or status == "marginal" and answer.param(req, "marginal") == "ok"
  local reasons = engine.host.json.array {}
  if status == "running" then reasons[1] = "it still runs, until " .. engine.host.rfc3339(runner.state.run.until_)
  elseif status == "idle" then reasons[1] = "it never ran"
  else for i, text in ipairs(result.reasons) do reasons[i] = text end end
  if status ~= "running" then -- whoever waits asks again and again
    audit.note(engine.host, open and "gate.passed" or "gate.refused", audit.who(req, answer.param(req, "author")),
      { canary = runner.rule.name, status = status, reason = reasons[1] })
  end
  return answer.json(engine.host, open and 200 or 409, { name = runner.rule.name, open = open, status = status, score = result and status ~= "running" and result.score or nil,
                                                         reasons = reasons })
end

-- One side of a judgement at once; nil, message.
local function times(engine, name, given)
  if type(given) ~= "table" then return nil, ("%s: expected { from=, to= }"):format(name) end
  local from, to = mark_of.moment(engine.host, given.from), mark_of.moment(engine.host, given.to)
  if not from or not to or from >= to then return nil, ("%s: from and to are times, from before to"):format(name) end
  return { from = from, to = to, labels = given.labels }
end

local function judge(engine, req, now, runner)
  local given, refused = runs.read(engine, req)
  if not given then return refused end
  local baseline, why = times(engine, "baseline", given.baseline)
  local candidate
  if baseline then candidate, why = times(engine, "candidate", given.candidate) end
  if not candidate then return answer.problem(engine.host, 400, "bad_request", why) end
  return ask.answer(engine, req, now, function()
    local result, wrong = runner:compare(baseline, candidate)
    if not result then return answer.problem(engine.host, 400, "bad_request", wrong) end
    return answer.json(engine.host, 200, result_row(engine, result))
  end)
end

return runs.paths {
  word = "canary", plural = "canaries", row = row, whole = row, says = "start, stop, gate or judge",
  more = { judge = { "POST", judge }, gate = { "GET", gate } },
}
