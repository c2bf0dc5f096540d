--- expect.lua - /api/mw/v1/expect: what is expected and when it was last seen; POST /api/mw/v1/expect/NAME says that it is here.
local answer = require "moonwatch.api.answer"
local rules_of = require "moonwatch.api.rules_of"

local function row(engine, runner, now)
  local host, rule, r = engine.host, runner.rule, runner:report(now)
  return { name = rule.name, by = rule.by and host.json.array(rule.by), every = rule.period, grace = rule.grace, proof = runner.proof.kind,
           state = runner:status(), missing = r.missing, last_seen = r.last and host.rfc3339(r.last), due = r.due and host.rfc3339(r.due),
           file = rule.file, line = rule.line, last_error = runner.last_error }
end

local function list(engine, req, now)
  if req.method ~= "GET" and req.method ~= "HEAD" then return answer.problem(engine.host, 405, "method", "POST to /api/mw/v1/expect/NAME") end
  return answer.json(engine.host, 200, { expects = rules_of.rows(engine, "expect", row, now) })
end

local function one(engine, req, now, name)
  local runner = engine.by_id["expect/" .. name]
  if not runner then
    return answer.problem(engine.host, 404, "not_found", ("nothing called %q is expected%s"):format(name, rules_of.near(engine, "expect", name)))
  end
  if req.method == "POST" or req.method == "PUT" then engine:beat(runner, now)
  elseif req.method ~= "GET" and req.method ~= "HEAD" then return answer.problem(engine.host, 405, "method", "GET or POST") end
  return answer.json(engine.host, 200, row(engine, runner, now))
end

return { ["/api/mw/v1/expect"] = list, ["/api/mw/v1/expect/**"] = one }
