--- kinds_spec.lua - what an SLO may be about: counters, histograms of both sorts, checks, log records, spans, other SLOs.
local slo = require "slo_world"

local function counted(world, name)
  return world:value(('slo_events_total{slo="%s"}'):format(name)), world:value(('slo_bad_events_total{slo="%s"}'):format(name))
end

local function notes(world, name) return table.concat(slo.about(world, name).notes, "\n") end

describe("an SLO on latency", function()
  -- Ten requests each 15 s: 6 up to 0.1 s, 8 up to 0.25 s, 9 up to 1 s.
  local function classic(rules)
    local world = slo.new(rules)
    for le, n in pairs { ["0.1"] = 6, ["0.25"] = 8, ["1.0"] = 9, ["+Inf"] = 10 } do
      world:series(('took_seconds_bucket{le="%s"}'):format(le), ("0+%dx480"):format(n))
    end
    world:series("took_seconds_count", "0+10x480"):series("took_seconds_sum", "0+3x480")
    return world:advance "1h"
  end

  it("counts the bucket of its bound, however that is written", function()
    local world = classic('slo "a" { latency = { metric = "took_seconds", under = "250ms" }, objective = 99 }\n' ..
                          'slo "b" { latency = { metric = "took_seconds", under = "1s" }, objective = 99 }')
    local total, bad = counted(world, "a")
    assert.near(2400, total, 25)
    assert.near(0.2, bad / total, 1e-9)
    total, bad = counted(world, "b")
    assert.near(0.1, bad / total, 1e-9)
    assert.equal("", notes(world, "a"))
  end)
  it("counts a bucket that targets write in different ways, and all by the last one", function()
    local world = slo.new 'slo "a" { latency = { metric = "took_seconds", under = "1s" }, objective = 99 }'
    for _, le in ipairs { "1", "1.0" } do
      world:series(('took_seconds_bucket{pod="%s",le="%s"}'):format(le, le), "0+9x60"):series(('took_seconds_bucket{pod="%s",le="+Inf"}'):format(le), "0+10x60")
    end
    local total, bad = counted(world:advance "10m", "a")
    assert.near(0.1, bad / total, 1e-9)
  end)
  it("interpolates between two buckets, and says so", function()
    local world = classic 'slo "a" { latency = { metric = "took_seconds", under = "175ms" }, objective = 99 }'
    local total, bad = counted(world, "a")
    assert.near(0.3, bad / total, 1e-9) -- half of the way from 6 to 8 are faster
    assert.matches("0.175s is no bucket of took_seconds: between 0.1s and 0.25s it is interpolated", notes(world, "a"), 1, true)
  end)
  it("interpolates below the first bucket, and takes what is above the last one for too slow", function()
    local world = classic('slo "a" { latency = { metric = "took_seconds", under = "50ms" }, objective = 99 }\n' ..
                          'slo "b" { latency = { metric = "took_seconds", under = "5s" }, objective = 99 }')
    local total, bad = counted(world, "a")
    assert.near(0.7, bad / total, 1e-9)
    total, bad = counted(world, "b")
    assert.near(0.1, bad / total, 1e-9)
    assert.matches("above its last one", notes(world, "b"))
  end)
  it("may be a quantile: so many are to be under the bound", function()
    local world = classic 'slo "a" { latency = { metric = "took_seconds", under = "250ms", quantile = 0.95 }, labels = { service = "shop" } }'
    assert.equal(0.95, slo.about(world, "a").objective)
    assert.near(4, world:value 'slo:current_burn_rate:ratio{slo="a"}', 1e-9) -- 20% of 5%
    assert.near(1, world:value 'sli_latency_seconds{service="shop",quantile="0.95"}', 1e-9)
  end)
  it("counts native histograms", function()
    local world = slo.new 'slo "a" { latency = { metric = "took_seconds", under = "1s" }, objective = 99 }'
    -- schema 0: buckets (0.5,1], (1,2]; 3 and 1 a step.
    world:series("took_seconds", "{{schema:0 count:0 sum:0 buckets:[0 0] offset:0}}+{{schema:0 count:4 sum:4 buckets:[3 1] offset:0}}x240")
    world:advance "1h"
    local total, bad = counted(world, "a")
    assert.near(960, total, 10)
    assert.near(0.25, bad / total, 1e-6)
    assert.matches("native histogram", notes(world, "a"))
  end)
end)

describe("an SLO on a check", function()
  it("has its probes for events", function()
    local world = slo.new('check "front" { tcp = "127.0.0.1:1", every = "10s", fail_after = 1, pass_after = 1 }\n' ..
                          'slo "up" { check = "front", objective = 90 }')
    world:probe("tcp", function() return { seconds = 0.01 } end)
    world:advance "30m"
    world:probe("tcp", function() return { error = "refused", seconds = 0.01 } end)
    world:advance "10m"
    local total, bad = counted(world, "up")
    assert.near(240, total, 5)
    assert.near(60, bad, 5)
  end)
  it("needs a check of that name", function()
    assert.error_matches(function() slo.new 'slo "up" { check = "fron", objective = 90 }\ncheck "front" { tcp = "127.0.0.1:1" }' end,
                         'there is no check "fron" %(did you mean "front"%?%)')
  end)
end)

