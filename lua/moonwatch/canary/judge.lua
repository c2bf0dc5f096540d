--- judge.lua - two versions compared: what is worse, how sure that is, and what follows from it.
--
-- A metric fails when the candidate is worse than the baseline by more than is tolerated, in a way that is no chance (Mann-Whitney
-- against the baseline moved by the tolerance; over all metrics together, by Holm's method, equal versions are called different
-- no more often than `alpha`) and that matters (Cliff's delta of `effect` or more).  It is marginal when only one of the two holds.
--
--   judge{ metrics = { { name=, bad="up"|"down"|"both", weight=, critical=, tolerance=, allow=, min_samples=, baseline={...},
--                        candidate={...}, problem= } }, traffic = see traffic.lua or nil, alpha=, effect=, pass=, marginal= }
--   -> { verdict = "pass"|"marginal"|"fail", score = 0..100, reasons = {...}, metrics = { {...} }, traffic= }
local effect = require "moonwatch.canary.effect"
local mannwhitney = require "moonwatch.canary.mannwhitney"
local traffic = require "moonwatch.canary.traffic"

local M = {}

M.DEFAULTS = { alpha = 0.05, effect = 0.33, pass = 95, marginal = 75, min_samples = 10 }
local UNSURE = 4   -- a large effect whose probability is below so many times alpha is not waved through
local LARGE = 0.474

-- -- one metric --------------------------------------------------------------

-- XS with what is tolerated on top (SIGN 1) or below (-1).
local function moved(xs, metric, sign)
  local out = {}
  for i, x in ipairs(xs) do out[i] = x + sign * ((metric.tolerance or 0) * math.abs(x) + (metric.allow or 0)) end
  return out
end

-- { p=, delta= } of being worse in the direction SIGN.
local function worse(metric, sign)
  local xs, ys = moved(metric.baseline, metric, sign), metric.candidate
  local test = mannwhitney.test(xs, ys)
  return { p = sign > 0 and test.greater or test.less, delta = sign * effect.delta(test.u, #xs, #ys), method = test.method,
           resemblance = test.resemblance, sign = sign }
end

local SIGNS = { up = { 1 }, down = { -1 }, both = { 1, -1 } }

-- The worst of the directions that are bad; with two, chance has two ways to be there.
local function test_of(metric)
  local signs, found = SIGNS[metric.bad or "up"], nil
  for _, sign in ipairs(signs) do
    local one = worse(metric, sign)
    if not found or one.p < found.p then found = one end
  end
  found.p = math.min(1, found.p * #signs)
  return found
end

local function measured(metric, options)
  local xs, ys = metric.baseline or {}, metric.candidate or {}
  local row = { name = metric.name, bad = metric.bad or "up", weight = metric.weight or 1, critical = metric.critical or false,
                tolerance = metric.tolerance, allow = metric.allow, samples = { baseline = #xs, candidate = #ys },
                median = { baseline = effect.median(xs), candidate = effect.median(ys) } }
  local least = metric.min_samples or options.min_samples
  if metric.problem then row.result, row.reason = "nodata", metric.problem
  elseif #xs < least or #ys < least then
    row.result = "nodata"
    row.reason = ("%d and %d values, %d of each are needed"):format(#xs, #ys, least)
  else
    local test = test_of(metric)
    local u = mannwhitney.test(xs, ys, { exact = 0 }).u
    row.p, row.delta, row.method, row.resemblance, row.sign = test.p, test.delta, test.method, test.resemblance, test.sign
    row.a12 = effect.a12(u, #xs, #ys)
  end
  return row
end

-- Holm's method: the probabilities of ROWS, each as if it were the only one asked.
local function adjust(rows)
  local asked = {}
  for _, row in ipairs(rows) do
    if row.p then asked[#asked + 1] = row end
  end
  table.sort(asked, function(a, b) return a.p < b.p end)
  local least = 0
  for i, row in ipairs(asked) do
    least = math.max(least, math.min(1, row.p * (#asked - i + 1)))
    row.p_adjusted = least
  end
end

-- -- in words ----------------------------------------------------------------

local function number(v)
  if not v then return "nothing" end
  return ("%.4g"):format(v)
end

local function probability(p) return p < 0.0001 and "p < 0.0001" or ("p = %.4f"):format(p) end

local function change(row)
  local from, to = row.median.baseline, row.median.candidate
  if from == 0 then return ("%s against %s"):format(number(to), number(from)) end
  return ("%s against %s (%+.1f %%)"):format(number(to), number(from), (to - from) / math.abs(from) * 100)
end

local function allowed(row)
  local parts = {}
  if (row.tolerance or 0) > 0 then parts[#parts + 1] = ("%g %%"):format(row.tolerance * 100) end
  if (row.allow or 0) > 0 then parts[#parts + 1] = number(row.allow) end
  return #parts > 0 and (" beyond the %s that are tolerated"):format(table.concat(parts, " and ")) or ""
end

-- -- results -----------------------------------------------------------------

local function decide(row, options)
  if row.result then return end
  local sure, matters = row.p_adjusted <= options.alpha, row.delta >= options.effect
  local direction = row.sign > 0 and "higher" or "lower"
  local facts = ("%s, %s effect (%.2f)"):format(probability(row.p_adjusted), effect.name(row.delta), row.delta)
  if sure and matters then
    row.result, row.reason = "fail", ("%s: %s%s; %s"):format(direction, change(row), allowed(row), facts)
  elseif sure then
    row.result, row.reason = "marginal", ("surely %s, but little: %s; %s"):format(direction, change(row), facts)
  elseif row.delta >= math.max(LARGE, options.effect) and row.p_adjusted <= UNSURE * options.alpha then
    row.result, row.reason = "marginal", ("perhaps %s: %s; %s, more values would tell"):format(direction, change(row), facts)
  else
    row.result, row.reason = "pass", ("no worse: %s; %s"):format(change(row), probability(row.p_adjusted))
  end
end

local CREDIT = { pass = 1, marginal = 0.5, fail = 0 }

-- The weight of what is well, 0 to 100; nil when nothing could be judged.
local function score_of(rows)
  local got, all = 0, 0
  for _, row in ipairs(rows) do
    if CREDIT[row.result] then got, all = got + CREDIT[row.result] * row.weight, all + row.weight end
  end
  return all > 0 and got / all * 100 or nil
end

local function reasons_of(rows, seen)
  local out = {}
  for _, row in ipairs(rows) do
    if row.result ~= "pass" then out[#out + 1] = ("%s%s: %s"):format(row.critical and "critical " or "", row.name, row.reason) end
  end
  for _, text in ipairs(seen and seen.reasons or {}) do out[#out + 1] = text end
  return out
end

local WORSE = { pass = 0, marginal = 1, fail = 2 }
local function worst(a, b) return WORSE[b] > WORSE[a] and b or a end

-- What the score says; it can fail a canary only where a metric has.
local function by_score(rows, score, options)
  if not score then return "fail" elseif score >= options.pass then return "pass" elseif score >= options.marginal then return "marginal" end
  for _, row in ipairs(rows) do
    if row.result == "fail" then return "fail" end
  end
  return "marginal"
end

local function verdict_of(rows, score, seen, options)
  local verdict = by_score(rows, score, options)
  for _, row in ipairs(rows) do
    if row.critical and (row.result == "fail" or row.result == "nodata") then verdict = "fail" end
    if row.result ~= "pass" then verdict = worst(verdict, "marginal") end
  end
  return seen and worst(verdict, seen.result) or verdict
end

local function with_defaults(given)
  return setmetatable({}, { __index = function(_, name)
    if given[name] ~= nil then return given[name] end
    return M.DEFAULTS[name]
  end })
end

--- See above.
function M.judge(given)
  local options, rows = with_defaults(given), {}
  for i, metric in ipairs(given.metrics) do
    rows[i] = measured(metric, options)
    if rows[i].p then rows[i].shift = effect.shift(metric.baseline, metric.candidate) end
  end
  adjust(rows)
  for _, row in ipairs(rows) do decide(row, options) end
  local seen = given.traffic and traffic.check(given.traffic)
  local score = score_of(rows)
  local verdict = verdict_of(rows, score, seen, options)
  local reasons = reasons_of(rows, seen)
  if not score then table.insert(reasons, 1, "nothing could be compared") end
  if verdict == "pass" then reasons[1] = ("%d of %d metrics are no worse"):format(#rows, #rows) end
  return { verdict = verdict, score = score or 0, reasons = reasons, metrics = rows, traffic = seen }
end

--- While it still goes on: why it must end now, or nil.  Only metrics that are critical count, and only what is beyond a doubt
-- that stays beyond one however often one looks (Haybittle and Peto: 0.001).
M.DOUBT = 0.001
function M.hopeless(given)
  local options, rows = with_defaults(given), {}
  for _, metric in ipairs(given.metrics) do
    if metric.critical then rows[#rows + 1] = measured(metric, options) end
  end
  adjust(rows)
  for _, row in ipairs(rows) do
    if row.p_adjusted and row.p_adjusted <= M.DOUBT and row.delta >= options.effect then
      decide(row, options)
      return ("critical %s: %s"):format(row.name, row.reason)
    end
  end
end

return M
