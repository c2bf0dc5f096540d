--- told_spec.lua - what people are told of alerts whose severity changes, that flap, or that are too many; and with what evidence.
local testing = require "moonwatch.testing"

local TWO = 'alert "A" { expr = "x", every = "15s", above = { warning = 5, page = 20 } }\n'
local HOOK = 'receiver "hook" { webhook { url = "http://hook.example/x" } }\n'

-- Every message so far: when it left, its status, and each alert's severity and status.
local function told(w)
  local out = {}
  for _, r in ipairs(w.requests) do
    local alerts = {}
    for i, a in ipairs(r.json.alerts) do alerts[i] = a.labels.severity .. " " .. a.status end
    out[#out + 1] = r.url:match "//(%w+)" .. ": " .. table.concat(alerts, ", ")
  end
  return out
end

describe("a message about an alert", function()
  it("says since when it fires, not since when it is pending, and comes each minute for whoever takes silence for the end", function()
    local w = testing.world('alert "A" { expr = "x > 0", every = "20s", hold = "5m" }\nreceiver "am" { alertmanager { url = "http://am.example" } }\n' ..
      'route { receiver = "am", group_wait = "0s" }')
    local from = w.now
    w:set("x", 1):advance "8m"
    assert.equal(3, #w.requests)
    for i, r in ipairs(w.requests) do
      local a = r.json[1]
      assert.equal(320, w.host.parse_time(a.startsAt) - from)
      assert.equal(240, w.host.parse_time(a.endsAt) - r.at)
      assert.is_true(r.at - from <= 320 + 75 * (i - 1))
    end
  end)
  it("leads to the page of that alert, as the page itself names it, when it is known where people reach us", function()
    local rule = 'alert "A" { expr = "x > 0", every = "20s", labels = { team = "web & co" } }\n' .. HOOK .. 'route { receiver = "hook", group_wait = "0s" }\n'
    local w = testing.world(rule .. 'settings { external_url = "https://watch.example/" }')
    w:set('x{n="ä"}', 1):advance "1m"
    assert.equal("https://watch.example/#alert?alertname=A&n=%C3%A4&severity=warning&team=web%20%26%20co", w.requests[1].json.alerts[1].generatorURL)
    w = testing.world(rule)
    w:set("x", 1):advance "1m"
    assert.equal("", w.requests[1].json.alerts[1].generatorURL)
  end)
end)

describe("a change of severity", function()
  it("is told once, and as no end of anything", function()
    local w = testing.world(TWO .. HOOK .. 'route { receiver = "hook", group_wait = "10s", group_interval = "1m" }')
    w:set("x", 6):advance "2m"
    w:set("x", 25):advance "3m"
    w:set("x", 6):advance "3m"
    w:set("x", 1):advance "3m"
    assert.same({ "hook: warning firing", "hook: page firing", "hook: warning firing", "hook: warning resolved" }, told(w))
    assert.equal(w.requests[1].json.alerts[1].startsAt, w.requests[4].json.alerts[1].startsAt)
  end)
  it("ends it where only the old severity was told, and tells the new one at once", function()
    local w = testing.world(TWO .. HOOK .. [[
receiver "pager" { webhook { url = "http://pager.example/x" } }
route { receiver = "hook", group_wait = "30s", group_interval = "1m", routes = { { receiver = "pager", match = { severity = "page" } } } }]])
    w:set("x", 6):advance "2m"
    w:set("x", 25):advance "16s"
    assert.same({ "hook: warning firing", "pager: page firing" }, told(w))
    w:advance "2m"
    assert.equal("hook: warning resolved", told(w)[3])
    assert.equal("it goes on with severity page", w.requests[3].json.alerts[1].annotations.replaced)
  end)
  it("is an end and a beginning for a route that is Alertmanager's", function()
    local w = testing.world(TWO .. HOOK .. 'route { receiver = "hook", group_wait = "10s", group_interval = "1m", compat = "alertmanager" }')
    w:set("x", 6):advance "2m"
    w:set("x", 25):advance "3m"
    assert.same({ "hook: warning firing", "hook: page firing, warning resolved" }, told(w))
  end)
end)

describe("an alert that flaps", function()
  it("is told once as flapping, and once when it is over", function()
    local w = testing.world('alert "A" { expr = "x > 0", every = "15s", flap = { changes = 3, within = "30m", calm = 1 } }\n' .. HOOK ..
      'route { receiver = "hook", group_wait = "0s", group_interval = "15s" }')
    for i = 1, 40 do w:set("x", i % 2):advance "15s" end
    w:set("x", 0):advance "1h"
    assert.same({ "hook: warning firing", "hook: warning resolved", "hook: warning firing", "hook: warning resolved" }, told(w))
    assert.is_nil(w.requests[1].json.alerts[1].annotations.flapping)
    assert.truthy(w.requests[3].json.alerts[1].annotations.flapping)
  end)
end)

describe("alerts beyond the limit", function()
  it("are told of as a number, and the others as they are", function()
    local w = testing.world('alert "A" { expr = "x", above = 0, every = "15s", limit = 2 }\n' .. HOOK .. 'route { receiver = "hook", group_wait = "10s" }')
    for i = 1, 5 do w:set(('x{n="%d"}'):format(i), 1) end
    w:advance "1m"
    assert.equal(3, #w.requests[1].json.alerts)
    local summaries = {}
    for _, a in ipairs(w.requests[1].json.alerts) do summaries[#summaries + 1] = a.annotations.summary end
    assert.same({ "3 of 5 alerts of A are left out, its limit is 2" }, summaries)
  end)
end)

describe("what an alert is shown with over HTTP", function()
  it("names its levels, its comparison and the worst severity", function()
    local w = testing.world(TWO)
    w:set("x", 25):advance "30s"
    local paths = require "moonwatch.api.rules"
    local rule = w.host.json.decode(paths["/api/mw/v1/rules"](w.engine, { query = {} }).body).rules[1]
    assert.equal("(x) > 5", rule.query)
    assert.same({ { severity = "warning", above = 5 }, { severity = "page", above = 20 } }, rule.levels)
    assert.equal("page", rule.alerts[1].labels.severity)
  end)
end)

describe("evidence", function()
  local rules = [[
alert "A" { expr = "sum by (app) (x)", above = 5, every = "15s",
  evidence = { logs = '{app="${labels.app}"}', contains = "${labels.app} failed", lines = 2, traces = { service = "${labels.app}", errors = true } } }
]] .. HOOK .. 'route { receiver = "hook", group_wait = "0s" }\n'
  local function fire(w)
    w:logs { { message = "shop failed 1", stream = { app = "shop" } }, { message = "shop is fine", stream = { app = "shop" } },
             { message = "shop failed 2", stream = { app = "shop" } }, { message = "shop failed 3", stream = { app = "shop" } },
             { message = "web failed", stream = { app = "web" } } }
    w:span { trace = "0123456789abcdef0123456789abcdef", span = "0123456789abcdef", service = "shop", name = "pay", duration = 0.2, status = "error", error = true }
    w:set('x{app="shop"}', 1):advance "1m"
    w:set('x{app="shop"}', 9):advance "30s"
    return w:alerts("firing")[1]
  end
  it("holds the last samples, log lines and traces of the moment it fires, and leaves with the message", function()
    local w = testing.world(rules)
    local e = fire(w).evidence
    assert.equal(9, e.samples[#e.samples][2])
    assert.equal(1, e.samples[#e.samples - 1][2])
    assert.equal(2, #e.logs)
    assert.truthy(e.logs[1].message:find "^shop failed")
    assert.equal("0123456789abcdef0123456789abcdef", e.traces[1].trace)
    assert.same(e.logs[1].message, w.requests[1].json.alerts[1].evidence.logs[1].message)
  end)
  it("stays as it was, over a restart too", function()
    local w = testing.world(rules)
    local before = fire(w).evidence
    w:logs { { message = "shop failed 4", stream = { app = "shop" } } }
    w:restart(rules):advance "5m"
    assert.same(before, w:alerts("firing")[1].evidence)
  end)
  it("is not part of a message that is Alertmanager's", function()
    local w = testing.world((rules:gsub('group_wait = "0s"', 'group_wait = "0s", compat = "alertmanager"')))
    fire(w)
    assert.is_nil(w.requests[1].json.alerts[1].evidence)
  end)
  it("cannot be made to look elsewhere by the value of a label", function()
    local w = testing.world(rules)
    w:logs { { message = 'x"} or {app="web failed', stream = { app = "web" } } }
    w:set('x{app="x\\"} or {app=\\"web"}', 9):advance "15s"
    assert.is_nil(w:alerts("firing")[1].evidence.logs)
  end)
  it("is small, whatever was found", function()
    local w = testing.world [[
alert "A" { every = "15s", when = function(ctx)
  local long, many = ("é"):rep(500), {}
  for i = 1, 200 do many[i] = long .. i end
  ctx:fire { evidence = { logs = many, traces = many, [long] = long, deep = { {} }, n = 0 / 0 } }
end }
]]
    w:advance "15s"
    local text = w.host.json.encode(w:alerts("firing")[1].evidence)
    assert.truthy(#text < 8192, #text)
    assert.truthy(#text > 1000, #text)
  end)
  it("is what a function says, or else what it searched for", function()
    local w = testing.world [[
alert "Says" { every = "15s", when = function(ctx) ctx:fire { trace = "t1", evidence = { logs = { "seen" }, traces = { "t2" }, queue = 7 } } end }
alert "Searches" { every = "15s", when = function(ctx) return #ctx.logs:search { selector = '{app="shop"}' } > 0 end }
alert "Nothing" { every = "15s", evidence = false, when = function(ctx) ctx:fire { trace = "t1" } end }
]]
    w:logs { { message = "shop failed", stream = { app = "shop" } } }
    w:advance "15s"
    local by = {}
    for _, alert in ipairs(w:alerts "firing") do by[alert.labels.alertname] = alert.evidence or false end
    assert.same({ { trace = "t1" }, { trace = "t2" } }, by.Says.traces)
    assert.equal("seen", by.Says.logs[1].message)
    assert.equal(7, by.Says.facts.queue)
    assert.equal("shop failed", by.Searches.logs[1].message)
    assert.is_false(by.Nothing)
  end)
  it("is in what the rules tell over HTTP", function()
    local w = testing.world(rules)
    fire(w)
    local paths = require "moonwatch.api.rules"
    local answer = w.host.json.decode(paths["/api/v1/alerts"](w.engine, { query = {} }).body)
    assert.equal(2, #answer.data.alerts[1].evidence.logs)
  end)
end)
