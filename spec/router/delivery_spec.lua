--- delivery_spec.lua - retries, Retry-After, breakers, rates, and what a crash leaves owed.
local Book = require "moonwatch.engine.router.book"
local world_of = require "router_world"

local function failing(n, outcome)
  return function(_, nth)
    if not n or nth <= n then return outcome end
    return { ok = true, status = 200 }
  end
end
local function times(world)
  local out = {}
  for i, entry in ipairs(world.notes) do out[i] = entry.at end
  return out
end

describe("a receiver that fails", function()
  local world
  before_each(function() world = world_of.new {} end)

  it("is tried again after half a second, then half as long again each time", function()
    world.answers.hook = failing(3, { retry = true, status = 500, error = "answered 500" })
    world:fire("Down"):advance "1m"
    assert.same({ 30, 30.5, 31.25, 32.375 }, times(world))
  end)

  it("gives nothing twice once it said yes", function()
    world.answers.hook = failing(2, { retry = true, error = "no route to host" })
    world:fire("Down"):advance "1h"
    assert.equal(3, #world:told())
  end)

  it("is not tried before the time that it named", function()
    world.answers.hook = failing(1, { retry = true, status = 429, after = 90 })
    world:fire("Down"):advance "5m"
    assert.same({ 30, 120 }, times(world))
  end)

  it("holds all its messages back when it says that it has had too many", function()
    world = world_of.new { routes = { { receiver = "hook", group_by = { "alertname" } } } }
    world.answers.hook = failing(1, { retry = true, status = 429, after = 60 })
    world:fire("A"):advance("5s"):fire("B"):advance "5m"
    assert.same({ "0:30 hook firing A refused", "1:30 hook firing A", "1:30 hook firing B" }, world:told())
  end)

  it("is not made to wait a year by a silly Retry-After", function()
    world.answers.hook = failing(1, { retry = true, status = 503, after = 31536000 })
    world:fire("Down"):advance "2h"
    assert.equal(2, #world:told())
  end)

  it("that refuses for good is asked again only when the group is", function()
    world.answers.hook = failing(1, { retry = false, status = 400, error = "answered 400" })
    world:fire("Down"):advance "6m"
    assert.same({ "0:30 hook firing Down refused", "5:30 hook firing Down" }, world:told())
  end)

  it("that refuses an end for good is told it again when its group is next looked at", function()
    for _, compat in ipairs { false, "alertmanager" } do
      world = world_of.new { routes = { { receiver = "hook", compat = compat or nil } } }
      world.answers.hook = function(_, nth) return nth == 2 and { retry = false, status = 400, error = "answered 400" } or { ok = true, status = 200 } end
      world:fire("Down"):advance("1m"):resolve("Down"):advance "1h"
      assert.same({ "0:30 hook firing Down", "5:30 hook resolved Down refused", "10:30 hook resolved Down" }, world:told())
      assert.same({}, world.router.groups)
    end
  end)

  it("is left alone for a while after five failures in a row", function()
    world.answers.hook = failing(nil, { retry = true, status = 500 })
    world:fire("Down"):advance "90s"
    -- 30, .5, 1.25, 2.375, 4.06: open until 64.06; one probe fails: open for 30 s more
    local at = times(world)
    assert.equal(6, #at)
    assert.is_true(at[6] >= at[5] + 30)
    local _, body = world:http("GET", "/api/mw/v1/receivers")
    assert.equal("open", body.receivers[1].integrations[1].breaker)
    assert.equal(1, body.receivers[1].integrations[1].queued)
  end)

  it("is tried by the node that takes over with one message, not with all that wait", function()
    local config = { routes = { { receiver = "hook", group_by = { "alertname" } } } }
    world = world_of.new(config)
    config.holds = false
    local other = world_of.new(config)
    world.answers.hook, other.answers.hook = failing(nil, { retry = true, status = 500 }), failing(nil, { retry = true, status = 500 })
    for i = 1, 9 do world:fire("Down" .. i) end
    world:advance "40s"
    other:advance "40s"
    for _, s in ipairs(world.shared) do
      other.router:handle({ type = "shared", kind = s.kind, id = s.id, value = other.host.json.decode(other.host.json.encode(s.value)) }, other.now)
    end
    other:handle { type = "lease", slot = "router", held = true, fence = 2 }
    other:advance "20s"
    assert.equal(1, #other.notes)
    other:http("POST", "/api/mw/v1/receivers/hook/force", { force = "closed", author = "ana" })
    other:advance "1s"
    assert.is_true(#other.notes > 8)
    assert.equal(400, (other:http("POST", "/api/mw/v1/receivers/hook/force", { force = "ajar" })))
    assert.equal(404, (other:http("POST", "/api/mw/v1/receivers/nobody/force", { force = "open" })))
  end)

  it("is forced by its name, whatever that is made of", function()
    local other = world_of.new { names = { "web/%41 b" }, routes = { { receiver = "web/%41 b" } } }
    assert.equal(200, (other:http("POST", "/api/mw/v1/receivers/web/%41 b/force", { force = "open", author = "ana" })))
    assert.equal(404, (other:http("POST", "/api/mw/v1/receivers/web/A b/force", { force = "open" })))
  end)

  it("hears the newest when it is back, not everything it missed", function()
    world.answers.hook = failing(nil, { retry = true, status = 500 })
    world:fire("Down"):advance("6m"):fire("Slow"):advance "6m"
    world.answers.hook = nil
    world:told()
    world:advance "2m"
    local told = world:told()
    assert.equal(1, #told)
    assert.is_truthy(told[1]:find "Down%+Slow")
  end)

  it("hears nothing of what came and went while it was away", function()
    world.answers.hook = failing(nil, { retry = true, status = 500 })
    world:fire("Down"):advance("2m"):resolve("Down"):advance "10m"
    world.answers.hook = nil
    world:told()
    world:advance "2h"
    assert.same({}, world:told())
  end)

  it("keeps nobody else waiting", function()
    world = world_of.new { names = { "a", "b" }, routes = { { receiver = "a", routes = {
      { match = { team = "x" }, receiver = "a", continue = true }, { match = { team = "x" }, receiver = "b" } } } } }
    world.answers.a = function() return { never = true } end
    world:fire("Down", { team = "x" }):advance "20m"
    local b = 0
    for _, line in ipairs(world:told()) do b = b + (line:find " b " and 1 or 0) end
    assert.equal(1, b)
  end)

  it("is counted, and the history tells each try", function()
    world.answers.hook = failing(1, { retry = true, status = 500, error = "answered 500", seconds = 0.2 })
    world:fire("Down"):advance "1m"
    local _, body = world:http("GET", "/api/mw/v1/notifications?alert=Down")
    local n = body.notifications[1]
    assert.equal("sent", n.result)
    assert.same({ 500, 200 }, { n.attempts[1].status, n.attempts[2].status })
    local seen = {}
    for _, m in ipairs(world.host.metrics) do seen[m.name] = true end
    for _, name in ipairs { "moonwatch_notifications_total", "moonwatch_notification_seconds", "moonwatch_notification_queue",
      "moonwatch_breaker_state", "moonwatch_alerts", "moonwatch_silences" } do
      assert.is_true(seen[name], name)
    end
  end)
end)

describe("a receiver with a rate", function()
  it("gets no more than it wants, and what waits is told together with what is new", function()
    local world = world_of.new { receivers = { { name = "hook", rate = { n = 2, per = 600 }, targets = { { kind = "webhook" } } } },
      routes = { { receiver = "hook", group_by = { "alertname" } } } }
    for _, name in ipairs { "A", "B", "C", "D" } do world:fire(name) end
    world:advance "20m"
    assert.same({ 30, 30, 330, 630 }, times(world))
  end)
end)

describe("a receiver that takes its time", function()
  it("is told of the end that came while it was told of the beginning", function()
    local world = world_of.new {}
    world.answers.hook = function(_, nth) return { late = nth == 1 and 390 or nil, ok = true, status = 200 } end
    world:fire("Down"):advance("1m"):resolve("Down"):advance "20m"
    assert.same({ "0:30 hook firing Down", "7:00 hook resolved Down" }, world:told())
  end)
end)

describe("a receiver that took a message and did not say so", function()
  local slow = { ok = false, retry = true, after = 600, unsure = true, error = "no answer within 10 s" }

  it("is told that it is over", function()
    local world = world_of.new {}
    world.answers.hook = failing(1, slow)
    world:fire("Down"):advance("1m"):resolve("Down"):advance "1h"
    assert.same({ "0:30 hook firing Down refused", "10:30 hook resolved Down" }, world:told())
  end)

  it("is told that it fires when it may believe that it is over", function()
    local world = world_of.new {}
    world.answers.hook = function(_, nth) return nth == 2 and slow or { ok = true, status = 200 } end
    world:fire("Down"):advance("1m"):resolve("Down"):advance("5m"):fire("Down"):advance "1h"
    assert.same({ "0:30 hook firing Down", "5:30 hook resolved Down refused", "15:30 hook firing Down" }, world:told())
  end)

  it("is not waited for when it does not want to hear of ends", function()
    local world = world_of.new { receivers = { { name = "hook", targets = { { kind = "webhook", send_resolved = false } } } }, routes = { { receiver = "hook" } } }
    world.answers.hook = failing(1, slow)
    world:fire("Down"):advance("1m"):resolve("Down"):advance "1h"
    assert.same({ "0:30 hook firing Down refused" }, world:told())
    assert.same({}, world.router.groups)
    assert.same({}, world.router.ledger.groups)
  end)

  it("is told nothing more on a route that does as Alertmanager", function()
    local world = world_of.new { routes = { { receiver = "hook", compat = "alertmanager" } } }
    world.answers.hook = failing(nil, slow)
    world:fire("Down"):advance("1m"):resolve("Down"):advance "4m"
    world.answers.hook = nil
    world:told()
    world:advance "1h"
    assert.same({}, world:told())
  end)
end)

describe("the outbox", function()
  it("is written down before a new message leaves", function()
    local world = world_of.new {}
    local before
    world.answers.hook = function()
      before = next(Book.read(world.host, world.router.book.journal).job) ~= nil
      return { ok = true }
    end
    world:fire("Down"):advance "1m"
    assert.is_true(before)
  end)

  it("still owes after a crash what was not answered", function()
    local world = world_of.new {}
    world.answers.hook = function() return { never = true } end
    world:fire("Down"):advance "1m"
    world.answers.hook = nil
    world:restart():advance "1s"
    assert.same({ "0:30 hook firing Down refused", "1:00 hook firing Down" }, world:told())
    world:advance "1h"
    assert.same({}, world:told())
  end)

  it("tells again after a crash what may have arrived, although it is over, and then that it is over", function()
    local world = world_of.new {}
    world.answers.hook = function(_, nth) return nth == 1 and { never = true } or { ok = true, status = 200 } end
    world:fire("Down"):advance "1m"
    world:restart():resolve("Down"):advance "20m"
    assert.same({ "0:30 hook firing Down refused", "1:00 hook firing Down", "5:30 hook resolved Down" }, world:told())
  end)

  it("tells again after a crash that it was over, although it fires again, and then that it does", function()
    local world = world_of.new {}
    world.answers.hook = function(_, nth) return nth == 2 and { never = true } or { ok = true, status = 200 } end
    world:fire("Down"):advance("1m"):resolve("Down"):advance "5m"
    world:restart():fire("Down"):advance "20m"
    assert.same({ "0:30 hook firing Down", "5:30 hook resolved Down refused", "6:00 hook resolved Down", "10:30 hook firing Down" }, world:told())
  end)

  it("does not tell after a stop what it knows to have stayed here", function()
    local world = world_of.new {}
    world.answers.hook = function(_, nth) return nth == 1 and { ok = false, retry = true, status = 503, after = 600 } or { ok = true, status = 200 } end
    world:fire("Down"):advance "1m"
    world.router.book:close(world.now)
    world:restart(world.router:snapshot()):resolve("Down"):advance "1h"
    assert.same({ "0:30 hook firing Down refused" }, world:told())
  end)

  it("says nothing twice after a restart", function()
    local world = world_of.new {}
    world:fire("Down"):advance("1m"):restart():advance("3h"):resolve("Down"):advance "6m"
    assert.same({ "0:30 hook firing Down", "3:05:30 hook resolved Down" }, world:told())
  end)

  it("lets messages go whose receiver is no longer there", function()
    local world = world_of.new {}
    world.answers.hook = failing(nil, { retry = true, status = 500 })
    world:fire("Down"):advance "1m"
    world:told()
    world:reload { names = { "other" }, routes = { { receiver = "other" } } }
    world:advance "10m"
    local told = world:told()
    assert.equal(1, #told)
    assert.is_truthy(told[1]:find "other firing Down")
  end)
end)

describe("a test message", function()
  it("goes the real way, is marked, and tells how it went", function()
    local world = world_of.new {}
    local status, body = world:http("POST", "/api/mw/v1/receivers/hook/test")
    assert.equal(200, status)
    assert.is_true(body.ok)
    assert.is_true(world.notes[1].note.test)
    assert.equal("MoonwatchTest", world.notes[1].note.alerts[1].labels.alertname)
    assert.equal(404, (world:http("POST", "/api/mw/v1/receivers/nobody/test")))
  end)

  it("closes what it opened, where somebody would have to", function()
    local world = world_of.new { receivers = { { name = "hook", targets = { { kind = "webhook" }, { kind = "pagerduty" }, { kind = "alertmanager" },
      { kind = "opsgenie", send_resolved = false } } } } }
    world:http("POST", "/api/mw/v1/receivers/hook/test")
    world:advance "10s"
    local said = {}
    for i, entry in ipairs(world.notes) do
      local n = entry.note
      said[i] = ("%s %s %s"):format(n.integration, n.status, tostring(n.test))
      assert.equal(world.notes[1].note.group_key, n.group_key)
    end
    table.sort(said)
    assert.same({ "alertmanager firing true", "alertmanager resolved true", "opsgenie firing true", "pagerduty firing true", "pagerduty resolved true",
      "webhook firing true" }, said)
  end)

  it("that is refused says so at once and is not tried again", function()
    local world = world_of.new {}
    world.answers.hook = failing(nil, { retry = true, status = 500, error = "answered 500" })
    local _, body = world:http("POST", "/api/mw/v1/receivers/hook/test")
    assert.is_false(body.ok)
    assert.equal("answered 500", body.results[1].error)
    world:advance "10m"
    assert.equal(1, #world:told())
  end)

  it("that is held back by the receiver's rate says so after a while", function()
    local world = world_of.new { receivers = { { name = "hook", rate = { n = 1, per = 3600 }, targets = { { kind = "webhook" } } } } }
    world:http("POST", "/api/mw/v1/receivers/hook/test")
    local answered
    world:handle { type = "http", method = "POST", path = "/api/mw/v1/receivers/hook/test", query = {}, headers = {}, body = "",
      reply = function(a) answered = world.host.json.decode(a.body) end }
    world:advance "20s"
    assert.is_nil(answered)
    world:advance "10s"
    assert.is_false(answered.ok)
    assert.equal("the rate of this receiver holds it back", answered.results[1].error)
  end)

  it("waits for a receiver that takes its time", function()
    local world = world_of.new {}
    local later
    world.router.outbox.o.send = function(_, _, _, done) later = done end
    local answered
    local msg = { type = "http", method = "POST", path = "/api/mw/v1/receivers/hook/test", query = {}, headers = {}, body = "",
      reply = function(a) answered = a end }
    assert.equal(world.host.later, world.router:handle(msg, world.now))
    later({ ok = true, status = 200 }, world.now + 1)
    assert.equal(200, answered.status)
  end)
end)
