--- threshold.lua - what a value is compared with: a number, several for several severities, another series, or what the past
-- lets one expect.
--
-- A rule has levels, from the mildest to the worst: { severity=, above= | below=, clear= }.  Most have one; a rule whose
-- expression compares by itself has one without a bound.  A level is left when the value is beyond `clear`, without it when
-- the value is no longer beyond its bound.
local baseline = require "moonwatch.alert.baseline"
local match = require "moonwatch.alert.match"

local M = {}

-- Most rules compare by themselves and have a severity like others: one table for all of these.  severity -> levels
local plain = setmetatable({}, { __mode = "v" })

local function plain_levels(severity)
  local key = severity or false
  plain[key] = plain[key] or { { severity = severity } }
  return plain[key]
end

--- The levels of RULE; nobody changes them.
function M.levels(rule)
  if not (rule.levels or rule.above or rule.below or rule.clear_below or rule.clear_above) then return plain_levels(rule.severity) end
  return rule.levels or { { severity = rule.severity, above = rule.above, below = rule.below, clear = rule.clear_below or rule.clear_above } }
end

--- Does the engine compare at all?
function M.compares(rule) return (rule.above or rule.below or rule.baseline) ~= nil end

--- May host.quiet compare: is the bound of the mildest level a number, and of the value itself?
function M.fixed(rule) return not rule.baseline and type(rule.above) ~= "string" and type(rule.below) ~= "string" end

--- EXPR of RULE with its comparison, as people read it.
function M.shown(rule)
  local bound = rule.above or rule.below
  if not bound then return rule.expr end
  return ("(%s) %s %s"):format(rule.expr, rule.above and ">" or "<", type(bound) == "string" and "(" .. bound .. ")" or bound)
end

-- -- one row ---------------------------------------------------------------

local function beyond(level, value, bound)
  if level.above then return value > bound end
  if level.below then return value < bound end
  return true
end

local function not_clear(level, value)
  if not level.clear then return false end
  if level.above then return value >= level.clear end
  return value <= level.clear
end

--- The worst level that ROW has reached, 0 for none.
function M.reached(levels, row)
  local value = row.score or row.value
  for i = #levels, 1, -1 do
    local level = levels[i]
    if beyond(level, value, row.bound or level.above or level.below) then return i end
  end
  return 0
end

--- The worst level above REACHED that ROW has not left yet; IS_ACTIVE(severity): was it there before?
function M.kept(levels, row, reached, is_active)
  local value = row.score or row.value
  for i = #levels, reached + 1, -1 do
    if not_clear(levels[i], value) and is_active(levels[i].severity) then return i end
  end
  return reached
end

-- -- all rows --------------------------------------------------------------

local function from_series(runner, rows, t, ask)
  local rule = runner.rule
  local name = rule.above and "above" or "below"
  local bounds, why = ask(runner, rule[name], t)
  if not bounds then return { error = name .. ": " .. why } end
  local index = match.new(bounds)
  for _, row in ipairs(rows) do
    local found = index:find(row.labels)
    if #found > 1 then return { error = ("%s: %d thresholds for one series, give one"):format(name, #found) } end
    row.bound = found[1] and found[1].value
    row.threshold, row.unknown = row.bound, not row.bound or row.bound ~= row.bound
  end
end

--- Gives every row of ROWS what it is compared with; a row with `unknown` has nothing to be compared with, which is as good as
-- no data, one with `excused` is not to be judged.  A failure, or nothing.  ASK(runner, expr, t) -> rows or nil, why.
function M.prepare(runner, rows, t, ask)
  local rule, failure = runner.rule, nil
  if rule.baseline then failure = baseline.prepare(runner, rows, t)
  elseif not M.fixed(rule) then failure = from_series(runner, rows, t, ask) end
  if failure or not M.compares(rule) then return failure end
  for _, row in ipairs(rows) do
    if row.value ~= row.value then row.unknown = true end
  end
end

--- The number that RULE compares with, if it is one for all its series.
function M.number(rule) return tonumber(rule.above or rule.below) end

--- What ROW is compared with at LEVEL, for texts and messages.
function M.bound(runner, row, level)
  local of = runner.levels[level] or {}
  if row.band then return row.band(of.above) end
  return row.threshold or of.above or of.below
end

--- The same for all levels, when there are several.
function M.bounds(runner, row)
  if #runner.levels == 1 then return nil end
  local out = {}
  for i = 1, #runner.levels do out[i] = M.bound(runner, row, i) end
  return out
end

return M
