--- expect_spec.lua - what has to arrive, and what happens when it does not.
local deadlines = require "moonwatch.expect.deadlines"
local host = require "moonwatch.host"
local testing = require "moonwatch.testing"

local HOUR, DAY = 3600, 86400

local function at(text) return host.parse_time(text) end

describe("deadlines", function()
  local function of(spec) return assert(deadlines.new(spec, host)) end
  it("are times of the day, in their order", function()
    local d = of { by = { "15:00", "03:00" } }
    assert.equal(at "2026-03-01T15:00:00Z", d:after(at "2026-03-01T03:00:00Z"))
    assert.equal(at "2026-03-01T03:00:00Z", d:before(at "2026-03-01T14:59:59Z"))
    assert.equal(at "2026-03-02T03:00:00Z", d:after(at "2026-03-01T15:00:00Z"))
    assert.equal(at "2026-02-28T15:00:00Z", d:before(at "2026-03-01T02:00:00Z"))
  end)
  it("fall on the days that are named", function()
    local d = of { by = { "03:00" }, days = { "mon-fri" } } -- 2026-03-01 is a Sunday
    assert.equal(at "2026-03-02T03:00:00Z", d:after(at "2026-02-27T12:00:00Z"))
    assert.equal(at "2026-02-27T03:00:00Z", d:before(at "2026-03-02T02:59:00Z"))
    d = of { by = { "12:00" }, dates = { "-1" }, months = { "feb" } }
    assert.equal(at "2026-02-28T12:00:00Z", d:after(at "2026-01-01T00:00:00Z"))
    assert.equal(at "2028-02-29T12:00:00Z", d:after(at "2027-03-01T00:00:00Z"))
  end)
  it("keep to the clocks of their zone when those are changed", function()
    local d = of { by = { "03:00" }, zone = "Europe/Berlin" }
    assert.equal(at "2026-03-28T02:00:00Z", d:after(at "2026-03-28T00:00:00Z"))
    assert.equal(at "2026-03-29T01:00:00Z", d:after(at "2026-03-28T02:00:00Z"))
    d = of { by = { "02:30" }, zone = "Europe/Berlin" } -- that time does not exist on the 29th
    local there = d:after(at "2026-03-28T12:00:00Z")
    assert.truthy(there == at "2026-03-29T01:30:00Z" or there == at "2026-03-29T00:30:00Z")
    assert.equal(at "2026-03-30T00:30:00Z", d:after(there))
  end)
end)

-- The clock of a world starts at 2023-11-14 22:13:20 UTC, a Tuesday.
local function daily(fields) return ('expect "backup" { by = "03:00", %s }\n'):format(fields or "") end
local UNTIL_THREE = 4 * HOUR + 46 * 60 + 40

local function fires(w) return #w:firing() > 0 end
local function beat(w, name) w.engine:beat(w.engine.by_id["expect/" .. (name or "backup")], w.now) end

describe("something expected by a time", function()
  it("fires when the time has come without it, and resolves when it comes late", function()
    local w = testing.world(daily())
    w:advance(UNTIL_THREE - 60)
    assert.is_false(fires(w))
    w:advance "90s"
    assert.same({ "backup" }, w:firing())
    local alert = w:alerts("firing")[1]
    assert.equal("never", alert.annotations.last_seen)
    assert.equal("2023-11-15T03:00:00.000Z", alert.annotations.due)
    assert.equal("backup did not arrive by 2023-11-15T03:00:00.000Z, last seen never", alert.annotations.summary)
    assert.equal("warning", alert.labels.severity)
    w:advance "1h"
    beat(w)
    w:advance "30s"
    assert.is_false(fires(w))
  end)
  it("does not fire when it came in time, whenever in the day that was", function()
    local w = testing.world(daily())
    w:advance "1m"
    beat(w)
    w:advance(UNTIL_THREE + 12 * HOUR)
    assert.is_false(fires(w))
    w:advance "12h" -- and no other one since
    assert.is_true(fires(w))
  end)
  it("does not take one that came late for the next", function()
    local w = testing.world(daily())
    w:advance(UNTIL_THREE + 2 * HOUR)
    beat(w)
    w:advance "1m"
    assert.is_false(fires(w))
    w:advance(DAY)
    assert.is_true(fires(w))
  end)
  it("takes one that came shortly before the next time for both", function()
    local w = testing.world(daily())
    w:advance(UNTIL_THREE + 22 * HOUR)
    assert.is_true(fires(w))
    beat(w)
    w:advance "12h"
    assert.is_false(fires(w))
  end)
  it("may be late by its grace", function()
    local w = testing.world(daily 'grace = "30m"')
    w:advance(UNTIL_THREE + 29 * 60)
    assert.is_false(fires(w))
    beat(w)
    w:advance "2h"
    assert.is_false(fires(w))
    w:advance(DAY)
    assert.is_true(fires(w))
  end)
  it("goes on over reloads and restarts", function()
    local w = testing.world(daily())
    w:advance "1h"
    beat(w)
    w:reload(daily() .. "-- edited\n"):restart(daily())
    w:advance(UNTIL_THREE)
    assert.is_false(fires(w))
    w:advance(DAY)
    assert.is_true(fires(w))
    w:restart(daily()):advance "1m"
    assert.is_true(fires(w))
  end)
end)

