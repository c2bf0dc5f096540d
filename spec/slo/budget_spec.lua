--- budget_spec.lua - how much of an error budget is left, and when its spending wakes somebody.
local testing = require "moonwatch.testing"

local slo = 'slo "web" { good = "good_total", total = "all_total", objective = 99, window = "1h", labels = { service = "web" } }\n'
local left = 'slo_error_budget_remaining{slo="web"}'

-- A world in which BAD of every hundred requests fail, for half an hour.
local function with_failures(bad)
  local world = testing.world(slo)
  world:series("all_total", "0+100x120", { every = "15s" })
  world:series("good_total", ("0+%gx120"):format(100 - bad), { every = "15s" })
  return world:advance "30m"
end

describe("an error budget", function()
  it("is whole without requests", function()
    local world = testing.world(slo)
    world:advance "5m"
    assert.equal(1, world:value(left))
  end)
  it("is whole when nothing failed", function() assert.near(1, with_failures(0):value(left), 1e-9) end)
  it("is half spent when half of the allowed requests failed", function() assert.near(0.5, with_failures(0.5):value(left), 1e-3) end)
  it("never goes below zero", function() assert.equal(0, with_failures(50):value(left)) end)
  it("may have any name", function()
    local world = testing.world((slo:gsub('"web"', [['say "hi" \\ bye']], 1)))
    world:series("all_total", "0+100x120"):series("good_total", "0+50x120")
    world:advance "20m"
    world:kill()
    world:advance "10m"
    assert.equal('say "hi" \\ bye', world:alerts("firing")[1].labels.slo)
    assert.near(0.5, world:value 'slo:sli_error:ratio_rate1h', 1e-6)
    assert.near(30 * 400, world:value "slo_events_total", 200)
  end)
  it("carries the name of its service", function()
    assert.equal(1, #with_failures(0).host.query('slo_error_budget_remaining{service="web"}', 1700001800))
  end)
end)

describe("the burn of a budget", function()
  it("wakes nobody while it is slow", function() assert.same({}, with_failures(0.5):firing()) end)
  it("fires when it is fast over a long and a short window", function()
    assert.same({ "SLOErrorBudgetBurn" }, with_failures(50):firing())
  end)
end)

describe("an objective of which only a ratio is known", function()
  local ratio = [[slo "web" { ratio = "avg_over_time(failing[$window])", objective = 99, window = "1h" }]]
  local function with_ratio(value)
    local world = testing.world(ratio)
    world:series("failing", ("%gx120"):format(value), { every = "15s" })
    return world:advance "30m"
  end

  it("spends its budget as the ratio says", function() assert.near(0.5, with_ratio(0.005):value(left), 1e-3) end)
  it("counts no events", function() assert.is_nil(with_ratio(0.005):value 'slo:sli_events:increase1h{slo="web"}') end)
  it("fires like others", function() assert.same({ "SLOErrorBudgetBurn" }, with_ratio(0.5):firing()) end)
  it("needs the place of the range", function()
    assert.error_matches(function() testing.world [[slo "web" { ratio = "failing", objective = 99 }]] end, "write %$window")
  end)
  it("cannot be asked for a least number of events", function()
    assert.error_matches(function() testing.world [[slo "web" { ratio = "failing[$window]", objective = 99, min_events = 5 }]] end, "ratio")
  end)
end)

describe("an alert on a budget that holds", function()
  it("fires that much later, beside those that do not", function()
    local world = testing.world('slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "1d", alerts = {\n' ..
      '{ burn = 2, long = "10m", short = "1m", severity = "page" }, { burn = 2, long = "20m", short = "2m", hold = "15m", severity = "page" } } }')
    world:series("all_total", "0+60x120", { every = "1m" }):series("bad_total", "0+30x120", { every = "1m" })
    world:advance "1h"
    local first, second
    for _, e in ipairs(world:timeline "SLOErrorBudgetBurn") do
      if e.to == "firing" and e.labels.burn_window == nil then first = e.at end
      if e.to == "firing" and e.labels.burn_window == "20m" then second = e.at end
    end
    assert.near(15 * 60, second - first, 30)
  end)
end)

describe("the alerts on a budget", function()
  local function alerts_of(alerting)
    local world = testing.world(('slo "web" { ratio = "avg_over_time(failing[$window])", objective = 99, window = "1h",\n' ..
                                 'alerts = { { burn = 14.4, long = "5m", short = "1m", severity = "page" },\n' ..
                                 '{ burn = 3, long = "10m", short = "2m", severity = "ticket" } }, alerting = %s }'):format(alerting))
    world:series("failing", "0.5x120", { every = "15s" })
    world:advance "30m"
    local out = {}
    for _, alert in ipairs(world:alerts "firing") do out[alert.labels.severity] = alert end
    return out
  end

  it("have a name, labels and texts of your own", function()
    local alerts = alerts_of [[{ name = "WebBudget", labels = { team = "web" }, annotations = { dashboard = "d/${labels.slo}" } }]]
    assert.equal("WebBudget", alerts.page.labels.alertname)
    assert.equal("web", alerts.ticket.labels.team)
    assert.equal("d/web", alerts.page.annotations.dashboard)
  end)
  it("may say other things for each severity, also what it is called", function()
    local alerts = alerts_of [[{ page = { labels = { severity = "critical", tier = "1" } }, ticket = { annotations = { note = "later" } } }]]
    assert.equal("1", alerts.critical.labels.tier)
    assert.equal("later", alerts.ticket.annotations.note)
    assert.is_nil(alerts.page)
  end)
  it("have a severity that is a plain text, however they are given it", function()
    for _, alerting in ipairs { '{ labels = { severity = "${value}" } }', '{ page = { labels = { severity = function() return "x" end } } }' } do
      assert.error_matches(function() alerts_of(alerting) end, "severity.*expected a plain text")
    end
  end)
  it("may leave a severity out", function()
    local alerts = alerts_of [[{ ticket = false }]]
    assert.is_nil(alerts.ticket)
    assert.is_table(alerts.page)
  end)
end)
