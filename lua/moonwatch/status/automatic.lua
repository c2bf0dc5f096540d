--- automatic.lua - incidents that failing checks open and end by themselves, when settings.status_page.automatic says so.
--
-- Only critical checks of the page do.  What one says is nothing that people do not see on the page anyway.  Once a person
-- has written in such an incident it is theirs: no check closes it.  A check that fails again soon goes on with the one it had.
local settings = require "moonwatch.status.settings"
local text = require "moonwatch.alert.text"

local M = {}

local SOON = 600
local AUTHOR = "moonwatch"

-- The automatic incident of the check NAME that is open, or closed less than SOON ago.
local function find(engine, name, now)
  for _, incident in ipairs(engine.incidents:list()) do
    local recent = not incident.closed_at or now - incident.closed_at < SOON
    if incident.automatic and recent and incident.checks[1] == name then return incident end
  end
end

local function why(page, message) return page.show_messages and message and ": " .. message or "" end

local function failing(engine, runner, page, message, now)
  local incident = find(engine, runner.rule.name, now)
  local called = runner.rule.display or runner.rule.name
  if incident and not incident.closed_at then return end
  if incident then
    return engine.incidents:update(incident, { status = "investigating", text = called .. " is failing again" .. why(page, message), author = AUTHOR }, now, true)
  end
  engine.incidents:open({ title = called:sub(1, 150) .. " is failing", text = "Found by a check" .. why(page, message):sub(1, 1000) .. ".", author = AUTHOR, impact = "down",
                          checks = { runner.rule.name } }, now, true)
end

local function well(engine, runner, now)
  local incident = find(engine, runner.rule.name, now)
  if not incident or incident.closed_at then return end
  local called = runner.rule.display or runner.rule.name
  local took = text.duration(math.floor(now - incident.opened_at + 0.5))
  engine.incidents:close(incident, { text = ("%s is well again, after %s."):format(called, took), author = AUTHOR }, now, true)
end

--- RUNNER, a check, has another STATUS since NOW.
function M.turned(engine, runner, status, message, now)
  local s = settings.of(engine)
  if not s or not s.page.automatic or not s.names[runner.rule.name] or not runner.rule.critical or not engine:owns(runner.id) then return end
  if status == "unhealthy" then failing(engine, runner, s.page, message, now)
  elseif status == "healthy" or status == "degraded" then well(engine, runner, now) end
end

return M
