--- escalation_spec.lua - who else is told when nobody reacts, and "I am on it".
local world_of = require "router_world"

local function new()
  return world_of.new { names = { "slack", "pager", "boss" }, routes = { { receiver = "slack", escalate = "page" } },
    escalations = { page = { { after = 0, to = { "slack" } }, { after = 900, to = { "pager" } }, { after = 1800, to = { "boss", "pager" } } } } }
end

describe("an escalation", function()
  it("tells the next step when its time comes, and everybody of the resolve", function()
    local world = new()
    world:fire("Down"):advance "40m"
    assert.same({ "0:30 slack firing Down", "15:30 pager firing Down", "30:30 boss firing Down", "30:30 pager firing Down" }, world:told())
    world:resolve("Down"):advance "6m"
    local told = world:told()
    table.sort(told)
    assert.same({ "40:30 boss resolved Down", "40:30 pager resolved Down", "40:30 slack resolved Down" }, told)
  end)

  it("stops when somebody acknowledges, and goes no further until the resolve", function()
    local world = new()
    world:fire("Down"):advance "5m"
    assert.equal(200, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })))
    world:advance "9h"
    assert.same({ "0:30 slack firing Down" }, world:told())
    world:resolve("Down"):advance "6m"
    assert.equal(1, #world:told())
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
  end)

  it("starts again when the acknowledgement runs out", function()
    local world = new()
    world:fire("Down"):advance "5m"
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", ["for"] = "1h" })
    world:advance "2h"
    local told = world:told()
    assert.equal("0:30 slack firing Down", told[1])
    assert.equal("1:05:00 slack firing Down", told[2])
    assert.equal("1:20:00 pager firing Down", told[3])
  end)

  it("rings again for the same alert when it comes back after it resolved", function()
    local world = new()
    world:fire("Down"):advance "5m"
    world:http("POST", "/api/mw/v1/ack", { alert = "Down" })
    world:resolve("Down"):advance("20m"):fire("Down"):advance "16m"
    local told = world:told()
    assert.equal("slack firing Down", told[#told - 1]:match " (.*)")
    assert.equal("pager firing Down", told[#told]:match " (.*)")
  end)

  it("stops when the alert resolves", function()
    local world = new()
    world:fire("Down"):advance("5m"):resolve("Down"):advance "2h"
    assert.same({ "0:30 slack firing Down", "5:30 slack resolved Down" }, world:told())
  end)

  it("takes no step while everything is silenced, and goes on from where it stood", function()
    local world = new()
    world:fire("Down"):advance "5m"
    world:silence("Down", "20m")
    world:advance "19m"
    assert.same({ "0:30 slack firing Down" }, world:told())
    world:advance "3m"
    assert.same({ "25:30 pager firing Down" }, world:told())
  end)

  it("keeps its position over a restart and a reload", function()
    local world = new()
    world:fire("Down"):advance("10m"):restart():advance "10m"
    assert.same({ "0:30 slack firing Down", "15:30 pager firing Down" }, world:told())
    world:handle { type = "config", config = world.config }
    world:advance "15m"
    assert.same({ "30:30 boss firing Down", "30:30 pager firing Down" }, world:told())
  end)
end)

describe("an acknowledgement", function()
  it("stops repeats of what it covers, and of nothing else", function()
    local world = world_of.new { routes = { { receiver = "hook", group_by = { "alertname" } } } }
    world:fire("A"):fire("B"):advance "1m"
    world:http("POST", "/api/mw/v1/ack", { alert = "A" })
    world:told()
    world:advance "5h"
    assert.same({ "4:00:30 hook firing B" }, world:told())
  end)

  it("can be taken back", function()
    local world = world_of.new {}
    world:fire("A"):advance "1m"
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "A" })
    assert.equal(1, #ack.alerts)
    assert.equal(200, (world:http("DELETE", "/api/mw/v1/ack/" .. ack.id)))
    assert.equal(404, (world:http("DELETE", "/api/mw/v1/ack/" .. ack.id)))
    world:told()
    world:advance "5h"
    assert.equal(1, #world:told())
  end)

  it("is refused when nothing like it is firing, or when it says nothing", function()
    local world = world_of.new {}
    assert.equal(404, (world:http("POST", "/api/mw/v1/ack", { alert = "Nope" })))
    assert.equal(400, (world:http("POST", "/api/mw/v1/ack", "{")))
    assert.equal(400, (world:http("POST", "/api/mw/v1/ack", { comment = "x" })))
    assert.equal(400, (world:http("POST", "/api/mw/v1/ack", { alert = "A", ["for"] = "soon" })))
    assert.equal(400, (world:http("POST", "/api/mw/v1/ack", { alert = "A", labels = { x = 1 } })))
  end)

  it("is passed on to PagerDuty", function()
    local world = world_of.new { receivers = { { name = "pager", targets = { { kind = "pagerduty", routing_key = "k" } } } },
      routes = { { receiver = "pager" } } }
    world:fire("A"):advance "1m"
    world:told()
    world:http("POST", "/api/mw/v1/ack", { alert = "A" })
    assert.same({ "1:00 pager acknowledged A (firing)" }, world:told())
  end)
end)

describe("an escalation that goes on", function()
  local function looping(policy)
    return world_of.new { names = { "slack", "pager" }, routes = { { receiver = "slack", escalate = "page" } }, escalations = { page = policy } }
  end

  it("goes through its steps as often as it says, with a pause between", function()
    local world = looping { loops = 3, pause = 1200, steps = { { after = 300, to = { "pager" } } } }
    world:fire("Down"):advance "3h"
    assert.same({ "0:30 slack firing Down", "5:30 pager firing Down", "30:30 pager firing Down", "55:30 pager firing Down" }, world:told())
  end)

  it("waits before the next loop as long as the last step waited", function()
    local world = looping { loops = 2, steps = { { after = 0, to = { "slack" } }, { after = 600, to = { "pager" } } } }
    world:fire("Down"):advance "1h"
    assert.same({ "0:30 slack firing Down", "10:30 pager firing Down", "20:30 slack firing Down", "30:30 pager firing Down" }, world:told())
  end)

  it("tells a step again and again until the next one", function()
    local world = looping { steps = { { after = 0, to = { "pager" }, every = 120 }, { after = 300, to = { "slack" }, every = 600 } } }
    world:fire("Down"):advance "16m"
    local told = world:told()
    table.sort(told)
    assert.same({ "0:30 pager firing Down", "0:30 slack firing Down", "15:30 slack firing Down", "2:30 pager firing Down", "4:30 pager firing Down",
      "5:30 slack firing Down" }, told)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down" })
    world:advance "1h"
    assert.same({}, world:told())
  end)

  it("keeps its loop over a restart, and does not rush when it was away for long", function()
    local world = looping { loops = 4, pause = 600, steps = { { after = 300, to = { "pager" } } } }
    world:fire("Down"):advance "21m"
    assert.same({ "0:30 slack firing Down", "5:30 pager firing Down", "20:30 pager firing Down" }, world:told())
    local snapshot = world.router:snapshot()
    world.now = world.now + 7200
    world:restart(snapshot):advance "1m"
    assert.equal(0, #world:told())
    world:advance "40m"
    assert.equal(2, #world:told())
  end)
end)

describe("a step that comes while a message to the same receiver is on its way", function()
  it("is told once that message was answered", function()
    local world = world_of.new { names = { "slack" }, routes = { { receiver = "slack", escalate = "page" } },
      escalations = { page = { { after = 0, to = { "slack" } }, { after = 600, to = { "slack" } } } } }
    world:fire("Down"):advance "1m"
    world:told()
    local answers = {}
    function world.receive(self, _, note, now, done)
      table.insert(self.notes, { at = now - self.start, receiver = note.receiver, note = note, ok = true })
      table.insert(answers, done)
    end
    world:fire("Down", { job = "x" }):advance "10m"
    assert.same({ "5:30 slack firing Down+Down" }, world:told())
    table.remove(answers)({ ok = true, status = 200 }, world.now)
    world.next = world.router:tick(world.now)
    assert.same({ "11:00 slack firing Down+Down" }, world:told())
    assert.equal(1, #answers)
    table.remove(answers)({ ok = true, status = 200 }, world.now)
    world.next = world.router:tick(world.now)
    world:advance "1h"
    assert.same({}, world:told())
  end)
end)
