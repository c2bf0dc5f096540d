--- experiments.lua - /api/mw/v1/experiments: faults let in on purpose, what became of them, and the switch.
--
--   GET  /api/mw/v1/experiments, .../NAME    how they stand; one of them with its history and evidence
--   POST .../NAME/start                      { author= }; 409 while it or another one of its service runs
--   POST .../NAME/stop                       { reason=, author=, rolled_back= (the fault was taken back by hand) }
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local order = require "moonwatch.engine.rules_order"

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

local function row(engine, runner, now, whole)
  local host, rule, s = engine.host, runner.rule, runner.state
  local at = runner:next(now)
  local out = { name = rule.name, service = rule.service, status = runner:status(), lasts = rule.lasts, run = run_row(host, s.run), last = run_row(host, s.history[#s.history]),
                next = at and host.rfc3339(at), file = rule.file, line = rule.line }
  if whole then
    out.history = host.json.array {}
    for i = #s.history, 1, -1 do out.history[#out.history + 1] = run_row(host, s.history[i]) end
  end
  return out
end

local function tell(engine, req, now, runner, what)
  local given = (req.body == nil or req.body == "") and {} or engine.host.json.decode(req.body)
  if type(given) ~= "table" then return answer.problem(engine.host, 400, "bad_request", "send an object as JSON") end
  local who = audit.who(req, type(given.author) == "string" and given.author or nil)
  local args = { author = who.name ~= "unknown" and who.name or nil, reason = type(given.reason) == "string" and given.reason or nil,
                 rolled_back = given.rolled_back == true }
  local ok, why, code = order.give(engine, runner, what, args, now)
  if not ok then return answer.problem(engine.host, 409, code or "refused", why) end
  audit.note(engine.host, what == "start" and "experiment.started" or "experiment.stopped", who, { experiment = runner.rule.name, reason = args.reason })
  return answer.json(engine.host, ok == "forwarded" and 202 or 200, row(engine, runner, now))
end

local function find(engine, name)
  local runner, names = engine.by_id["experiment/" .. name], {}
  if runner then return runner end
  for _, r in ipairs(engine.runners) do
    if r.rule.word == "experiment" then names[#names + 1] = r.rule.name end
  end
  local near = engine.host.nearest(name, names)
  return nil, answer.problem(engine.host, 404, "not_found", ("there is no experiment %q%s"):format(name, near and (" (did you mean %q?)"):format(near) or ""))
end

local DOES = { start = true, stop = true }

return {
  ["/api/mw/v1/experiments"] = function(engine, req, now)
    if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET, or POST to /api/mw/v1/experiments/NAME/start") end
    local out = engine.host.json.array {}
    for _, runner in ipairs(engine.runners) do
      if runner.rule.word == "experiment" then out[#out + 1] = row(engine, runner, now) end
    end
    return answer.json(engine.host, 200, { experiments = out })
  end,
  ["/api/mw/v1/experiments/*"] = function(engine, req, now, name)
    local runner, none = find(engine, name)
    if not runner then return none end
    if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET") end
    return answer.json(engine.host, 200, row(engine, runner, now, true))
  end,
  ["/api/mw/v1/experiments/*/*"] = function(engine, req, now, name, what)
    local runner, none = find(engine, name)
    if not runner then return none end
    if not DOES[what] then return answer.problem(engine.host, 404, "not_found", ("there is nothing called %q: start or stop"):format(what)) end
    if req.method ~= "POST" then return answer.problem(engine.host, 405, "method", "POST") end
    return tell(engine, req, now, runner, what)
  end,
}
