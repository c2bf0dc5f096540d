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

  it("is unknown, and not failing, when somebody has forced its breaker open while it was well", function()
    local world = testing.world 'check "db" { tcp = "127.0.0.1:1", every = "10s", breaker = {} }'
    local runner = world.engine.by_id["check/db"]
    world:probe("tcp", function() return { seconds = 0.01 } end):advance "20s"
    runner.breaker:force "open"
    world:advance "1m"
    local status, message = runner:report()
    assert.same({ "unknown", "ok (circuit forced open: not probed)" }, { status, message })
    assert.is_nil(world:value 'check_up{check="db"}')
    runner.breaker:force(nil)
    world:advance "10s"
    assert.equal("healthy", (runner:report()))
  end)

  it("says why it fails while its breaker keeps it from being probed", function()
    local world = testing.world 'check "db" { tcp = "127.0.0.1:1", every = "10s", fail_after = 2, breaker = { failures = 2, open = "2m" } }'
    local runner, probes = world.engine.by_id["check/db"], 0
    world:probe("tcp", function()
      probes = probes + 1
      return { error = "refused" }
    end):advance "100s"
    assert.equal(2, probes)
    local status, message, details = runner:report()
    assert.equal("unhealthy", status)
    assert.truthy(message:find "^refused %(circuit open until %d+%-[%d:TZ.-]+: not probed%)$", message)
    assert.equal("open", details.breaker)
    assert.equal(0, world:value 'probe_success{check="db"}')
    runner.breaker:force "open"
    world:advance "10s"
    assert.equal("refused (circuit forced open: not probed)", select(2, runner:report()))
    runner.breaker:force(nil)
    world:advance "2m"
    assert.equal("refused", (select(2, runner:report()):gsub(" %(circuit open until.*", "")))
    assert.equal(3, probes)
  end)
end)
