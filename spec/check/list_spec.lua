--- list_spec.lua - checks as the API lists them.
local api = require "moonwatch.api.checks"
local testing = require "moonwatch.testing"

describe("the list of checks", function()
  local world
  before_each(function()
    world = testing.world [[
check "web" { tcp = "h:1", every = "10s", labels = { team = "shop" } }
check "db" { tcp = "h:2", every = "10s" }
check "mail" { tcp = "h:3", every = "10s", degraded = { slower_than = "1ms" } }]]
    world:probe("tcp", function(arg) return arg.port == 2 and { error = "refused by the firewall" } or { seconds = 0.01 } end):advance "1m"
  end)

  local function list(query)
    local values = {}
    for name, value in pairs(query or {}) do values[name] = { value } end
    local a = api["/api/mw/v1/checks"](world.engine, { method = "GET", query = values }, world.now)
    return world.host.json.decode(a.body), a.status
  end
  local function names(query)
    local out = {}
    for i, c in ipairs(list(query).checks) do out[i] = c.name end
    return out
  end

  it("has all of them in the order of their files, and counts them", function()
    assert.same({ "web", "db", "mail" }, names())
    assert.same({ healthy = 1, unhealthy = 1, degraded = 1 }, list().counts)
    assert.equal(3, list().total)
  end)

  it("has the worst first when only so many are wanted", function()
    assert.same({ "db", "mail" }, names { limit = "2" })
    assert.equal(3, list({ limit = "2" }).total)
  end)

  it("finds them by status, and by what is in their name or message", function()
    assert.same({ "db", "mail" }, names { status = "unhealthy,degraded" })
    assert.same({ "db" }, names { text = "FIREWALL" })
    assert.same({ "web" }, names { text = "web" })
  end)

  it("says what it does not understand", function()
    local body, status = list { status = "bad" }
    assert.equal(400, status)
    assert.equal('"bad" is no status: healthy, degraded, unhealthy, unknown, maintenance', body.error.message)
    assert.equal(400, select(2, list { limit = "0" }))
  end)
end)
