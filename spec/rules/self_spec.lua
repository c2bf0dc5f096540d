--- self_spec.lua - rules/self.lua: moonwatch hears of its own troubles.
local testing = require "moonwatch.testing"

describe("rules/self.lua", function()
  it("fires for a target that is down and for a reload that was refused, after their hold", function()
    local world = testing.world "rules/self.lua"
    world:set('up{job="a",instance="i"}', 0):set("moonwatch_config_last_reload_successful", 0):advance "90s"
    assert.same({ "ReloadFailed" }, world:firing())
    world:advance "1m"
    assert.same({ "ReloadFailed", "TargetDown" }, world:firing())
    world:set('up{job="a",instance="i"}', 1):set("moonwatch_config_last_reload_successful", 1):advance "30s"
    assert.same({}, world:firing())
  end)
end)
