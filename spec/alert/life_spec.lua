--- life_spec.lua - an alert from pending to resolved, to the second.
local testing = require "moonwatch.testing"

describe("an alert", function()
  it("is pending for its hold, then fires, then ends", function()
    local world = testing.world 'alert "A" { expr = "x > 1", hold = "1m", every = "15s" }'
    world:set("x", 2):advance "45s"
    assert.same({ "A" }, world:pending())
    world:advance "30s"
    assert.same({ "A" }, world:firing())
    world:set("x", 0):advance "15s"
    assert.same({}, world:firing())
  end)
  it("that is kept 5m, first absent at minute 3, fires through minute 7", function()
    local world = testing.world 'alert "A" { expr = "x > 1", keep = "5m", every = "1m" }'
    world:series("x", "2x2 0x20", { every = "1m" })
    -- The clock of a world starts 20 seconds into a minute: rules run 40 seconds later.
    local first, last
    for second = 0, 900, 20 do
      if #world:firing() > 0 then first, last = first or second, second end
      world:advance "20s"
    end
    assert.truthy(last - first >= 440 and last - first <= 480, ("%d..%d"):format(first, last))
  end)
  it("compares with above and below, and never with both sides equal", function()
    local world = testing.world 'alert "H" { expr = "x", above = 5 }\nalert "L" { expr = "x", below = 5 }'
    world:set("x", 5):advance "30s"
    assert.same({}, world:firing())
    world:set("x", 6):advance "15s"
    assert.same({ "H" }, world:firing())
    world:set("x", 4):advance "15s"
    assert.same({ "L" }, world:firing())
  end)
  it("keeps the progress of its hold over a reload and a restart", function()
    local rules = 'alert "A" { expr = "x > 1", hold = "5m" }'
    local world = testing.world(rules)
    world:set("x", 2):advance "3m"
    world:reload(rules):advance "1m"
    world:restart(rules):advance "95s"
    assert.same({ "A" }, world:firing())
  end)
end)

describe("what is saved of an alert", function()
  it("is what was last true of it, however often it was saved before", function()
    local rules = 'alert "A" { expr = "x > 1" }\nalert "B" { expr = "y > 1" }'
    local world = testing.world(rules)
    world:set("x", 2):set("y", 2):advance "30s"
    world.engine:snapshot(world.now)
    world:set("x", 0):advance "30s"
    world.engine:snapshot(world.now)
    world:restart(rules)
    assert.same({ "B" }, world:firing())
    world:set("x", 2):set("y", 0):advance "2m" -- past the grace after a restart
    assert.same({ "A" }, world:firing())
    world:restart(rules)
    assert.same({ "A" }, world:firing())
  end)
end)

describe("the time an alert is kept", function()
  it("is a change that must be saved, when it begins and when it ends", function()
    local world = testing.world 'alert "A" { expr = "x > 1", keep = "10m" }'
    world:set("x", 2):advance "30s"
    local before = world.engine.generation
    world:set("x", 0):advance "15s"
    local begun = world.engine.generation
    assert.truthy(begun > before)
    world:set("x", 2):advance "15s"
    assert.truthy(world.engine.generation > begun)
    assert.same({ "A" }, world:firing())
  end)
end)
