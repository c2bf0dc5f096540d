--- health.lua - /health: what the checks found, 503 when it is bad.
local answer = require "moonwatch.api.answer"
local health = require "moonwatch.check.health"
local rules_of = require "moonwatch.api.rules_of"

local function status(bad) return bad and 503 or 200 end

return {
  ["/health"] = function(engine, _, now)
    local document, bad = health.all(engine.host, rules_of.list(engine, "check"), now)
    return answer.json(engine.host, status(bad), document)
  end,
  ["/health/**"] = function(engine, _, now, name)
    local runner, none = rules_of.find(engine, "check", name)
    if not runner then return none end
    local document, bad = health.one(engine.host, runner, now)
    return answer.json(engine.host, status(bad), document)
  end,
}
