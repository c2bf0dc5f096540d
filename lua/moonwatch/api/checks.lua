--- checks.lua - /api/mw/v1/checks: every check with its figures.
local answer = require "moonwatch.api.answer"

local function row(engine, runner, now)
  local status, message, details = runner:report(now)
  local rule = runner.rule
  return { name = rule.name, kind = runner.kind, status = status, message = message, details = details, critical = rule.critical,
           every = rule.every, timeout = rule.timeout, file = rule.file, line = rule.line, traceback = runner.traceback,
           depends_on = engine.host.json.array(rule.depends_on), labels = rule.labels }
end

return {
  ["/api/mw/v1/checks"] = function(engine, _, now)
    local out = engine.host.json.array {}
    for _, runner in ipairs(engine.runners) do
      if runner.rule.word == "check" then out[#out + 1] = row(engine, runner, now) end
    end
    return answer.json(engine.host, 200, { checks = out })
  end,
  ["/api/mw/v1/checks/**"] = function(engine, _, now, name)
    local runner = engine.by_id["check/" .. name]
    if not runner then return answer.problem(engine.host, 404, "not_found", ("there is no check %q"):format(name)) end
    return answer.json(engine.host, 200, row(engine, runner, now))
  end,
}
