--- gate.lua - may something be deployed, as far as an SLO is concerned?
local identity = require "moonwatch.config.identity"

local M = {}

local function percent(x) return ("%.1f%%"):format(x * 100) end

--- The severities of the alerts of RUNNER that fire, and whether any is pending.
function M.alerts(engine, runner)
  local firing, pending = {}, false
  for _, rule in ipairs(engine.burns[runner.rule] or {}) do
    local alert = engine.by_id[identity.id(rule)]
    local s = alert and alert:status()
    if s == "firing" then firing[#firing + 1] = rule.severity elseif s == "pending" then pending = true end
  end
  return firing, pending
end

--- open, reason, status: "ok", "burning", "exhausted", "low", "failed", "not yet" or "no data".  LEAST: the budget that must be left, 0 to 1.
function M.judge(engine, runner, least)
  local found, firing = runner:budget(), M.alerts(engine, runner)
  local name = runner.rule.name
  if runner.health == "err" then return false, ("%s cannot be measured: %s"):format(name, runner.last_error), "failed" end
  if #firing > 0 then return false, ("%s burns its error budget too fast: its %s alert fires"):format(name, table.concat(firing, " and ")), "burning" end
  if not found then return false, ("%s was not measured yet since the start"):format(name), "not yet" end
  if not found.ratio then return true, ("%s has no events to judge by"):format(name), "no data" end
  if found.left <= 0 then return false, ("%s has spent its error budget"):format(name), "exhausted" end
  if least and found.remaining < least then
    return false, ("%s has %s of its error budget left, and %s is asked for"):format(name, percent(found.remaining), percent(least)), "low"
  end
  return true, ("%s has %s of its error budget left"):format(name, percent(found.remaining)), "ok"
end

return M
