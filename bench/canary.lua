--- canary.lua - how often does the judgement of a canary err?  On generated data whose truth is known.
--
--   ./moonwatch lua bench/canary.lua [RUNS]
--
-- False alarms: both versions are drawn from one distribution, so every `fail` is one.  Misses: the candidate is worse by the
-- effect said, so every `pass` is one.  Values are latencies (log-normal, as they are in life); "resembling" ones carry 0.5 of
-- the one before along, as values every minute of a rate over two minutes do.
local effect_of = require "moonwatch.canary.effect"
local judge = require "moonwatch.canary.judge"
local mannwhitney = require "moonwatch.canary.mannwhitney"

local runs = tonumber(arg and arg[1]) or 2000
local seed = 20240

-- A generator of its own, so that the figures are the same everywhere.
local function uniform()
  seed = (seed * 16807) % 2147483647
  return seed / 2147483647
end
local function normal() return math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform()) end

-- N values around MIDDLE whose logarithm has the deviation SPREAD, each with R of the one before.
local function values(n, middle, spread, r)
  local out, z = {}, normal()
  for i = 1, n do
    out[i] = middle * math.exp(spread * z)
    z = r * z + math.sqrt(1 - r * r) * normal()
  end
  return out
end

local function share(count) return ("%5.1f %%"):format(count / runs * 100) end

-- How often each verdict is given to METRICS metrics of which WORSE are worse by EFFECT.
local function row(n, metrics, worse, effect, r, options)
  local count = { pass = 0, marginal = 0, fail = 0 }
  for _ = 1, runs do
    local given = { metrics = {} }
    for k = 1, metrics do
      given.metrics[k] = { name = "m" .. k, bad = "up", critical = true, tolerance = options and options.tolerance,
                           baseline = values(n, 0.1, 0.2, r), candidate = values(n, 0.1 * (k <= worse and 1 + effect or 1), 0.2, r) }
    end
    local verdict = judge.judge(given).verdict
    count[verdict] = count[verdict] + 1
  end
  print(("%6d  %7d  %8s  %10s  %9s  %9s  %9s"):format(n, metrics, worse > 0 and ("%+d %%"):format(effect * 100) or "none",
        r > 0 and tostring(r) or "no", share(count.pass), share(count.marginal), share(count.fail)))
end

-- A canary looked at after each of N values, as one that runs is: how often it is ended before its time.
local function looked_at(n, effect, r)
  local ended, at = 0, 0
  for _ = 1, runs do
    local xs, ys = values(n, 0.1, 0.2, r), values(n, 0.1 * (1 + effect), 0.2, r)
    for k = 10, n do
      local metric = { name = "m", bad = "up", critical = true, baseline = {}, candidate = {} }
      for i = 1, k do metric.baseline[i], metric.candidate[i] = xs[i], ys[i] end
      if judge.hopeless { metrics = { metric } } then
        ended, at = ended + 1, at + k
        break
      end
    end
  end
  print(("%6d  %8s  %10s  %9s  %s"):format(n, effect > 0 and ("%+d %%"):format(effect * 100) or "none", r > 0 and tostring(r) or "no", share(ended),
        ended > 0 and ("after %.0f values on average"):format(at / ended) or ""))
end

print(("%d canaries each; latency, spread 20 %%, alpha 0.05 over all metrics, effect 0.33"):format(runs))
print "values  metrics     worse  resembling       pass   marginal       fail"
for _, r in ipairs { 0, 0.5 } do
  for _, n in ipairs { 15, 30, 60 } do
    row(n, 1, 0, 0, r)
    row(n, 5, 0, 0, r)
    for _, effect in ipairs { 0.1, 0.2, 0.3 } do row(n, 1, 1, effect, r) end
    row(n, 5, 1, 0.3, r)
  end
end
print "\nthe same with a tolerance of 10 %: a candidate that is 10 % worse is as good as an equal one"
print "values  metrics     worse  resembling       pass   marginal       fail"
for _, effect in ipairs { 0.1, 0.3 } do row(30, 1, 1, effect, 0, { tolerance = 0.1 }) end
print "\nequal versions, one metric, by the plain test (every value counted as if it knew nothing of the one before)"
for _, r in ipairs { 0, 0.5 } do
  local alarms = 0
  for _ = 1, runs do
    local t = mannwhitney.test(values(30, 0.1, 0.2, r), values(30, 0.1, 0.2, r), { independent = true })
    if t.greater <= 0.05 and effect_of.delta(t.u, 30, 30) >= 0.33 then alarms = alarms + 1 end
  end
  print(("30 values, resembling %s: %s called worse"):format(r > 0 and tostring(r) or "no", share(alarms)))
end
print "\nended before their time (looked at after each value from the tenth on, p <= 0.001)"
print "values     worse  resembling      ended"
for _, r in ipairs { 0, 0.5 } do
  for _, effect in ipairs { 0, 0.3, 1 } do looked_at(30, effect, r) end
end
