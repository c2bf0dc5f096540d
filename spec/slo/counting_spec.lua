--- counting_spec.lua - what an SLO counts stays counted: over restarts and gaps, by traffic, without reading it twice.
local rounds = require "rounds"
local testing = require "moonwatch.testing"

local SLO = 'slo "web" { good = "good_total", total = "all_total", objective = 99, window = "1d", labels = { service = "shop" } }\n'

local function events(world) return world:value 'slo_events_total{slo="web"}', world:value 'slo_bad_events_total{slo="web"}' end
local function left(world) return world:value 'slo_error_budget_remaining{slo="web"}' end

-- One request a second, BAD of a hundred fail, sampled each 15 s for so many HOURS.
local function requests(world, bad, hours)
  local n = hours * 240
  world:series("all_total", ("0+15x%d"):format(n))
  world:series("good_total", ("0+%gx%d"):format(15 * (100 - bad) / 100, n))
  return world
end

describe("the events of an SLO", function()
  it("are counted one by one, whatever falls between two evaluations", function()
    local world = requests(testing.world(SLO), 10, 3)
    world:advance "2h"
    local total, bad = events(world)
    assert.near(7200, total, 30)
    assert.near(total / 10, bad, 1e-6)
    local raw = world.host.query("all_total", world.now)[1].value
    assert.is_true(raw - total <= 30, "the sum is as far as the counter, less what was there at the beginning")
  end)

  it("are counted though counters begin anew, and those who have them come and go", function()
    for seed = 1, rounds(4) do
      math.randomseed(seed)
      local world, truth = testing.world(SLO), 0
      local pods = {}
      world:advance "1m"
      for i = 1, 8 do pods[i] = { value = 0, born = i <= 5 and 1 or math.random(20, 200), dies = i == 1 and 480 or math.random(220, 480) } end
      for step = 1, 480 do
        local rows = {}
        for i, pod in ipairs(pods) do
          if step >= pod.born and step <= pod.dies then
            local n = step > pod.born and math.random(0, 30) or 0
            if pod.value > 100 and math.random() < 0.02 then pod.value = 0 end -- it was restarted: what it has now is new
            pod.value, truth = pod.value + n, truth + n
            for _, name in ipairs { "all_total", "good_total" } do
              rows[#rows + 1] = { labels = { __name__ = name, pod = tostring(i) }, t = world.now + i / 10, value = pod.value }
            end
          elseif step == pod.dies + 1 then
            for _, name in ipairs { "all_total", "good_total" } do rows[#rows + 1] = { labels = { __name__ = name, pod = tostring(i) }, t = world.now + i / 10, value = "stale" } end
          end
        end
        world.host.append(rows)
        world:advance "15s"
      end
      world:advance "1m"
      local total, bad = events(world)
      assert.near(truth, total, 1e-6, "seed " .. seed)
      assert.near(0, bad, 1e-6)
    end
  end)

  it("are counted when they come late, however late each of them is", function()
    for _, late in ipairs { 10, 40, 200 } do
      local world = testing.world(SLO)
      local function sample(i) -- of so long ago
        if world.now - late <= world.start then return end
        world.host.append { { labels = { __name__ = "all_total" }, t = world.now - late, value = i * 15 },
                            { labels = { __name__ = "good_total" }, t = world.now - late, value = i * 13 } }
      end
      for i = 1, 480 do
        world:advance "15s"
        sample(i)
      end
      local first = math.ceil((late + 15) / 15) * 15
      local total, bad = events(world:advance "30s")
      assert.near(7200 - first, total, 31, late .. " s late")
      assert.near(total * 2 / 15, bad, 1e-6)
    end
  end)

  it("stay counted when the program is killed, and what happened meanwhile is counted once", function()
    local world = requests(testing.world(SLO), 10, 5)
    world:advance "90m"
    local before = events(world)
    world:kill { down = "20m" }
    world:advance "40m"
    local total, bad = events(world)
    assert.near(150 * 60, total, 45)
    assert.near(total / 10, bad, 1)
    assert.is_true(before < total)
  end)

  it("stay counted over a restart in good order and over a reload", function()
    local world = requests(testing.world(SLO), 10, 5)
    world:advance "1h"
    world:restart()
    world:advance "30m"
    world:reload(SLO .. "-- another text\n")
    world:advance "30m"
    local total = events(world)
    assert.near(7200, total, 45)
  end)

  it("are evenly spread over a time in which nobody counted, so that the end of it is no peak", function()
    local world = testing.world(SLO)
    -- All of it fails for the twenty minutes in which the program is away.
    world:series("all_total", "0+15x1000")
    world:series("good_total", "0+15x240 3600x80 3600+15x500")
    world:advance "1h"
    world.host.series_append({ __name__ = "x" }, world.now, 15, { 1 }, 1, 1)
    world:kill { down = "20m" }
    world:advance "30m"
    local short = world:value 'slo:sli_error:ratio_rate5m{slo="web"}'
    assert.near(0, short or 0, 0.01)
  end)

  it("that were there before the SLO are counted out of the raw series", function()
    local world = requests(testing.world "-- nothing yet\n", 2, 24)
    world:advance "20h"
    world:reload(SLO)
    world:advance "1m"
    assert.near(20 * 3600, world:value 'slo:sli_events:increase1d{slo="web"}', 200)
    assert.near(0, left(world), 1e-6)
    world:advance "2h"
    assert.near(22 * 3600, world:value 'slo:sli_events:increase1d{slo="web"}', 200)
    world:kill()
    world:advance "30m"
    assert.near(22.5 * 3600, world:value 'slo:sli_events:increase1d{slo="web"}', 250)
  end)

  it("stay counted when the store has forgotten the samples, by the hour or the day", function()
    local MONTH = SLO:gsub('"1d"', '"30d"')
    local world = testing.world(MONTH, { at = "2026-03-01T00:00:00Z" })
    world:series("all_total", "0+300x5760", { every = "5m" }):series("good_total", "0+297x5760", { every = "5m" })
    for _, days in ipairs { 3, 15 } do -- young ones are saved by the hour, older ones by the day
      world:advance(("%dd"):format(days))
      local before = world:value 'slo:sli_events:increase30d{slo="web"}'
      local other = testing.world(MONTH, { at = world.now })
      other.engine:restore(world.host.json.decode(world.engine:snapshot(world.now, true)), world.now)
      other:advance "1m"
      assert.near(before, other:value 'slo:sli_events:increase30d{slo="web"}', before * 0.002)
      assert.near(0, left(other), 0.01)
      local runner, old = other.engine.by_id["slo/web"], world.engine.by_id["slo/web"]
      local whole = old:between(world.start, world.now).total
      assert.near(whole / 2, runner:between(world.start + (world.now - world.start) / 2, world.now).total, whole * 0.02)
    end
  end)

  it("are others once the SLO is about something else", function()
    local world = requests(testing.world(SLO), 10, 6)
    world:advance "2h"
    world:reload((SLO:gsub("good_total", "all_total")))
    world:advance "1m"
    assert.near(1, left(world), 1e-6)
    world:restart()
    world:advance "1m"
    assert.near(1, left(world), 1e-6)
  end)

  it("weigh what they weigh: a quiet night with an error is no bad night", function()
    -- A thousand requests a minute by day, two by night, one of which fails.
    local world = testing.world 'slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "1d" }\n'
    world:series("all_total", "0+1000x60 60000+2x60", { every = "1m" })
    world:series("bad_total", "0+0x60 0+1x60", { every = "1m" })
    world:advance "2h"
    local ratio = world:value 'slo:sli_error:ratio_rate1d{slo="web"}'
    assert.near(60 / 60120, ratio, 2e-4)
    assert.is_true(left(world) > 0.88)
  end)

  it("may be said by an expression", function()
    local world = testing.world([[slo "web" { good = 'sum(rate(good_total[$window]))', total = 'sum(rate(all_total[$window]))', objective = 99, window = "1d" }]])
    requests(world, 10, 3):advance "2h"
    local total, bad = events(world)
    assert.near(7200, total, 30)
    assert.near(total / 10, bad, 1e-6)
  end)

  it("are the same to a few in a hundred where ranges are closed, as in Prometheus 2", function()
    local world = requests(testing.world('settings { promql = { ranges = "closed" } }\n' .. SLO), 10, 3)
    world:advance "2h"
    local total, bad = events(world)
    assert.near(7200, total, 400)
    assert.near(total / 10, bad, 1)
    assert.near(0.1, world:value 'slo:sli_error:ratio_rate5m{slo="web"}', 0.01)
  end)
end)
