--- alertmanager.lua - Alertmanager's API v2: what amtool, Prometheus and dashboards speak.
local keys_of = require "moonwatch.keys"
local Alerts = require "moonwatch.route.alerts"
local intake = require "moonwatch.api.alertmanager_intake"
local matchers = require "moonwatch.route.matchers"
local reply = require "moonwatch.api.router_reply"
local silences = require "moonwatch.api.alertmanager_silences"
local yaml = require "moonwatch.api.alertmanager_yaml"

local M = {}

-- The version of the API that is kept to; amtool compares it with its own.
local SPOKEN = "0.25.0"
local TRUE = { ["true"] = true, ["1"] = true, yes = true, ok = true, y = true, on = true, t = true, selected = true, checked = true, enabled = true }

local function refuse(host, status, message) return reply.peer_problem(host, status, message) end

-- -- parameters -------------------------------------------------------------------

local function flag(msg, name)
  local v = reply.param(msg, name)
  if v == nil then return true end
  return TRUE[v:lower()] or false
end

-- The `filter` parameters as one condition; nil, message.
local function filter_of(router, msg)
  local list = {}
  for _, text in ipairs(reply.params(msg, "filter")) do
    local m, err = matchers.parse_one(text)
    if not m then return nil, err end
    list[#list + 1] = m
  end
  return matchers.compile(list, router.host)
end

-- What GET /alerts and /alerts/groups ask for: a function(alert) → status or nil; nil, message.
local function wanted(router, msg, now)
  local filter, err = filter_of(router, msg)
  if not filter then return nil, err end
  local active, silenced, inhibited = flag(msg, "active"), flag(msg, "silenced"), flag(msg, "inhibited")
  return function(alert)
    if Alerts.resolved(alert, now) or not matchers.match(filter, alert.labels) then return nil end
    local status = router:status(alert, now)
    local muted = status.inhibited_by or #status.silenced_by > 0
    if not muted and not active or #status.silenced_by > 0 and not silenced or status.inhibited_by and not inhibited then return nil end
    return status
  end
end

local function receiver_filter(router, msg)
  local text = reply.param(msg, "receiver")
  if not text or text == "" then return function() return true end end
  local re, err = router.host.regex(text)
  if not re then return nil, "failed to parse receiver param: " .. err end
  return function(name) return re:match(name) end
end

-- Both of what a list of alerts may be asked for: by alert, by receiver; nil, why.
local function filters(router, msg, now)
  local want, err = wanted(router, msg, now)
  if not want then return nil, err end
  local test
  test, err = receiver_filter(router, msg)
  return test and want, test or err
end

-- -- alerts ------------------------------------------------------------------------

local function time(host, t) return host.rfc3339(t) end

local function shown(router, alert, status, receivers)
  local host = router.host
  local names = {}
  for i, name in ipairs(receivers) do names[i] = { name = name } end
  return {
    labels = alert.labels, annotations = alert.annotations, fingerprint = alert.fp,
    startsAt = time(host, alert.starts_at), endsAt = time(host, alert.ends_at or alert.updated_at + 300),
    updatedAt = time(host, alert.updated_at), generatorURL = alert.generator_url, receivers = host.json.array(names),
    status = { state = (status.inhibited_by or #status.silenced_by > 0) and "suppressed" or "active",
      silencedBy = host.json.array(status.silenced_by),
      inhibitedBy = host.json.array(status.inhibited_by and { status.inhibited_by } or {}) },
  }
end

local function receivers_of(router, alert)
  local out = {}
  for _, node in ipairs(router.tree:match(alert.labels)) do
    if node.receiver then out[#out + 1] = node.receiver end
  end
  return out
end

local function any(names, test)
  if #names == 0 then return test "" end
  for _, name in ipairs(names) do
    if test(name) then return true end
  end
  return false
end

local function get_alerts(router, msg, now)
  local want, test = filters(router, msg, now)
  if not want then return refuse(router.host, 400, test) end
  local out = {}
  for _, alert in ipairs(router.alerts:list()) do
    local status = want(alert)
    local receivers = status and receivers_of(router, alert)
    if status and any(receivers, test) then out[#out + 1] = shown(router, alert, status, receivers) end
  end
  return reply.json(router.host, 200, router.host.json.array(out))
end

local function sorted_groups(router)
  local out = {}
  for _, group in pairs(router.groups) do out[#out + 1] = group end
  table.sort(out, function(a, b)
    if a.text ~= b.text then return a.text < b.text end
    return a.id < b.id
  end)
  return out
end

local function get_groups(router, msg, now)
  local want, test = filters(router, msg, now)
  if not want then return refuse(router.host, 400, test) end
  local out = {}
  for _, group in ipairs(sorted_groups(router)) do
    local inside = {}
    for _, view in ipairs(group:views(now)) do
      local alert = group.members[view.fp]
      local status = want(alert)
      if status then inside[#inside + 1] = shown(router, alert, status, receivers_of(router, alert)) end
    end
    if #inside > 0 and test(group.node.receiver or "") then
      out[#out + 1] = { labels = group.labels, receiver = { name = group.node.receiver or "" }, alerts = router.host.json.array(inside) }
    end
  end
  return reply.json(router.host, 200, router.host.json.array(out))
end

local function post_alerts(router, msg, now)
  local reports, status, problems = intake.alerts(router, msg.body, now)
  if not reports then return refuse(router.host, status, problems) end
  router:accept(reports, now)
  if #problems > 0 then return refuse(router.host, 400, table.concat(problems, "; ")) end
  return { status = 200, headers = {}, body = "" }
end

-- -- the rest ------------------------------------------------------------------------------

local function get_receivers(router)
  local names = keys_of(router.receivers)
  for _, name in ipairs(keys_of(router.oncalls)) do names[#names + 1] = "oncall:" .. name end
  for i, name in ipairs(names) do names[i] = { name = name } end
  return reply.json(router.host, 200, router.host.json.array(names))
end

local function get_status(router, _, now)
  local host = router.host
  router.started = router.started or now
  return reply.json(host, 200, {
    cluster = { name = "", peers = host.json.array {}, status = "disabled" },
    config = { original = yaml.text(router) }, uptime = time(host, router.started),
    versionInfo = { version = SPOKEN, branch = "moonwatch", revision = host.version(), buildUser = "", buildDate = "", goVersion = "" },
  })
end

local ROWS = {
  { "GET", "^/api/v2/alerts/groups/?$", get_groups },
  { "GET", "^/api/v2/alerts/?$", get_alerts },
  { "POST", "^/api/v2/alerts/?$", post_alerts },
  { "GET", "^/api/v2/receivers/?$", get_receivers },
  { "GET", "^/api/v2/status/?$", get_status },
}

for _, row in ipairs(silences.rows) do ROWS[#ROWS + 1] = row end

--- Answer one request under /api/v2.
function M.answer(router, msg, now)
  return reply.dispatch(ROWS, router, msg, now, refuse)
end

return M
