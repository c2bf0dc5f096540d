--- audit_spec.lua - who did what.
local world_of = require "router_world"
local Audit = require "moonwatch.route.audit"

local function done(world, query)
  local _, body = world:http("GET", "/api/mw/v1/audit" .. (query or ""))
  local out = {}
  for i, e in ipairs(body.audit) do out[i] = e.what .. " " .. e.who end
  return out, body.audit
end

describe("the audit", function()
  local world
  before_each(function() world = world_of.new {} end)

  it("says who made, changed and ended a silence", function()
    local id = world:silence("Down", "10m")
    local _, s = world:http("GET", "/api/v2/silence/" .. id)
    world:advance "1m"
    s.endsAt, s.createdBy = world.host.rfc3339(world.now + 7200), "bea"
    world:http("POST", "/api/v2/silences", s)
    world:advance "1m"
    world:http("DELETE", "/api/v2/silence/" .. id)
    world:http("DELETE", "/api/v2/silence/" .. id)
    local said, entries = done(world)
    assert.same({ "silence.expired unknown", "silence.changed bea", "silence.made spec" }, said)
    assert.equal(id, entries[1].details.silence)
    assert.equal('{alertname="Down"}', entries[3].details.matchers)
  end)

  it("does not say that whoever made a silence made it longer, when nobody said who did", function()
    local id = world:silence("Down", "1h")
    assert.equal(200, (world:http("POST", "/api/mw/v1/silences/" .. id .. "/extend", { ["for"] = "1h" })))
    local entry = world.router.audits:tail(1)[1]
    assert.same({ "silence.changed", "unknown" }, { entry.what, entry.who })
    assert.equal("spec", world.router.silences:get(id).created_by)
  end)

  it("knows who signed in at the proxy before the server, and from where", function()
    world:handle { type = "http", method = "POST", path = "/api/v2/silences", query = {}, remote = "192.0.2.7",
      headers = { ["x-forwarded-user"] = "ana" },
      body = world.host.json.encode { matchers = { { name = "a", value = "b", isRegex = false } }, createdBy = "someone", comment = "",
        startsAt = world.host.rfc3339(world.now), endsAt = world.host.rfc3339(world.now + 60) } }
    local said, entries = done(world)
    assert.same({ "silence.made ana" }, said)
    assert.equal("192.0.2.7", entries[1].from)
  end)

  it("tells the client that a proxy speaks for, and the proxy", function()
    world:handle { type = "http", method = "POST", path = "/api/mw/v1/silences", query = {}, remote = "192.0.2.7", headers = { ["x-forwarded-for"] = "203.0.113.9" },
      body = world.host.json.encode { matchers = { { name = "a", value = "b", isRegex = false } }, ["for"] = "1h", comment = "c" } }
    local _, entries = done(world)
    assert.equal("203.0.113.9 by 192.0.2.7", entries[1].from)
  end)

  it("knows who took an acknowledgement back, also when only the proxy says it", function()
    world:fire("Down"):advance "1m"
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    local function send(method, path, body)
      world:handle { type = "http", method = method, path = path, query = {}, headers = { ["x-forwarded-user"] = "ana" }, body = body }
    end
    send("DELETE", "/api/mw/v1/ack/" .. ack.id)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    send("POST", "/api/mw/v1/ack/undo", '{"alert":"Down"}')
    assert.same({ "ack.taken-back ana", "ack.made ann", "ack.taken-back ana", "ack.made ann" }, (done(world)))
  end)

  it("can be asked for one person, one kind and a time, and outlives a restart", function()
    world:silence("Down", "10m")
    world:advance "2h"
    world.router:audit("ack.made", "bea", world.now, { alert = "Down" })
    world:restart()
    assert.same({ "ack.made bea", "silence.made spec" }, (done(world)))
    assert.same({ "ack.made bea" }, (done(world, "?who=bea")))
    assert.same({ "silence.made spec" }, (done(world, "?what=silence")))
    assert.same({ "ack.made bea" }, (done(world, "?since=1h")))
    assert.equal(400, (world:http("GET", "/api/mw/v1/audit?since=yesterday")))
  end)

  it("stays bounded", function()
    local audit = Audit.new(world.host)
    for i = 1, Audit.KEPT + 10 do audit:add("x", "y", nil, i, { text = ("z"):rep(5000) }) end
    assert.equal(Audit.KEPT, #audit.list)
    assert.is_true(#audit.list[1].details.text < 600)
  end)

  it("says once that the chain of another node was written anew", function()
    local function heard(id, seq, what)
      world:handle { type = "shared", kind = "audit", id = id, value = { id = id, time = world.now, what = what, who = "bea", node = "n2", seq = seq, details = {} } }
    end
    heard("a", 1, "server.started")
    heard("b", 2, "silence.made")
    heard("b", 2, "silence.made")
    assert.same({ "silence.made bea", "server.started bea" }, (done(world)))
    heard("c", 2, "server.started")
    heard("d", 1, "silence.made")
    local said, entries = done(world, "?what=audit")
    assert.same({ "audit.rewritten moonwatch" }, said)
    assert.same({ node = "n2", entry = 2, was = "silence.made", is = "server.started" }, entries[1].details)
  end)

  it("is one list for all nodes", function()
    world.router:audit("ack.made", "bea", world.now, {})
    local other = world_of.new {}
    local shared = world.shared[#world.shared]
    other:handle { type = "shared", kind = shared.kind, id = shared.id, value = shared.value }
    assert.same({ "ack.made bea" }, (done(other)))
  end)
end)
