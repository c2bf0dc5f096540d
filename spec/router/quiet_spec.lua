--- quiet_spec.lua - silences, inhibition and windows in the whole engine.
local world_of = require "router_world"

describe("a silence", function()
  local world
  before_each(function() world = world_of.new {} end)

  it("keeps an alert quiet until it ends, and then the alert is told", function()
    world:silence("Down", "10m")
    world:fire("Down"):advance "9m"
    assert.same({}, world:told())
    world:advance "5m"
    assert.same({ "10:30 hook firing Down" }, world:told())
  end)

  it("does not swallow the resolve of something that was told: it is told once the silence is over", function()
    world:fire("Down"):advance "1m"
    local id = world:silence("Down", "2h")
    world:advance("10m"):resolve("Down"):advance "30m"
    assert.same({ "0:30 hook firing Down" }, world:told())
    assert.equal(200, (world:http("DELETE", "/api/v2/silence/" .. id)))
    world:advance "20m"
    assert.same({ "45:30 hook resolved Down" }, world:told())
    world:advance "5h"
    assert.same({}, world:told())
  end)

  it("does not make an alert be told twice that the receiver knows of", function()
    world:fire("Down"):advance "1m"
    world:silence("Down", "10m")
    world:fire("Other"):advance "1h"
    assert.same({ "0:30 hook firing Down", "5:30 hook firing Other" }, world:told())
  end)

  it("swallows the resolve where the tree is to be exactly Alertmanager's", function()
    world = world_of.new { routes = { { receiver = "hook", compat = "alertmanager" } } }
    world:fire("Down"):advance "1m"
    world:silence("Down", "20m")
    world:resolve("Down"):advance "3h"
    assert.same({ "0:30 hook firing Down" }, world:told())
  end)

  it("has its resolve told there when the end is reported once more, which Alertmanager takes in though its group has forgotten it", function()
    world = world_of.new { routes = { { receiver = "hook", compat = "alertmanager" } } }
    world:fire("Down"):advance "1m"
    world:silence("Down", "10m")
    world:resolve("Down"):advance "15m"
    assert.same({ "0:30 hook firing Down" }, world:told())
    world:resolve("Down"):advance "10m"
    assert.same({ "16:00 hook resolved Down" }, world:told())
    world:resolve("Down"):advance "3h"
    assert.same({}, world:told())
  end)

  it("outlives a restart", function()
    world:silence("Down", "10m")
    world:restart():fire("Down"):advance "5m"
    assert.same({}, world:told())
    world:advance "10m"
    assert.equal(1, #world:told())
  end)

  it("keeps its id when it is prolonged, and gets a new one when its meaning changes", function()
    local id = world:silence("Down", "10m")
    local _, s = world:http("GET", "/api/v2/silence/" .. id)
    s.endsAt = world.host.rfc3339(world.now + 7200)
    local _, longer = world:http("POST", "/api/v2/silences", s)
    assert.equal(id, longer.silenceID)
    s.matchers[1].value = "Other"
    local _, other = world:http("POST", "/api/v2/silences", s)
    assert.are_not.equal(id, other.silenceID)
    local _, old = world:http("GET", "/api/v2/silence/" .. id)
    assert.equal("expired", old.status.state)
  end)

  it("is forgotten five days after its end", function()
    local id = world:silence("Down", "10m")
    world:advance "119h"
    assert.equal(200, (world:http("GET", "/api/v2/silence/" .. id)))
    world:advance "2h"
    assert.equal(404, (world:http("GET", "/api/v2/silence/" .. id)))
  end)
end)

describe("an inhibiting alert", function()
  local inhibits = { { source = { severity = "critical" }, target = { severity = "warning" }, equal = { "cluster" } } }
  local world
  before_each(function() world = world_of.new { inhibits = inhibits, routes = { { receiver = "hook", group_by = { "alertname" } } } } end)

  it("keeps the others quiet while it fires, even when it is silenced itself", function()
    world:silence("Dead", "1h")
    world:fire("Dead", { severity = "critical", cluster = "a" }):fire("Slow", { severity = "warning", cluster = "a" })
    world:fire("Slow", { severity = "warning", cluster = "b" }):advance "1m"
    assert.same({ "0:30 hook firing Slow" }, world:told())
  end)

  it("lets them speak when it is gone, including a resolve that was held back", function()
    world:fire("Slow", { severity = "warning", cluster = "a" }):advance("1m"):fire("Dead", { severity = "critical", cluster = "a" }):advance "1m"
    assert.same({ "0:30 hook firing Slow", "1:30 hook firing Dead" }, world:told())
    world:resolve("Slow", { severity = "warning", cluster = "a" }):advance "10m"
    assert.same({}, world:told())
    world:resolve("Dead", { severity = "critical", cluster = "a" }):advance "10m"
    local told = world:told()
    table.sort(told)
    assert.same({ "15:30 hook resolved Slow", "16:30 hook resolved Dead" }, told)
  end)

  it("is itself not inhibited by one that is on both sides too", function()
    world = world_of.new { inhibits = { { source = { team = "x" }, target = { team = "x" }, equal = { "alertname" } } },
      routes = { { receiver = "hook", group_by = { "n" } } } }
    world:fire("A", { team = "x", n = "1" }):fire("A", { team = "x", n = "2" }):advance "1m"
    assert.equal(2, #world:told())
  end)

  -- What is told of TARGET while SOURCE fires.
  local function told_of(target, source, equal, compat)
    world = world_of.new { inhibits = { { source = { severity = "critical" }, target = { severity = "warning" }, equal = equal } },
      routes = { { receiver = "hook", group_by = { "alertname" }, compat = compat } } }
    source.severity, target.severity = "critical", "warning"
    world:fire("Dead", source):fire("Slow", target):advance "1m"
    return #world:told() - 1
  end

  it("takes a label that both lack for equal, but not all of them, unless the root is Alertmanager's", function()
    local two = { "cluster", "node" }
    assert.equal(0, told_of({ cluster = "a" }, { cluster = "a" }, two))
    assert.equal(1, told_of({ cluster = "a", node = "n" }, { cluster = "a" }, two))
    assert.equal(1, told_of({}, {}, two))
    assert.equal(1, told_of({ cluster = "" }, {}, { "cluster" }))
    assert.equal(0, told_of({}, {}, two, "alertmanager"))
    assert.equal(0, told_of({ cluster = "" }, {}, { "cluster" }, "alertmanager"))
    assert.equal(0, told_of({}, {}, {}))
  end)

  it("may compare labels of different names", function()
    local equal = { "cluster", { "node", "instance" } }
    assert.equal(0, told_of({ cluster = "a", instance = "n" }, { cluster = "a", node = "n" }, equal))
    assert.equal(1, told_of({ cluster = "a", node = "n" }, { cluster = "a", node = "n" }, equal))
    assert.equal(1, told_of({ cluster = "b", instance = "n" }, { cluster = "a", node = "n" }, equal))
    world:resolve("Dead", { cluster = "a", node = "n", severity = "critical" })
  end)
end)

describe("a window", function()
  -- The world begins on Thursday 2026-05-28 20:26:40 UTC.
  local windows = { evening = { days = "thu", times = "20:00-21:00" } }

  it("mutes a route and, here, its children", function()
    local world = world_of.new { windows = windows, routes = { { receiver = "hook", routes = {
      { match = { team = "x" }, mute = { "evening" }, routes = { { match = { sub = "y" } } } } } } } }
    world:fire("Down", { team = "x", sub = "y" }):advance "33m"
    assert.same({}, world:told())
    world:advance "5m"
    assert.same({ "35:30 hook firing Down" }, world:told())
  end)

  it("mutes only the route itself in a tree that is to be Alertmanager's", function()
    local world = world_of.new { windows = windows, routes = { { receiver = "hook", compat = "alertmanager", routes = {
      { match = { team = "x" }, mute = { "evening" }, routes = { { match = { sub = "y" } } } } } } } }
    world:fire("Down", { team = "x", sub = "y" }):fire("Muted", { team = "x" }):advance "1m"
    assert.same({ "0:30 hook firing Down" }, world:told())
  end)

  it("that is active is the only time at which a route speaks", function()
    local world = world_of.new { windows = { office = { days = "mon-fri", times = "09:00-17:00", zone = "UTC" } },
      routes = { { receiver = "hook", routes = { { match = { team = "x" }, active = { "office" } } } } } }
    world:fire("Down", { team = "x" }):advance "12h"
    assert.same({}, world:told())
    world:advance "1h"
    assert.equal(1, #world:told())
  end)
end)
