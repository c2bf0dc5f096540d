--- health.lua - all checks in one answer.
--
-- A failing critical check makes the whole unhealthy; a failing other one, or a degraded one, makes it degraded.
local M = {}

local RANK = { healthy = 0, unknown = 0, maintenance = 0, degraded = 1, unhealthy = 2 }
local NAME = { [0] = "healthy", "degraded", "unhealthy" }

local function one(host, runner, now)
  local status, message, details = runner:report(now)
  return { status = status, message = message, details = details, timestamp = host.rfc3339(runner.probed_at or now) }
end

--- RUNNERS: a list of checks.  The document and whether it is unhealthy.
function M.all(host, runners, now)
  local worst, checks = 0, {}
  for _, runner in ipairs(runners) do
    local c = one(host, runner, now)
    c.timestamp = nil
    checks[runner.rule.name] = c
    local rank = RANK[c.status]
    if rank == 2 and not runner.rule.critical then rank = 1 end
    worst = math.max(worst, rank)
  end
  return { status = NAME[worst], checks = checks, timestamp = host.rfc3339(now) }, worst == 2
end

function M.one(host, runner, now)
  local c = one(host, runner, now)
  return c, c.status == "unhealthy"
end

return M
