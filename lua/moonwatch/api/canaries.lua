--- canaries.lua - /api/mw/v1/canaries: two versions compared, and the gate that a pipeline asks.
--
--   GET  /api/mw/v1/canaries, .../NAME         how they stand, with the last results
--   POST .../NAME/start                        { baseline=, candidate= (labels), lasts=, author= }; 409 while it runs
--   POST .../NAME/stop                         { judge=, reason=, author= }
--   GET  .../NAME/gate                         200 passed, 409 anything else; ?marginal=ok lets a marginal one through
--   POST .../NAME/judge                        { baseline = { from=, to=, labels= }, candidate = {...} } -> a verdict of these times, at once
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local mark_of = require "moonwatch.marks.mark"
local ask = require "moonwatch.engine.rules_ask"
local order = require "moonwatch.engine.rules_order"

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

local function gate(engine, req, runner)
  local status, result = runner:status(), runner:result()
  local open = status == "pass" or status == "marginal" and answer.param(req, "marginal") == "ok"
  local reasons = engine.host.json.array {}
  if status == "running" then reasons[1] = "it still runs, until " .. engine.host.rfc3339(runner.state.run.until_)
  elseif status == "idle" then reasons[1] = "it never ran"
  else for i, text in ipairs(result.reasons) do reasons[i] = text end end
  if status ~= "running" then -- whoever waits asks again and again
    audit.note(engine.host, open and "gate.passed" or "gate.refused", audit.who(req), { canary = runner.rule.name, status = status, reason = reasons[1] })
  end
  return answer.json(engine.host, open and 200 or 409, { name = runner.rule.name, open = open, status = status, score = result and status ~= "running" and result.score or nil,
                                                         reasons = reasons })
end

local function read(engine, req)
  local given = req.body and req.body ~= "" and engine.host.json.decode(req.body) or (req.body == nil or req.body == "") and {} or nil
  if type(given) ~= "table" then return nil end
  local who = audit.who(req, type(given.author) == "string" and given.author or nil)
  given.author = who.name ~= "unknown" and who.name or nil
  return given, who
end

local function tell(what)
  return function(engine, req, now, runner)
    local given, who = read(engine, req)
    if not given then return answer.problem(engine.host, 400, "bad_request", "send an object as JSON") end
    local ok, why, code = order.give(engine, runner, what, given, now)
    if not ok then return answer.problem(engine.host, code and 409 or 400, code or "bad_request", why) end
    audit.note(engine.host, what == "start" and "canary.started" or "canary.stopped", who, { canary = runner.rule.name })
    return answer.json(engine.host, ok == "forwarded" and 202 or 200, row(engine, runner, now))
  end
end

-- One side of a judgement at once; nil, message.
local function times(engine, name, given)
  if type(given) ~= "table" then return nil, ("%s: expected { from=, to= }"):format(name) end
  local from, to = mark_of.moment(engine.host, given.from), mark_of.moment(engine.host, given.to)
  if not from or not to or from >= to then return nil, ("%s: from and to are times, from before to"):format(name) end
  return { from = from, to = to, labels = given.labels }
end

local function judge(engine, req, now, runner)
  local given = read(engine, req)
  if not given then return answer.problem(engine.host, 400, "bad_request", "send an object as JSON") end
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

local DOES = { start = { "POST", tell "start" }, stop = { "POST", tell "stop" }, judge = { "POST", judge }, gate = { "GET", function(engine, req, _, runner) return gate(engine, req, runner) end } }

local function find(engine, name)
  local runner = engine.by_id["canary/" .. name]
  if runner then return runner end
  local names = {}
  for _, r in ipairs(engine.runners) do
    if r.rule.word == "canary" then names[#names + 1] = r.rule.name end
  end
  local near = engine.host.nearest(name, names)
  return nil, answer.problem(engine.host, 404, "not_found", ("there is no canary %q%s"):format(name, near and (" (did you mean %q?)"):format(near) or ""))
end

return {
  ["/api/mw/v1/canaries"] = function(engine, req, now)
    if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET, or POST to /api/mw/v1/canaries/NAME/start") end
    local out = engine.host.json.array {}
    for _, runner in ipairs(engine.runners) do
      if runner.rule.word == "canary" then out[#out + 1] = row(engine, runner, now) end
    end
    return answer.json(engine.host, 200, { canaries = out })
  end,
  ["/api/mw/v1/canaries/*"] = function(engine, req, now, name)
    local runner, none = find(engine, name)
    if not runner then return none end
    if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET") end
    return answer.json(engine.host, 200, row(engine, runner, now))
  end,
  ["/api/mw/v1/canaries/*/*"] = function(engine, req, now, name, what)
    local runner, none = find(engine, name)
    if not runner then return none end
    local f = DOES[what]
    if not f then return answer.problem(engine.host, 404, "not_found", ("there is nothing called %q: start, stop, gate or judge"):format(what)) end
    if req.method ~= f[1] then return answer.problem(engine.host, 405, "method", f[1]) end
    return f[2](engine, req, now, runner)
  end,
}
