--- silence_life_spec.lua - silences that end by themselves, reminders, previews, and the policy that is asked.
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
end)
