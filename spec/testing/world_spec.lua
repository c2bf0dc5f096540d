--- world_spec.lua - the simulated world shows what a server would do.
local testing = require "moonwatch.testing"

describe("time in a world", function()
  it("never runs backwards", function()
    assert.error_matches(function() testing.world('alert "A" { expr = "x" }\n'):advance(-5) end, '"-5" is no duration')
  end)
end)

describe("a recording rule", function()
  it("stores what its expression gives, and ends the series when that is gone", function()
    local world = testing.world 'record "job:up:sum" { expr = "sum by (job) (up)", every = "15s" }\n'
    world:series('up{job="web", instance="a"}', "1x8 stale"):series('up{job="web", instance="b"}', "1x8 stale")
    world:advance "1m"
    assert.equal(2, world:value 'job:up:sum{job="web"}')
    world:advance "2m"
    assert.is_nil(world:value "job:up:sum")
  end)
end)

describe("a rule that is a function", function()
  local counting = [[
alert "Third" { every = "15s", when = function(ctx)
  ctx.state.seen = (ctx.state.seen or 0) + 1
  return ctx.state.seen >= 3 and ctx.state.seen or nil
end }
]]
  it("keeps its state from one evaluation to the next, over a reload and over a restart", function()
    local world = testing.world(counting)
    world:advance "20s"
    assert.same({}, world:firing())
    world:reload(counting .. "-- edited\n"):restart(counting):advance "40s"
    assert.same({ "Third" }, world:firing())
  end)
  it("that fails keeps its alerts as they are", function()
    local world = testing.world 'alert "A" { every = "15s", when = function(ctx) return ctx:value("level") > 1 end }\n'
    world:series("level", "2x4 stale")
    world:advance "1m"
    assert.same({ "A" }, world:firing())
    world:advance "2m" -- no level any more: comparing nil raises
    assert.same({ "A" }, world:firing())
    assert.equal("A", world:failures()[1].name)
  end)
  it("finds what it looks for in logs and traces", function()
    local world = testing.world [[
alert "Declined" { every = "15s", when = function(ctx)
  local slow = ctx.traces:slowest { service = "shop" }
  return ctx.logs:count { selector = '{service="shop"}', contains = "declined" } > 1 and slow[1] and slow[1].duration > 1
end }
]]
    world:logs { { message = "payment declined", stream = { service = "shop" } }, { message = "declined again", stream = { service = "shop" } } }
    world:advance "30s"
    assert.quiet(world)
    world:span({ service = "shop", name = "pay", duration = 2.5 }):advance "30s"
    assert.fires(world, "Declined")
  end)
end)

describe("a world", function()
  it("begins when the test says", function()
    local world = testing.world("alert \"A\" { expr = \"hour() == 9\", every = \"1m\" }", { at = "2026-03-01T08:58:00Z" })
    world:advance "1m"
    assert.quiet(world)
    world:advance_to "2026-03-01T09:00:30Z"
    assert.fires(world, "A")
    assert.has_error(function() world:advance_to "2026-03-01T09:00:00Z" end)
  end)
  it("reads expressions as the settings say", function()
    local text = 'alert "A" { expr = "count_over_time(x[30s]) > 2" }'
    local function count(rules) return testing.world(rules):series("x", "1x20"):advance("1m"):value "count_over_time(x[30s])" end
    assert.equal(2, count(text))
    assert.equal(3, count(text .. '\nsettings { promql = { ranges = "closed" } }'))
  end)
  it("holds native histograms", function()
    local world = testing.world 'record "x:p50" { expr = "histogram_quantile(0.5, x)" }'
    world:series("x", "{{schema:0 sum:6 count:4 buckets:[2 2]}}x20"):advance "1m"
    assert.equal(1, world:value "x:p50")
    assert.equal("{count:4, sum:6, (0.5,1]:2, (1,2]:2}", world:values("x")[1].histogram:text())
  end)
  it("says with file and line why rules do not load", function()
    local ok, why = pcall(testing.world, 'alert "A" { exprr = "x" }\n')
    assert.falsy(ok)
    assert.truthy(why:find("inline.lua:1:", 1, true) and why:find("exprr", 1, true))
  end)
  it("shows nobody's secrets and needs none", function()
    local rules = [[
alert "A" { expr = "vector(1)" }
receiver "r" { webhook { url = secret "HOOK_URL" } }
route { receiver = "r", group_wait = "0s" }
]]
    assert.equal("(secret HOOK_URL)", testing.world(rules):advance("1m"):sent()[1].requests[1].url)
    local world = testing.world(rules, { secrets = { HOOK_URL = "http://h/1" } }):advance "1m"
    assert.sent(world, { url = "http://h/1" }, 1)
  end)
end)

