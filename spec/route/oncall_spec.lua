--- oncall_spec.lua - who is on call: rotations, layers, calendars, exceptions, over changes of the clocks.
local fake = require "fake_host"
local Oncall = require "moonwatch.route.oncall"
local Window = require "moonwatch.route.window"
local calendar = require "moonwatch.route.calendar"
local ical = require "moonwatch.route.ical"
local people = require "moonwatch.route.people"
local zones = require "moonwatch.route.zone"

local host = fake.new()
for _, name in ipairs { "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Europe/Berlin" } do
  local path = "/usr/share/zoneinfo/" .. name
  local file = assert(io.open(path, "rb"))
  host.files[path] = file:read "*a"
  file:close()
end

local function utc(text) return assert(host.parse_time(text)) end

local function new(spec)
  local windows = {}
  for name, window in pairs(spec.windows or {}) do windows[name] = assert(Window.new(window, host)) end
  return Oncall.new(spec, host, windows)
end

local function told(oncall, from, to)
  local out = {}
  for i, s in ipairs(oncall:shifts(utc(from), utc(to), 1000)) do
    out[i] = ("%s %s"):format(s.person, s.to and host.rfc3339(s.to):sub(6, 16) or "-")
  end
  return out
end

describe("local time", function()
  local lisbon = zones.load("Europe/Lisbon", host)
  local function at(text) return calendar.days(2026, tonumber(text:sub(1, 2)), tonumber(text:sub(4, 5))) * 86400 + tonumber(text:sub(7, 8)) * 3600
    + tonumber(text:sub(10, 11)) * 60 end

  it("of a winter and a summer day is the moment at which the clock shows it", function()
    assert.equal(utc "2026-01-15T09:00:00Z", lisbon:utc(at "01-15 09:00"))
    assert.equal(utc "2026-07-15T08:00:00Z", lisbon:utc(at "07-15 09:00"))
  end)
  it("that is left out in spring is the moment of the change", function()
    assert.equal(utc "2026-03-29T01:00:00Z", lisbon:utc(at "03-29 01:30"))
  end)
  it("that comes twice in autumn is the first one", function()
    assert.equal(utc "2026-10-25T00:30:00Z", lisbon:utc(at "10-25 01:30"))
  end)
end)

