--- nodes_spec.lua - two nodes that share what they know: one speaks, the other takes over.
local world_of = require "router_world"

describe("of two nodes", function()
  local a, b
  local config = { names = { "slack", "pager" }, routes = { { receiver = "slack", escalate = "page" } },
    escalations = { page = { { after = 600, to = { "pager" } } } } }
  before_each(function()
    config.holds = true
    a = world_of.new(config)
    config.holds = false
    b = world_of.new(config)
  end)

  it("only the one with the lease speaks, also of what the other one found", function()
    b:fire "Down"
    a:advance_with(b, 60)
    assert.same({ "0:40 slack firing Down" }, a:told())
    assert.same({}, b:told())
  end)

  it("the other takes over without repeating what was told, and tells the resolve", function()
    a:fire "Down"
    a:advance_with(b, 120)
    b:handle { type = "lease", slot = "router", held = true, fence = 2 }
    b:advance "5m":resolve("Down"):advance "6m"
    assert.same({ "0:30 slack firing Down" }, a:told())
    assert.same({ "12:00 slack resolved Down" }, b:told())
  end)

  it("the other goes on with the escalation where it stood", function()
    a:fire "Down"
    a:advance_with(b, 640)
    assert.same({ "0:30 slack firing Down", "10:30 pager firing Down" }, a:told())
    b:handle { type = "lease", slot = "router", held = true, fence = 2 }
    b:advance "30m"
    assert.same({}, b:told())
  end)

  it("the other says what the first one had not said yet", function()
    a.answers.slack = function() return { retry = true, status = 500 } end
    a:fire "Down"
    a:advance_with(b, 60)
    b:handle { type = "lease", slot = "router", held = true, fence = 2 }
    b:advance "1s"
    assert.same({ "1:00 slack firing Down" }, b:told())
  end)

  it("the other tells again what was on its way, and then what became of it", function()
    a.answers.slack = function() return { never = true } end
    a:fire "Down"
    a:advance_with(b, 60)
    assert.same({ "0:30 slack firing Down refused" }, a:told())
    b:resolve "Down"
    b:handle { type = "lease", slot = "router", held = true, fence = 2 }
    b:advance "10m"
    assert.same({ "1:00 slack firing Down", "1:00 slack resolved Down" }, b:told())
    -- Whoever comes next finds nothing on its way.
    a.router.flying.stale = true
    b:pass(a)
    assert.same({ stale = true }, a.router.flying)
  end)

  it("both know a silence and an acknowledgement, and their end", function()
    local id = a:silence("Down", "1h")
    a:fire "Down"
    a:http("POST", "/api/mw/v1/ack", { alert = "Down" })
    a:advance_with(b, 10)
    assert.equal(200, (b:http("GET", "/api/v2/silence/" .. id)))
    local _, acks = b:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks)
    b:http("DELETE", "/api/v2/silence/" .. id)
    b:http("DELETE", "/api/mw/v1/ack/" .. acks.acks[1].id)
    a:advance_with(b, 10)
    local _, silence = a:http("GET", "/api/v2/silence/" .. id)
    assert.equal("expired", silence.status.state)
    _, acks = a:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
  end)

  it("does not share an alert again for every report of it", function()
    a:fire("Down", nil, { ends_at = a.now + 240 })
    local function shared()
      local n = 0
      for _, item in ipairs(a.shared) do n = n + (item.kind == "alert" and 1 or 0) end
      return n
    end
    assert.equal(1, shared())
    for _ = 1, 4 do a:advance(15):fire("Down", nil, { starts_at = a.start, ends_at = a.now + 240 }) end
    assert.equal(1, shared())
    a:advance(120):fire("Down", nil, { starts_at = a.start, ends_at = a.now + 240 })
    assert.equal(2, shared())
  end)
end)
