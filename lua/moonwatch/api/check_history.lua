--- check_history.lua - /api/mw/v1/checks/NAME/history: how a check changed, how much of the time it was up, how long its probes took.
local answer = require "moonwatch.api.answer"
local uptime = require "moonwatch.check.uptime"

local M = {}

-- Newest first, each with how long it lasted.
local function changes(host, list, now)
  local out = host.json.array {}
  for i = #list, 1, -1 do
    local c = list[i]
    out[#out + 1] = { at = host.rfc3339(c.at), status = c.status, message = c.message, seconds = (list[i + 1] and list[i + 1].at or now) - c.at }
  end
  return out
end

function M.get(engine, req, now, runner)
  local host, name = engine.host, runner.rule.name
  if req.method ~= "GET" and req.method ~= "HEAD" then return answer.problem(host, 405, "method", "GET") end
  local up, latency = {}, {}
  for _, window in ipairs(uptime.WINDOWS) do up[window[1]] = uptime.of(host, name, window, now) end
  for _, window in ipairs(uptime.LATENCY) do latency[window] = uptime.latency(host, name, window, now) end
  local status, message, details = runner:report(now)
  return answer.json(host, 200, { name = name, status = status, message = message, details = details, since = runner.since and host.rfc3339(runner.since),
                                  changes = changes(host, runner.changes, now), uptime = up, latency_seconds = latency })
end

return M
