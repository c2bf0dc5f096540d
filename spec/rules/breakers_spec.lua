--- breakers_spec.lua - what keeps failing is left alone: breakers that requests of rules go through, and those of checks.
local api = require "moonwatch.api.breakers"
local testing = require "moonwatch.testing"

local RULES = [[
breaker "shop" { failures = 3, open = "25s", window = "2m", grow = 2, slow_rate = 0.5, slow_after = "2s", min_calls = 4 }
every("10s", function(ctx)
  local answer = ctx.http.get("http://shop/health", { breaker = "shop" })
  ctx.state.said = answer.error or answer.status
  ctx.state.open = answer.open
end, { name = "ask" })
every("10s", function(ctx) ctx.state.said = ctx.http.get("http://shop/", { breaker = "nobody" }).error end, { name = "typo" })
]]

local function state(world, name) return world.engine.by_id["every/" .. name].state end
local function look(world) return world.engine.breakers.shop.breaker:look(world.now) end

local function ask(world, method, path, body)
  local pattern, rest = "/api/mw/v1/breakers", path
  if path ~= "" then pattern = "/api/mw/v1/breakers/**" end
  local answer = api[pattern](world.engine, { method = method, body = body and world.host.json.encode(body) }, world.now, rest)
  return answer.status, world.host.json.decode(answer.body)
end

