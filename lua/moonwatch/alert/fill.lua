--- fill.lua - a text of a rule filled in for one alert: written with ${...}, or what a function of it gives.
--
-- A rule may have a thousand alerts, and each of its functions its own budget: one that was stopped at it is not called again in
-- the same evaluation, and the evaluation counts as one that failed.
local text = require "moonwatch.alert.text"
local threshold = require "moonwatch.alert.threshold"

local M = {}

--- What a text may name, of an alert of RUNNER or of a ROW that may become one.
function M.view(runner, row, t)
  local rule, engine = runner.rule, runner.engine
  return { labels = row.labels, sample = row.sample or row.labels, value = row.value, threshold = row.threshold or threshold.number(rule),
           expected = row.expected, severity = row.labels.severity, name = rule.name, now = t, active_at = row.active_at or t,
           fired_at = row.fired_at, external_labels = engine.external_labels or {}, external_url = engine.external_url }
end

local function failed(why) return ("<error expanding template: %s>"):format(why) end

local function from_function(runner, fn, view)
  local stopped = M.stopped(runner, view.now)
  if stopped then return failed(stopped.error) end
  local result = runner.engine:run_guest(fn, { view }, { kind = "text", now = view.now, rule = runner.rule.name })
  if not result.ok and result.over then runner.stopped = { at = view.now, result = result } end
  if not result.ok then return failed(result.error) end
  local value = result.values and result.values[1]
  return value == nil and "" or tostring(value)
end

--- TEMPLATE for VIEW.  What stands in its places passes THROUGH, if given.
function M.text(runner, template, view, through)
  if type(template) == "table" then return from_function(runner, template, view) end
  local book = runner.compiled or {}
  local compiled = book[template]
  if not compiled then
    compiled = text.compile(template) or { template }
    book[template], runner.compiled = compiled, book
  end
  local function query(expr) return runner.host.query(expr, view.now - runner.engine:behind(runner.rule)) end
  return text.expand(compiled, view, query, through)
end

--- What the function that was stopped in the evaluation at T gave, or nil.
function M.stopped(runner, t)
  local stopped = runner.stopped
  return stopped and stopped.at == t and stopped.result or nil
end

return M