describe("an SLO on log records", function()
  it("counts those that are bad among all", function()
    local world = slo.new [[slo "mail" { logs = { bad = { selector = '{job="mail"}', contains = "bounced" }, total = { selector = '{job="mail"}' } }, objective = 90 }]]
    for i = 1, 40 do
      world:logs { message = i % 4 == 0 and "bounced" or "sent", stream = { job = "mail" } }
      world:logs { message = "bounced", stream = { job = "other" } }
      world:advance "30s"
    end
    world:advance "2m"
    local total, bad = counted(world, "mail")
    assert.equal(40, total)
    assert.equal(10, bad)
  end)
  it("counts those of a level", function()
    local world = slo.new [[slo "mail" { logs = { good = { selector = '{job="mail"}', contains = "sent" }, total = { selector = '{job="mail"}', level = "info" } }, objective = 90 }]]
    world:advance "1m"
    for _ = 1, 10 do
      world:logs { { message = "sent", stream = { job = "mail" }, level = "info" }, { message = "lost", stream = { job = "mail" }, level = "error" } }
      world:advance "30s"
    end
    world:advance "2m"
    local total, bad = counted(world, "mail")
    assert.equal(20, total)
    assert.equal(10, bad)
  end)
end)

describe("an SLO on spans", function()
  local function spans(fields)
    local world = slo.new(('slo "pay" { spans = { service = "shop"%s }, objective = 90 }'):format(fields))
    for i = 1, 40 do
      local n = ("%032x"):format(i)
      world:span { service = "shop", name = "pay", duration = i % 10 == 0 and 2 or 0.1, error = i % 4 == 0, trace = n, span = ("%016x"):format(i), tags = { region = i % 2 == 0 and "eu" or "us" } }
      world:span { service = "shop", name = "browse", duration = 0.1, trace = n, span = ("%016x"):format(1000 + i), parent = ("%016x"):format(i) }
      world:advance "30s"
    end
    return counted(world:advance "2m", "pay")
  end
  it("counts those of a service with an error", function() assert.same({ 80, 10 }, { spans "" }) end)
  it("counts those of one name", function() assert.same({ 40, 10 }, { spans ', name = "pay"' }) end)
  it("counts slow ones, too, each once", function() assert.same({ 40, 12 }, { spans ', name = "pay", under = "1s"' }) end)
  it("counts only slow ones when errors do not matter", function() assert.same({ 40, 4 }, { spans ', name = "pay", under = "1s", errors = false' }) end)
  it("counts those with an attribute", function() assert.same({ 20, 10 }, { spans ', name = "pay", tags = { region = "eu" }' }) end)
end)

describe("an SLO that is made of others", function()
  local PARTS = 'slo "a" { bad = "bad_total{job=\\"a\\"}", total = "all_total{job=\\"a\\"}", objective = 99 }\n' ..
                'slo "b" { bad = "bad_total{job=\\"b\\"}", total = "all_total{job=\\"b\\"}", objective = 99 }\n'
  local function with(of)
    local world = slo.new(PARTS .. ('slo "all" { of = %s, objective = 90 }'):format(of))
    slo.requests(world, 900, 1, 4, 'job="a"')
    slo.requests(world, 100, 21, 4, 'job="b"')
    return world:advance "2h"
  end
  it("adds up their events", function()
    assert.near(0.03, slo.about(with '{ { slo = "a" }, { slo = "b" } }', "all").error_ratio, 1e-6)
  end)
  it("weighs their ratios", function()
    local about = slo.about(with '{ { slo = "a", weight = 3 }, { slo = "b", weight = 1 } }', "all")
    assert.near((3 * 0.01 + 0.21) / 4, about.error_ratio, 1e-6)
    assert.near(0.4, about.budget_remaining, 1e-4)
  end)
  it("burns, is forecast and gated like others", function()
    local world = with '{ { slo = "b" } }'
    assert.near(2.1, world:value 'slo:current_burn_rate:ratio{slo="all"}', 1e-6)
    assert.equal("burning", slo.about(world, "all").status)
    assert.equal(409, (slo.ask(world, "GET", "/api/mw/v1/slos/all/gate")))
  end)
  it("cannot be made of itself, nor of what is not there or counts nothing", function()
    local function refused(rules, why) assert.error_matches(function() slo.new(rules) end, why) end
    refused('slo "x" { of = { { slo = "y" } }, objective = 9 }\nslo "y" { of = { { slo = "x" } }, objective = 9 }', "is made of itself")
    refused(PARTS .. 'slo "x" { of = { { slo = "aa" } }, objective = 9 }', 'there is no slo "aa"')
    refused('slo "r" { ratio = "x[$window]", objective = 9 }\nslo "x" { of = { { slo = "r" } }, objective = 9 }', "only a ratio")
    refused(PARTS .. 'slo "x" { of = { { slo = "a", weight = 1 }, { slo = "b" } }, objective = 9 }', "either all have a weight or none")
    refused(PARTS .. 'slo "x" { of = {}, objective = 9 }', "name at least one SLO")
    refused(PARTS .. 'slo "x" { of = { { slo = "a" }, { slo = "a" } }, objective = 9 }', '"a" is named twice')
    refused('slo "x" { bad = "b", total = "a", objective = 9, alerts = { { burn = -2, long = "1h", short = "5m" } } }', "burn must be more than zero")
  end)
end)
