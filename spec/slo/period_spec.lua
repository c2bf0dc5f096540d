--- period_spec.lua - budgets of weeks, months, quarters and years, as the calendar of a place has them.
local host = require "moonwatch.host"
local period = require "moonwatch.slo.period"
local slo = require "slo_world"

local function around(kind, zone, at)
  local p = assert(period.new({ calendar = kind, zone = zone, window = period.NOMINAL[kind] }, host))
  local from, to = p:span(host.parse_time(at))
  local function plain(t) return (host.rfc3339(t):gsub("%.000Z$", "Z")) end
  return plain(from), plain(to), to - from
end

describe("the budget of a stretch of the calendar", function()
  it("is of the month as clocks there show it", function()
    local from, to, seconds = around("month", "Europe/Lisbon", "2026-03-15T12:00:00Z")
    assert.same({ "2026-03-01T00:00:00Z", "2026-03-31T23:00:00Z" }, { from, to })
    assert.equal(743 * 3600, seconds) -- the clocks went forward
    from, to, seconds = around("month", "Europe/Lisbon", "2026-10-31T23:30:00Z")
    assert.same({ "2026-09-30T23:00:00Z", "2026-11-01T00:00:00Z" }, { from, to })
    assert.equal(745 * 3600, seconds)
  end)
  it("begins where the one before ends, though the zone is far from ours", function()
    assert.equal("2026-04-30T14:00:00Z", (around("month", "Australia/Sydney", "2026-05-10T00:00:00Z")))
    assert.equal("2026-03-31T13:00:00Z", (around("month", "Australia/Sydney", "2026-04-30T13:59:59Z")))
    assert.equal("2026-04-30T14:00:00Z", (around("month", "Australia/Sydney", "2026-04-30T14:00:00Z")))
  end)
  it("is of a week that begins on Monday", function()
    assert.same({ "2026-03-23T00:00:00Z", "2026-03-29T23:00:00Z" }, { (around("week", "Europe/Lisbon", "2026-03-29T22:59:59Z")), (select(2, around("week", "Europe/Lisbon", "2026-03-25T00:00:00Z"))) })
    assert.equal(167 * 3600, (select(3, around("week", "Europe/Lisbon", "2026-03-29T12:00:00Z"))))
    assert.equal("2026-03-30T00:00:00Z", (around("week", nil, "2026-03-30T00:00:00Z")))
  end)
  it("is of quarters and years", function()
    assert.same({ "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z" }, { around("quarter", nil, "2026-12-31T23:59:59Z"), (select(2, around("quarter", nil, "2026-12-31T23:59:59Z"))) })
    assert.same({ "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", 366 * 86400 }, { around("year", nil, "2024-02-29T00:00:00Z") })
  end)
  it("is whole again when the next one begins", function()
    local world = slo.new('slo "web" { bad = "bad_total", total = "all_total", objective = 99, calendar = "month", zone = "Europe/Lisbon" }', { at = "2026-03-31T20:00:00Z" })
    slo.requests(world, 60, 0.5, 8)
    world:advance_to "2026-03-31T22:59:30Z"
    assert.near(0.5, slo.about(world, "web").budget_remaining, 1e-3)
    world:set("bad_total", nil)
    world:advance_to "2026-03-31T23:00:30Z"
    local about = slo.about(world, "web")
    assert.equal("2026-03-31T23:00:00.000Z", about.from)
    assert.equal("month", about.window)
    assert.is_true(about.total <= 120, "counted from midnight in Lisbon on: " .. about.total)
  end)
  it("alerts at burn rates of its usual length", function()
    local world = slo.new 'slo "web" { bad = "bad_total", total = "all_total", objective = 99, calendar = "month" }\nslo "q" { bad = "bad_total", total = "all_total", objective = 99, calendar = "quarter" }'
    assert.near(14.4, slo.about(world, "web").burn[1].burn, 1e-9)
    assert.near(14.4 * 91 / 30, slo.about(world, "q").burn[1].burn, 1e-9)
  end)
  it("has a zone of this machine, and no window beside it", function()
    assert.error_matches(function() slo.new 'slo "w" { bad = "b", total = "t", objective = 99, calendar = "month", zone = "Mars/Olympus" }' end, "is not a time zone")
    assert.error_matches(function() slo.new 'slo "w" { bad = "b", total = "t", objective = 99, calendar = "month", window = "30d" }' end, "leave out window or calendar")
    assert.error_matches(function() slo.new 'slo "w" { bad = "b", total = "t", objective = 99, calendar = "mouth" }' end, 'did you mean "month"')
    assert.error_matches(function() slo.new 'slo "w" { bad = "b", total = "t", objective = 99, zone = "UTC" }' end, '"zone" goes with calendar')
  end)
end)

describe("a budget of slices of time", function()
  local function slices(extra)
    return slo.new(('slo "web" { bad = "bad_total", total = "all_total", objective = 90, window = "1d", timeslice = { length = "1m", target = 0.95 }%s }'):format(extra or ""),
                   { at = "2026-03-02T00:00:00Z" })
  end
  it("counts a slice as bad when too many of its events are, however many there are", function()
    local world = slices()
    -- In every tenth minute a tenth fails; the others have ten times the traffic and two in a hundred fail.
    local all, bad, a, b = {}, {}, 0, 0
    for i = 1, 180 do
      local n = i % 10 == 0 and 100 or 1000
      a, b = a + n, b + (i % 10 == 0 and 10 or 20)
      all[i], bad[i] = a, b
    end
    world:series("all_total", table.concat(all, " "), { every = "1m" }):series("bad_total", table.concat(bad, " "), { every = "1m" })
    world:advance "2h"
    local about = slo.about(world, "web")
    assert.near(119, about.total, 2)
    assert.near(12, about.bad, 1)
    assert.near(0, about.budget_remaining, 0.05)
  end)
  it("takes a slice without events for a good one", function()
    local world = slices()
    world:advance "1h"
    local about = slo.about(world, "web")
    assert.near(60, about.total, 1)
    assert.equal(0, about.bad)
  end)
  it("does not count it, or counts it as bad, when the policy for no data says so", function()
    local world = slices ', no_data = "hold"'
    world:advance "1h"
    assert.near(10, slo.about(world, "web").total, 1)
    world = slices ', no_data = "burn"'
    world:advance "1h"
    assert.near(50, slo.about(world, "web").bad, 2)
  end)
  it("of a month is all of its slices: it is known from the first day on how much may be spent", function()
    local world = slo.new('slo "web" { bad = "bad_total", total = "all_total", objective = 99, calendar = "month", timeslice = { length = "1m", target = 0.95 } }',
                          { at = "2026-06-01T00:00:00Z" })
    slo.requests(world, 60, 50, 1)
    world:advance "1h"
    local about = slo.about(world, "web")
    assert.near(432, about.allowed, 1e-6) -- a hundredth of 43200 minutes
    assert.near(1 - 59 / 432, about.budget_remaining, 3e-3)
  end)
  it("of what only a ratio is known works likewise", function()
    assert.error_matches(function() slo.new 'slo "w" { ratio = "x[$window]", objective = 99, timeslice = { target = 0.9 } }' end, "needs events")
  end)
end)
