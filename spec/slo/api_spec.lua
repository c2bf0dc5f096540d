--- api_spec.lua - what is told of an SLO: who spent its budget, its gate, its reports, its series under Sloth's names.
local slo = require "slo_world"

local WEB = 'slo "shop-web" { bad = "bad_total", total = "all_total", objective = 99, by = "path", labels = { service = "shop" } }\n'

local function shop(rules, options)
  local world = slo.new(rules or WEB, options or { at = "2026-03-02T00:00:00Z" })
  slo.requests(world, 60, 4, 30, 'path="/pay"')
  slo.requests(world, 600, 0.1, 30, 'path="/list"')
  return world
end

describe("who spent a budget", function()
  it("is told by the values of a label, the worst first", function()
    local spent = slo.about(shop():advance "2h", "shop-web").spent_by
    assert.same({ path = "/pay" }, spent[1].labels)
    assert.near(0.8, spent[1].share, 1e-3)
    assert.near(120 * 2.4, spent[1].bad, 5)
    assert.near(120 * 600, spent[2].total, 1300)
  end)
  it("goes on over a restart", function()
    local world = shop():advance "2h"
    world:kill()
    world:advance "1h"
    assert.near(180 * 2.4, slo.about(world, "shop-web").spent_by[1].bad, 8)
  end)
  it("are at most a hundred and the others together", function()
    local world = slo.new(WEB)
    for i = 1, 130 do world:series(('all_total{path="/%03d"}'):format(i), "0+10x60"):series(('bad_total{path="/%03d"}'):format(i), "0+1x60") end
    world:advance "10m"
    local spent = slo.about(world, "shop-web").spent_by
    assert.equal(101, #spent)
    assert.same({ path = "other" }, spent[1].labels)
    assert.near(30 / 130, spent[1].share, 1e-6)
  end)
  it("is told by the hour", function()
    local world = slo.new(WEB, { at = "2026-03-02T00:00:00Z" })
    world:series("all_total", "0+60x600", { every = "1m" }):series("bad_total", "0x119 0+6x60 360+1x420", { every = "1m" })
    world:advance "6h"
    local hours = slo.about(world, "shop-web").hours
    assert.equal("2026-03-02T02:00:00.000Z", hours[1].from)
    assert.near(0.66, hours[1].share, 0.02)
    assert.equal(4, #hours)
  end)
  it("is told of any stretch of time", function()
    local world = shop():advance "4h"
    local function spent(query) return slo.ask(world, "GET", "/api/mw/v1/slos/shop-web/spent", { query = query }) end
    local status, answer = spent { from = "2026-03-02T01:00:00Z", to = "2026-03-02T03:00:00Z" }
    assert.equal(200, status)
    assert.near(120 * 660, answer.total, 1400)
    assert.near(120 * 3, answer.bad, 7)
    assert.near(0.5, answer.of_budget * slo.about(world, "shop-web").allowed / 720, 0.02)
    assert.same({ path = "/pay" }, answer.spent_by[1].labels)
    assert.near(120 * 2.4, answer.spent_by[1].bad, 6)
    assert.equal(2, #answer.hours)
    assert.equal(400, (spent { from = "long ago" }))
    assert.equal(400, (spent { from = "2026-03-03T01:00:00Z" }))
    assert.equal(200, (spent {}))
  end)
  it("may not be told by labels that the series have for something else", function()
    assert.error_matches(function() slo.new((WEB:gsub('"path"', '"service"'))) end, "for something else")
    assert.error_matches(function() slo.new 'slo "a" { check = "c", objective = 9, by = "x" }\ncheck "c" { tcp = "a:1" }' end, '"by" goes with')
  end)
end)

describe("the way of a budget", function()
  it("begins whole and ends where it is now", function()
    local about = slo.about(shop():advance "5h", "shop-web")
    local points = about.burn_down
    assert.near(1, points[1][2], 1e-9)
    assert.near(about.budget_left, points[#points][2], 1e-6)
    for i = 2, #points do assert.is_true(points[i][2] <= points[i - 1][2] + 1e-9) end
  end)
end)

describe("the gate of an SLO", function()
  local function gate(world, min) return slo.ask(world, "GET", "/api/mw/v1/slos/shop-web/gate", { query = { min = min } }) end
  it("is open while there is budget, and says how much", function()
    local status, answer = gate(shop():advance "1h")
    assert.equal(200, status)
    assert.same({ true, "ok" }, { answer.open, answer.status })
    assert.matches("^shop%-web has 5%d%.%d%% of its error budget left$", answer.reason)
  end)
  it("is closed below what is asked for, however that is written", function()
    local world = shop():advance "1h"
    for _, min in ipairs { "0.6", "60", "60%" } do
      local status, answer = gate(world, min)
      assert.equal(409, status)
      assert.equal("low", answer.status)
      assert.matches("left, and 60.0%% is asked for", answer.reason)
    end
    assert.equal(200, (gate(world, "0.4")))
    assert.equal(400, (gate(world, "much")))
    for _, text in ipairs { "-1", "nan", "inf" } do assert.equal(400, (gate(world, text))) end
  end)
  it("is closed when it is gone, while it burns, and while nobody knows", function()
    local world = slo.new((WEB:gsub(" }\n", ", alerts = false }\n")))
    slo.requests(world, 60, 1.5, 30)
    local status, answer = gate(world:advance "1h")
    assert.same({ 409, "exhausted", "shop-web has spent its error budget" }, { status, answer.status, answer.reason })
    world = slo.new(WEB)
    slo.requests(world, 60, 50, 30)
    status, answer = gate(world:advance "1h")
    assert.same({ 409, "burning" }, { status, answer.status })
    assert.matches("page and ticket alert fires", answer.reason)
    world = shop 'slo "shop-web" { bad = "bad_total", total = "all_total * on() all_total + 0 * sum(rate(all_total[$window]))", objective = 9 }'
    status, answer = gate(world:advance "1h")
    assert.same({ 409, "failed" }, { status, answer.status })
    assert.matches("cannot be measured: ", answer.reason)
  end)
  it("is open when there is nothing to judge by", function()
    local world = slo.new(WEB)
    local early, why = gate(world) -- nor is it open in the moments after a start: the budget may be gone
    assert.equal(409, early)
    assert.equal("not yet", why.status)
    local status, answer = gate(world:advance "1m")
    assert.same({ 200, "no data" }, { status, answer.status })
  end)
  it("is not there for an SLO that is not", function()
    local status, answer = slo.ask(slo.new(WEB), "GET", "/api/mw/v1/slos/shop-wen/gate")
    assert.equal(404, status)
    assert.equal('there is no SLO "shop-wen" (did you mean "shop-web"?)', answer.error.message)
    assert.equal(405, (slo.ask(slo.new(WEB), "POST", "/api/mw/v1/slos/shop-web/gate")))
  end)
end)

describe("an SLO with slashes in its name", function()
  it("is asked like any other", function()
    local world = shop((WEB:gsub("shop%-web", "shop/web/gate")))
    world:advance "1h"
    assert.equal("shop/web/gate", slo.about(world, "shop/web/gate").name)
    local status, answer = slo.ask(world, "GET", "/api/mw/v1/slos/shop/web/gate/gate")
    assert.same({ 200, "shop/web/gate" }, { status, answer.name })
    status, answer = slo.ask(world, "POST", "/api/mw/v1/slos/shop/web/gate/corrections", { body = { from = "2026-03-02T00:10:00Z", ["for"] = "5m", reason = "r", author = "ann" } })
    assert.equal(201, status)
    assert.equal(200, (slo.ask(world, "DELETE", "/api/mw/v1/slos/shop/web/gate/corrections/" .. answer.id, { query = { author = "ann" } })))
    status, answer = slo.ask(world, "GET", "/api/mw/v1/slos/shop/web/gaet")
    assert.same({ 404, 'there is no SLO "shop/web/gaet" (did you mean "shop/web/gate"?)' }, { status, answer.error.message })
    assert.equal(405, (slo.ask(world, "PUT", "/api/mw/v1/slos/shop/web/gate")))
  end)
end)

describe("the report of an SLO", function()
  local function month() -- the SLO is written when all of it is the past: of February it knows the last thirty days before it was written
    local world = slo.new("-- no rule\n", { at = "2026-02-20T00:00:00Z" })
    local all, bad = {}, {}
    for i = 1, 30 * 24 do all[i], bad[i] = i * 3600, math.min(i, 10 * 24) * 72 end -- two in a hundred for ten days
    world:series("all_total", table.concat(all, " "), { every = "1h" }):series("bad_total", table.concat(bad, " "), { every = "1h" })
    world.host.promql { lookback = 7200 }
    return world:advance("20d"):reload(WEB):advance "5m"
  end
  local function report(world, query) return slo.ask(world, "GET", "/api/mw/v1/slos/shop-web/report", { query = query }) end

  it("has a row for each week and month, the newest first", function()
    local world = month()
    local status, answer = report(world, { per = "month" })
    assert.equal(200, status)
    assert.equal(2, #answer.rows)
    local feb = answer.rows[2]
    assert.same({ "2026-02", "2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z", false, false }, { feb.period, feb.from, feb.to, feb.met, feb.whole })
    assert.near(0.98, feb.ratio, 1e-3)
    assert.near(2, feb.budget_spent, 0.02)
    assert.near(9 * 86400, feb.total, 2 * 3600)
    local _, weeks = report(world, { per = "week" })
    local names = {}
    for i, row in ipairs(weeks.rows) do names[i] = row.period end
    assert.same({ "2026-W11", "2026-W10", "2026-W09", "2026-W08" }, names)
    assert.same({ true, true }, { weeks.rows[2].whole, weeks.rows[3].whole })
  end)
  it("may be CSV", function()
    local _, text = report(month(), { per = "month", format = "csv" })
    local lines = {}
    for line in text:gmatch "(.-)\r\n" do lines[#lines + 1] = line end
    assert.equal("slo,period,from,to,whole,events,bad_events,availability,objective,met,budget_spent,left_out_seconds", lines[1])
    assert.matches("^shop%-web,2026%-03,2026%-03%-01T00:00:00.000Z,2026%-04%-01T00:00:00.000Z,false,", lines[2])
    assert.equal(3, #lines)
  end)
  it("is there of all SLOs together", function()
    local world = shop(WEB .. WEB:gsub("shop%-web", "other"))
    world:advance "1h"
    local _, answer = slo.ask(world, "GET", "/api/mw/v1/slo-reports", { query = { per = "week" } })
    assert.same({ "shop-web", "other" }, { answer.reports[1].name, answer.reports[2].name })
  end)
  it("is refused for what it does not know", function()
    local world = shop():advance "1m"
    assert.equal(400, (report(world, { per = "decade" })))
    assert.equal(400, (report(world, { format = "pdf" })))
    assert.equal(400, (report(world, { n = "0" })))
  end)
end)

describe("series under the names that others know", function()
  local SLOTHS = { "slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate30m", "slo:sli_error:ratio_rate1h", "slo:sli_error:ratio_rate2h", "slo:sli_error:ratio_rate6h",
    "slo:sli_error:ratio_rate1d", "slo:sli_error:ratio_rate3d", "slo:sli_error:ratio_rate30d", "slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days",
    "slo:current_burn_rate:ratio", "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio", "sloth_slo_info" }
  it("are all of Sloth's, with its labels", function()
    local world = shop():advance "1h"
    for _, name in ipairs(SLOTHS) do
      local rows = world.host.query(name .. '{sloth_id="shop-web",sloth_service="shop",sloth_slo="web"}', world.now)
      assert.equal(1, #rows, name)
      local window = name:match "ratio_rate(.*)"
      assert.equal(window, rows[1].labels.sloth_window)
    end
    assert.equal(30, world:value "slo:time_period:days")
    assert.near(0.01, world:value "slo:error_budget:ratio", 1e-12)
    assert.near(1 - world:value "slo:period_burn_rate:ratio", world:value "slo:period_error_budget_remaining:ratio", 1e-12)
  end)
  it("are those of services", function()
    local world = shop():advance "1h"
    assert.near(60 * 660, world:value 'sli_availability_total{service="shop",status="success"} + ignoring(status) sli_availability_total{service="shop",status="failure"}', 700)
    assert.is_number(world:value 'slo_error_budget_remaining{service="shop"}')
  end)
  it("leave the labels of alerts alone", function()
    local world = slo.new(WEB)
    slo.requests(world, 60, 50, 30)
    local alert = world:advance("1h"):alerts("firing", "SLOErrorBudgetBurn")[1]
    assert.same({ alertname = "SLOErrorBudgetBurn", severity = "page", slo = "shop-web", service = "shop" }, alert.labels)
  end)
end)
