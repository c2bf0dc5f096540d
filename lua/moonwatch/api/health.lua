--- health.lua - /health: what the checks found, 503 when it is bad.
local answer = require "moonwatch.api.answer"
local health = require "moonwatch.check.health"

local function checks_of(engine)
  local out = {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.word == "check" then out[#out + 1] = runner end
  end
  return out
end

local function status(bad) return bad and 503 or 200 end

return {
  ["/health"] = function(engine, _, now)
    local document, bad = health.all(engine.host, checks_of(engine), now)
    return answer.json(engine.host, status(bad), document)
  end,
  ["/health/**"] = function(engine, _, now, name)
    local runner = engine.by_id["check/" .. name]
    if not runner then return answer.problem(engine.host, 404, "not_found", ("there is no check %q"):format(name)) end
    local document, bad = health.one(engine.host, runner, now)
    return answer.json(engine.host, status(bad), document)
  end,
}