describe("requests through a breaker", function()
  it("stop after failures in a row, are tried again, for longer each time, and go on once that is well", function()
    local world = testing.world(RULES)
    world:answer("http://shop/health", { status = 503 }):advance "30s"
    assert.equal("open", look(world).state)
    assert.equal(3, #world.requests)
    world:advance "20s"
    assert.equal(3, #world.requests)
    assert.equal('the circuit breaker "shop" is open', state(world, "ask").said)
    assert.is_true(state(world, "ask").open)
    world:advance "10s" -- one tries, and fails
    assert.equal(4, #world.requests)
    world:answer("http://shop/health", {}):advance "50s"
    assert.equal(4, #world.requests)
    world:advance "10s"
    assert.equal("closed", look(world).state)
    assert.equal(200, state(world, "ask").said)
    world:advance "10s"
    assert.equal(6, #world.requests)
  end)
  it("stop when too many of them are slow", function()
    local world = testing.world(RULES)
    world:answer("http://shop/health", { seconds = 2.5 }):advance "40s"
    assert.same({ "open", "slow" }, { look(world).state, look(world).cause })
  end)
  it("count answers of the statuses that are said to fail", function()
    local world = testing.world((RULES:gsub("failures = 3", 'failures = 3, failing = { 404, "5xx" }')))
    world:answer("http://shop/health", { status = 404 }):advance "30s"
    assert.equal("open", look(world).state)
    world = testing.world(RULES)
    world:answer("http://shop/health", { status = 404 }):advance "60s"
    assert.equal("closed", look(world).state)
  end)
  it("say so when nobody knows their breaker", function()
    local world = testing.world(RULES):advance "10s"
    assert.equal('no breaker is called "nobody"', state(world, "typo").said)
  end)
  it("are held back over a restart, a crash and a reload as before", function()
    local world = testing.world(RULES)
    world:answer("http://shop/health", { status = 503 }):advance "30s"
    world:restart():advance "20s"
    assert.equal(3, #world.requests)
    world:reload(RULES .. 'record "x" { expr = "1" }')
    assert.is_false((world.engine.breakers.shop.breaker:ready(world.now)))
    world:reload((RULES:gsub('open = "25s"', 'open = "5m"'))):advance "2m"
    assert.equal(3, #world.requests)
    assert.equal("open", look(world).state)
  end)
  it("are held back on every node when they were on one", function()
    local world = testing.world(RULES)
    world:answer("http://shop/health", { status = 503 }):advance "30s"
    world.engine:handle({ type = "shared", kind = "breaker", id = "shop", value = { state = "closed" } }, world.now)
    assert.equal("closed", look(world).state)
    world.engine:handle({ type = "shared", kind = "breaker", id = "shop", value = { state = "open", opened_at = world.now, level = 1 } }, world.now)
    world:advance "20s"
    assert.equal(3, #world.requests)
    world.engine:handle({ type = "shared", kind = "breaker", id = "shop", value = "nonsense" }, world.now)
    world.engine:handle({ type = "shared", kind = "breaker", id = "nobody", value = {} }, world.now)
    assert.equal("open", look(world).state)
  end)
  it("go on as they are when a node hears what it said itself, and count what they refused through what others say", function()
    local world, said = testing.world(RULES), nil
    local call = world.engine.host.call
    world.engine.cluster, world.engine.host.call = true, function(op, arg, ...)
      if op ~= "cluster.put" then return call(op, arg, ...) end
      if arg.kind == "breaker" then said = arg.value end
    end
    world:answer("http://shop/health", { status = 503 }):advance "40s"
    assert.same({ "open", "failures", 1 }, { look(world).state, look(world).cause, look(world).refused })
    world.engine.host.call = call
    world:answer("http://shop/health", { status = 200 }):advance "20s"
    assert.equal("closed", look(world).state)
    world.engine:handle({ type = "shared", kind = "breaker", id = "shop", value = said }, world.now)
    assert.equal("closed", look(world).state)
    said.life, said.opened_at = "another", world.now
    world.engine:handle({ type = "shared", kind = "breaker", id = "shop", value = said }, world.now)
    assert.same({ "open", "failures", 2 }, { look(world).state, look(world).cause, look(world).refused })
  end)
end)

describe("a breaker", function()
  it("can be forced open and closed by hand, and is itself again after that", function()
    local world = testing.world(RULES):advance "10s"
    local status, b = ask(world, "POST", "shop/force", { force = "open", author = "ana", reason = "maintenance" })
    assert.same({ 200, "open", "closed" }, { status, b.forced, b.state })
    world:advance "30s"
    assert.equal(1, #world.requests)
    assert.equal(3, select(2, ask(world, "GET", "shop")).refused)
    world:restart():advance "10s"
    assert.equal(1, #world.requests)
    ask(world, "POST", "shop/force", { force = "none" })
    world:advance "10s"
    assert.equal(2, #world.requests)
  end)
  it("of a check is listed beside those of requests", function()
    local world = testing.world(RULES .. 'check "web" { http = "http://web/", every = "10s", breaker = { failures = 2, open = "1m" } }')
    world:answer("http://web/", { status = 500 }):advance "30s"
    local _, found = ask(world, "GET", "")
    assert.same({ "check/web", "shop" }, { found.breakers[1].name, found.breakers[2].name })
    assert.same({ "open", "failures" }, { found.breakers[1].state, found.breakers[1].cause })
    ask(world, "POST", "check/web/force", { force = "closed" })
    world:answer("http://web/", {}):advance "10s"
    assert.equal("closed", select(2, ask(world, "GET", "check/web")).forced)
  end)
  it("of a check has figures, as those of requests have", function()
    local world = testing.world(RULES .. 'check "web" { http = "http://web/", every = "10s", breaker = { failures = 2, open = "1m" } }')
    local shown = {}
    world.engine.host.metric = function(_, name, labels, value)
      if name == "moonwatch_breaker_state" then shown[labels.check or labels.breaker] = value end
    end
    world:answer("http://web/", { status = 500 }):advance "40s"
    assert.same({ web = 2, shop = 0 }, shown)
  end)
  it("of a check opens by its failures in a row, however far apart its probes are", function()
    for _, fields in ipairs { "breaker = {}", 'breaker = { failures = 3, window = "5s" }', "breaker = { rate = 0.5, min_calls = 5 }" } do
      local world = testing.world(('check "web" { http = "http://web/", every = "1m", %s }'):format(fields))
      world:answer("http://web/", { status = 500 }):advance "5m"
      assert.equal("open", world.engine.by_id["check/web"].breaker:look(world.now).state, fields)
    end
  end)
  it("keeps a check from being probed over a restart", function()
    local world = testing.world 'check "web" { http = "http://web/", every = "10s", breaker = { failures = 2, open = "5m" } }'
    world:answer("http://web/", { status = 500 }):advance "30s"
    local n = #world.requests
    world:restart():advance "1m"
    assert.equal(n, #world.requests)
  end)
  it("answers what makes no sense with what would", function()
    local world = testing.world(RULES)
    for _, body in ipairs { {}, { force = "maybe" }, { force = 1 }, { force = "open", author = 7 } } do
      local status, answer = ask(world, "POST", "shop/force", body)
      assert.equal(400, status)
      assert.truthy(answer.error.message:find('"open", "closed" or "none"', 1, true))
    end
    assert.equal(404, (ask(world, "POST", "shop", { force = "open" })))
    assert.equal(404, (ask(world, "GET", "nobody")))
  end)
  it("is refused at load when it could never open, or says what it cannot mean", function()
    for text, why in pairs {
      ["rate = 1.5"] = "must be above 0", ["calls = 5, min_calls = 6, rate = 0.5"] = "min_calls: not more than calls",
      ["grow = 0.5"] = "grow: at least 1", ["failures = 20000"] = "failures: at most 10000", ["opens = 5"] = "opens",
    } do
      local ok, err = pcall(testing.world, ('breaker "x" { %s }'):format(text))
      assert.is_false(ok)
      assert.truthy(tostring(err):find(why, 1, true), tostring(err))
    end
  end)
end)
