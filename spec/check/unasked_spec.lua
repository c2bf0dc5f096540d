--- unasked_spec.lua - probes for which there was no room.
local testing = require "moonwatch.testing"

describe("a probe that was not made", function()
  it("counts neither as a failure nor as a success", function()
    local world = testing.world 'check "web" { tcp = "127.0.0.1:1", every = "10s", fail_after = 1 }'
    local answer = { seconds = 0.01 }
    world:probe("tcp", function() return answer end):advance "20s"
    answer = { error = "too many probes are waiting; this one did not run", unasked = true, seconds = 0 }
    world:advance "1m"
    local status, message, details = world:check "web"
    assert.equal("healthy", status)
    assert.equal("ok", message)
    assert.equal(0, details.failures)
    assert.is_true(world.host.instruments()["moonwatch_checks_not_probed_total"] >= 6)
    answer = { error = "refused", seconds = 0 }
    world:advance "10s"
    assert.equal("unhealthy", (world:check "web"))
  end)
end)
