--- judge_spec.lua - from two samples of each metric to a verdict.
local judge = require "moonwatch.canary.judge"

-- N values around MIDDLE, always the same ones, in no order.
local function around(middle, n, salt)
  local out, seed = {}, 12345 + 1000 * salt
  for i = 1, n do
    seed = (seed * 16807) % 2147483647
    out[i] = middle * (1 + (seed / 2147483647 - 0.5) / 5)
  end
  return out
end

local function metric(fields, baseline, candidate)
  local out = { name = "latency", bad = "up", baseline = baseline, candidate = candidate }
  for k, v in pairs(fields) do out[k] = v end
  return out
end

local same = function(fields) return metric(fields, around(1, 30, 1), around(1, 30, 2)) end
local twice = function(fields) return metric(fields, around(1, 30, 1), around(2, 30, 2)) end

local function verdict(...) return judge.judge { metrics = { ... } } end

describe("a judgement", function()
  it("passes what is no worse, fails what is, and says by how much", function()
    assert.equal("pass", verdict(same {}).verdict)
    local r = verdict(twice {})
    assert.equal("fail", r.verdict)
    assert.matches("latency: higher: 2%.004 against 1 %(%+100%.4 %%%); p < 0%.0001, large effect %(1%.00%)", r.reasons[1])
    assert.equal("pass", verdict(metric({}, around(2, 30, 1), around(1, 30, 2))).verdict)
  end)
  it("knows which way is bad", function()
    assert.equal("pass", verdict(twice { bad = "down" }).verdict)
    assert.equal("fail", verdict(metric({ bad = "down" }, around(2, 30, 1), around(1, 30, 2))).verdict)
    assert.equal("fail", verdict(twice { bad = "both" }).verdict)
    assert.equal("fail", verdict(metric({ bad = "both" }, around(2, 30, 1), around(1, 30, 2))).verdict)
  end)
  it("leaves alone what is tolerated, as a share or in the unit of the metric", function()
    assert.equal("pass", verdict(twice { tolerance = 1.2 }).verdict)
    assert.equal("pass", verdict(twice { allow = 1.2 }).verdict)
    assert.equal("fail", verdict(twice { tolerance = 0.3 }).verdict)
  end)
  it("allows errors where there were none only as far as it is told to", function()
    local zero, some = {}, {}
    for i = 1, 30 do zero[i], some[i] = 0, i % 2 == 0 and 0.004 or 0.002 end
    assert.equal("fail", verdict(metric({ name = "errors" }, zero, some)).verdict)
    assert.equal("pass", verdict(metric({ name = "errors", allow = 0.005 }, zero, some)).verdict)
  end)
  it("is marginal when one of several metrics fails, and failed when that one is critical", function()
    local function four(fields)
      fields.name = "worse"
      return verdict(same { name = "a" }, same { name = "b" }, same { name = "c" }, twice(fields))
    end
    assert.equal("marginal", four({}).verdict)
    assert.equal(75, four({}).score)
    assert.equal("fail", four({ critical = true }).verdict)
    assert.equal("fail", four({ weight = 9 }).verdict)
  end)
  it("is marginal about a difference that is certain and small", function()
    local xs, ys = around(1, 400, 1), around(1.015, 400, 2)
    local r = verdict(metric({}, xs, ys))
    assert.same({ "marginal", "marginal" }, { r.verdict, r.metrics[1].result })
    assert.matches("surely higher, but little", r.reasons[1])
  end)
  it("does not judge a metric without enough values, and fails without a critical one", function()
    local short = metric({ name = "short" }, { 1, 2 }, { 1, 2 })
    local r = verdict(same {}, short)
    assert.equal("marginal", r.verdict)
    assert.matches("short: 2 and 2 values, 10 of each are needed", r.reasons[1])
    short.critical = true
    assert.equal("fail", verdict(same {}, short).verdict)
    assert.equal("fail", verdict(metric({}, {}, {})).verdict)
  end)
  it("does not call one of many equal metrics worse by chance: the probability is of all of them together", function()
    -- One in twenty is beyond 0.05 by itself.
    local xs, ys = {}, {}
    for i = 1, 15 do xs[i], ys[i] = (i * 7) % 15, (i * 4) % 15 + 3.4 end
    local alone = verdict(metric({}, xs, ys)).metrics[1]
    assert.truthy(alone.p_adjusted < 0.05)
    local list = { metric({ name = "m0" }, xs, ys) }
    for k = 1, 9 do list[#list + 1] = same { name = "m" .. k } end
    assert.truthy(verdict(unpack(list)).metrics[1].p_adjusted > 0.05)
  end)
end)

describe("the traffic of a canary", function()
  local function with(traffic)
    traffic.min, traffic.within = 100, traffic.within or 0.5
    return judge.judge { metrics = { same {} }, traffic = traffic }
  end
  it("must be enough for both", function()
    assert.equal("pass", with({ baseline = 900, candidate = 100 }).verdict)
    local r = with { baseline = 900, candidate = 99 }
    assert.equal("marginal", r.verdict)
    assert.matches("the candidate got 99 requests, 100 are needed", r.reasons[1])
    assert.equal("fail", with({ baseline = 900, candidate = 0 }).verdict)
  end)
  it("must have the share that is expected", function()
    assert.equal("pass", with({ baseline = 900, candidate = 110, share = 0.1 }).verdict)
    local r = with { baseline = 500, candidate = 500, share = 0.1 }
    assert.equal("marginal", r.verdict)
    assert.matches("got 50%.0 %% of the requests, 5%.0 %% to 15%.0 %% are expected", r.reasons[1])
  end)
end)

describe("a canary that goes on", function()
  it("is hopeless when a critical metric is worse beyond doubt, and not otherwise", function()
    assert.matches("critical latency: higher", judge.hopeless { metrics = { twice { critical = true } } })
    assert.is_nil(judge.hopeless { metrics = { twice {} } })
    assert.is_nil(judge.hopeless { metrics = { same { critical = true } } })
  end)
end)

-- bench/canary.lua has the figures; this is that they stay what docs/canary.md says.
describe("the error rates of a judgement", function()
  local seed
  local function uniform()
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
  end
  local function normal() return math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform()) end
  local function values(n, middle, r)
    local out, z = {}, normal()
    for i = 1, n do
      out[i] = middle * math.exp(0.2 * z)
      z = r * z + math.sqrt(1 - r * r) * normal()
    end
    return out
  end
  local function rate(wanted, effect, r)
    local n = 0
    for _ = 1, 300 do
      if judge.judge({ metrics = { metric({}, values(30, 1, r), values(30, 1 + effect, r)) } }).verdict == wanted then n = n + 1 end
    end
    return n / 300
  end
  before_each(function() seed = 4711 end)
  it("are: equal versions fail in no more than 5 of 100", function() assert.truthy(rate("fail", 0, 0) <= 0.07) end)
  it("are: so, too, when values resemble the one before", function() assert.truthy(rate("fail", 0, 0.5) <= 0.09) end)
  it("are: one that is 30 % slower is found in 95 of 100", function() assert.truthy(rate("fail", 0.3, 0) >= 0.95) end)
end)
