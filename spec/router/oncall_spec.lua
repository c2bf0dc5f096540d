--- oncall_spec.lua - whoever is on call is told, at the moment of the step, and when the turn changes.
local world_of = require "router_world"

local EPOCH = 1780000000 -- 2026-05-28 20:26:40 UTC, a Thursday

local function new(more)
  local config = { names = { "ann", "bob", "cai", "slack", "boss" }, routes = { { receiver = "oncall:web", escalate = "page" } },
    oncalls = { web = { people = { "ann", "bob", "cai" }, daily = "21:00", start = "2026-05-27" } },
    escalations = { page = { steps = { { after = 600, to = { "boss" } } } } } }
  for k, v in pairs(more or {}) do config[k] = v end
  return world_of.new(config)
end

describe("a route to a rotation", function()
  it("tells whoever is on call", function()
    local world = new()
    world:fire("Down"):advance "5m"
    assert.same({ "0:30 ann firing Down" }, world:told())
    world:resolve("Down"):advance "6m"
    assert.same({ "5:30 ann resolved Down" }, world:told())
  end)

  it("tells the next one when the turn changes and nobody is on it; who went hears of the resolve only", function()
    local world = new { escalations = {} }
    world:fire("Down"):advance "1h"
    assert.same({ "0:30 ann firing Down", "33:20 bob firing Down" }, world:told())
    world:fire("Down", { job = "x" }):advance "6m"
    for _, line in ipairs(world:told()) do assert.truthy(line:find " bob ") end
    world:resolve("Down"):resolve("Down", { job = "x" }):advance "6m"
    local told = {}
    for _, line in ipairs(world:told()) do told[#told + 1] = line:match " (.*)" end
    table.sort(told)
    assert.same({ "ann resolved Down", "bob resolved Down+Down" }, told)
  end)

  it("does not tell the next one of what somebody is on", function()
    local world = new()
    world:fire("Down"):advance "1m"
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    world:told()
    world:advance "3h"
    assert.same({}, world:told())
    world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down" })
    assert.same({ "3:01:00 bob firing Down" }, world:told())
  end)

  it("can be handed over to whoever is on call", function()
    local world = new { escalations = {}, routes = { { receiver = "slack" } } }
    world:fire("Down"):advance "1m"
    world:told()
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "oncall:web", author = "boss", way = "cli" })
    assert.same({ "ann", "cli" }, { ack.author, ack.way })
    assert.same({ "1:00 ann firing Down" }, world:told())
    assert.equal(400, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "oncall:wab" })))
  end)

  it("asks at the moment of the step", function()
    local world = new { routes = { { receiver = "slack", escalate = "page" } },
      escalations = { page = { steps = { { after = 1800, to = { "oncall:web" } }, { after = 2400, to = { "oncall:web" } } } } } }
    world:fire("Down"):advance "45m"
    -- Half an hour after the first message it is still ann's turn, at 33:20 it becomes bob's, who is told then and once more by his step.
    assert.same({ "0:30 slack firing Down", "30:30 ann firing Down", "33:20 bob firing Down", "40:30 bob firing Down" }, world:told())
  end)

  it("knows over a restart and a takeover who was told", function()
    local world = new { escalations = {} }
    world:fire("Down"):advance("1m"):restart():advance "59m"
    assert.same({ "0:30 ann firing Down", "33:20 bob firing Down" }, world:told())
    world:restart():advance "2h"
    assert.same({}, world:told())
    -- The turn changed while nothing ran.
    local snapshot = world.router:snapshot()
    world.now = world.now + 86400
    world:restart(snapshot):advance "1s"
    assert.same({ "27:00:00 cai firing Down" }, world:told())
  end)
end)

