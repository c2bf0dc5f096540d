--- votes.lua - hold = {4, of=5}: the condition was true in 4 of the last 5 evaluations.
--
-- The history of an alert is a text of "1" and "0", the newest last, so that it is saved as it is.
local M = {}

--- HISTORY (nil at first) with one more vote, at most OF of them.
function M.push(history, yes, of)
  local all = (history or "") .. (yes and "1" or "0")
  return #all > of and all:sub(-of) or all
end

--- How often it was true.
function M.count(history) return select(2, (history or ""):gsub("1", "")) end

return M
