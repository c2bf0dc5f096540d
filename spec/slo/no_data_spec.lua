--- no_data_spec.lua - what it means when nothing happens, or nobody says whether it does.
local slo = require "slo_world"

local function web(fields) return slo.new(('slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "1d"%s }'):format(fields)) end

local function silent(fields, seconds)
  local world = web(fields)
  slo.requests(world, 600, 50, 1)
  world:advance "1h"
  return world:advance(seconds)
end

describe("no events", function()
  it("are nothing to burn: alerts end", function()
    local world = silent("", "0s")
    assert.same({ "SLOErrorBudgetBurn" }, world:firing())
    world:advance "2h"
    assert.same({}, world:firing())
    assert.equal("missing", slo.about(world, "web").counting)
  end)
  it("leave alerts as they are, when the policy is to hold", function()
    local world = silent(', no_data = "hold"', "3h")
    assert.same({ "SLOErrorBudgetBurn" }, world:firing())
  end)
  it("raise an alert of their own, when that is the policy", function()
    local world = silent(', no_data = { policy = "alert", after = "20m", severity = "page" }', "15m")
    local function alert() return world:alerts("firing", "SLONoData")[1] end
    assert.is_nil(alert())
    world:advance "10m"
    assert.equal("page", alert().labels.severity)
    assert.equal("web", alert().labels.slo)
    assert.matches("web has counted no event for", alert().annotations.summary)
    slo.requests(world, 600, 0, 1)
    world:advance "5m"
    assert.is_nil(alert())
  end)
  it("burn as much as usually happens, when that is the policy", function()
    local world = silent(', no_data = "burn"', "0s")
    local before = slo.about(world, "web")
    world:advance "70m"
    local about = slo.about(world, "web")
    -- An hour of ten a second, all of them bad, after the ten minutes that were waited.
    assert.near(36000, about.bad - before.bad, 36000 * 0.03)
    assert.near(36000, about.total - before.total, 36000 * 0.03)
  end)
  it("say how long there have been none", function()
    assert.near(1800, silent("", "30m"):value 'slo_no_data_seconds{slo="web"}', 90)
  end)
  it("are a question only where events are counted", function()
    assert.error_matches(function() slo.new 'slo "w" { ratio = "x[$window]", objective = 99, no_data = "hold" }' end, '"no_data" needs events')
    assert.error_matches(function() slo.new 'slo "w" { good = "x", total = "y", objective = 99, no_data = "hodl" }' end, 'did you mean "hold"')
  end)
end)

describe("few events", function()
  it("wake nobody, however many of them are bad, when a least number is asked for", function()
    local function night(fields)
      local world = web(fields)
      world:series("all_total", "0+1x60", { every = "1m" }):series("bad_total", "0+1x60", { every = "1m" })
      return world:advance "30m":firing()
    end
    assert.same({ "SLOErrorBudgetBurn" }, night "")
    assert.same({}, night ", min_events = 1000")
  end)
end)
