--- canary_spec.lua - a canary from its start to its gate, in simulated time.
local canaries = require "moonwatch.api.canaries"
local testing = require "moonwatch.testing"

local rule = [[
canary "shop" {
  baseline = { version = "1.1" }, candidate = { version = "1.2" }, lasts = "20m", every = "30s", labels = { service = "shop" },
  metrics = {
    { name = "errors", critical = true, allow = 0.5, expr = 'sum(rate(errors_total{job="shop",$labels}[1m]))' },
    { name = "latency", tolerance = 0.05, expr = 'latency{job="shop"}' },
  },
  traffic = { requests = 'requests_total{job="shop"}', min = 500, share = 0.1 },
}]]

-- A world in which both versions run; of the candidate, errors and latency are so many times those of the baseline.
local function world_with(errors, latency, text)
  local world = testing.world(text or rule)
  local function of(name, version) return ('%s{job="shop",version="%s"}'):format(name, version) end
  local slow = function(times)
    local out, seed = {}, 99 + math.floor(times * 1000)
    for i = 1, 400 do
      seed = (seed * 16807) % 2147483647
      out[i] = ("%.6f"):format(times * (0.1 + 0.02 * seed / 2147483647))
    end
    return table.concat(out, " ")
  end
  world:series(of("errors_total", "1.1"), "0+15x400", { every = "15s" }):series(of("errors_total", "1.2"), ("0+%gx400"):format(15 * errors), { every = "15s" })
  world:series(of("requests_total", "1.1"), "0+900x400", { every = "15s" }):series(of("requests_total", "1.2"), "0+100x400", { every = "15s" })
  world:series(of("latency", "1.1"), slow(1), { every = "15s" }):series(of("latency", "1.2"), slow(latency), { every = "15s" })
  return world:advance "2m"
end

local function ask(world, method, path, body, query)
  local host = world.host
  local pattern = path == "" and "/api/mw/v1/canaries" or path:find "/" and "/api/mw/v1/canaries/*/*" or "/api/mw/v1/canaries/*"
  local name, what = path:match "^([^/]*)/?(.*)$"
  local answer = canaries[pattern](world.engine, { method = method, path = path, body = body and host.json.encode(body) or "", query = query or {}, headers = {} },
                                   world.now, name, what)
  return answer.status, host.json.decode(answer.body)
end

