--- silence_life_spec.lua - silences that end by themselves, reminders, previews, and the policy that is asked.
local silences = require "moonwatch.engine.router.silences"
local world_of = require "router_world"

describe("a silence until resolved", function()
  it("ends when what it muted is over, and not before it muted something", function()
    local world = world_of.new {}
    local status, s = world:http("POST", "/api/mw/v1/silences", { matchers = { { name = "alertname", value = "Down", isRegex = false } },
      untilResolved = true, comment = "known", createdBy = "ana" })
    assert.equal(200, status)
    world:advance("1h"):fire("Down"):advance "1m"
    world:resolve("Down"):advance "1m"
    local _, after = world:http("GET", "/api/mw/v1/silences/" .. s.id)
    assert.equal("expired", after.status.state)
    assert.equal("resolved", after.endedBy)
    assert.same({}, world:told())
  end)

  it("ends, too, when what it muted was over in a moment, and not because of what was over before it", function()
    local world = world_of.new {}
    world:fire("Down"):resolve("Down"):advance "1m"
    local _, s = world:http("POST", "/api/mw/v1/silences", { matchers = { { name = "alertname", value = "Down", isRegex = false } },
      untilResolved = true, comment = "known", createdBy = "ana" })
    local function state()
      local _, after = world:http("GET", "/api/mw/v1/silences/" .. s.id)
      return after.status.state
    end
    world:advance "1m"
    assert.equal("active", state())
    world:advance("1s"):fire("Down"):advance("2s"):resolve("Down"):advance "20s"
    assert.equal("expired", state())
  end)
end)

describe("before a silence ends", function()
  it("somebody is told once when alerts still fire behind it", function()
    local world = world_of.new { settings = { silence = { remind = 900 } } }
    world:silence("Down", "1h")
    world:fire("Down"):advance "50m"
    assert.same({ "45:00 hook firing SilenceEnds" }, world:told())
  end)
end)

describe("the policy about silences", function()
  local function asked(answer)
    local world = world_of.new {}
    world.router.policies = { silence = { items = { { fn = {} } }, on_failure = "refuse", timeout = 5 } }
    world.host.on_ask.rules = function() return answer end
    return world:http("POST", "/api/mw/v1/silences", { matchers = { { name = "a", value = "b", isRegex = false } }, ["for"] = "1h",
      comment = "c", createdBy = "ana" })
  end
  it("says yes, or no and why; what fails is a no", function()
    assert.equal(200, (asked { ok = true, values = { true } }))
    local status, body = asked { ok = true, values = { false, "too long" } }
    assert.equal(403, status)
    assert.is_truthy(body.error.message:find("too long", 1, true))
    assert.equal(503, (asked { ok = false, error = "boom" }))
  end)

  local SILENCE = { matchers = { { name = "a", value = "b", isRegex = false } }, ["for"] = "10h", comment = "c", createdBy = "ana" }

  local function with(answer)
    local world = world_of.new {}
    world.router.policies = { silence = { items = { { fn = {} } }, on_failure = "refuse", timeout = 5 } }
    world.host.on_ask.rules = answer
    return world
  end

  it("may make it shorter", function()
    local world = with(function() return { ok = true, values = { { seconds = 3600 } } } end)
    local status, s = world:http("POST", "/api/mw/v1/silences", SILENCE)
    assert.equal(200, status)
    assert.equal(world.now + 3600, world.router.silences:get(s.id).ends_at)
  end)

  it("is a no when it does not answer in time, and what it says later changes nothing", function()
    local world, answered, say = with(nil), nil, nil
    world.host.ask = function(_, _, done) say = done end
    local msg = { type = "http", method = "POST", path = "/api/mw/v1/silences", query = {}, headers = {}, body = world.host.json.encode(SILENCE),
      reply = function(answer) answered = answer end }
    assert.equal(world.host.later, world:handle(msg))
    world:advance "6s"
    assert.equal(503, answered.status)
    say { ok = true, values = { true } }
    assert.same({}, world.router.silences:list())
  end)

  it("is asked for whoever presses a button in a message, too", function()
    local seen
    local world = with(function(msg)
      seen = msg.args[2].name
      return { ok = true, values = { true } }
    end)
    local id
    silences.request(world.router, { matchers = SILENCE.matchers, starts_at = world.now, ends_at = world.now + 60, created_by = "ann", comment = "" },
      world.now, nil, function(made) id = made end)
    assert.is_string(id)
    assert.equal("ann", seen)
  end)
end)
