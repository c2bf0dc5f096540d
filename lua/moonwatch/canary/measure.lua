--- measure.lua - what there is in the store of two versions: the values of each metric, and the requests.
--
-- A side is { labels=, from=, to= }: two versions at one time, or one before and after.  Values are those of a range query, one
-- each `step`.
local expand = require "moonwatch.canary.expand"

local M = {}

-- The values of the one series of EXPR; nil, why when there are several, or when it cannot be evaluated.
local function values(host, expr, side, step)
  local rows, why = host.range(expr, side.from, side.to, step)
  if not rows then return nil, why end
  if #rows > 1 then return nil, ("it gives %d series: put sum(...) or another aggregation around it"):format(#rows) end
  local out = {}
  for _, point in ipairs(rows[1] and rows[1].points or {}) do
    if point[2] == point[2] and math.abs(point[2]) < math.huge then out[#out + 1] = point[2] end
  end
  return out
end

-- RULE's metric M as judge.lua wants it.
local function metric(host, rule, m, baseline, candidate)
  local out = { name = m.name, bad = m.bad, weight = m.weight, critical = m.critical, tolerance = m.tolerance, allow = m.allow,
                min_samples = rule.min_samples }
  for name, side in pairs { baseline = baseline, candidate = candidate } do
    local expr, why = expand.expr(host, m.expr, side.labels)
    local list
    if expr then list, why = values(host, expr, side, rule.step) end
    out[name] = list or {}
    if not list then out.problem = ("%s: %s"):format(name, why) end
  end
  return out
end

local function requests(host, traffic, side)
  local expr, why = expand.expr(host, traffic.requests, side.labels)
  if not expr then return nil, why end
  local rows
  rows, why = host.query(("sum(increase(%s[%ds]))"):format(expr, math.max(1, math.floor(side.to - side.from + 0.5))), side.to)
  if not rows then return nil, why end
  return rows[1] and rows[1].value or 0
end

local function traffic(host, rule, baseline, candidate)
  local t = rule.traffic
  if not t then return nil end
  local out = { min = t.min, share = t.share, within = t.within }
  for name, side in pairs { baseline = baseline, candidate = candidate } do
    local why
    out[name], why = requests(host, t, side)
    if why then out.problem = why end
  end
  return out
end

--- What judge.lua judges, of RULE (the fields of the word).
function M.measure(host, rule, baseline, candidate)
  local out = { metrics = {}, alpha = rule.alpha, effect = rule.effect, pass = rule.pass, marginal = rule.marginal }
  for i, m in ipairs(rule.metrics) do out.metrics[i] = metric(host, rule, m, baseline, candidate) end
  out.traffic = traffic(host, rule, baseline, candidate)
  return out
end

return M
