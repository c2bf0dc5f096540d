--- typical.lua - how long the requests of a latency SLO take: the quantile that it is about, over its shortest window.
local latency = require "moonwatch.slo.latency"
local sli = require "moonwatch.slo.sli"

local M = {}

local function expression(rule, plan, window)
  local name, matchers = latency.parts(rule.latency.metric)
  local set = matchers == "" and "" or "{" .. matchers .. "}"
  local quantile = rule.latency.quantile or rule.objective
  if plan and plan.native then return ("histogram_quantile(%.10g, sum(rate(%s%s[%s])))"):format(quantile, name, set, window) end
  return ("histogram_quantile(%.10g, sum by (le) (rate(%s_bucket%s[%s])))"):format(quantile, name, set, window)
end

--- Seconds, or nil when nothing is known.
function M.of(runner, t)
  if not runner.rule.latency then return nil end
  local rows = runner.host.query(expression(runner.rule, runner.source.how.plan, sli.window(math.max(300, runner.windows[1]))), t)
  local value = rows and rows[1] and rows[1].value
  return value and value == value and value < math.huge and value or nil
end

return M
