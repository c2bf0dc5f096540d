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
