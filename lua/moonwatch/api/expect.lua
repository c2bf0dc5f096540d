--- expect.lua - /api/mw/v1/expect: what is expected and when it was last seen; POST /api/mw/v1/expect/NAME says that it is here.
local answer = require "moonwatch.api.answer"

local function row(engine, runner, now)
  local host, rule, r = engine.host, runner.rule, runner:report(now)
  return { name = rule.name, by = rule.by and host.json.array(rule.by), every = rule.period, grace = rule.grace, proof = runner.proof.kind,
           state = runner:status(), missing = r.missing, last_seen = r.last and host.rfc3339(r.last), due = r.due and host.rfc3339(r.due),
           file = rule.file, line = rule.line, last_error = runner.last_error }
end

local function list(engine, req, now)
  if req.method ~= "GET" and req.method ~= "HEAD" then return answer.problem(engine.host, 405, "method", "POST to /api/mw/v1/expect/NAME") end
  local out = engine.host.json.array {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.word == "expect" then out[#out + 1] = row(engine, runner, now) end
  end
  return answer.json(engine.host, 200, { expects = out })
end

local function one(engine, req, now, name)
  local runner = engine.by_id["expect/" .. name]
  if not runner then
    local names = {}
    for _, r in ipairs(engine.runners) do
      if r.rule.word == "expect" then names[#names + 1] = r.rule.name end
    end
    local near = engine.host.nearest(name, names)
    return answer.problem(engine.host, 404, "not_found", ("nothing called %q is expected%s"):format(name, near and (" (did you mean %q?)"):format(near) or ""))
  end
  if req.method == "POST" or req.method == "PUT" then engine:beat(runner, now)
  elseif req.method ~= "GET" and req.method ~= "HEAD" then return answer.problem(engine.host, 405, "method", "GET or POST") end
  return answer.json(engine.host, 200, row(engine, runner, now))
end

return { ["/api/mw/v1/expect"] = list, ["/api/mw/v1/expect/**"] = one }