describe("a rotation", function()
  it("hands over each week at the same time of the clock, also when the clocks change", function()
    local oncall = new { people = { "ann", "bob", "cai" }, weekly = "mon 09:00", zone = "Europe/Lisbon", start = "2026-03-16" }
    assert.same({ "ann 03-23T09:00", "bob 03-30T08:00", "cai 04-06T08:00", "ann 04-13T08:00" }, told(oncall, "2026-03-16T09:00:00Z", "2026-04-06T09:00:00Z"))
    assert.same({ "ann", "rotation" }, { oncall:at(utc "2026-03-23T08:59:59Z") })
    assert.equal("bob", (oncall:at(utc "2026-03-23T09:00:00Z")))
  end)

  it("hands over each day, and counts turns of several days", function()
    local oncall = new { people = { "ann", "bob" }, daily = "08:00", start = "2026-01-01" }
    assert.same({ "ann 01-02T08:00", "bob 01-03T08:00", "ann 01-04T08:00" }, told(oncall, "2026-01-01T08:00:00Z", "2026-01-03T09:00:00Z"))
    oncall = new { people = { "ann", "bob" }, weekly = "fri 17:00", turn = 2, start = "2026-01-01" }
    assert.same({ "ann 01-16T17:00", "bob 01-30T17:00", "ann 02-13T17:00" }, told(oncall, "2026-01-02T17:00:00Z", "2026-01-31T00:00:00Z"))
  end)

  it("of one person never changes", function()
    local oncall = new { people = { "ann" } }
    assert.equal("ann", (oncall:at(0)))
    assert.is_nil(oncall:next_change(utc "2026-01-01T00:00:00Z"))
  end)

  it("is counted the same before its start, and before 1970", function()
    local oncall = new { people = { "ann", "bob", "cai" }, weekly = "mon 09:00", start = "2026-03-16" }
    assert.equal("cai", (oncall:at(utc "2026-03-16T08:00:00Z")))
    assert.equal("bob", (oncall:at(utc "2026-03-09T08:00:00Z")))
    assert.is_string((oncall:at(-5e8)))
  end)

  it("says what is wrong with it", function()
    for _, case in ipairs { { { people = { "a", "b" } }, "take turns" }, { { people = { "a" }, weekly = "monday" }, "mon 09:00" },
      { { people = { "a" }, weekly = "xyz 09:00" }, "mon 09:00" }, { { people = { "a" }, daily = "25:00" }, "09:00" },
      { { people = { "a" }, start = "2026-02-30" }, "2026%-01%-05" }, { { people = { "a" }, zone = "Mars/Base" }, "Mars/Base" },
      { { people = { "a" }, overrides = { { from = "x", to = "2026-01-01", person = "a" } } }, "override 1" },
      { { people = { "a" }, overrides = { { from = "2026-01-02", to = "2026-01-01", person = "a" } } }, "before it begins" },
      { { people = { "a" }, layers = { { people = { "b", "c" }, window = "w" } } }, "layer 1" } } do
      local oncall, why = new(case[1])
      assert.is_nil(oncall)
      assert.truthy(why:find(case[2]), why)
    end
  end)

  it("takes layers inside their windows, the later one first, and exceptions before all", function()
    local oncall = new { people = { "ann", "bob" }, weekly = "mon 09:00", zone = "Europe/Lisbon", start = "2026-01-05",
      windows = { night = { times = "18:00-09:00", zone = "Europe/Lisbon" }, weekend = { days = "sat-sun", zone = "Europe/Lisbon" } },
      layers = { { people = { "dan" }, window = "night" }, { people = { "eve" }, window = "weekend" } },
      overrides = { { from = "2026-01-07 12:00", to = "2026-01-07 20:00", person = "cai" }, { from = "2026-01-07 13:00", to = "2026-01-07 14:00", person = "bob" } } }
    assert.same({ "ann 01-06T18:00", "dan 01-07T09:00", "ann 01-07T12:00", "cai 01-07T13:00", "bob 01-07T14:00", "cai 01-07T20:00", "dan 01-08T09:00" },
      told(oncall, "2026-01-06T09:00:00Z", "2026-01-08T08:00:00Z"))
    assert.same({ "eve 01-12T00:00", "dan 01-12T09:00", "bob 01-12T18:00" }, told(oncall, "2026-01-10T12:00:00Z", "2026-01-12T17:00:00Z"))
    assert.same({ "cai", "override" }, { oncall:at(utc "2026-01-07T12:00:00Z") })
  end)
end)

-- -- properties ----------------------------------------------------------------------

