--- check_list.lua - checks as /api/mw/v1/checks shows them: one, all, or those that somebody looks for.
--
--   status=unhealthy,degraded   only those        text=shop   only those with this in their name or message
--   limit=50                    the worst so many
-- `counts` are of all checks, by status; `total` is how many were found.
local answer = require "moonwatch.api.answer"
local rules_of = require "moonwatch.api.rules_of"

local M = {}

local RANK = { unhealthy = 1, degraded = 2, unknown = 3, maintenance = 4, healthy = 5 }

--- RUNNER at NOW.
function M.row(engine, runner, now)
  local status, message, details = runner:report(now)
  local rule = runner.rule
  return { name = rule.name, display = rule.display, kind = runner.kind, status = status, message = message, details = details, critical = rule.critical,
           every = rule.every, timeout = rule.timeout, file = rule.file, line = rule.line, traceback = runner.traceback,
           depends_on = engine.host.json.array(rule.depends_on), maintenance = engine.host.json.array(rule.maintenance), labels = rule.labels }
end

local function wanted_of(req)
  local text, status = answer.param(req, "text"), answer.param(req, "status")
  local set = status and {}
  for name in (status or ""):gmatch "[^,]+" do
    if not RANK[name] then return nil, ("%q is no status: healthy, degraded, unhealthy, unknown, maintenance"):format(name) end
    set[name] = true
  end
  local limit = answer.param(req, "limit")
  if limit and not (tonumber(limit) and tonumber(limit) >= 1) then return nil, "limit: expected a number, 1 or more" end
  return { text = text and text:lower(), status = set, limit = tonumber(limit) }
end

local function fits(want, name, status, message)
  if want.status and not want.status[status] then return false end
  return not want.text or name:lower():find(want.text, 1, true) ~= nil or tostring(message):lower():find(want.text, 1, true) ~= nil
end

local function worst_first(a, b)
  if a.status ~= b.status then return RANK[a.status] < RANK[b.status] end
  return a.runner.rule.name < b.runner.rule.name
end

--- The answer to a GET of all.
function M.get(engine, req, now)
  local want, why = wanted_of(req)
  if not want then return answer.problem(engine.host, 400, "bad_request", why) end
  local found, counts = {}, {}
  for _, runner in ipairs(rules_of.list(engine, "check")) do
    local status, message = runner:standing(now)
    counts[status] = (counts[status] or 0) + 1
    if fits(want, runner.rule.name, status, message) then found[#found + 1] = { runner = runner, status = status } end
  end
  if want.limit then table.sort(found, worst_first) end
  local rows = engine.host.json.array {}
  for i = 1, math.min(#found, want.limit or math.huge) do rows[i] = M.row(engine, found[i].runner, now) end
  return answer.json(engine.host, 200, { checks = rows, total = #found, counts = counts })
end

return M
