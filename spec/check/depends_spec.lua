--- depends_spec.lua - checks that depend on others: who is blamed, when, and until when.
local testing = require "moonwatch.testing"

local RULES = [[
check "db" { tcp = "127.0.0.1:1", every = "10s" }
check "api" { tcp = "127.0.0.1:2", every = "10s", depends_on = { "db" } }
check "shop" { tcp = "127.0.0.1:3", every = "10s", depends_on = { "api" } }
alert "ShopDown" { expr = "check_up{check=\"shop\"} == 0", every = "10s" }
alert "Orders" { expr = "orders == 0", every = "10s", depends_on = { "db" } }
]]

describe("a check that depends on another", function()
  local world, bad
  before_each(function()
    world, bad = testing.world(RULES), {}
    world:probe("tcp", function(arg) return bad[arg.port] and { error = "refused" } or { seconds = 0.01 } end)
    world:set("orders", 5):advance "20s"
  end)

  local function statuses()
    return { db = (world:check "db"), api = (world:check "api"), shop = (world:check "shop") }
  end

  it("is probed while that one fails, and says how it really is", function()
    bad[1] = true
    world:advance "1m"
    assert.same({ db = "unhealthy", api = "healthy", shop = "healthy" }, statuses())
    assert.equal(1, world:value 'probe_success{check="api"}')
    assert.equal(1, world:value 'check_up{check="api"}')
  end)

  it("is not blamed for failing with it, nor are grandchildren", function()
    bad = { true, true, true }
    world:advance "1m"
    assert.same({ db = "unhealthy", api = "unknown", shop = "unknown" }, statuses())
    local _, message, details = world:check "shop"
    assert.equal('depends on "api", which fails; itself: refused', message)
    assert.equal("api", details.blocked_by)
    assert.equal(0, world:value 'probe_success{check="shop"}')
    assert.is_nil(world:value 'check_up{check="shop"}')
    assert.equal(1, world:value 'check_excused{check="shop",reason="depends"}')
    assert.same({}, world:firing())
  end)

  it("is blamed when its parent is well, whatever its grandparent does", function()
    bad = { true, false, true }
    world:advance "1m"
    assert.same({ db = "unhealthy", api = "healthy", shop = "unhealthy" }, statuses())
    assert.same({ "ShopDown" }, world:firing())
  end)

  it("is not blamed either when it is quicker to fail than its parent", function()
    world:reload((RULES:gsub('check "api" { tcp = "127.0.0.1:2", every = "10s"', '%0, fail_after = 1')))
    bad = { true, true }
    local seen = {}
    for _ = 1, 60 do
      world:advance "1s"
      seen[(world:check "api")] = true
    end
    assert.same({ healthy = true, unknown = true }, seen)
  end)

  it("stays blamed when its parent fails later, and is well as soon as it is well", function()
    bad[3] = true
    world:advance "40s"
    assert.same({ "ShopDown" }, world:firing())
    bad[2] = true
    world:advance "40s"
    assert.equal("unhealthy", statuses().shop)
    assert.same({ "ShopDown" }, world:firing())
    bad[3] = nil
    world:advance "30s"
    assert.equal("healthy", statuses().shop)
    assert.same({}, world:firing())
  end)

  it("has the time of fail_after probes to come back when its parent is well again", function()
    bad = { true, true }
    world:advance "1m"
    bad[1] = nil
    world:advance "20s" -- db needs two
    assert.equal("healthy", statuses().db)
    assert.equal("unknown", statuses().api)
    world:advance "10s"
    assert.equal("unknown", statuses().api)
    world:advance "30s"
    assert.equal("unhealthy", statuses().api)
  end)

  it("and alerts that depend on it begin no more while it fails, but end", function()
    world:set("orders", 0):advance "10s"
    assert.same({ "Orders" }, world:firing())
    bad[1] = true
    world:advance "40s"
    assert.same({ "Orders" }, world:firing())
    world:set("orders", 5):advance "10s"
    assert.same({}, world:firing())
    world:set("orders", 0):advance "20s"
    assert.same({}, world:firing())
    bad[1] = nil
    world:advance "30s"
    assert.same({ "Orders" }, world:firing())
  end)

  it("and the rule of such an alert says what holds it back, for as long as it does", function()
    local rules = require("moonwatch.api.rules")["/api/v1/rules"]
    local function held()
      local body = world.host.json.decode(rules(world.engine, { method = "GET", query = { type = { "alert" } } }, world.now).body)
      for _, rule in ipairs(body.data.groups[1].rules) do
        if rule.name == "Orders" then return rule.heldBack end
      end
    end
    bad[1] = true
    world:advance "40s"
    assert.is_nil(held())
    world:set("orders", 0):advance "20s"
    assert.same({ { by = "db", alerts = 1 } }, held())
    world:set("orders", 5):advance "20s"
    assert.is_nil(held())
  end)

  it("keeps all that over a restart", function()
    bad = { false, false, true }
    world:advance "40s"
    bad[2] = true
    world:advance "40s"
    world:restart()
    world:probe("tcp", function(arg) return bad[arg.port] and { error = "refused" } or { seconds = 0.01 } end)
    world:advance "10s"
    assert.equal("unhealthy", statuses().shop)
  end)
end)

describe("checks that depend on each other", function()
  it("are refused", function()
    local ok, why = pcall(testing.world, [[
check "a" { tcp = "h:1", depends_on = { "b" } }
check "b" { tcp = "h:1", depends_on = { "c" } }
check "c" { tcp = "h:1", depends_on = { "a" } }]])
    assert.is_false(ok)
    assert.truthy(tostring(why):find('check "a": depends on itself: a -> b -> c -> a', 1, true), why)
  end)
end)