describe("a canary", function()
  it("waits to be told, runs for its time, and opens its gate when nothing is worse", function()
    local world = world_with(1, 1)
    assert.equal(409, (ask(world, "GET", "shop/gate")))
    world:advance "30m"
    assert.equal("idle", select(2, ask(world, "GET", "shop")).status)
    assert.equal(200, (ask(world, "POST", "shop/start", { author = "ann" })))
    local status, body = ask(world, "GET", "shop/gate")
    assert.equal(409, status)
    assert.equal("running", body.status)
    assert.equal(1, world:value 'canary_running{canary="shop"}')
    world:advance "21m"
    status, body = ask(world, "GET", "shop/gate")
    assert.same({ 200, "pass", 100 }, { status, body.status, body.score })
    assert.equal(100, world:value 'canary_score{canary="shop",service="shop"}')
    local r = select(2, ask(world, "GET", "shop")).results[1]
    assert.equal("ann", r.author)
    assert.near(0.1, r.traffic.share, 0.001)
    assert.near(72000, r.traffic.baseline, 500)
    assert.equal(41, r.metrics[2].samples.candidate)
  end)
  it("closes the gate with the reason when something is worse", function()
    local world = world_with(1, 1.5)
    ask(world, "POST", "shop/start", {})
    world:advance "21m"
    local status, body = ask(world, "GET", "shop/gate")
    assert.equal(409, status)
    assert.equal("fail", body.status)
    assert.matches("latency: higher: 0%.16.* against 0%.1", body.reasons[1])
    assert.equal(0, world:value 'canary_verdict{canary="shop"}')
  end)
  it("ends at once when a critical metric is worse beyond doubt", function()
    local world = world_with(30, 1)
    ask(world, "POST", "shop/start", {})
    world:advance "9m"
    local _, body = ask(world, "GET", "shop/gate")
    assert.equal("fail", body.status)
    assert.matches("^ended before its time: critical errors", body.reasons[1])
  end)
  it("is a mark on every plot, with its verdict", function()
    local world = world_with(1, 1)
    ask(world, "POST", "shop/start", { candidate = { version = "1.2" }, author = "ann" })
    local began = world.now
    world:advance "21m"
    local mark = world.engine.marks:find(0, world.now, {})[1]
    assert.same({ "canary", began, "shop", "1.2", "ann" }, { mark.kind, mark.time, mark.service, mark.version, mark.author })
    assert.near(began + 1200, mark.until_, 16)
    assert.matches("^pass: ", mark.text)
  end)
  it("compares the versions that whoever starts it names", function()
    local world = world_with(1, 1)
    assert.equal(200, (ask(world, "POST", "shop/start", { candidate = { version = "9" } })))
    world:advance "21m"
    local _, body = ask(world, "GET", "shop/gate")
    assert.equal("fail", body.status)
    assert.matches("critical errors: 41 and 0 values", table.concat(body.reasons, "\n"))
    assert.matches("traffic: the candidate got no requests", table.concat(body.reasons, "\n"))
  end)
  it("goes on over a restart, a reload, and on another node", function()
    for _, happens in ipairs { function(w) w:restart() end, function(w) w:kill() end, function(w) w:reload(rule .. "\n") end, function(w) w:fail_over() end } do
      local world = world_with(1, 1)
      ask(world, "POST", "shop/start", {})
      world:advance "7s"
      happens(world)
      assert.equal("running", select(2, ask(world, "GET", "shop")).status)
      world:advance "21m"
      assert.equal("pass", select(2, ask(world, "GET", "shop")).status)
    end
  end)
  it("can be stopped, with or without a verdict", function()
    local world = world_with(1, 1)
    ask(world, "POST", "shop/start", {})
    assert.equal(409, (ask(world, "POST", "shop/start", {})))
    world:advance "10m"
    assert.equal(200, (ask(world, "POST", "shop/stop", { reason = "lunch", author = "ann" })))
    assert.same({ 409, "stopped" }, { (ask(world, "GET", "shop/gate")), select(2, ask(world, "GET", "shop/gate")).status })
    assert.equal("stopped by ann: lunch", select(2, ask(world, "GET", "shop/gate")).reasons[1])
    assert.equal(409, (ask(world, "POST", "shop/stop", {})))
    ask(world, "POST", "shop/start", {})
    world:advance "10m"
    ask(world, "POST", "shop/stop", { judge = true })
    assert.equal(200, (ask(world, "GET", "shop/gate")))
  end)
  it("judges two times that are over, at once", function()
    local world = world_with(1, 1.5)
    world:advance "20m"
    local from, to = world.now - 900, world.now
    local status, body = ask(world, "POST", "shop/judge", { baseline = { from = from, to = to }, candidate = { from = from, to = to } })
    assert.same({ 200, "fail" }, { status, body.verdict })
    -- The same version before and after.
    status, body = ask(world, "POST", "shop/judge", { baseline = { from = from, to = from + 450 }, candidate = { from = from + 450, to = to, labels = { version = "1.1" } } })
    assert.same({ 200, "pass" }, { status, body.metrics[2].result })
    assert.equal(400, (ask(world, "POST", "shop/judge", { baseline = { from = to, to = from } })))
    assert.equal(400, (ask(world, "POST", "shop/judge", {})))
  end)
  it("says what is wrong with an order", function()
    local world = world_with(1, 1)
    assert.matches('there is no canary "shopp" %(did you mean "shop"%?%)', select(2, ask(world, "GET", "shopp")).error.message)
    assert.equal(400, (ask(world, "POST", "shop/start", { candidate = { version = "1.1" } })))
    assert.equal(400, (ask(world, "POST", "shop/start", { candidate = 5 })))
    assert.equal(400, (ask(world, "POST", "shop/start", { lasts = "1m" })))
    assert.equal(400, (ask(world, "POST", "shop/start", { lasts = "30d" })))
    assert.equal(405, (ask(world, "GET", "shop/start")))
    assert.equal(404, (ask(world, "GET", "shop/no")))
  end)
  it("says that an expression gives several series", function()
    local world = world_with(1, 1, [[canary "shop" { baseline = { job = "shop" }, candidate = { job = "shop", version = "1.2" }, lasts = "10m", every = "30s",
      metrics = { { expr = "latency" } } }]])
    ask(world, "POST", "shop/start", {})
    world:advance "11m"
    assert.matches("latency: baseline: it gives 2 series: put sum", select(2, ask(world, "GET", "shop/gate")).reasons[2])
  end)
end)

describe("the word canary", function()
  local function refused(text, pattern) assert.error_matches(function() testing.world(text) end, pattern) end
  local head = 'canary "c" { baseline = { v = "1" }, candidate = { v = "2" }, '
  it("refuses what cannot work, with the place", function()
    refused(head .. 'metrics = {} }', "metrics: name at least one")
    refused(head .. 'metrics = { { expr = "sum(rate(x[1m]))" } } }', "it has no $labels and is no selector")
    refused(head .. 'metrics = { { expr = "sum(rate(x{$labels}[1m])" } } }', "bad PromQL")
    refused(head .. 'metrics = { { expr = "x{$labels}[1m]" } } }', "put a function such as rate")
    refused(head .. 'metrics = { { expr = "x" }, { expr = "x" } } }', '"x" is there already')
    refused(head .. 'metrics = { { expr = "x", bad = "sideways" } } }', 'not one of "up", "down", "both"')
    refused(head .. 'metrics = { { expr = "x" } }, lasts = "5m" }', "lasts is too short")
    refused(head .. 'metrics = { { expr = "x" } }, lasts = "7d", every = "10s" }', "more than 2000 values; make every longer")
    refused(head .. 'metrics = { { expr = "x" } }, alpha = 2 }', "alpha: must be")
    refused(head .. 'metrics = { { expr = "x" } }, traffic = { requests = "r", share = 1 } }', "traffic.share")
    refused('canary "a/b" { baseline = { v = "1" }, candidate = { v = "2" }, metrics = { { expr = "x" } } }', "without /")
    refused('canary "c" { baseline = { v = "1" }, candidate = { v = "1" }, metrics = { { expr = "x" } } }', "same labels")
  end)
  it("puts labels into selectors and in the place of $labels, whatever is in them", function()
    local expand = require "moonwatch.canary.expand"
    local host = require "moonwatch.host"
    assert.equal('{__name__="x",job="a",v="1"}', expand.expr(host, 'x{job="a",v="0"}', { v = "1" }))
    assert.equal('rate(x{v="%1\\"\\\\"}[1m])', expand.expr(host, "rate(x{$labels}[1m])", { v = '%1"\\' }))
  end)
end)
