--- degraded_spec.lua - well, but not quite, and why.
local testing = require "moonwatch.testing"

local function world_of(fields, answer)
  local world = testing.world(('check "web" { tcp = "127.0.0.1:1", every = "10s", %s }'):format(fields))
  return world:probe("tcp", answer)
end

describe("a check is degraded", function()
  it("while it is slow, and says so", function()
    local seconds = 0.2
    local world = world_of('degraded = { slower_than = "100ms" }', function() return { seconds = seconds } end):advance "10s"
    local status, message, details = world:check "web"
    assert.equal("degraded", status)
    assert.equal("slower than 100ms", message)
    assert.same({ "slow" }, details.reasons)
    assert.equal(1, world:value "check_degraded")
    assert.equal(1, world:value "check_up")
    seconds = 0.01
    world:advance "10s"
    assert.equal("healthy", (world:check "web"))
    assert.equal(0, world:value "check_degraded")
  end)

  it("only after so many slow probes in a row", function()
    local slow = { [2] = true, [4] = true, [5] = true }
    local n = 0
    local world = world_of('degraded = { slower_than = "100ms", after = 2 }', function()
      n = n + 1
      return { seconds = slow[n] and 0.2 or 0.01 }
    end)
    local seen = {}
    for i = 1, 6 do
      world:advance(i == 1 and "1s" or "10s")
      seen[i] = world:check "web"
    end
    assert.same({ "healthy", "healthy", "healthy", "healthy", "degraded", "healthy" }, seen)
  end)

  it("when its function says so", function()
    local world = testing.world 'check "own" { run = function(ctx) return "degraded", "the queue is long" end, every = "10s" }'
    world:advance "10s"
    local status, message, details = world:check "own"
    assert.equal("degraded", status)
    assert.equal("the queue is long", message)
    assert.same({ "said" }, details.reasons)
  end)

  it("when its certificate ends soon", function()
    local degraded = require "moonwatch.check.degraded"
    local host = require "moonwatch.host"
    local names, text = degraded.reasons({ good = true, certificate_ends = 1800000000 }, { certificate_within = 14 * 86400 }, host, 1799000000)
    assert.same({ "certificate" }, names)
    assert.equal("the certificate ends 2027-01-15T08:00:00.000Z", text)
    assert.is_nil(degraded.reasons({ good = true, certificate_ends = 1800000000 }, { certificate_within = 86400 }, host, 1799000000))
  end)

  it("never while it fails", function()
    local world = world_of('degraded = { slower_than = "100ms" }, fail_after = 1', function() return { error = "refused", seconds = 2 } end):advance "10s"
    local status, _, details = world:check "web"
    assert.equal("unhealthy", status)
    assert.is_nil(details.reasons)
  end)
end)