describe("an expectation whose times are changed", function()
  it("waits for the next of the new ones", function()
    local w = testing.world(daily())
    w:advance "1h"
    beat(w)
    w:advance "1m"
    w:reload 'expect "backup" { by = "12:00" }\n'
    w:advance(UNTIL_THREE + 2 * HOUR)
    assert.is_false(fires(w))
    w:advance "7h"
    assert.is_true(fires(w))
  end)
end)

describe("something expected again and again", function()
  local rules = 'expect "tick" { every = "1m", grace = "10s", labels = { team = "ops" } }\n'
  it("fires when nothing is heard for longer, from the start too", function()
    local w = testing.world(rules)
    w:advance "1m"
    assert.is_false(fires(w))
    w:advance "1m"
    assert.is_true(fires(w))
    assert.equal("ops", w:alerts("firing")[1].labels.team)
    beat(w, "tick")
    w:advance "30s"
    assert.is_false(fires(w))
    w:advance "2m"
    assert.is_true(fires(w))
    assert.truthy(w:alerts("firing")[1].annotations.summary:find("tick was not heard of for ", 1, true))
  end)
  it("is not missed because the program was not there to hear it", function()
    local w = testing.world(rules)
    beat(w, "tick")
    w:advance "30s"
    local saved = w.host.json.decode(w.engine:snapshot(w.now))
    saved.at = w.now - HOUR
    w:reload "-- nothing\n"
    w:reload(rules)
    w.engine:restore(saved, w.now)
    w.engine.by_id["expect/tick"].state.beat = w.now - HOUR
    w.engine.by_id["expect/tick"].state.sets[1].last = w.now - HOUR
    w:set('expect_last_seen_timestamp_seconds{expect="tick"}', nil):advance "1m"
    assert.is_false(fires(w))
    w:advance "1m"
    assert.is_true(fires(w))
  end)
  it("has a series that tells when it was seen, which is as good as a word", function()
    local w = testing.world(rules)
    beat(w, "tick")
    local seen = w.now
    w:advance "30s"
    assert.equal(seen, w:value 'expect_last_seen_timestamp_seconds{expect="tick"}')
    w:set('expect_last_seen_timestamp_seconds{expect="tick"}', w.now + 60):advance "90s"
    assert.is_false(fires(w))
  end)
end)