describe("an exception to a rotation", function()
  it("is made and taken back while we run; whoever takes over hears of what is open", function()
    local world = new { escalations = {} }
    world:fire("Down"):advance "1m"
    world:told()
    local status, made = world:http("POST", "/api/mw/v1/oncall/web/overrides", { person = "cai", ["for"] = "2h", author = "cai" })
    assert.equal(200, status)
    assert.same({ "1:00 cai firing Down" }, world:told())
    world:restart()
    local _, one = world:http("GET", "/api/mw/v1/oncall/web")
    assert.same({ "cai", "override" }, { one.now.person, one.now.why })
    assert.equal(made.id, one.overrides[1].id)
    assert.equal(200, (world:http("DELETE", "/api/mw/v1/oncall/web/overrides/" .. made.id)))
    assert.equal(404, (world:http("DELETE", "/api/mw/v1/oncall/web/overrides/" .. made.id)))
    _, one = world:http("GET", "/api/mw/v1/oncall/web")
    assert.equal("ann", one.now.person)
  end)

  it("is refused when it makes no sense", function()
    local world = new()
    local function status(body, name) return (world:http("POST", ("/api/mw/v1/oncall/%s/overrides"):format(name or "web"), body)) end
    assert.equal(404, status({}, "wab"))
    for _, body in ipairs { "{", "[]", {}, { person = "an" }, { person = "bob" }, { person = "bob", ["for"] = "x" }, { person = "bob", to = "soon" },
      { person = "bob", to = "2026-01-01" }, { person = "bob", from = "2026-06-02", to = "2026-06-01" }, { person = "bob", ["for"] = "9000d" }, { person = 7, to = 8 } } do
      assert.equal(400, status(body))
    end
    for i = 1, 201 do assert.equal(i <= 200 and 200 or 400, status { person = "bob", ["for"] = "1h" }) end
  end)

  it("does not count when nobody can tell that person any more", function()
    local world = new()
    world:http("POST", "/api/mw/v1/oncall/web/overrides", { person = "boss", ["for"] = "2h" })
    world:reload { names = { "ann", "bob", "cai" }, routes = { { receiver = "oncall:web" } },
      oncalls = { web = { people = { "ann", "bob", "cai" }, daily = "21:00", start = "2026-05-27" } } }
    world:fire("Down"):advance "1m"
    assert.same({ "0:30 ann firing Down" }, world:told())
  end)
end)

