--- world_spec.lua - the simulated world shows what a server would do.
local notation = require "moonwatch.testing.notation"
local testing = require "moonwatch.testing"

describe("series notation", function()
  it("reads values, steps, repeats, gaps and stale markers as promtool does", function()
    assert.same({ 1, 2, 3 }, notation.read "1 2 3")
    assert.same({ 0, 10, 20 }, notation.read "0+10x2")
    assert.same({ 5, 3, 1 }, notation.read "5-2x2")
    assert.same({ 0, 0, 0 }, notation.read "0x2")
    assert.same({ 1, false, "stale", false, false }, notation.read "1 _ stale _x2")
  end)
  it("refuses what it cannot read", function() assert.has_error(function() notation.read "1+x" end) end)
end)

describe("a recording rule", function()
  it("stores what its expression gives, and ends the series when that is gone", function()
    local world = testing.world 'record "job:up:sum" { expr = "sum by (job) (up)", every = "15s" }\n'
    world:series('up{job="web", instance="a"}', "1x8 stale"):series('up{job="web", instance="b"}', "1x8 stale")
    world:advance "1m"
    assert.equal(2, world:value 'job:up:sum{job="web"}')
    world:advance "2m"
    assert.is_nil(world:value "job:up:sum")
  end)
end)

describe("a rule that is a function", function()
  local counting = [[
alert "Third" { every = "15s", when = function(ctx)
  ctx.state.seen = (ctx.state.seen or 0) + 1
  return ctx.state.seen >= 3 and ctx.state.seen or nil
end }
]]
  it("keeps its state from one evaluation to the next, over a reload and over a restart", function()
    local world = testing.world(counting)
    world:advance "20s"
    assert.same({}, world:firing())
    world:reload(counting .. "-- edited\n"):restart(counting):advance "40s"
    assert.same({ "Third" }, world:firing())
  end)
  it("that fails keeps its alerts as they are", function()
    local world = testing.world 'alert "A" { every = "15s", when = function(ctx) return ctx:value("level") > 1 end }\n'
    world:series("level", "2x4 stale")
    world:advance "1m"
    assert.same({ "A" }, world:firing())
    world:advance "2m" -- no level any more: comparing nil raises
    assert.same({ "A" }, world:firing())
  end)
  it("finds what it looks for in logs and traces", function()
    local world = testing.world [[
alert "Declined" { every = "15s", when = function(ctx) return ctx.logs:count { selector = '{service="shop"}', contains = "declined" } > 1 end }
]]
    world:logs { { message = "payment declined", stream = { service = "shop" } }, { message = "declined again", stream = { service = "shop" } } }
    world:advance "30s"
    assert.same({ "Declined" }, world:firing())
  end)
end)

describe("a message", function()
  it("leaves once with what the alert says, and again when it is over", function()
    local world = testing.world [[
alert "High" { expr = "level", above = 5, every = "15s", hold = "1m", summary = "level is ${value}" }
receiver "hook" { webhook { url = "http://hook.example/x" } }
route { receiver = "hook", group_wait = "10s", group_interval = "1m" }
]]
    world:set("level", 9):advance "10m"
    assert.equal(1, #world.requests)
    assert.equal("level is 9", world.requests[1].json.alerts[1].annotations.summary)
    world:set("level", 1):advance "5m"
    assert.equal(2, #world.requests)
    assert.equal("resolved", world.requests[2].json.status)
  end)
end)