describe("what proves that something came", function()
  local function world(proof) return testing.world(('expect "job" { every = "10m", %s }\n'):format(proof)) end
  it("may be a timestamp, each of its series by itself", function()
    local w = world 'timestamp = "last_success"'
    w:set('last_success{db="a"}', w.now):set('last_success{db="b"}', w.now):advance "5m"
    w:set('last_success{db="a"}', w.now):advance "7m"
    assert.equal(1, #w:alerts "firing")
    assert.equal("b", w:alerts("firing")[1].labels.db)
    w:set('last_success{db="a"}', nil):advance "10m"
    assert.equal(2, #w:alerts "firing")
    w:advance "8d" -- a is not coming back
    assert.equal(1, #w:alerts "firing")
  end)
  it("is missed when there is no series at all", function()
    local w = world 'timestamp = "last_success"'
    w:advance "11m"
    assert.equal(1, #w:alerts "firing")
    w:set('last_success{db="a"}', w.now):advance "1m"
    assert.same({}, w:firing())
  end)
  it("is no timestamp of the future", function()
    local w = world 'timestamp = "last_success"'
    w:set("last_success", w.now + DAY):advance "11m"
    assert.is_true(fires(w))
  end)
  it("may be a counter that goes up, or begins anew", function()
    local w = world 'counter = "runs"'
    w:set("runs", 5):advance "9m"
    w:set("runs", 6):advance "9m"
    assert.is_false(fires(w))
    w:set("runs", 1):advance "9m"
    assert.is_false(fires(w))
    w:advance "2m"
    assert.is_true(fires(w))
    w:set("runs", 2):advance "1m"
    assert.is_false(fires(w))
  end)
  it("may be an expression, a log line or a span", function()
    local w = world 'expr = "working > 0"'
    w:set("working", 0):advance "9m"
    w:set("working", 1):advance "1m"
    w:set("working", 0):advance "9m"
    assert.is_false(fires(w))
    w:advance "2m"
    assert.is_true(fires(w))

    w = world [[logs = { selector = '{app="job"}', contains = "done" }]]
    w:advance "9m"
    w:logs { { message = "job done", stream = { app = "job" } } }
    w:advance "9m"
    assert.is_false(fires(w))
    w:logs { { message = "job failed", stream = { app = "job" } } }
    w:advance "2m"
    assert.is_true(fires(w))

    w = world [[span = { service = "job", name = "run" }]]
    w:advance "9m"
    w:span { trace = "0123456789abcdef0123456789abcdef", span = "0123456789abcdef", service = "job", name = "run", duration = 1 }
    w:advance "9m"
    assert.is_false(fires(w))
    w:advance "2m"
    assert.is_true(fires(w))
  end)
end)

describe("an expectation on several nodes", function()
  it("is heard of by the node that asks for it, whichever was told", function()
    local w = testing.world 'expect "tick" { every = "1m" }\n'
    local engine, puts = w.engine, {}
    local call = w.host.call
    w.host.call = function(op, arg, done)
      if op == "cluster.put" then puts[#puts + 1] = arg else call(op, arg, done) end
    end
    engine:handle({ type = "lease", slot = "rules/" .. engine.slot_of "expect/tick", held = true, fence = 1 }, w.now)
    w:advance "2m"
    assert.is_true(fires(w))
    engine:handle({ type = "shared", kind = "expect-beat", id = "expect/tick", value = { at = w.now } }, w.now)
    w:advance "30s"
    assert.is_false(fires(w))
    for _, odd in ipairs { { at = w.now + 1e6 }, { at = "x" }, 7 } do
      engine:handle({ type = "shared", kind = "expect-beat", id = "expect/tick", value = odd }, w.now)
    end
    engine:handle({ type = "shared", kind = "expect-beat", id = "alert/none", value = { at = w.now } }, w.now)
    puts = {}
    engine:beat(engine.by_id["expect/tick"], w.now)
    local told = {}
    for _, put in ipairs(puts) do told[put.kind] = put.value end
    assert.same({ at = w.now }, told["expect-beat"])
    assert.equal(w.now, told["alert-state"].state.beat)
  end)
end)

describe("an expectation", function()
  it("is a rule and an alert like others, and can be depended on", function()
    local w = testing.world [[
expect "tick" { every = "1m", severity = "page", summary = "nothing since ${value|duration}" }
alert "Old" { expr = "x", above = 0, depends_on = { "tick" }, every = "15s" }
]]
    w:advance "2m"
    w:set("x", 1):advance "1m"
    assert.same({ "tick" }, w:firing())
    assert.truthy(w:alerts("firing")[1].annotations.summary:find "^nothing since %dm")
    assert.equal("page", w:alerts("firing")[1].labels.severity)
    local paths = require "moonwatch.api.rules"
    local rules = w.host.json.decode(paths["/api/v1/rules"](w.engine, { query = {} }).body).data.groups[1].rules
    assert.equal("tick every 1m (heartbeat)", rules[1].query)
    assert.equal("firing", rules[1].state)
  end)
  it("is told of, and asked for, over HTTP", function()
    local api = require "moonwatch.api.expect"
    local w = testing.world 'expect "tick" { every = "1m" }\n'
    local function call(method, name)
      local answer = name and api["/api/mw/v1/expect/**"](w.engine, { method = method }, w.now, name)
        or api["/api/mw/v1/expect"](w.engine, { method = method }, w.now)
      return w.host.json.decode(answer.body), answer.status
    end
    w:advance "2m"
    assert.is_true(call("GET", "tick").missing)
    assert.is_false(call("POST", "tick").missing)
    w:advance "15s"
    assert.same({}, w:firing())
    assert.equal("inactive", call("GET").expects[1].state)
    local refused, status = call("POST", "tikc")
    assert.equal(404, status)
    assert.equal('nothing called "tikc" is expected (did you mean "tick"?)', refused.error.message)
    assert.equal(405, select(2, call("DELETE", "tick")))
    assert.equal(405, select(2, call "POST"))
  end)
end)
