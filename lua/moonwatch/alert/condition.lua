--- condition.lua - what is wrong right now: the rows of a rule's expression or function, judged and labelled.
local absent = require "moonwatch.alert.absent"
local fill = require "moonwatch.alert.fill"
local limit = require "moonwatch.alert.limit"
local match = require "moonwatch.alert.match"
local threshold = require "moonwatch.alert.threshold"

local M = {}

-- -- rows ------------------------------------------------------------------

-- The text EXPR of RUNNER, parsed; nil, why.
local function prepared(runner, expr)
  if runner.queries[expr] then return runner.queries[expr] end
  local rule = runner.rule
  local fixed = threshold.fixed(rule)
  local query, why = runner.host.prepare(expr, fixed and rule.above or nil, fixed and rule.below or nil)
  runner.queries[expr] = query
  return query, why
end

local function ask(runner, expr, t)
  local query, why = prepared(runner, expr)
  if not query then return nil, why end
  return runner.host.query(query, t - runner.engine:behind(runner.rule))
end

--- The query that host.quiet may ask instead of `judge`, as long as it gives nothing.  There is none for a rule that has to
-- see every value.
function M.query(runner)
  local rule = runner.rule
  if not rule.expr or rule.absent == "fire" or not threshold.fixed(rule) then return nil end
  return prepared(runner, rule.expr)
end

local function from_expr(runner, t)
  local rows, why = ask(runner, runner.rule.expr, t)
  if not rows then return nil, { error = why } end
  if next(rows) == nil and runner.rule.absent ~= "fire" then return rows end
  local failure = threshold.prepare(runner, rows, t, ask)
  if failure then return nil, failure end
  return rows
end

local function problem_of(runner)
  local n = runner.rule.baseline and runner.unlearnt or 0
  return n > 0 and ("%d series have too little history to be judged"):format(n) or nil
end

