--- experiment_spec.lua - a fault comes in only while all is well, is watched, and always goes away again.
local api = require "moonwatch.api.experiments"
local testing = require "moonwatch.testing"

local URL = "http://chaos.example/"
local rule = [[
experiment "cache away" {
  service = "shop", lasts = "2m", every = "5s", recover = "30s", timeout = "10s",
  steady = { { name = "errors", expr = "errors", below = 0.05 } },
  abort = { { name = "orders", expr = "orders", below = 1 } },
  inject = { http = { url = "http://chaos.example/in" } }, rollback = { http = { url = "http://chaos.example/out" } },
}
experiment "disk full" {
  service = "shop", steady = { { expr = "errors", below = 0.05 } }, abort = { { expr = "orders < 1" } },
  inject = { http = { url = "http://chaos.example/in2" } }, rollback = { http = { url = "http://chaos.example/out2" } },
}]]

local function world_with(text, options)
  local world = testing.world(text or rule, options)
  return world:set("errors", 0.01):set("orders", 5):advance "10s"
end

local function ask(world, method, name, what, body)
  local f = what and api["/api/mw/v1/experiments/*/*"] or name and api["/api/mw/v1/experiments/*"] or api["/api/mw/v1/experiments"]
  local answer = f(world.engine, { method = method, body = body and world.host.json.encode(body) or "", headers = {}, query = {} }, world.now, name, what)
  return answer.status, world.host.json.decode(answer.body)
end

