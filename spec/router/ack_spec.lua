--- ack_spec.lua - "I am on it": handed over, taken back, run out, said again.
local ack_world = require "ack_world"

local firing, last_note, new = ack_world.firing, ack_world.last_note, ack_world.new

-- -- its end --------------------------------------------------------------------------

describe("an acknowledgement that ends", function()
  it("lets it ring again at once, from the first step, and says why", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "1h" })
    world:told()
    world:advance "1h"
    assert.equal("ann was on it; the time for that is over", last_note(world).remark)
    assert.same({ "1:01:00 slack firing Down" }, world:told())
    world:advance "16m"
    assert.same({ "1:16:00 pager firing Down" }, world:told())
  end)

  it("when it is taken back, by whoever", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    world:told()
    assert.equal(200, (world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down", author = "bob" })))
    assert.equal("ann was on it; taken back by bob", last_note(world).remark)
    assert.same({ "1:00 slack firing Down" }, world:told())
    assert.equal(404, (world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down" })))
  end)

  it("rings only for whom nobody else is on it", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "1h" })
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "bob" })
    world:told()
    world:advance "3h"
    assert.same({}, world:told())
  end)

  it("does not ring those whose step has not come again, but they hear of the resolve", function()
    local world = new()
    world:fire("Down"):advance "16m"
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    world:told()
    world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down" })
    world:fire("Down", { job = "other" }):advance "6m"
    for _, line in ipairs(world:told()) do assert.falsy(line:find "pager") end
    world:resolve("Down"):resolve("Down", { job = "other" }):advance "6m"
    local told = table.concat(world:told(), "\n")
    assert.truthy(told:find("pager resolved Down", 1, true))
    assert.truthy(told:find("slack resolved Down", 1, true))
  end)

  it("ends after the time its escalation allows, unless somebody said another", function()
    local world = new { escalations = { page = { ack_timeout = 1800, steps = { { after = 900, to = { "pager" } } } } } }
    firing(world)
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    assert.equal(world.host.rfc3339(world.now + 1800), ack.ends)
    _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "3h" })
    assert.equal(world.host.rfc3339(world.now + 10800), ack.ends)
  end)
end)

describe("a handover", function()
  it("moves it to somebody else, who is told and hears of the resolve", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "bob" })
    world:told()
    local status, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "ann", author = "bob", comment = "see the graph" })
    assert.equal(200, status)
    assert.equal("ann", ack.author)
    assert.equal("bob hands this over to you: see the graph", last_note(world).remark)
    assert.same({ "1:00 ann firing Down" }, world:told())
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks)
    world:resolve("Down", { job = "api" }):advance "6m"
    local told = world:told()
    table.sort(told)
    assert.same({ "5:30 ann resolved Down", "5:30 slack resolved Down" }, told)
  end)

  it("of what nobody is on puts it on the person", function()
    local world = new()
    firing(world)
    world:told()
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "ann", author = "bob" })
    assert.equal("ann", ack.author)
    assert.same({ "1:00 ann firing Down" }, world:told())
  end)

  it("to nobody we can tell is refused", function()
    local world = new()
    firing(world)
    local status, body = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "an" })
    assert.equal(400, status)
    assert.truthy(body.error.message:find('did you mean "ann"', 1, true))
    assert.equal(404, (world:http("POST", "/api/mw/v1/ack", { alert = "Up", to = "ann" })))
  end)
end)

describe("saying it again", function()
  it("is saying it anew: the same person's words of the same alerts are kept once", function()
    local world = new()
    firing(world)
    for i = 1, 5 do
      assert.equal(200, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", comment = "try " .. i })))
    end
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "bob" })
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(2, #acks.acks)
    assert.equal("try 5", acks.acks[1].comment or acks.acks[2].comment)
  end)

  it("is refused when there are too many", function()
    local Ack = require "moonwatch.route.ack"
    local before = Ack.MOST
    Ack.MOST = 3
    local world = new()
    firing(world)
    for i = 1, 4 do
      assert.equal(i <= 3 and 200 or 429, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "a" .. i })))
    end
    Ack.MOST = before
  end)
end)
