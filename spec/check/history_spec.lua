--- history_spec.lua - how a check changed, and what share of the time it was up.
local api = require "moonwatch.api.checks"
local testing = require "moonwatch.testing"

describe("the history of a check", function()
  local world, bad
  local RULES = 'window "night" { times = "22:00-23:00" }\ncheck "db" { tcp = "127.0.0.1:1", every = "10s", maintenance = { "night" } }'

  before_each(function()
    world, bad = testing.world(RULES, { at = "2026-03-02T12:00:00Z" }), false
    world:probe("tcp", function() return bad and { error = "refused" } or { seconds = 0.02 } end)
  end)

  local function history()
    local answer = api["/api/mw/v1/checks/**"](world.engine, { method = "GET", query = {} }, world.now, "db/history")
    assert.equal(200, answer.status)
    return world.host.json.decode(answer.body)
  end

  it("has every change with its time, its reason and how long it lasted, newest first", function()
    world:advance "10m"
    bad = true
    world:advance "5m"
    bad = false
    world:advance "5m"
    local list = history().changes
    assert.equal(3, #list)
    assert.same({ "healthy", "unhealthy", "healthy" }, { list[1].status, list[2].status, list[3].status })
    assert.equal("refused", list[2].message)
    assert.equal("2026-03-02T12:10:30.000Z", list[2].at)
    assert.equal(290, list[2].seconds)
  end)

  it("keeps the last fifty, also over a restart", function()
    local list = require "moonwatch.check.history"
    local own = {}
    for i = 1, 60 do list.add(own, i, i % 2 == 0 and "healthy" or "unhealthy", "because") end
    assert.equal(50, #own)
    assert.equal(11, own[1].at)
    world:advance "1m"
    bad = true
    world:advance "1m"
    world:restart()
    assert.equal(2, #history().changes)
  end)

  it("counts uptime from what is stored", function()
    world:advance "50m"
    bad = true
    world:advance "10m20s" -- 30 s until it counts as failing
    bad = false
    world:advance "20s"
    local up = history().uptime
    assert.is_true(math.abs(up["1h"].up - 50 / 60) < 0.005, up["1h"].up)
    assert.is_true(up["1h"].covered > 0.98)
  end)

  it("says which part of a window has no data", function()
    world:advance "1h"
    local up = history().uptime
    assert.equal(1, up["24h"].up)
    assert.is_true(math.abs(up["24h"].no_data - 23 / 24) < 0.01, up["24h"].no_data)
    for window, hours in pairs { ["24h"] = 24, ["7d"] = 168, ["30d"] = 720 } do -- one hour is one hour of each
      assert.is_true(math.abs(up[window].covered * hours - 1) < 0.01, window)
    end
  end)

  it("knows of the first seconds, too", function()
    world:advance "30s"
    local up = history().uptime["1h"]
    assert.is_true(up.covered >= 20 / 3600 and up.covered <= 30 / 3600, up.covered) -- from the first probe on
  end)

  it("has no uptime without any data", function()
    local h = history()
    assert.is_nil(h.uptime["1h"].up)
    assert.equal(1, h.uptime["1h"].no_data)
    assert.same({}, h.latency_seconds["1h"])
  end)

  it("does not count maintenance, and says how much that was", function()
    world:advance_to "2026-03-02T21:50:00Z"
    bad = true
    world:advance_to "2026-03-02T22:20:00Z"
    bad = false
    world:advance_to "2026-03-02T23:00:00Z"
    local day = history().uptime["24h"]
    assert.is_true(math.abs(day.up - 590 / 600) < 0.003, day.up)
    assert.is_true(math.abs(day.excused - 1 / 24) < 0.01, day.excused)
  end)

  it("has percentiles of how long probes took", function()
    local n = 0
    world:probe("tcp", function()
      n = n + 1
      return { seconds = n % 100 == 0 and 1 or 0.02 }
    end)
    world:advance "59m"
    local l = history().latency_seconds["1h"]
    assert.equal(0.02, l.p50)
    assert.equal(0.02, l.p90)
    assert.equal(1, l.max)
  end)
end)