describe("whoever is on call", function()
  local zone_names = { "UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe" }
  local function any(list) return list[math.random(#list)] end
  local function a_time() return ("%02d:%02d"):format(math.random(0, 23), any { 0, 15, 30, 59 }) end

  local function a_rotation()
    local names = { "a", "b", "c", "d", "e" }
    local spec = { people = {}, zone = any(zone_names), turn = math.random(1, 3), start = any { "2025-11-03", "2026-02-11", nil } }
    for i = 1, math.random(2, 5) do spec.people[i] = names[i] end
    if math.random() < 0.5 then spec.daily = a_time() else spec.weekly = any { "mon ", "Wed ", "sunday " } .. a_time() end
    return spec
  end

  it("is exactly one, and shifts leave no gap and say the same as each moment in them", function()
    math.randomseed(7)
    for _ = 1, 60 do
      local spec = a_rotation()
      local oncall, probe = assert(new(spec)), assert(new(spec))
      local from = utc "2026-01-01T00:00:00Z" + math.random(0, 300) * 86400 + math.random(0, 86400)
      local at = from
      for _, s in ipairs(oncall:shifts(from, from + 40 * 86400, 1000)) do
        assert.equal(at, s.from)
        for _ = 1, 5 do assert.equal(s.person, (probe:at(s.from + math.random() * (s.to - s.from - 1)))) end
        assert.equal(s.person, (probe:at(s.to - 1)))
        assert.not_equal(s.person, (probe:at(s.to)))
        at = s.to
      end
      assert.is_true(at >= from + 40 * 86400)
    end
  end)

  it("has a fair share of a year", function()
    math.randomseed(11)
    for _ = 1, 20 do
      local spec = a_rotation()
      spec.turn = 1
      local oncall = assert(new(spec))
      local from, share = utc "2026-01-05T00:00:00Z", {}
      local to = from + 364 * 86400
      for _, s in ipairs(oncall:shifts(from, to, 1000)) do share[s.person] = (share[s.person] or 0) + math.min(s.to, to) - s.from end
      local fair, total = 364 * 86400 / #spec.people, 0
      for _, seconds in pairs(share) do
        assert.is_true(math.abs(seconds - fair) <= (spec.weekly and 7 or 1) * 86400 + 7200)
        total = total + seconds
      end
      assert.equal(to - from, total)
    end
  end)

  it("is the one of the exception wherever there is one", function()
    math.randomseed(13)
    for _ = 1, 40 do
      local spec = a_rotation()
      local plain = assert(new(spec))
      local from = utc "2026-02-01T00:00:00Z" + math.random(0, 200) * 86400
      local to = from + math.random(1, 100) * 3600
      spec.overrides = { { from = host.rfc3339(from), to = host.rfc3339(to), person = "z" } }
      local oncall = assert(new(spec))
      for _ = 1, 50 do
        local t = from + (math.random() * 3 - 1) * (to - from)
        assert.equal(t >= from and t < to and "z" or (plain:at(t)), (oncall:at(t)))
      end
    end
  end)
end)

-- -- calendars -------------------------------------------------------------------------

local index = people.new { { name = "ann", also = { "Ann Example", "mailto:ann@example.com" } }, { name = "bob" }, { name = "cai" } }

local function cal(body) return ical.parse("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" .. body:gsub("\n", "\r\n") .. "\r\nEND:VCALENDAR\r\n", host, index,
  zones.load("Europe/Lisbon", host)) end

local function event(body) return "BEGIN:VEVENT\n" .. body .. "\nEND:VEVENT" end

local function turns(c, from, to)
  local oncall = new { people = { "base" }, zone = "Europe/Lisbon" }
  oncall:set_calendar(c)
  return told(oncall, from, to)
end

describe("a calendar", function()
  it("says who is on call, by attendee, by summary or a piece of it, and the rotation where it says nothing", function()
    local c = cal(event "DTSTART:20260105T090000Z\nDTEND:20260105T170000Z\nSUMMARY:whatever\nATTENDEE;CN=\"Example, A\";X=1:mailto:Ann@Example.com" .. "\n" ..
      event "DTSTART;TZID=Europe/Lisbon:20260106T090000\nDURATION:PT8H\nSUMMARY:On call - BOB - web" .. "\n" ..
      event "DTSTART;VALUE=DATE:20260107\nSUMMARY:Night shift: Ann\n  Exam\n ple" .. "\n" .. event "DTSTART:20260108T000000Z\nDTEND:20260109T000000Z\nSUMMARY:nobody we know")
    assert.same({ "ann 01-05T17:00", "base 01-06T09:00", "bob 01-06T17:00", "base 01-07T00:00", "ann 01-08T00:00" },
      (function() local t = turns(c, "2026-01-05T09:00:00Z", "2026-01-07T12:00:00Z") return t end)())
    assert.equal(1, #c.problems)
    assert.truthy(c.problems[1]:find("nobody we know", 1, true))
  end)

  it("repeats weekly and daily, with INTERVAL, UNTIL, COUNT, BYDAY and EXDATE", function()
    local c = cal(event "UID:1\nDTSTART;TZID=Europe/Lisbon:20260105T090000\nDTEND;TZID=Europe/Lisbon:20260112T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2\nSUMMARY:ann" .. "\n" ..
      event "UID:2\nDTSTART;TZID=Europe/Lisbon:20260112T090000\nDTEND;TZID=Europe/Lisbon:20260119T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2\nSUMMARY:bob")
    assert.same({ "ann 03-23T09:00", "bob 03-30T08:00", "ann 04-06T08:00" }, turns(c, "2026-03-17T09:00:00Z", "2026-04-01T09:00:00Z"))
    c = cal(event "DTSTART:20260105T080000Z\nDTEND:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260106T080000Z\nSUMMARY:ann")
    assert.same({ "ann 01-05T09:00", "base 01-07T08:00", "ann 01-07T09:00", "base -" }, turns(c, "2026-01-05T08:00:00Z", "2026-03-01T00:00:00Z"))
    c = cal(event "DTSTART:20260105T080000Z\nDTEND:20260105T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260112T080000Z\nSUMMARY:ann")
    assert.same({ "ann 01-05T09:00", "base 01-07T08:00", "ann 01-07T09:00", "base 01-12T08:00", "ann 01-12T09:00", "base -" },
      turns(c, "2026-01-05T08:00:00Z", "2026-02-01T00:00:00Z"))
    c = cal(event "DTSTART:20260105T080000Z\nDTEND:20260105T090000Z\nRRULE:FREQ=DAILY;BYDAY=SA,SU\nSUMMARY:ann")
    assert.same({ "base 01-10T08:00", "ann 01-10T09:00", "base 01-11T08:00", "ann 01-11T09:00", "base 01-17T08:00" }, turns(c, "2026-01-05T08:00:00Z", "2026-01-12T00:00:00Z"))
  end)

  it("has no hour without anybody when the clocks change in the middle of a turn", function()
    local c = cal(event "DTSTART;TZID=Europe/Lisbon:20260112T090000\nDTEND;TZID=Europe/Lisbon:20260119T090000\nRRULE:FREQ=WEEKLY\nSUMMARY:ann")
    for t = utc "2026-03-20T00:00:00Z", utc "2026-04-10T00:00:00Z", 1800 do assert.equal("ann", (c:at(t))) end
    for t = utc "2026-10-20T00:00:00Z", utc "2026-11-03T00:00:00Z", 1800 do assert.equal("ann", (c:at(t))) end
  end)

  it("knows the names that Outlook has for time zones", function()
    local c = cal(event "DTSTART;TZID=\"W. Europe Standard Time\":20260106T090000\nDTEND;TZID=\"W. Europe Standard Time\":20260106T100000\nSUMMARY:ann" .. "\n" ..
      event "DTSTART;TZID=W. Europe Standard Time:20260706T090000\nDTEND;TZID=W. Europe Standard Time:20260706T100000\nSUMMARY:bob")
    assert.same({}, c.problems)
    assert.same({ "ann 01-06T09:00", "base 07-06T07:00", "bob 07-06T08:00" }, turns(c, "2026-01-06T08:00:00Z", "2026-07-06T07:30:00Z"))
  end)

  it("takes an instance that was changed, and one that was cancelled", function()
    local c = cal(event "UID:1\nDTSTART:20260105T080000Z\nDTEND:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=4\nSUMMARY:ann" .. "\n" ..
      event "UID:1\nRECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T100000Z\nDTEND:20260106T110000Z\nSUMMARY:bob" .. "\n" ..
      event "UID:1\nRECURRENCE-ID:20260107T080000Z\nDTSTART:20260107T080000Z\nDTEND:20260107T090000Z\nSTATUS:CANCELLED")
    assert.same({ "ann 01-05T09:00", "base 01-06T10:00", "bob 01-06T11:00", "base 01-08T08:00", "ann 01-08T09:00", "base -" },
      turns(c, "2026-01-05T08:00:00Z", "2026-02-01T00:00:00Z"))
  end)

  it("takes only what is an event's own: neither its alarms nor the rules of zones", function()
    local c = cal("BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nRRULE:FREQ=YEARLY\nEND:STANDARD\nEND:VTIMEZONE\n" ..
      event "DTSTART:20260105T080000Z\nDTEND:20260105T090000Z\nSUMMARY:ann\nBEGIN:VALARM\nSUMMARY:bob\nDURATION:PT99H\nEND:VALARM")
    assert.same({}, c.problems)
    assert.same({ "ann 01-05T09:00", "base -" }, turns(c, "2026-01-05T08:00:00Z", "2026-01-06T00:00:00Z"))
  end)

  it("says what it could not read, and goes on", function()
    local c = cal(event "SUMMARY:ann" .. "\n" .. event "DTSTART:20260105T080000Z\nSUMMARY:ann" .. "\n" ..
      event "DTSTART:20260105T080000Z\nDTEND:20260105T070000Z\nSUMMARY:ann" .. "\n" ..
      event "DTSTART:20260105T080000Z\nDTEND:20260105T090000Z\nRRULE:FREQ=MONTHLY\nSUMMARY:ann" .. "\n" ..
      event "DTSTART;TZID=Mars/Base:20260105T080000\nDTEND:20260105T090000Z\nSUMMARY:ann")
    assert.equal(5, #c.problems)
    assert.equal("ann", (c:at(utc "2026-01-05T08:30:00Z")))
  end)

  it("that is none, or not whole, or too large, is refused", function()
    for _, text in ipairs { "", "hello", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "BEGIN:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR\n", ("x"):rep(1048577),
      "BEGIN:VCALENDAR\n" .. ("BEGIN:X\n"):rep(20), "BEGIN:VCALENDAR\n" .. ("BEGIN:VEVENT\nEND:VEVENT\n"):rep(5001) .. "END:VCALENDAR\n" } do
      assert.is_nil((ical.parse(text, host, index, zones.load("UTC", host))))
    end
  end)

  it("cannot be made to run for ever, nor to fail, by whatever stands in it", function()
    math.randomseed(17)
    local good = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=\"Europe/Lisbon\":20260105T090000\nDTEND;TZID=Europe/Lisbon:20260112T090000\n" ..
      "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;UNTIL=20270101T000000Z;WKST=SU\nEXDATE;TZID=Europe/Lisbon:20260119T090000,20260202T090000\n" ..
      "ATTENDEE;CN=ann;X=\"a\",\"b\":mailto:x@y\nSUMMARY:On call: bob \\, x\\n\n  y\nDURATION:P1WT2H\nEND:VEVENT\nEND:VCALENDAR\n"
    local zone = zones.load("Europe/Lisbon", host)
    local pieces = { "\n", ":", ";", "=", ",", "\"", "0", "9", "99999999", "-1", "T", "Z", "\0", "\255", " ", "BEGIN:VEVENT\n", "END:VEVENT\n", "FREQ=DAILY", "COUNT=1e9" }
    for _ = 1, 3000 do
      local text = good
      for _ = 1, math.random(1, 4) do
        local at = math.random(1, #text)
        text = text:sub(1, at - 1) .. pieces[math.random(#pieces)] .. text:sub(at + math.random(0, 6))
      end
      local c, why = ical.parse(text, host, index, zone)
      if c then
        local person = c:at(utc "2026-03-29T01:00:00Z")
        assert.is_true(person == nil or person == "ann" or person == "bob")
      else
        assert.is_string(why)
      end
    end
    local c = assert(cal(event("DTSTART:00010101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=99999999\nSUMMARY:ann")))
    c:at(utc "2026-03-29T01:00:00Z")
    assert.truthy(c.problems[1]:find("more than can be gone through", 1, true))
  end)
end)

describe("the next change of a window", function()
  it("is the first moment at which it begins or ends, minute by minute, also when the clocks change", function()
    math.randomseed(29)
    local function any(list) return list[math.random(#list)] end
    local starts = { "2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-03-07T20:00:00Z", "2026-04-04T00:00:00Z", "2026-06-01T00:00:00Z" }
    for _ = 1, 60 do
      local part = { zone = any { "UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe" },
        times = any { "01:30-02:15", "00:45-01:10", "22:00-06:00", "01:00-02:00", "02:30-03:00", "00:00-24:00" }, days = any { nil, "sat-sun", "sun", "mon-fri" } }
      local window = assert(Window.new(part, host))
      local at = utc(any(starts))
      for _ = 1, 4 do
        local was, following = window:contains(at), window:next_change(at)
        if not following then break end
        for t = at, math.min(following, at + 3 * 86400) - 60, 60 do assert.equal(was, window:contains(t)) end
        assert.not_equal(was, window:contains(following))
        at = following
      end
    end
  end)
end)
