--- tally.lua - a check of the status page counts its days as it goes: the store keeps samples for weeks, the page shows 90 days.
local days = require "moonwatch.status.days"
local settings = require "moonwatch.status.settings"

local M = {}

--- RUNNER is STATUS with EXCUSE since T; until then it was what it was the time before, unless that is too long ago to know.
function M.credit(runner, t, status, excuse)
  local rule = runner.rule
  if not settings.shows(runner.engine, rule.name) then
    runner.tallied_at = nil
    return
  end
  runner.days = runner.days or days.from_store(runner.host, rule.name, rule.every, t)
  local last, part = runner.tallied_at, runner.tallied_part
  if last and part and t - last <= 3 * rule.every + 2 * rule.timeout then days.add(runner.days, last, t, part) end
  runner.tallied_at, runner.tallied_part = t, days.part(status, excuse)
end

return M
