--- drill_spec.lua - fire drills: a marked test that goes the whole way, on time, and is missed when it does not arrive.
local world_of = require "router_world"

local DAY = 86400

local function world_with(drill, more)
  local config = { names = { "pager", "chat" }, routes = { { receiver = "chat", group_by = { "alertname" } } },
    drills = { { name = "way", to = { "pager" }, every = DAY, within = 120, severity = "info" } } }
  for k, v in pairs(drill or {}) do config.drills[1][k] = v end
  for k, v in pairs(more or {}) do config[k] = v end
  return world_of.new(config)
end

local function drill_of(world)
  local _, body = world:http("GET", "/api/mw/v1/drills")
  return body.drills[1]
end

local function metric(world, name)
  local value
  for _, m in ipairs(world.host.metrics) do
    if m.name == name then value = m.kind == "add" and (value or 0) + m.value or m.value end
  end
  return value
end

describe("a fire drill", function()
  it("comes each day, goes to its receiver only, is marked, and ends at once", function()
    local world = world_with()
    world:advance "24h"
    world:advance "1m"
    assert.same({ "24:00:00 pager firing MoonwatchDrill", "24:00:10 pager resolved MoonwatchDrill" }, world:told())
    world:advance "24h"
    assert.equal(2, #world:told())
  end)

  it("is a test message for whoever reads it", function()
    local world = world_with()
    world:advance "24h"
    local note = world.notes[1].note
    assert.is_true(note.test)
    assert.equal("way", note.drill)
    assert.equal("[TEST] [FIRING:1] MoonwatchDrill", require("moonwatch.to.text").title(note))
    assert.is_truthy(note.alerts[1].annotations.summary:find "nothing is wrong")
  end)

  it("tells how long it took, and when the next one is", function()
    local world = world_with()
    world.answers.pager = function(note) return note.status == "firing" and { never = true } or { ok = true, status = 200 } end
    local later
    local send = world.router.outbox.o.send
    world.router.outbox.o.send = function(target, note, now, done)
      if note.status == "firing" then later = done else send(target, note, now, done) end
    end
    world:advance "24h"
    assert.is_truthy(drill_of(world).running)
    world:advance "7s"
    later({ ok = true, status = 200 }, world.now)
    world.next = world.router:tick(world.now)
    local drill = drill_of(world)
    assert.is_true(drill.ok)
    assert.equal(7, drill.seconds)
    assert.same({ 1, 0 }, { drill.runs, drill.failures })
    assert.equal("pager", drill.integrations[1].receiver)
    assert.equal(world.host.rfc3339(world.start + 2 * DAY), drill.next)
    world:advance "10s"
    assert.equal(7, metric(world, "moonwatch_drill_seconds"))
    assert.equal(world.start + DAY + 7, metric(world, "moonwatch_drill_last_success_timestamp_seconds"))
    assert.equal(1, metric(world, "moonwatch_drill_success"))
  end)

  it("has failed when a receiver does not take it in time, and says why", function()
    local world = world_with()
    world.answers.pager = function() return { retry = true, status = 500, error = "answered 500" } end
    world:advance("24h"):advance "3m"
    local drill = drill_of(world)
    assert.is_false(drill.ok)
    assert.equal("not there within 2m: pager/webhook/1: answered 500", drill.why)
    assert.equal(1, drill.failures)
    assert.equal(1, metric(world, "moonwatch_drill_failures_total"))
    assert.equal(0, metric(world, "moonwatch_drill_success"))
    world.answers.pager = nil
    world:told()
    world:advance "1h"
    assert.same({}, world:told()) -- what is over is not told later
    world:advance "24h"
    assert.is_true(drill_of(world).ok)
  end)

  it("goes on trying while there is time", function()
    local world = world_with()
    world.answers.pager = function(_, nth) return nth <= 2 and { retry = false, status = 404, error = "answered 404" } or { ok = true, status = 200 } end
    world:advance("24h"):advance "3m"
    assert.is_true(drill_of(world).ok)
    assert.is_true(drill_of(world).seconds >= 10)
  end)

  it("is held back by no silence and no window, and keeps nobody else quiet", function()
    local world = world_with({ severity = "page" }, { inhibits = { { source = { severity = "page" }, target = { severity = "warning" } } } })
    world:http("POST", "/api/v2/silences", { matchers = { { name = "alertname", value = ".+", isRegex = true } },
      startsAt = world.host.rfc3339(world.now), endsAt = world.host.rfc3339(world.now + 2 * DAY), createdBy = "spec", comment = "quiet" })
    world.answers.pager = function() return { never = true } end
    world:advance "24h"
    assert.equal(1, #world.notes)
    world:fire("T", { severity = "warning" })
    assert.is_nil(world.router:status(world.router.alerts:get(world.host.fingerprint { alertname = "T", severity = "warning" }), world.now).inhibited_by)
  end)

  it("comes at its time of day, in its zone", function()
    local world = world_with { at = "10:00" }
    -- It is 20:26:40 on a Thursday.
    world:advance "3d"
    local times = {}
    for _, entry in ipairs(world.notes) do
      if entry.note.status == "firing" then times[#times + 1] = world.host.rfc3339(world.start + entry.at) end
    end
    assert.same({ "2026-05-29T10:00:00.000Z", "2026-05-30T10:00:00.000Z", "2026-05-31T10:00:00.000Z" }, times)
  end)

  it("is remembered over a restart, and one that was missed for long is left out", function()
    local world = world_with { at = "10:00" }
    world:advance "15h"
    world:told()
    local saved = world.router:snapshot()
    world.now = world.now + 30 * 3600
    world:restart(saved):advance "1m"
    assert.same({}, world:told())
    assert.equal(1, drill_of(world).runs)
    world:advance "17h"
    assert.equal(2, drill_of(world).runs)
  end)

  it("goes on after a restart in its middle", function()
    local world = world_with()
    world.answers.pager = function() return { never = true } end
    world:advance "24h"
    world.answers.pager = nil
    world:restart():advance "1m"
    assert.is_true(drill_of(world).ok)
  end)

  it("is held by the node that sends, and the one that takes over knows of it", function()
    local a, b = world_with(), world_with(nil, { holds = false })
    a:advance "24h"
    b:advance "24h"
    assert.equal(0, #b.notes)
    for _, s in ipairs(a.shared) do
      if s.kind == "drill" then b.router:handle({ type = "shared", kind = "drill", id = s.id, value = b.host.json.decode(b.host.json.encode(s.value)) }, b.now) end
    end
    b:handle { type = "lease", slot = "router", held = true, fence = 2 }
    b:advance "1h"
    assert.equal(0, #b.notes)
    assert.equal(1, drill_of(b).runs)
  end)

  it("is held by hand, too, and the answer waits for it", function()
    local world = world_with()
    local answered
    world:handle { type = "http", method = "POST", path = "/api/mw/v1/drills/way/run", query = {}, headers = {}, body = "",
      reply = function(a) answered = a end }
    assert.equal(200, answered.status)
    assert.is_true(world.host.json.decode(answered.body).drill.ok)
    assert.equal(404, (world:http("POST", "/api/mw/v1/drills/way2/run")))
    world.answers.pager = function() return { retry = true, status = 500, error = "answered 500" } end
    answered = nil
    world:advance "1m"
    world:handle { type = "http", method = "POST", path = "/api/mw/v1/drills/way/run", query = {}, headers = {}, body = "",
      reply = function(a) answered = a end }
    world:advance "26s"
    assert.equal(202, answered.status)
  end)

  it("is no route that Alertmanager's clients see", function()
    local world = world_with()
    local _, body = world:http("GET", "/api/v2/status")
    assert.is_nil(body.config.original:find("Drill", 1, true))
  end)
end)

describe("a drill is checked when rules are loaded:", function()
  local host = require "moonwatch.host"
  local load = require "moonwatch.config.load"
  local function problem(text)
    local _, list = load.load { host = host, config = "w.lua", source = 'receiver "pager" { webhook { url = "http://x" } }\n' .. text }
    return list[1] and list[1].text
  end
  it("its receivers, its time of day, and that it ends before the next", function()
    assert.is_truthy(problem 'drill "d" { to = "pagr" }':find('there is no receiver "pagr" (did you mean "pager"?)', 1, true))
    assert.is_truthy(problem 'drill "d" { to = "pager", at = "25:00" }':find("is not a time of day", 1, true))
    assert.is_truthy(problem 'drill "d" { to = "pager", at = "10:00", every = "5h" }':find("whole days", 1, true))
    assert.is_truthy(problem 'drill "d" { to = "pager", every = "1m" }':find("within must be less than every", 1, true))
    assert.is_nil(problem 'drill "d" { to = "pager", at = "10:00" }')
  end)
end)
