--- slices.lua - slices of time in the place of events: one is good when enough of its events are.
local budget = require "moonwatch.slo.budget"

local M = {}

-- Is a slice with these events bad?  nil: it is not counted.
local function slice_is_bad(runner, total, bad, t)
  if total > 0 then return (total - bad) / total < runner.rule.timeslice.target - 1e-12 end
  local policy = budget.without_data(runner, t)
  if policy == "hold" then return nil end
  return policy == "burn"
end

-- HISTORY, a step for each slice, as slices.  PAST: before it began, when nobody knows whether there was anything to count.
local function as_slices(runner, history, past)
  local out = {}
  for i, row in ipairs(history) do
    if row[2] > 0 then runner.seen = math.max(runner.seen or 0, row[1]) end
    local is_bad
    if not (past and row[4]) then is_bad = slice_is_bad(runner, row[2], row[3], row[1]) end
    out[i] = { row[1], is_bad ~= nil and 1 or 0, is_bad and 1 or 0, row[4], row[2] <= 0 }
  end
  return out
end

--- What happened from FROM to TO in steps, as what the budget is made of: events, or slices.  PAST: before it began.
function M.history(runner, from, to, step, past)
  local slice = runner.rule.timeslice
  local found, why = runner.source:history(from, to, slice and slice.length or step)
  if not found then return nil, why end
  return slice and as_slices(runner, found, past) or found
end


return M
