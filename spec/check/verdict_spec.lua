--- verdict_spec.lua - from probes to a verdict.
local testing = require "moonwatch.testing"

describe("a check", function()
  it("fails after fail_after probes, is well after pass_after, and both are saved", function()
    local world = testing.world 'check "db" { tcp = "127.0.0.1:1", every = "10s" }'
    local runner, well = world.engine.by_id["check/db"], true
    world:probe("tcp", function() return well and { seconds = 0.01 } or { error = "refused" } end):advance "10s"
    assert.equal("healthy", (runner:report()))
    well = false
    local before = world.engine.generation
    world:advance "20s"
    assert.equal("healthy", (runner:report()))
    world:advance "10s"
    assert.equal("unhealthy", (runner:report()))
    assert.truthy(world.engine.generation > before)
    well = true
    world:advance "10s"
    assert.equal("unhealthy", (runner:report()))
    world:advance "10s"
    assert.equal("healthy", (runner:report()))
  end)
end)
