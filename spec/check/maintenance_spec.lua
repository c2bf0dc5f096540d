--- maintenance_spec.lua - windows in which a check is probed and not blamed.
local testing = require "moonwatch.testing"

local RULES = [[
window "night" { times = "22:00-23:00" }
check "db" { tcp = "127.0.0.1:1", every = "10s", maintenance = { "night" } }
alert "Down" { expr = "check_up == 0", every = "10s" }
]]

describe("a check in maintenance", function()
  local world, bad
  before_each(function()
    world, bad = testing.world(RULES, { at = "2026-03-02T21:59:00Z" }), false
    world:probe("tcp", function() return bad and { error = "refused" } or { seconds = 0.01 } end)
    world:advance "50s"
  end)

  it("is probed, but not blamed for failing", function()
    world:advance "10s"
    bad = true
    world:advance "1m"
    local status, message, details = world:check "db"
    assert.equal("maintenance", status)
    assert.equal("in maintenance (night); itself: refused", message)
    assert.equal("night", details.maintenance)
    assert.equal(0, world:value "probe_success")
    assert.same({}, world:firing())
  end)

  it("does not count that time in check_up, whether it fails or not", function()
    world:advance "30s"
    assert.equal("healthy", (world:check "db"))
    assert.is_nil(world:value "check_up")
    assert.equal(1, world:value 'check_excused{reason="maintenance"}')
    world:advance_to "2026-03-02T23:00:10Z"
    assert.equal(1, world:value "check_up")
    assert.is_nil(world:value "check_excused")
  end)

  it("has the time of fail_after probes to come back afterwards", function()
    world:advance "10s"
    bad = true
    world:advance_to "2026-03-02T23:00:10Z"
    assert.equal("unknown", (world:check "db"))
    world:advance "20s"
    assert.equal("unhealthy", (world:check "db"))
    assert.same({ "Down" }, world:firing())
  end)

  it("leaves /health as it is", function()
    world:advance "10s"
    bad = true
    world:advance "1m"
    local all, unhealthy = require("moonwatch.check.health").all(world.host, { world.engine.by_id["check/db"] }, world.now)
    assert.equal("healthy", all.status)
    assert.is_false(unhealthy)
  end)

  it("goes by the window as it is after a reload", function()
    world:advance "20s"
    world:reload((RULES:gsub("22:00", "22:30")))
    world:advance "20s"
    assert.equal(1, world:value "check_up")
  end)

  it("has windows that there are", function()
    local ok, why = pcall(testing.world, 'window "night" { days = "sun" }\ncheck "a" { tcp = "h:1", maintenance = { "nigth" } }')
    assert.is_false(ok)
    assert.truthy(tostring(why):find('there is no window "nigth" (did you mean "night"?)', 1, true), why)
  end)
end)
