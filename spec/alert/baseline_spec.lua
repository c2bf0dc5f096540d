--- baseline_spec.lua - alerts on what is not as it was in the same hour of the last weeks.
local baseline = require "moonwatch.alert.baseline"
local testing = require "moonwatch.testing"

local WEEK, HOUR = 7 * 86400, 3600

-- A world that has seen the value OF(week, moment) of x, one sample a minute for three hours around now in each of WEEKS.
local function world(fields, weeks, of, options)
  local w = testing.world(('alert "A" { expr = "x", every = "1m", baseline = { %s }%s }\n'):format(fields, options or ""))
  local rows = {}
  for week = 1, weeks do
    for at = -HOUR, 2 * HOUR, 60 do
      rows[#rows + 1] = { labels = { __name__ = "x", job = "web" }, t = w.now - week * WEEK + at, value = of(week, at) }
    end
  end
  w.host.append(rows)
  return w
end

-- A value that moves a little: 100, 102, 98 and again.  The spread is 1.4826 * 2.
local function moving(_, at) return 100 + ({ 0, 2, -2 })[at / 60 % 3 + 1] end

local function fires(w, value)
  w:set('x{job="web"}', value):advance "1m"
  return #w:firing() > 0
end

describe("the middle and the spread", function()
  it("are the median and the scaled median distance, whatever a few wild values do", function()
    local center, spread = baseline.robust { 1, 2, 3, 4, 1000 }
    assert.equal(3, center)
    assert.near(1.4826, spread, 1e-9)
    assert.equal(2.5, baseline.median { 4, 1, 2, 3 })
    center, spread = baseline.robust { 50, 50, 50 }
    assert.equal(50, center)
    assert.equal(0.05, spread)
  end)
end)

describe("baseline", function()
  it("fires on either side of what is usual, and knows what that is", function()
    local w = world("deviations = 4", 4, moving, ', summary = "${value}, not ${expected}; up to ${threshold}"')
    assert.is_false(fires(w, 101))
    assert.is_true(fires(w, 120))
    assert.equal("120, not 100; up to 111.8608", w:alerts("firing")[1].annotations.summary)
    assert.is_false(fires(w, 100))
    assert.is_true(fires(w, 80))
    assert.equal("80, not 100; up to 88.1392", w:alerts("firing")[1].annotations.summary)
  end)
  it("looks at one side only when that is said", function()
    local w = world('deviations = 4, direction = "above"', 4, moving)
    assert.is_false(fires(w, 50))
    assert.is_true(fires(w, 150))
    w = world('deviations = 4, direction = "below"', 4, moving)
    assert.is_false(fires(w, 150))
    assert.is_true(fires(w, 50))
  end)
  it("is not moved by one bad week", function()
    local w = world("deviations = 4", 4, function(week, at) return week == 2 and 5000 or moving(week, at) end)
    assert.is_true(fires(w, 130))
    assert.is_false(fires(w, 101))
  end)
  it("does not judge a series with too little history", function()
    local w = world("min_weeks = 3", 2, moving)
    assert.is_false(fires(w, 10000))
    assert.equal("1 series have too little history to be judged", w.engine.by_id["alert/A"].problem)
    w = world("min_weeks = 2", 2, moving)
    assert.is_true(fires(w, 10000))
  end)
  it("leaves small distances alone that at_least names", function()
    local w = world("at_least = 10", 4, function() return 100 end)
    assert.is_false(fires(w, 109))
    assert.is_true(fires(w, 111))
  end)
  it("has severities and a way back of its own", function()
    local w = world("deviations = { warning = 4, page = 10 }, clear = 2", 4, moving)
    assert.is_true(fires(w, 113))
    assert.equal("warning", w:alerts("firing")[1].labels.severity)
    assert.is_true(fires(w, 131))
    assert.equal("page", w:alerts("firing")[1].labels.severity)
    assert.is_true(fires(w, 107))
    assert.is_false(fires(w, 105))
  end)
  it("asks for its history once an hour", function()
    local w = world("deviations = 4", 4, moving)
    local range, asked = w.host.range, 0
    w.host.range = function(...)
      asked = asked + 1
      return range(...)
    end
    assert.is_false(fires(w, 101))
    local once = asked
    assert.equal(4, once)
    w:advance "10m"
    assert.equal(once, asked)
    w:advance "1h"
    assert.equal(2 * once, asked)
  end)
  it("compares the same hour on the clocks of a zone, also when they were changed meanwhile", function()
    -- 2023-10-29 the clocks of Berlin went back: 9:00 there is 8:00 UTC after it and 7:00 UTC before.
    local monday = 1698652800 -- 2023-10-30 08:00 UTC
    local w = testing.world 'alert "A" { expr = "x", every = "1m", baseline = { weeks = 1, min_weeks = 1, zone = "Europe/Berlin" } }\n'
    local rows = {}
    for at = -2 * HOUR, 2 * HOUR, 60 do
      rows[#rows + 1] = { labels = { __name__ = "x" }, t = monday - WEEK + at, value = at < 0 and at >= -HOUR and 7 or 1 }
    end
    w.host.append(rows)
    local runner = w.engine.by_id["alert/A"]
    local row = { labels = {}, value = 7 }
    assert.is_nil(baseline.prepare(runner, { row }, monday + 60))
    assert.equal(7, row.expected)
  end)
end)