-- What a function may give back: true, a number, a list of rows; and whatever it fired.
local function returned(values)
  local v = values[1]
  if v == true then return { { labels = {}, value = tonumber(values[2]) or 1 } } end
  if type(v) == "number" then return { { labels = {}, value = v } } end
  if type(v) ~= "table" then return {} end
  local out = {}
  for _, row in ipairs(v[1] and v or { v.labels and v or nil }) do
    if type(row) == "table" then out[#out + 1] = { labels = row.labels, value = row.value } end
  end
  return out
end

local function plain_labels(labels)
  local out = {}
  for name, value in pairs(type(labels) == "table" and labels or {}) do
    if type(name) == "string" and value ~= "" then out[name] = tostring(value) end
  end
  return out
end

local function from_function(runner, t)
  local result = runner.engine:run_guest(runner.rule.when, {},
    { kind = "when", now = t, state = runner.state or {}, rule = runner.rule.name })
  if not result.ok then return nil, result end
  runner.state, runner.found = result.state, result.found
  local rows = returned(result.values or {})
  for _, fired in ipairs(result.fired or {}) do
    rows[#rows + 1] = { labels = fired.labels, value = tonumber(fired.value) or 1,
                        evidence = fired.evidence, extra = { summary = fired.summary, trace = fired.trace } }
  end
  for _, row in ipairs(rows) do
    row.labels, row.value = plain_labels(row.labels), tonumber(row.value) or 1
  end
  return rows
end

-- -- labels and texts ------------------------------------------------------

--- The labels of the alert about ROW, at the mildest severity.
function M.labels(runner, row, t)
  local rule, out = runner.rule, {}
  for name, value in pairs(row.labels) do
    if name ~= "__name__" then out[name] = value end
  end
  local view = fill.view(runner, row, t)
  for name, template in pairs(rule.labels or {}) do
    local value = fill.text(runner, template, view)
    out[name] = value ~= "" and value or nil
  end
  out.alertname = rule.alertname or rule.name
  local severity = runner.levels[1].severity
  if severity and severity ~= "" then out.severity = severity end
  return out
end

local TEXTS = { summary = "summary", description = "description", runbook = "runbook_url" }

--- The texts of ALERT, expanded with its labels and value.
function M.annotations(runner, alert, t)
  local rule, out = runner.rule, {}
  local view = fill.view(runner, alert, t)
  for name, template in pairs(rule.annotations or {}) do out[name] = fill.text(runner, template, view) end
  for field, name in pairs(TEXTS) do
    if rule[field] then out[name] = fill.text(runner, rule[field], view) end
  end
  local extra = alert.extra or {}
  if extra.summary then out.summary = tostring(extra.summary) end
  if extra.trace then out.trace = tostring(extra.trace) end
  for name, value in pairs(alert.notice or {}) do out[name] = value end
  return out
end

-- -- what takes rows away --------------------------------------------------

local function excused_by_expr(runner, seen, t)
  local excuses, why = ask(runner, runner.rule.unless, t)
  if not excuses then return { error = "unless: " .. why } end
  local index = match.new(excuses)
  for _, row in pairs(seen) do row.excused = #index:find(row.sample) > 0 end
end

local function excused_by_function(runner, seen, t)
  for _, row in pairs(seen) do
    local result = runner.engine:run_guest(runner.rule.unless, { { labels = row.sample, value = row.value } },
      { kind = "when", now = t, state = {}, rule = runner.rule.name })
    if not result.ok then return result end
    row.excused = result.values and result.values[1] and true or false
  end
end

-- Those that `unless` explains are clear.
local function excuse(runner, found, t)
  local unless = runner.rule.unless
  if not unless or next(found.seen) == nil then return end
  local failure
  if type(unless) == "string" then failure = excused_by_expr(runner, found.seen, t)
  else failure = excused_by_function(runner, found.seen, t) end
  if failure then return failure end
  for key, row in pairs(found.seen) do
    if row.excused then found.seen[key], found.clear[key] = nil, row.value end
  end
end

-- -- the whole -------------------------------------------------------------

-- The level of ROW in the end, its labels and its key.  Nothing: not active, and nobody asks for its key.
local function place(runner, row, t, idle)
  local levels = runner.levels
  local reached = row.excused and 0 or threshold.reached(levels, row)
  if reached == 0 and idle then return nil end
  local labels = M.labels(runner, row, t)
  local key = runner.id_of(labels)
  if not row.excused then
    reached = threshold.kept(levels, row, reached, function(severity) return runner:is_active(key, severity) end)
  end
  return key, { labels = labels, value = row.value, extra = row.extra, sample = row.labels, level = reached, expected = row.expected,
                evidence = row.evidence, threshold = threshold.bound(runner, row, 1), bounds = threshold.bounds(runner, row) }
end

local function sort_out(runner, rows, t, idle)
  local found = { seen = {}, clear = {}, rows = runner.rule.absent == "fire" and {}, any = next(rows) ~= nil,
                  problem = problem_of(runner) }
  for _, row in ipairs(rows) do
    local key, item
    if not row.unknown then key, item = place(runner, row, t, idle) end
    if key then
      if found.seen[key] and item.level > 0 then
        return nil, { error = "vector contains metrics with the same labelset after applying alert labels: " .. M.show(item.labels) }
      end
      if found.rows then found.rows[key] = item end
      if item.level > 0 then found.seen[key] = item else found.clear[key] = row.value end
    end
  end
  return found
end

local NOTHING = { seen = {}, clear = {} } -- never changed

--- Judge the rule at T.  Gives { seen=, clear=, held=, problem= } (see state.step), or nil, { error=, traceback= }.  IDLE: there
-- is no alert that a row that is not active could be about.
function M.judge(runner, t, idle)
  local rule = runner.rule
  local rows, failure, found
  if rule.when then rows, failure = from_function(runner, t)
  else rows, failure = from_expr(runner, t) end
  if not rows then return nil, failure end
  local missing = rule.absent == "fire" or rule.absent == "keep"
  if next(rows) == nil and not missing then return NOTHING end
  found, failure = sort_out(runner, rows, t, idle and rule.absent ~= "fire")
  if not found then return nil, failure end
  if missing then absent.apply(runner, found, t) end
  failure = excuse(runner, found, t)
  if failure then return nil, failure end
  limit.apply(runner, found, t)
  return found
end

function M.show(labels)
  local out = {}
  for name, value in pairs(labels) do out[#out + 1] = ("%s=%q"):format(name, value) end
  table.sort(out)
  return "{" .. table.concat(out, ", ") .. "}"
end

return M
