--- budget.lua - the arithmetic of error budgets.
local M = {}

local HOUR = 3600
M.PARTS = 100 -- values of labels that are told apart; all others are one

--- What is left of the budget: 1 to 0.  SLICES: those of the whole stretch, where they are counted and their number is known.
function M.remaining(objective, measured, slices) return math.max(0, M.left(objective, measured, slices)) end

--- The same, also below 0.
function M.left(objective, measured, slices)
  if not measured.total then return 1 - (measured.ratio or 0) / (1 - objective) end
  local allowed = (1 - objective) * (slices or measured.total)
  if measured.total <= 0 or allowed <= 0 then return 1 end
  return (allowed - measured.bad) / allowed
end

--- How many times too fast the budget goes at RATIO.
function M.burn(objective, ratio) return ratio and ratio / (1 - objective) end

--- The slices of the whole stretch from FROM to TO, when the budget of RULE is for so many; nil when it is for what there was.
function M.slices(rule, from, to)
  return rule.timeslice and rule.calendar and math.floor((to - from) / rule.timeslice.length + 0.5) or nil
end

-- -- no data ---------------------------------------------------------------

--- The policy for no events when there have been none for so long that it counts; nil otherwise.
function M.without_data(runner, t)
  local policy = runner.rule.no_data
  if not policy or t - (runner.seen or t) < policy.after then return nil end
  return policy.policy
end

--- How many events would have been there from FROM to TO, as in the hour before the last one.
function M.expected(runner, from, to)
  local book, seen = runner.ledger, runner.seen
  local since = math.max(book.began, seen - HOUR)
  local total = book:between(since, seen)
  if total <= 0 or seen <= since then return 1 end
  return total / (seen - since) * (to - from)
end

return M