describe("who is on call", function()
  it("is a receiver for Alertmanager's clients", function()
    local world = new()
    local _, list = world:http("GET", "/api/v2/receivers")
    assert.equal("oncall:web", list[#list].name)
    local _, status = world:http("GET", "/api/v2/status")
    assert.truthy(status.config.original:find("oncall:web", 1, true))
  end)

  it("is told over HTTP, now and for a while", function()
    local world = new()
    local _, list = world:http("GET", "/api/mw/v1/oncall")
    assert.same({ "web", "ann", "bob" }, { list.oncall[1].name, list.oncall[1].now.person, list.oncall[1].next.person })
    local status, one = world:http("GET", "/api/mw/v1/oncall/web?from=2026-06-01T21:00:00Z&to=2026-06-03T21:00:00Z")
    assert.equal(200, status)
    assert.equal(2, #one.shifts)
    assert.equal("2026-06-02T21:00:00.000Z", one.shifts[1].to)
    local why
    status, why = world:http("GET", "/api/mw/v1/oncall/wab")
    assert.equal(404, status)
    assert.truthy(why.error.message:find('did you mean "web"', 1, true))
    assert.equal(400, (world:http("GET", "/api/mw/v1/oncall/web?from=soon")))
    assert.equal(400, (world:http("GET", "/api/mw/v1/oncall/web?to=2020-01-01")))
  end)
end)

describe("the calendar of a rotation", function()
  local Calendars = require "moonwatch.engine.router.calendars"
  local function ics(person, day)
    return ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:%s\nDURATION:P1D\nSUMMARY:%s\nEND:VEVENT\nEND:VCALENDAR\n"):format(day or "20260528", person)
  end
  local function rig(source)
    local world = new { escalations = {}, oncalls = { web = { people = { "ann" }, ical = source, every = 900 } }, persons = {
      { name = "dan", also = { "Dan D" }, items = { { kind = "webhook", url = "http://dan" } } } } }
    world.host.data_dir = "data"
    local calendars = Calendars.new(world.router, world.host)
    world.router.calendars = calendars
    local function tick(d)
      world.now = world.now + d
      world.host.time = world.now
      calendars:tick(world.now)
      world.next = world.router:tick(world.now)
      local _, one = world:http("GET", "/api/mw/v1/oncall/web")
      return one.now.person, one.calendar
    end
    return world, tick, calendars
  end

  it("is read from a file, again when it changes, and the last good one is kept", function()
    local world, tick = rig "oncall.ics"
    local person, about = tick(0)
    assert.equal("ann", person)
    assert.equal("there is no file oncall.ics", about.error)
    world:fire("Down"):advance "1m"
    assert.same({ "0:30 ann firing Down" }, world:told())
    world.host.write_file("oncall.ics", ics "Dan D")
    assert.equal("dan", (tick(30)))
    assert.same({ "1:30 dan firing Down" }, world:told())
    world.host.write_file("oncall.ics", "garbage")
    person, about = tick(30)
    assert.equal("dan", person)
    assert.truthy(about.error:find("no whole calendar", 1, true))
    world.host.write_file("oncall.ics", ics "bob")
    assert.equal("bob", (tick(30)))
  end)

  it("keeps the address to itself, also when it cannot be asked", function()
    local world, tick = rig "webcal://calendar.example/private-sesame/x.ics"
    local _, about = tick(0)
    assert.equal("it is no file, and only http:// and https:// are asked", about.error)
    assert.falsy(world.host.json.encode(world.host.logged):find "sesame")
  end)

  it("is asked for at an address, kept over failures and restarts", function()
    local world, tick = rig "https://calendar.example/x.ics"
    tick(0)
    assert.equal("https://calendar.example/x.ics", world.host.finish("http", { status = 200, body = ics "cai" }).url)
    assert.equal("cai", (tick(1)))
    assert.is_nil(world.host.take "http")
    tick(900)
    world.host.finish("http", { error = "no route" })
    local person, about = tick(1)
    assert.equal("cai", person)
    assert.equal("no route", about.error)
    tick(60)
    world.host.finish("http", { status = 500, body = "" })
    assert.equal("cai", (tick(60)))
    world.host.finish("http", { status = 200, body = ics "bob" })
    assert.equal("bob", (tick(1)))
    world.router.calendars = Calendars.new(world.router, world.host)
    world.router.oncalls.web:set_calendar(nil)
    world.router.calendars:tick(world.now)
    assert.equal("bob", (world.router.oncalls.web:at(world.now)))
  end)

  it("goes over into a new configuration, and its address stays a secret", function()
    local world, tick = rig { ["@secret"] = "CAL" }
    local _, about = tick(0)
    assert.truthy(about.error:find('secret "CAL" is not set', 1, true))
    world.host.env_table.CAL = "https://calendar.example/private-key.ics"
    tick(60)
    world.host.finish("http", { status = 200, body = ics "cai" })
    assert.equal("cai", (tick(1)))
    assert(world.router:configure(world.config, world.now))
    local person
    person, about = tick(1)
    assert.equal("cai", person)
    assert.falsy(world.host.json.encode(about):find("private", 1, true))
  end)
end)

describe("of two nodes", function()
  it("both know an exception", function()
    local a, b = new { holds = true }, new { holds = false }
    local _, made = a:http("POST", "/api/mw/v1/oncall/web/overrides", { person = "cai", ["for"] = "2h" })
    a:pass(b)
    assert.equal("cai", (b.router.oncalls.web:at(EPOCH)))
    b:http("DELETE", "/api/mw/v1/oncall/web/overrides/" .. made.id)
    b:pass(a)
    assert.equal("ann", (a.router.oncalls.web:at(EPOCH)))
  end)
end)
