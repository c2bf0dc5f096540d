--- silences_spec.lua - silences that a backtest takes up mean what they meant.
local fake = require "fake_host"
local silences = require "moonwatch.backtest.silences"

local function read(s)
  s.startsAt, s.endsAt = "2026-05-28T20:00:00Z", "2026-05-28T22:00:00Z"
  s.matchers = s.matchers or { { name = "a", value = "b", isRegex = false } }
  local list, why = silences.read(fake.new(), { s })
  return list and list[1], why
end

describe("silences of a backtest", function()
  it("keep to one receiver, to their hours, and to any of their sets of matchers", function()
    assert.same({ "hook" }, read({ receivers = { "hook" } }).receivers)
    assert.same({ times = "02:00-04:00" }, read({ recurring = { times = "02:00-04:00" } }).recurring)
    assert.equal("night", read({ window = "night" }).window)
    local first, second = { name = "a", value = "b" }, { name = "c", value = "d" }
    assert.equal("c", read({ matcherSets = { { first }, { second } } }).others[1][1].name)
    assert.equal("c", read({ others = { { second } } }).others[1][1].name)
  end)

  it("are refused when a set has no matchers", function()
    assert.equal("silence 1 has no matchers", select(2, read({ matcherSets = { {}, {} } })))
    assert.equal("silence 1 has no matchers", select(2, read({ matchers = {} })))
  end)
end)