-- What was done to the world: "in", "out", in order.
local function done(world)
  local out = {}
  for _, r in ipairs(world.requests) do
    if r.url:sub(1, #URL) == URL then out[#out + 1] = r.url:sub(#URL + 1) end
  end
  return table.concat(out, " ")
end

local function start(world, name)
  local status, body = ask(world, "POST", name or "cache away", "start", { author = "ann" })
  assert.equal(200, status, body.error and body.error.message)
  return world
end

local function last(world, name) return (select(2, ask(world, "GET", name or "cache away"))).history[1] end

describe("an experiment", function()
  it("does nothing until it is told to", function()
    local world = world_with():advance "1d"
    assert.equal("", done(world))
    assert.same({ "idle" }, { select(2, ask(world, "GET", "cache away")).status })
  end)
  it("lets a fault in, watches, takes it back, and says that the steady state held", function()
    local world = start(world_with()):advance "1m"
    assert.equal("in", done(world))
    assert.equal("running", select(2, ask(world, "GET", "cache away")).status)
    assert.equal(1, world:value 'experiment_running{experiment="cache away",service="shop"}')
    assert.equal(1, world:value 'experiment_steady{experiment="cache away",condition="errors"}')
    world:advance "90s"
    assert.equal("in out", done(world))
    local run = last(world)
    assert.same({ "held", "ann", "the steady state held for 2m" }, { run.outcome, run.author, run.reason })
    assert.same({ 0.01, 0.01 }, { run.evidence.before.steady[1].value, run.evidence.after.steady[1].value })
    assert.equal(0, world:value 'experiment_running{experiment="cache away"}')
  end)
  it("is a mark on every plot, from when the fault came until it went", function()
    local world = start(world_with()):advance "3m"
    local mark, run = world.engine.marks:find(0, world.now, {})[1], last(world)
    assert.same({ "experiment", "shop", "ann", "cache away: held, the steady state held for 2m" }, { mark.kind, mark.service, mark.author, mark.text })
    assert.same({ run.injected_at, run.returned_at }, { world.host.rfc3339(mark.time), world.host.rfc3339(mark.until_) })
    assert.near(120, mark.until_ - mark.time, 6)
  end)
  it("does not begin while the steady state does not hold, or something already speaks against it", function()
    for metric, value in pairs { errors = 0.2, orders = 0 } do
      local world = world_with():set(metric, value)
      start(world):advance "10s"
      assert.equal("", done(world))
      assert.equal("not started", last(world).outcome)
      assert.matches(metric .. " is " .. value, last(world).reason)
    end
    local world = start(world_with():set("errors", nil)):advance "10s"
    assert.same({ "not started", "the steady state does not hold: errors has no value" }, { last(world).outcome, last(world).reason })
  end)
  it("takes the fault back at once when a condition says so", function()
    local world = start(world_with()):advance "30s"
    world:set("orders", 0.5):advance "5s"
    assert.equal("in out", done(world))
    world:set("orders", 5):advance "10s"
    local run = last(world)
    assert.same({ "aborted", "orders is 0.5, below 1" }, { run.outcome, run.reason })
    assert.is_true(run.evidence.aborted.abort[1].active)
  end)
  it("goes on while the steady state is broken, and says when and how it was", function()
    local world = start(world_with()):advance "30s"
    world:set("errors", 0.2):advance "20s"
    world:set("errors", 0.01):advance "2m"
    local run = last(world)
    assert.same({ "broken", "errors is 0.2, not below 0.05" }, { run.outcome, run.reason })
    assert.equal(0.2, run.evidence.broken.steady[1].value)
    assert.equal("in out", done(world))
  end)
  it("is broken when the system does not recover", function()
    local world = start(world_with()):advance "119s"
    world:set("errors", 0.01):advance "6s"
    world:set("errors", 0.2):advance "40s"
    assert.same({ "broken", "it did not recover within 30s: errors is 0.2, not below 0.05" }, { last(world).outcome, last(world).reason })
  end)
  it("ends at once when it cannot be watched", function()
    local text = rule:gsub('expr = "orders", below = 1', 'expr = "rate(orders[5m]) / on (a) group_left () up", below = -1')
    local world = world_with(text)
    world.host.append { { labels = { __name__ = "up", a = "1", n = "1" }, t = world.now, value = 1 }, { labels = { __name__ = "up", a = "1", n = "2" }, t = world.now, value = 1 },
                        { labels = { __name__ = "orders", a = "1" }, t = world.now - 30, value = 1 }, { labels = { __name__ = "orders", a = "1" }, t = world.now, value = 1 } }
    start(world):advance "10s"
    assert.matches("cannot be watched: .*many%-to%-many", last(world).reason)
  end)
  it("runs alone in its service", function()
    local world = start(world_with())
    local status, body = ask(world, "POST", "disk full", "start")
    assert.same({ 409, 'experiment "cache away" runs in shop: one at a time' }, { status, body.error.message })
    assert.equal(409, (ask(world, "POST", "cache away", "start")))
    world:advance "5m"
    assert.equal(200, (ask(world, "POST", "disk full", "start")))
  end)
  it("is stopped by a person, who is told when there is nothing to stop", function()
    local world = start(world_with()):advance "30s"
    assert.equal(200, (ask(world, "POST", "cache away", "stop", { author = "bob", reason = "lunch" })))
    assert.equal("in out", done(world))
    world:advance "10s"
    assert.same({ "aborted", "stopped by bob: lunch" }, { last(world).outcome, last(world).reason })
    assert.equal(409, (ask(world, "POST", "cache away", "stop")))
    assert.equal(404, (ask(world, "POST", "cache", "stop")))
  end)
end)

describe("the fault of an experiment", function()
  it("is taken back when inject fails, or never ends, or ends too late", function()
    local world = world_with():answer(URL .. "in", { status = 500 })
    start(world):advance "20s"
    assert.equal("in out", done(world))
    assert.same({ "aborted", "inject failed: http://chaos.example/in answered 500" }, { last(world).outcome, last(world).reason })

    world = world_with():answer(URL .. "in", { status = 200, after = "40s" })
    start(world):advance "30s"
    assert.equal("in out", done(world))
    assert.matches("inject never ended", last(world).reason)
    world:advance "30s"
    assert.equal("in out out", done(world))
  end)
  it("is taken back again and again until it works, and an alert fires meanwhile", function()
    local broken = true
    local world = world_with(rule .. '\nreceiver "pager" { webhook { url = "http://pager/" } } route { receiver = "pager", group_wait = "1s", group_interval = "1s" }')
    world:answer(URL .. "out", function() return broken and { error = "refused" } or { status = 200 } end)
    local function told()
      local out = {}
      for _, r in ipairs(world.requests) do
        local alert = r.json and r.json.alerts and r.json.alerts[1]
        if alert then out[#out + 1] = alert.status .. " " .. alert.labels.alertname .. " " .. alert.labels.experiment .. " " .. alert.labels.service end
      end
      return out
    end
    start(world):advance "3m"
    local body = select(2, ask(world, "GET", "cache away"))
    assert.same({ "returning", "rollback: refused" }, { body.status, body.run.not_rolled_back })
    assert.truthy(#world.requests > 4)
    assert.same({ "firing ExperimentNotRolledBack cache away shop" }, told())
    broken = false
    world:advance "2m"
    assert.equal("held", last(world).outcome)
    assert.equal("resolved ExperimentNotRolledBack cache away shop", told()[2])
  end)
  it("may be taken back by hand where nothing else helps", function()
    local world = world_with():answer(URL .. "out", { error = "refused" })
    start(world):advance "3m"
    assert.equal(409, (ask(world, "POST", "cache away", "stop", {})))
    assert.equal(200, (ask(world, "POST", "cache away", "stop", { rolled_back = true, author = "bob" })))
    assert.matches("the fault was taken back by hand", last(world).reason)
    assert.equal(200, (ask(world, "POST", "cache away", "start")))
  end)
  it("is taken back after a crash, and that is said", function()
    local world = start(world_with()):advance "30s"
    world:kill():advance "20s"
    assert.equal("in out", done(world))
    assert.same({ "aborted", "moonwatch was restarted, or another node took over, while the fault was there" }, { last(world).outcome, last(world).reason })
    assert.equal("ann", last(world).author)
  end)
  it("is known after a crash in the moment after it was let in", function()
    local world = start(world_with())
    world:advance "4900ms"
    while done(world) == "" do world:advance "100ms" end
    world:kill():advance "20s"
    assert.equal("in out", done(world))
  end)
  it("is taken back by the node that takes over", function()
    local world = start(world_with()):advance "30s"
    world:fail_over():advance "20s"
    assert.equal("in out", done(world))
    assert.equal("aborted", last(world).outcome)
  end)
  it("is taken back when its rule is removed, and stays under watch when its rule is changed", function()
    local world = start(world_with()):advance "30s"
    world:reload(rule:gsub('lasts = "2m"', 'lasts = "3m"')):advance "30s"
    assert.equal("running", select(2, ask(world, "GET", "cache away")).status)
    world:set("orders", 0):advance "10s"
    assert.equal("in out", done(world))
    start(world:set("orders", 5):advance "10s"):advance "30s"
    world:reload 'alert "A" { expr = "up" }'
    assert.equal("in out in out", done(world))
  end)
  it("is not let in when the disk does not take that it will be", function()
    local world = world_with()
    world.engine.save_now = function() return nil, "No space left" end
    start(world):advance "10s"
    assert.equal("", done(world))
    assert.matches("cannot be written down: No space left", last(world).reason)
  end)
end)

describe("an experiment of functions", function()
  local text = [[
experiment "f" { service = "s", steady = { { expr = "ok" } }, abort = { { expr = "bad" } }, lasts = "1m",
  inject = function(ctx) ctx.state.key = "k7" local a = ctx.http.post("http://chaos.example/in") return a.status == 200, a.error end,
  rollback = function(ctx) local a = ctx.http.post("http://chaos.example/out/" .. tostring(ctx.state.key)) return a.status == 200, a.error end }
experiment "now" { service = "t", steady = { { expr = "ok" } }, abort = { { expr = "bad" } },
  inject = function(ctx) ctx.state.n = 1 end, rollback = function(ctx) ctx.log.info("undone " .. ctx.state.n) end }]]

  it("keeps ctx.state from the one to the other, also over a crash", function()
    local world = testing.world(text):set("ok", 1):advance "5s"
    start(world, "f"):advance "30s"
    world:kill():advance "20s"
    assert.equal("in out/k7", done(world))
  end)
  it("is taken back when the server is stopped, if that can be done at once", function()
    local world = testing.world(text):set("ok", 1):advance "5s"
    start(world, "now"):advance "30s"
    world:restart()
    assert.same({ "aborted", "moonwatch was stopped while the fault was there: it was taken back" }, { last(world, "now").outcome, last(world, "now").reason })
  end)
  it("fails as its functions do", function()
    local world = testing.world(text):set("ok", 1):answer(URL .. "in", { error = "no route" }):advance "5s"
    start(world, "f"):advance "20s"
    assert.matches("inject failed: no route", last(world, "f").reason)
  end)
end)

describe("the schedule of an experiment", function()
  local text = rule:gsub('service = "shop", lasts', 'service = "shop", schedule = { at = "10:00", days = "tue", zone = "Europe/Lisbon" }, lasts')
  it("begins at its times, and not for one that passed while nobody was there", function()
    local world = world_with(text, { at = "2026-03-02T12:00:00Z" }) -- a Monday
    assert.equal("2026-03-03T10:00:00.000Z", select(2, ask(world, "GET", "cache away")).next)
    world:advance_to "2026-03-03T09:59:50Z"
    assert.equal("", done(world))
    world:advance "5m"
    assert.equal("in out", done(world))
    assert.equal("schedule", last(world).author)
    world:advance_to "2026-03-10T09:00:00Z"
    world:restart({ down = "2h" }):advance "1h"
    assert.equal("in out", done(world))
  end)
end)

describe("the word experiment", function()
  local function refused(change, pattern)
    local text = rule:gsub("\nexperiment \"disk.*", "")
    for from, to in pairs(change) do
      assert.truthy(text:find(from, 1, true), from)
      text = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
    end
    assert.error_matches(function() testing.world(text) end, pattern)
  end
  it("refuses what cannot work", function()
    refused({ ['service = "shop", '] = "" }, 'missing field "service"')
    refused({ ['{ { name = "errors", expr = "errors", below = 0.05 } }'] = "{}" }, "steady: name at least one")
    refused({ ['{ { name = "orders", expr = "orders", below = 1 } }'] = "{}" }, "abort: name at least one")
    refused({ ['inject = { http = { url = "http://chaos.example/in" } }'] = "inject = {}" }, 'inject: give a function, or one of "exec" and "http"')
    refused({ ['"http://chaos.example/out"'] = '"chaos"' }, "rollback.http.url: expected an address")
    refused({ ['below = 0.05'] = "above = 2, below = 1" }, "nothing is above 2 and below 1")
    refused({ ['experiment "cache away"'] = 'experiment "cache/away"' }, "without /")
    refused({ ['timeout = "10s"'] = 'timeout = "10m"' }, "timeout: at most 5m")
    refused({ ['timeout = "10s"'] = 'schedule = { at = "25:00" }' }, "schedule.at: ")
    refused({ ['inject = { http = { url = "http://chaos.example/in" } }'] = 'inject = { exec = { command = "stop" } }', ['experiment "cache away"'] = 'settings {}\nexperiment "cache away"' },
      "inject.exec: no program may be run here")
  end)
end)
