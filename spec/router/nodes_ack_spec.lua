--- nodes_ack_spec.lua - acknowledgements, escalations and links on two nodes: said on one, done by the one that speaks.
local world_of = require "router_world"

local function pair_of(more)
  local config = { names = { "slack", "pager", "ann", "bob" }, routes = { { receiver = "slack", escalate = "page" } },
    settings = { external_url = "https://moon.example" },
    escalations = { page = { loops = 3, pause = 600, steps = { { after = 300, to = { "pager" } }, { after = 600, to = { "ann" }, every = 120 } } } } }
  for k, v in pairs(more or {}) do config[k] = v end
  config.holds = true
  local a = world_of.new(config)
  config.holds = false
  local b = world_of.new(config)
  -- Hosts of two machines do not make up the same random numbers.
  local serial = 1000
  function b.host.random_hex(n)
    serial = serial + 1
    return b.host.sha256("b" .. serial):sub(1, 2 * n)
  end
  return a, b
end

local function take_over(a, b)
  a:handle { type = "lease", slot = "router", held = false }
  b:handle { type = "lease", slot = "router", held = true, fence = 2 }
end

describe("of two nodes", function()
  it("the other goes on with an escalation at its step, its loop and its next reminder", function()
    local a, b = pair_of()
    a:fire "Down"
    a:advance_with(b, 1700)
    -- Loop 1: 5:30 pager, 10:30 ann and each two minutes; loop 2 begins at 20:30: 25:30 pager.
    assert.same({ "0:30 slack firing Down", "5:30 pager firing Down", "10:30 ann firing Down", "12:30 ann firing Down", "14:30 ann firing Down",
      "16:30 ann firing Down", "18:30 ann firing Down", "25:30 pager firing Down" }, a:told())
    take_over(a, b)
    b:advance "5m"
    assert.same({ "30:30 ann firing Down", "32:30 ann firing Down" }, b:told())
  end)

  it("an acknowledgement said to the silent one stops the one that speaks, and its end rings there once", function()
    local a, b = pair_of()
    a:fire "Down"
    a:advance_with(b, 60)
    b:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "30m" })
    a:advance_with(b, 10)
    a:told()
    a:advance_with(b, 1700)
    assert.same({}, a:told())
    a:advance_with(b, 130)
    assert.same({ "31:00 slack firing Down" }, a:told())
    assert.same({}, b:told())
    local _, acks = b:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
    a:advance_with(b, 300)
    assert.same({ "36:00 pager firing Down" }, a:told())
  end)

  it("what is taken back on the silent one rings from the one that speaks, which says who was on it", function()
    local a, b = pair_of()
    a:fire "Down"
    a:advance_with(b, 60)
    a:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    a:advance_with(b, 10)
    a:told()
    b:http("POST", "/api/mw/v1/ack/undo", { alert = "Down", author = "bob" })
    a:advance_with(b, 10)
    assert.equal(1, #a.notes)
    assert.truthy(a.notes[1].note.remark:find("ann was on it", 1, true))
    assert.same({}, b:told())
  end)

  it("somebody to whom it is handed over on the silent one is told by the one that speaks, once", function()
    local a, b = pair_of()
    a:fire "Down"
    a:advance_with(b, 60)
    b:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    a:advance_with(b, 10)
    a:told()
    b:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "bob", author = "ann" })
    a:advance_with(b, 60)
    assert.equal(1, #a.notes)
    assert.equal("ann hands this over to you", a.notes[1].note.remark)
    assert.equal("bob", a.notes[1].receiver)
    assert.same({}, b:told())
  end)

  it("an escalation that came to its end is not gone on with when the alert comes back", function()
    local a, b = pair_of()
    a:fire "Down"
    a:advance_with(b, 700)
    a:resolve "Down"
    a:advance_with(b, 400)
    b:fire "Down"
    take_over(a, b)
    b:advance "1m"
    local at = b.now - b.start
    b:told()
    b:advance "4m"
    local told = b:told()
    assert.equal(0, #told, table.concat(told, "\n") .. " at " .. at)
    b:advance "2m"
    assert.truthy(b:told()[1]:find("pager firing Down", 1, true))
  end)

  it("take each other's links, and each link once", function()
    local a, b = pair_of()
    -- Both have signed something before they knew of each other.
    a:fire "Down"
    a:advance "1m"
    b.router.links:of({ alerts = {}, status = "firing", group_key = "x", id = "00" }, b.router.settings, b.now)
    local first = a.notes[#a.notes].note.links.ack:match "^https://moon.example(.*)$"
    b:advance "1m"
    for _ = 1, 3 do
      a:pass(b)
      b:pass(a)
    end
    assert.equal(a.router.links.keys[1].key, b.router.links.keys[1].key)
    local function open(world, method, body)
      return world:handle({ type = "http", method = method, path = first, query = {}, headers = {}, body = body or "" }).status
    end
    assert.equal(200, open(b, "GET"))
    assert.equal(200, open(b, "POST", "author=ann"))
    -- The acknowledgement comes first, and says it, too.
    local used = table.remove(b.shared)
    assert.equal("links", used.kind)
    b:pass(a)
    assert.equal(409, open(a, "POST", "author=eve"))
    b.shared = { used }
    b:pass(a)
    assert.equal(409, open(a, "POST", "author=eve"))
    -- What one forgets the other does, too, or it would remember every link for ever.
    a:handle { type = "shared", kind = "links", id = used.id, node = "b" }
    assert.same({ 0, nil }, { a.router.links.count, next(a.router.links.used) })
  end)

  it("whoever is on call when the lease moves is told once", function()
    local a, b = pair_of { routes = { { receiver = "oncall:web" } }, escalations = {}, names = { "ann", "bob" },
      oncalls = { web = { people = { "ann", "bob" }, daily = "21:00", start = "2026-05-27" } } }
    a:fire "Down"
    a:advance_with(b, 60)
    assert.same({ "0:30 ann firing Down" }, a:told())
    take_over(a, b)
    b:advance "1h"
    assert.same({ "33:20 bob firing Down" }, b:told())
  end)

  it("one that was away while an acknowledgement was taken back does not bring it back, and lets it ring when it takes over", function()
    local a, b = pair_of { routes = { { receiver = "slack" } } }
    a:fire "Down"
    a:advance_with(b, 60)
    local _, made = a:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    a:advance_with(b, 60)
    local away, shared = b:journaled(), {}
    a:told()
    a:http("DELETE", "/api/mw/v1/ack/" .. (made.id or made.acks[1].id), { author = "ann" })
    for _, item in ipairs(a.shared) do shared[item.kind .. item.id] = item end
    a:advance "1m"
    b:restart(away)
    assert.equal(1, #b.router.acks:list())
    -- What Redis has is told when a node connects.
    a.shared = {}
    for _, item in pairs(shared) do a.shared[#a.shared + 1] = item end
    a:pass(b)
    assert.equal(0, #b.router.acks:list())
    -- A week later nobody needs to know any more.
    a:resolve "Down":advance "8d"
    assert.same({}, a.router.gone)
  end)
end)
