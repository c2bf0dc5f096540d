--- workbook_spec.lua - the worked examples of the SRE workbook ("Alerting on SLOs"), to the digit.
local host = require "moonwatch.host"
local budget = require "moonwatch.slo.budget"
local burn = require "moonwatch.slo.burn"
local slo = require "slo_world"

local DAY, HOUR = 86400, 3600

describe("the error budget of the workbook", function()
  it("of 99.9 % and a million requests is a thousand errors", function()
    assert.near(0.5, budget.remaining(0.999, { total = 1e6, bad = 500 }), 1e-12)
    assert.equal(0, budget.remaining(0.999, { total = 1e6, bad = 1500 }))
    assert.near(-0.5, budget.left(0.999, { total = 1e6, bad = 1500 }), 1e-12)
    assert.equal(1, budget.remaining(0.999, { total = 0, bad = 0 }))
  end)
  it("of four weeks is 43 minutes and 12 seconds of outage a month at 99.9 %", function()
    assert.near(43 * 60 + 12, (1 - 0.999) * 30 * DAY, 1e-6)
  end)
  -- Table 5-4: burn rate, error rate for a 99.9 % SLO, time to exhaustion.
  it("is exhausted as fast as the burn rate says", function()
    for _, row in ipairs { { 1, 0.001, 30 * DAY }, { 2, 0.002, 15 * DAY }, { 10, 0.01, 3 * DAY }, { 1000, 1, 43.2 * 60 } } do
      assert.near(row[1], budget.burn(0.999, row[2]), 1e-9)
      assert.near(row[3], 30 * DAY / budget.burn(0.999, row[2]), 1e-4)
    end
  end)
end)

describe("the burn rates of the workbook", function()
  local function pairs_of(window) return burn.pairs { window = window, alerts = true } end
  -- Table 5-8: share of the budget = burn rate * long window / period.
  it("spend 2 %, 5 % and 10 % of thirty days, with short windows of a twelfth", function()
    local want = { { 14.4, HOUR, 300, 0.02, "page" }, { 6, 6 * HOUR, 1800, 0.05, "page" }, { 3, DAY, 2 * HOUR, 0.1, "ticket" }, { 1, 3 * DAY, 6 * HOUR, 0.1, "ticket" } }
    for i, p in ipairs(pairs_of(30 * DAY)) do
      assert.same({ want[i][1], want[i][2], want[i][3], want[i][5] }, { p.burn, p.long, p.short, p.severity })
      assert.near(want[i][4], p.burn * p.long / (30 * DAY), 1e-12)
      assert.equal(12, p.long / p.short)
    end
  end)
  it("are 13.44, 5.6, 2.8 and 0.933 of 28 days, as Sloth has them", function()
    local got = {}
    for i, p in ipairs(pairs_of(28 * DAY)) do got[i] = ("%.4g"):format(p.burn) end
    assert.same({ "13.44", "5.6", "2.8", "0.9333" }, got)
  end)
  it("of a week have windows of a week: the same share of the budget", function()
    for i, p in ipairs(pairs_of(7 * DAY)) do
      assert.near(({ 0.02, 0.05, 0.1, 0.1 })[i], p.burn * p.long / (7 * DAY), 1e-12)
    end
  end)
end)

describe("the detection of an outage", function()
  -- The workbook: time to detection = (1 - objective) / error ratio * window * burn rate.
  local function detected(percent)
    local world = slo.new 'slo "web" { bad = "bad_total", total = "all_total", objective = 99.9 }'
    local n, all, bad = 4 * 60 * 26, {}, {}
    for i = 1, n do
      all[i] = i * 100
      bad[i] = math.max(0, i - 4 * 60 * 25) * percent -- a day without errors, then so many of a hundred
    end
    world:series("all_total", table.concat(all, " ")):series("bad_total", table.concat(bad, " "))
    world:advance(n * 15)
    for _, change in ipairs(world:timeline "SLOErrorBudgetBurn") do
      if change.to == "firing" and change.labels.severity == "page" then return change.at - 25 * HOUR end
    end
  end
  -- Samples come each 15 s and rules are evaluated each 30 s: so much later at most.
  local function expect(percent, seconds)
    local at = assert(detected(percent), "never")
    assert.is_true(at >= seconds - 15 and at <= seconds + 45, ("detected after %g s, %g s by the workbook"):format(at, seconds))
  end
  it("of everything takes 52 seconds", function() expect(100, 0.001 / 1 * HOUR * 14.4) end)
  it("of a tenth takes 8.6 minutes", function() expect(10, 0.001 / 0.1 * HOUR * 14.4) end)
  it("of two in a hundred takes 43 minutes", function() expect(2, 0.001 / 0.02 * HOUR * 14.4) end)
end)

describe("the outlook", function()
  local function outlook(bad, advance, fields)
    local world = slo.new(('slo "web" { bad = "bad_total", total = "all_total", objective = 99%s }'):format(fields or ""), { at = "2026-03-02T00:00:00Z" })
    slo.requests(world, 60, bad, 24 * 20)
    world:advance(advance)
    return slo.about(world, "web"), world
  end
  it("of a steady burn is where the line ends", function()
    -- Three times too fast from the beginning: gone from the first day on.
    local about = outlook(3, "1d")
    assert.equal(0, about.budget_remaining)
    assert.matches("the budget is gone", about.forecast.text)
  end)
  it("says when the budget will be gone", function()
    -- Five days without an error, then at twice the rate: gone once the bad half weighs as much as the good one.
    local rule = 'slo "web" { bad = "bad_total", total = "all_total", objective = 99 }'
    local world = slo.new("-- no rule\n", { at = "2026-03-02T00:00:00Z" })
    local all, bad = {}, {}
    for i = 1, 6 * 288 do all[i], bad[i] = i * 300, math.max(0, i - 5 * 288) * 6 end
    world:series("all_total", table.concat(all, " "), { every = "5m" }):series("bad_total", table.concat(bad, " "), { every = "5m" })
    world:advance("6d"):reload(rule):advance "2m"
    local about = slo.about(world, "web")
    assert.near(2, about.forecast.burn, 0.01)
    assert.near(host.parse_time "2026-03-12T00:00:00Z", host.parse_time(about.forecast.gone_at), 2 * HOUR)
    assert.matches("^at the rate of the last 6h the budget is gone on %a%a%a 2026%-03%-1[12] %d%d:%d%d$", about.forecast.text)
  end)
  it("says that it lasts", function()
    local about = outlook(0.5, "1d")
    assert.is_nil(about.forecast.gone_at)
    assert.equal("at the rate of the last 6h the budget lasts", about.forecast.text)
    about = outlook(0.5, "1d", ', calendar = "month"')
    assert.equal("at the rate of the last 6h the budget lasts until the month ends on Wed 2026-04-01 00:00", about.forecast.text)
  end)
  it("says when there will be some again", function()
    -- Half of a day fails; a window of four days is well again when that day has left it.
    local world = slo.new('slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "4d" }', { at = "2026-03-02T00:00:00Z" })
    local all, bad = {}, {}
    for i = 1, 3 * 288 do all[i], bad[i] = i * 300, math.min(i, 288) * 150 end
    world:series("all_total", table.concat(all, " "), { every = "5m" }):series("bad_total", table.concat(bad, " "), { every = "5m" })
    world:advance "3d"
    local about = slo.about(world, "web")
    assert.equal(0, about.budget_remaining)
    assert.near(host.parse_time "2026-03-06T23:00:00Z", host.parse_time(about.forecast.back_at), 3 * HOUR)
    assert.matches("there is some again on Fri 2026%-03%-06 2", about.forecast.text)
  end)
end)