local hooked = [[
alert "High" { expr = "level", above = 5, every = "15s", hold = "1m", summary = "level is ${value}" }
receiver "hook" { webhook { url = "http://hook.example/x" } }
route { receiver = "hook", group_wait = "10s", group_interval = "1m" }
]]

describe("a message", function()
  it("leaves once with what the alert says, and again when it is over", function()
    local world = testing.world(hooked)
    world:set("level", 9):advance "10m"
    assert.equal(1, #world.requests)
    assert.equal("level is 9", world.requests[1].json.alerts[1].annotations.summary)
    world:set("level", 1):advance "5m"
    assert.equal(2, #world.requests)
    assert.equal("resolved", world.requests[2].json.status)
  end)
  it("is found by what it says, with the bytes that left", function()
    local world = testing.world(hooked):set('level{host="a"}', 9):advance "10m"
    local sent = world:sent { receiver = "hook", status = "firing", alert = "High", labels = { host = "a" } }
    assert.equal(1, #sent)
    local request = sent[1].requests[1]
    assert.equal("POST", request.method)
    assert.equal("http://hook.example/x", request.url)
    assert.equal("application/json", request.headers["content-type"])
    assert.truthy(request.body:find('"summary":"level is 9"', 1, true))
    assert.same({}, world:sent { labels = { host = "b" } })
    assert.has_error(function() world:sent { reciever = "hook" } end)
  end)
  it("that is refused is tried again, and one that hangs is answered later", function()
    local world = testing.world(hooked):answer("http://hook.example/", function(_, n) return { status = n < 3 and 500 or 200 } end)
    world:set("level", 9):advance "10m"
    assert.equal(3, #world.requests)
    local slow = testing.world(hooked):answer { after = "30s" }
    slow:set("level", 9):advance "100s"
    assert.sent(slow, { ok = false }, 1)
    slow:advance "30s"
    assert.sent(slow, { ok = true }, 1)
  end)
  it("to a function is what the function does", function()
    local world = testing.world [[
alert "High" { expr = "level > 5" }
receiver "f" { function(n, ctx)
  if n.status == "resolved" then error "not now" end
end }
route { receiver = "f", group_wait = "0s", group_interval = "1m" }
]]
    world:set("level", 9):advance "30s"
    assert.sent(world, { kind = "function", ok = true }, 1)
    world:set("level", 1):advance "3m"
    assert.sent(world, { kind = "function", ok = false })
  end)
end)

describe("silences and acks in a test", function()
  it("keep it quiet for as long as they say", function()
    local world = testing.world(hooked):set("level", 9)
    world:silence('alertname="High"', "1h")
    world:advance "50m"
    assert.silent(world)
    world:advance "15m"
    assert.sent(world, { alert = "High" }, 1)
    local id = world:silence('{alertname=~"Hi.*"}', "1h")
    world:set("level", 1):advance "5m"
    world:unsilence(id):set("level", 9):advance "5m"
    assert.truthy(#world:sent { status = "firing" } >= 1)
  end)
  it("stop an escalation", function()
    local rules = [[
alert "High" { expr = "level > 5" }
receiver "chat" { webhook { url = "http://chat/" } }
receiver "pager" { webhook { url = "http://pager/" } }
escalation "e" { { after = "0s", to = { "chat" } }, { after = "15m", to = { "pager" } } }
route { escalate = "e", group_wait = "0s" }
]]
    local world = testing.world(rules):set("level", 9):advance "20m"
    assert.sent(world, { receiver = "pager" }, 1)
    world = testing.world(rules):set("level", 9):advance("5m"):ack("High"):advance "40m"
    assert.sent(world, { receiver = "chat" })
    assert.silent(world, { receiver = "pager" })
  end)
end)

describe("alerts of others in a test", function()
  local TREE = [[
enrich { by = "instance", from = { ["db-1"] = { team = "db" } } }
inhibit { source = { alertname = "SwitchDown" }, target = { alertname = "NodeDown" }, equal = { name = "uplink" } }
receiver "db" { webhook { url = "http://db.example/x" } }
receiver "web" { webhook { url = "http://web.example/x" } }
route { receiver = "web", group_by = { "alertname" }, group_wait = "10s", routes = { { match = { team = "db" }, receiver = "db" } } }
]]
  it("get their labels, keep each other quiet, take their route and end", function()
    local world = testing.world(TREE)
    world:post({ alertname = "Disk", instance = "db-1" }, { annotations = { summary = "full" }, url = "http://source.example" })
    world:post({ alertname = "SwitchDown", name = "s1" }):post({ alertname = "NodeDown", uplink = "s1" }):post({ alertname = "NodeDown", uplink = "s2" })
    world:advance "6h"
    assert.sent(world, { receiver = "db", alert = "Disk", status = "firing", labels = { team = "db" } })
    assert.equal("http://source.example", world:sent({ receiver = "db" })[1].note.alerts[1].generator_url)
    assert.sent(world, { receiver = "web", alert = "NodeDown", labels = { uplink = "s2" } })
    assert.silent(world, { alert = "NodeDown", labels = { uplink = "s1" } })
    world:post({ alertname = "SwitchDown", name = "s1" }, { over = true }):advance "10m"
    assert.sent(world, { receiver = "web", alert = "NodeDown", labels = { uplink = "s1" } })
  end)
  it("end by themselves when it is said how long they last, and go on over a restart", function()
    local world = testing.world(TREE)
    world:post({ alertname = "Disk" }, { lasts = "20m" }):advance("5m"):restart():advance "1h"
    assert.sent(world, { alert = "Disk", status = "firing" }, 1)
    assert.sent(world, { alert = "Disk", status = "resolved" }, 1)
  end)
  it("that nobody would take are an error of the test", function()
    local world = testing.world(TREE)
    assert.has_error(function() world:post { alertname = {} } end)
    assert.has_error(function() world:post {} end)
  end)
end)

describe("a check in a test", function()
  it("is answered by the test", function()
    local world = testing.world 'check "web" { http = { url = "http://web/health", expect = { body = "fine" } }, every = "10s", fail_after = 1, pass_after = 1 }'
    world:answer("http://web/", { body = "all fine" }):advance "10s"
    assert.equal("healthy", (world:check "web"))
    world:answer("http://web/", { status = 500 }):advance "10s"
    assert.equal("unhealthy", (world:check "web"))
    world:answer("http://web/", { error = "connection refused" }):advance "10s"
    assert.equal("unhealthy", (world:check "web"))
  end)
  it("may ask in a function of its own", function()
    local world = testing.world [[
check "web" { every = "10s", fail_after = 1, pass_after = 1, run = function(ctx)
  local answer = ctx.http.get "http://web/health"
  return answer.status == 200 and "healthy" or "unhealthy", answer.body
end }
]]
    world:answer("http://web/", { body = "ok" }):advance "10s"
    assert.equal("healthy", (world:check "web"))
    world:answer("http://web/", { status = 503 }):advance "10s"
    assert.equal("unhealthy", (world:check "web"))
  end)
end)
