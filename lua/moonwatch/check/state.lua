--- state.lua - from single probes to a verdict: so many failures in a row make it bad, so many successes good again.
--
-- A plain value, no clock: { verdict="unknown"|"good"|"bad", failures=, successes= }.  The first success counts at once.
local M = {}

function M.new() return { verdict = "unknown", failures = 0, successes = 0 } end

--- One probe came back.  True when the verdict changed.
function M.add(s, good, rule)
  if good then
    s.successes, s.failures = s.successes + 1, 0
  else
    s.failures, s.successes = s.failures + 1, 0
  end
  local before = s.verdict
  if good and (before == "unknown" or s.successes >= rule.pass_after) then s.verdict = "good"
  elseif not good and s.failures >= rule.fail_after then s.verdict = "bad" end
  return s.verdict ~= before
end

return M
