--- condition.lua - what is wrong right now: the rows of a rule's expression or function, judged and labelled.
local state = require "moonwatch.alert.state"
local text = require "moonwatch.alert.text"

local M = {}

-- -- rows ------------------------------------------------------------------

local function compare(rule, value)
  if rule.above then return value > rule.above end
  if rule.below then return value < rule.below end
  return true
end

-- The text EXPR of RUNNER, parsed; nil, why.
local function prepared(runner, expr)
  if runner.queries[expr] then return runner.queries[expr] end
  local query, why = runner.host.prepare(expr, runner.rule.above, runner.rule.below)
  runner.queries[expr] = query
  return query, why
end

local function ask(runner, expr, t)
  local query, why = prepared(runner, expr)
  if not query then return nil, why end
  return runner.host.query(query, t - runner.engine:behind(runner.rule))
end

--- The query that host.quiet may ask instead of `judge`, as long as it gives nothing.
function M.query(runner) return runner.rule.expr and prepared(runner, runner.rule.expr) end

local function from_expr(runner, t)
  local rule = runner.rule
  local rows, why = ask(runner, rule.expr, t)
  if not rows then return nil, { error = why } end
  for _, row in ipairs(rows) do row.active = compare(rule, row.value) end
  return rows
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
  runner.state = result.state
  local rows = returned(result.values or {})
  for _, fired in ipairs(result.fired or {}) do
    rows[#rows + 1] = { labels = fired.labels, value = tonumber(fired.value) or 1,
                        extra = { summary = fired.summary, trace = fired.trace } }
  end
  for _, row in ipairs(rows) do
    row.labels, row.value, row.active = plain_labels(row.labels), tonumber(row.value) or 1, true
  end
  return rows
end

-- -- labels and texts ------------------------------------------------------

local function expand(runner, template, alert)
  if type(template) == "table" then
    local result = runner.engine:run_guest(template, { alert }, { kind = "text", now = alert.now, rule = runner.rule.name })
    local value = result.ok and result.values and result.values[1]
    if not result.ok then return ("<error: %s>"):format(result.error) end
    return value == nil and "" or tostring(value)
  end
  local compiled = runner.compiled[template]
  if not compiled then
    compiled = text.compile(template) or { template }
    runner.compiled[template] = compiled
  end
  return text.expand(compiled, alert)
end

local function final_labels(runner, row, t)
  local rule, out = runner.rule, {}
  for name, value in pairs(row.labels) do
    if name ~= "__name__" then out[name] = value end
  end
  local view = { labels = row.labels, value = row.value, threshold = rule.above or rule.below, name = rule.name, now = t }
  for name, template in pairs(rule.labels or {}) do
    local value = expand(runner, template, view)
    out[name] = value ~= "" and value or nil
  end
  out.alertname = rule.alertname or rule.name
  if rule.severity then out.severity = rule.severity end
  return out
end

local TEXTS = { summary = "summary", description = "description", runbook = "runbook_url" }

--- The texts of ALERT, expanded with its labels and value.
function M.annotations(runner, alert, t)
  local rule, out = runner.rule, {}
  local view = { labels = alert.labels, value = alert.value, threshold = rule.above or rule.below, name = rule.name, now = t }
  for name, template in pairs(rule.annotations or {}) do out[name] = expand(runner, template, view) end
  for field, name in pairs(TEXTS) do
    if rule[field] then out[name] = expand(runner, rule[field], view) end
  end
  local extra = alert.extra or {}
  if extra.summary then out.summary = tostring(extra.summary) end
  if extra.trace then out.trace = tostring(extra.trace) end
  return out
end

-- -- what takes rows away --------------------------------------------------

local function agree(a, b)
  for name, value in pairs(a) do
    if name ~= "__name__" and b[name] ~= nil and b[name] ~= value then return false end
  end
  return true
end
M.agree = agree

local function excused_by_expr(runner, rows, t)
  local excuses, why = ask(runner, runner.rule.unless, t)
  if not excuses then return { error = "unless: " .. why } end
  for _, row in ipairs(rows) do
    for _, excuse in ipairs(excuses) do
      if agree(excuse.labels, row.labels) then row.active = false end
    end
  end
end

local function excused_by_function(runner, rows, t)
  for _, row in ipairs(rows) do
    if row.active then
      local result = runner.engine:run_guest(runner.rule.unless, { { labels = row.labels, value = row.value } },
        { kind = "when", now = t, state = {}, rule = runner.rule.name })
      if not result.ok then return result end
      if result.values and result.values[1] then row.active = false end
    end
  end
end

-- -- the whole -------------------------------------------------------------

local function rows_of(runner, t)
  local rule = runner.rule
  local rows, failure
  if rule.when then rows, failure = from_function(runner, t)
  else rows, failure = from_expr(runner, t) end
  if not rows then return nil, failure end
  if next(rows) == nil then return rows end
  if type(rule.unless) == "string" then failure = excused_by_expr(runner, rows, t)
  elseif rule.unless then failure = excused_by_function(runner, rows, t) end
  if failure then return nil, failure end
  return rows
end

-- The first `limit` of them, those that are already alerts before new ones.
local function within_limit(runner, seen)
  local limit, keys = runner.rule.limit, {}
  for key in pairs(seen) do keys[#keys + 1] = key end
  if not limit or #keys <= limit then return seen end
  local function known(key) return runner.alerts[key] and runner.alerts[key].state ~= "inactive" end
  table.sort(keys, function(a, b)
    local ka, kb = known(a), known(b)
    if (ka and 1 or 0) ~= (kb and 1 or 0) then return ka end
    return a < b
  end)
  local out = {}
  for i = 1, limit do out[keys[i]] = seen[keys[i]] end
  return out, ("%d alerts, more than the limit of %d: the rest is left out"):format(#keys, limit)
end

local NONE = {} -- never changed

--- Judge the rule at T.  Gives seen, clear, problem (see state.step), or nil, { error=, traceback= }.  IDLE: there is no
-- alert that a row that is not active could be about.
function M.judge(runner, t, idle)
  local rows, failure = rows_of(runner, t)
  if not rows then return nil, failure end
  if next(rows) == nil then return NONE, NONE end
  local seen, clear = {}, {}
  for _, row in ipairs(rows) do
    if row.active or not idle then
      local labels = final_labels(runner, row, t)
      local key = state.key(labels)
      if seen[key] and row.active then
        return nil, { error = "vector contains metrics with the same labelset after applying alert labels: " .. M.show(labels) }
      end
      if row.active then seen[key] = { labels = labels, value = row.value, extra = row.extra, sample = row.labels }
      else clear[key] = row.value end
    end
  end
  local kept, problem = within_limit(runner, seen)
  return kept, clear, problem
end

function M.show(labels)
  local out = {}
  for name, value in pairs(labels) do out[#out + 1] = ("%s=%q"):format(name, value) end
  table.sort(out)
  return "{" .. table.concat(out, ", ") .. "}"
end

return M
