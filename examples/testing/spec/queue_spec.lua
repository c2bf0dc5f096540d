--- queue_spec.lua - the rules of rules/queue.lua in simulated time: `moonwatch test` in this folder.
local testing = require "moonwatch.testing"

local RULES = testing.folder() .. "/../rules/queue.lua"

describe("a queue that grows", function()
  local world
  before_each(function() world = testing.world(RULES, { at = "2026-03-02T09:00:00Z" }) end)

  it("pages after ten minutes, not before", function()
    world:series('queue_length{queue="orders"}', "50x4 150x100", { every = "1m" }) -- five minutes of 50, then 150
    world:advance "14m"
    assert.pends(world, "QueueGrows", { queue = "orders" })
    assert.silent(world)
    world:advance "2m"
    assert.fires(world, "QueueGrows", { queue = "orders" }, 150)
    assert.sent(world, { receiver = "oncall", status = "firing", body = "150 orders wait in orders" }, 1)
  end)

  it("pages once, whatever happens to the server meanwhile", function()
    world:series('queue_length{queue="orders"}', "150x300", { every = "1m" }):advance "12m"
    world:reload():advance "5m"
    world:restart({ down = "1m" }):advance "5m"
    world:kill():advance "5m"
    world:fail_over():advance "2h"
    assert.sent(world, { receiver = "oncall" }, 1)
    assert.fires(world, "QueueGrows")
  end)

  it("is not told to who has silenced it, but the end of a page is", function()
    world:set('queue_length{queue="orders"}', 150):advance "12m"
    world:silence('alertname="QueueGrows"', "30m")
    world:set('queue_length{queue="orders"}', 20):advance "40m"
    assert.resolved(world, "QueueGrows")
    assert.sent(world, { receiver = "oncall", status = "resolved" }, 1)
  end)

  it("is paged again when the pager was away", function()
    world:answer("https://oncall.example/", function(_, n) return n <= 2 and { status = 503 } or { status = 200 } end)
    world:set('queue_length{queue="orders"}', 150):advance "20m"
    assert.sent(world, { receiver = "oncall", ok = true }, 1)
    assert.equal(3, #world.requests)
  end)
end)

describe("orders that are not shipped", function()
  it("are a case for chat when the log says that they were refused", function()
    local world = testing.world(RULES)
    world:series("orders_shipped_total", "0+5x30 150x100", { every = "1m" }):advance "50m"
    assert.quiet(world)
    world:logs({ message = "order 17 refused: no stock", stream = { service = "shipping" } }):advance "15m"
    assert.fires(world, "NothingShipped", {}, 1)
    local message = world:sent({ receiver = "chat" })[1].requests[1]
    assert.equal("(secret SLACK_URL)", message.url)
    assert.truthy(message.body:find("1 orders refused, none shipped", 1, true))
  end)
end)
