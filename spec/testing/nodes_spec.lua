--- nodes_spec.lua - in the middle of a test a server reloads, restarts, dies, and another one takes over.
local testing = require "moonwatch.testing"

local rules = [[
alert "High" { expr = "level > 5", every = "15s", hold = "10m" }
receiver "hook" { webhook { url = "http://hook.example/x" } }
route { receiver = "hook", group_wait = "10s", group_interval = "1m", repeat_interval = "12h" }
]]

local function firing_world()
  local world = testing.world(rules):set("level", 9):advance "15m"
  assert.fires(world, "High")
  assert.sent(world, { status = "firing" }, 1)
  return world
end

describe("a restart in good order", function()
  it("keeps how long an alert has been pending, but for the time nobody looked", function()
    local world = testing.world(rules):set("level", 9):advance "6m"
    world:restart({ down = "2m" }):advance "3m"
    assert.pends(world, "High")
    world:advance "90s"
    assert.fires(world, "High")
  end)
  it("sends nothing twice, and what is over afterwards", function()
    local world = firing_world():restart():advance "30m"
    assert.sent(world, { receiver = "hook" }, 1)
    world:set("level", 1):advance "5m"
    assert.sent(world, { status = "resolved", alert = "High" }, 1)
  end)
end)

describe("a death without warning", function()
  it("sends nothing twice", function()
    assert.sent(firing_world():kill():advance "30m", { receiver = "hook" }, 1)
  end)
  it("forgets what happened after the last save, and what was saved counts", function()
    local world = testing.world 'alert "Now" { expr = "level > 5", every = "1s" }'
    world:advance("6s"):set("level", 9):advance "2s" -- rules are saved every 5 seconds
    assert.fires(world, "Now")
    local at = world:firing("Now")[1].active_at
    world:kill { down = "20s" }
    assert.quiet(world)
    world:set("level", 9):advance "1s"
    assert.truthy(world:firing("Now")[1].active_at > at + 20)
    world:advance "10s"
    world:kill():set("level", 1)
    assert.fires(world, "Now")
  end)
  it("does not lose a message that was owed", function()
    local world = testing.world(rules):answer("http://hook.example/", { status = 503 })
    world:set("level", 9):advance "11m"
    local tries = #world.requests
    assert.truthy(tries >= 1)
    world:kill():answer("http://hook.example/", { status = 200 }):advance "5m"
    assert.sent(world, { ok = true, status = "firing" }, 1)
  end)
end)

describe("another node", function()
  it("goes on where the first one was, and tells nobody again", function()
    local world = firing_world():fail_over():advance "30m"
    assert.fires(world, "High")
    assert.sent(world, { receiver = "hook" }, 1)
    world:set("level", 1):advance "5m"
    assert.sent(world, { status = "resolved" }, 1)
  end)
  it("keeps how long an alert has been pending, to the second", function()
    local world = testing.world(rules):set("level", 9):advance "6m"
    local since = world:pending("High")[1].active_at
    world:fail_over():advance "5m"
    assert.fires(world, "High")
    assert.equal(since, world:firing("High")[1].active_at)
  end)
  it("knows silences and who is on it", function()
    local world = testing.world(rules)
    world:silence('alertname="High"', "1h")
    world:set("level", 9):advance "15m"
    assert.silent(world)
    world:fail_over():advance "30m"
    assert.silent(world)
    world:advance "20m"
    assert.sent(world, { status = "firing" }, 1)
  end)
  it("has the state of functions", function()
    local world = testing.world [[
alert "Third" { every = "15s", when = function(ctx)
  ctx.state.seen = (ctx.state.seen or 0) + 1
  return ctx.state.seen >= 3
end }]]
    world:advance("35s"):fail_over():advance "20s"
    assert.fires(world, "Third")
  end)
end)

describe("a reload", function()
  it("that takes a rule away ends its alerts, and the story says so", function()
    local world = firing_world()
    world:reload('receiver "hook" { webhook { url = "http://hook.example/x" } }\nroute { receiver = "hook", group_interval = "1m" }'):advance "5m"
    assert.sent(world, { status = "resolved" }, 1)
    assert.equal("resolved", world:timeline("High")[3].to)
  end)
  it("of nothing in particular reads the same files again", function()
    assert.fires(firing_world():reload():advance "1m", "High")
  end)
end)

describe("samples of the time in which a server was away", function()
  it("are lost", function()
    local world = testing.world 'alert "A" { expr = "x > 1000" }'
    world:series("x", "0+1x40", { every = "15s" }):advance "1m"
    world:restart({ down = "2m" }):advance "15s"
    assert.equal(13, world:value "x")
    assert.equal(6, world:value "count_over_time(x[5m])")
  end)
end)
