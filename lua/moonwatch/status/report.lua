--- report.lua - what the status page says, as a plain table: groups of checks, how they are, their days, incidents.
--
-- Nobody who reads it has to be trusted: it has names for people, states and what people wrote in incidents.  Addresses, messages of
-- probes, names of checks that are called otherwise and of those that are not on the page stay inside.
local days = require "moonwatch.status.days"
local settings = require "moonwatch.status.settings"

local M = {}

local PUBLIC = { healthy = "operational", degraded = "degraded", unhealthy = "outage", maintenance = "maintenance", unknown = "unknown" }
local RANK = { operational = 0, unknown = 0, maintenance = 1, degraded = 2, outage = 3 }
local IMPACT = { none = "operational", degraded = "degraded", down = "outage", maintenance = "maintenance" }
local PAST = 14 * 86400 -- seconds for which incidents that are over are shown

local function worse(a, b) return RANK[b] > RANK[a] and b or a end

local function name_of(engine, name)
  local runner = engine.by_id["check/" .. name]
  return runner and runner.rule.display or name
end

local function date(host, day) return host.rfc3339(day * 86400):sub(1, 10) end

local function day_rows(host, runner)
  local out = host.json.array {}
  for _, row in ipairs(runner and runner.days or {}) do
    local up, counted = days.share(row)
    out[#out + 1] = { date = date(host, row.day), day = row.day, up = up, counted_seconds = counted, down_seconds = row.down, degraded_seconds = row.degraded,
                      excused_seconds = row.excused }
  end
  return out
end

local function check_row(engine, name, page, now)
  local runner = engine.by_id["check/" .. name]
  local row = { name = name_of(engine, name), status = "unknown", days = day_rows(engine.host, runner) }
  if not runner then return row end
  local status, message = runner:report(now)
  row.status, row.since = PUBLIC[status], runner.since and engine.host.rfc3339(runner.since) or nil
  if runner.days then row.uptime, row.known_seconds = days.share(days.sum(runner.days)) end
  if page.show_messages and status ~= "healthy" then row.message = message end
  -- One that nobody has to get up for is no outage of the whole.
  row.weight = row.status == "outage" and not runner.rule.critical and "degraded" or row.status
  return row
end

-- -- incidents -------------------------------------------------------------

local function updates(host, incident, page)
  local out = host.json.array {}
  for i = #incident.updates, 1, -1 do
    local u = incident.updates[i]
    out[#out + 1] = { at = host.rfc3339(u.at), status = u.status, text = u.text, author = page.show_authors and u.author or nil }
  end
  return out
end

local function incident_row(engine, incident, s)
  local host, checks = engine.host, engine.host.json.array {}
  for _, name in ipairs(incident.checks) do
    if s.names[name] then checks[#checks + 1] = name_of(engine, name) end
  end
  return { id = incident.id, title = incident.title, status = incident.status, impact = incident.impact, checks = checks,
           opened_at = host.rfc3339(incident.opened_at), closed_at = incident.closed_at and host.rfc3339(incident.closed_at) or nil,
           changed_at = host.rfc3339(incident.changed_at), updates = updates(host, incident, s.page) }
end

local function incidents(engine, s, now)
  local open, past, worst = engine.host.json.array {}, engine.host.json.array {}, "operational"
  for _, incident in ipairs(engine.incidents:list()) do
    if not incident.closed_at then
      open[#open + 1] = incident_row(engine, incident, s)
      worst = worse(worst, IMPACT[incident.impact])
    elseif now - incident.closed_at < PAST then
      past[#past + 1] = incident_row(engine, incident, s)
    end
  end
  return open, past, worst
end

-- -- all of it -------------------------------------------------------------

--- The page of ENGINE at NOW; nil when there is none.
function M.of(engine, now)
  local s = settings.of(engine)
  if not s then return nil end
  local host, page = engine.host, s.page
  local open, past, worst = incidents(engine, s, now)
  local groups = host.json.array {}
  for _, group in ipairs(page.groups) do
    local rows = host.json.array {}
    for i, name in ipairs(group.checks) do
      rows[i] = check_row(engine, name, page, now)
      worst = worse(worst, rows[i].weight or rows[i].status)
      rows[i].weight = nil
    end
    groups[#groups + 1] = { name = group.name, checks = rows }
  end
  return { title = page.title, description = page.description, status = worst, updated_at = host.rfc3339(now), today = math.floor(now / 86400),
           groups = groups, incidents = open, past_incidents = past }
end

return M
