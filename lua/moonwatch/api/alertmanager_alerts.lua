--- alertmanager_alerts.lua - what Alertmanager's API v2 shows of alerts and of their groups.
local Alerts = require "moonwatch.route.alerts"
local labels = require "moonwatch.route.labels"
local matchers = require "moonwatch.route.matchers"
local mute = require "moonwatch.route.mute"
local params = require "moonwatch.api.alertmanager_params"
local reply = require "moonwatch.api.router_reply"
local route_labels = require "moonwatch.engine.router.labels"
local version = require "moonwatch.api.alertmanager_version"

local M = {}

local function refuse(host, status, message) return reply.peer_problem(host, status, message) end

-- -- parameters -------------------------------------------------------------------

-- What GET /alerts and /alerts/groups ask for: a function(alert) → status or nil; nil, message.
local function wanted(router, msg, now)
  local filter, err = params.filter(router, msg, "filter")
  if not filter then return nil, err end
  local active, silenced, inhibited = params.flag(msg, "active"), params.flag(msg, "silenced"), params.flag(msg, "inhibited")
  return function(alert)
    if Alerts.resolved(alert, now) or not matchers.match(filter, alert.labels) then return nil end
    local status = router:status(alert, now)
    local muted = status.inhibited_by or #status.silenced_by > 0
    if not muted and not active or #status.silenced_by > 0 and not silenced or status.inhibited_by and not inhibited then return nil end
    return status
  end
end

-- Both of what a list of alerts may be asked for: by alert, by receiver; nil, why.
local function filters(router, msg, now)
  local want, err = wanted(router, msg, now)
  if not want then return nil, err end
  local test
  test, err = params.receivers(router, msg)
  return test and want, test or err
end

-- -- alerts ------------------------------------------------------------------------

-- MUTED_BY: the windows that keep the whole group quiet.
local function shown(router, alert, status, receivers, muted_by)
  local host = router.host
  local names = {}
  for i, name in ipairs(receivers) do names[i] = { name = name } end
  return {
    labels = alert.labels, annotations = alert.annotations, fingerprint = alert.fp,
    startsAt = host.rfc3339(alert.starts_at), endsAt = host.rfc3339(alert.ends_at or alert.updated_at + 300),
    updatedAt = host.rfc3339(alert.updated_at), generatorURL = alert.generator_url, receivers = host.json.array(names),
    status = { state = (status.inhibited_by or #status.silenced_by > 0 or #muted_by > 0) and "suppressed" or "active",
      silencedBy = host.json.array(status.silenced_by), mutedBy = version.newer(router) and host.json.array(muted_by) or nil,
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

--- GET /alerts.
function M.list(router, msg, now)
  local want, test = filters(router, msg, now)
  if not want then return refuse(router.host, 400, test) end
  local out = {}
  for _, alert in ipairs(router.alerts:list()) do
    local status = want(alert)
    local receivers = status and receivers_of(router, alert)
    if status and any(receivers, test) then out[#out + 1] = shown(router, alert, status, receivers, {}) end
  end
  return reply.json(router.host, 200, router.host.json.array(out))
end

-- -- groups --------------------------------------------------------------------------

local function in_order(a, b)
  local x, y = a.group, b.group
  if labels.before(x.labels, y.labels) then return true end
  if labels.before(y.labels, x.labels) then return false end
  if x.node.receiver ~= y.node.receiver then return (x.node.receiver or "") < (y.node.receiver or "") end
  return x.id < y.id
end

-- Groups with something in them that WANT and TEST let through: list of {group, alerts: list of {view, status}}, in order;
-- and the receivers of each alert among them, by fingerprint.
local function found(router, want, test, now)
  local out, receivers = {}, {}
  for _, group in pairs(router.groups) do
    local name = group.node.receiver or ""
    local inside = {}
    for _, view in ipairs(test(name) and group:views(now) or {}) do
      local status = want(group.members[view.fp])
      if status then
        inside[#inside + 1] = { alert = group.members[view.fp], status = status }
        receivers[view.fp] = receivers[view.fp] or {}
        table.insert(receivers[view.fp], name)
      end
    end
    if #inside > 0 then out[#out + 1] = { group = group, alerts = inside } end
  end
  for _, names in pairs(receivers) do table.sort(names) end
  table.sort(out, in_order)
  return out, receivers
end

local function members(inside)
  local out = {}
  for i, item in ipairs(inside) do out[i] = item.alert end
  return out
end

-- The windows that keep GROUP quiet.
local function muted_by(router, group, now)
  local reason = version.newer(router) and mute.route(group.node, router.windows, now)
  return reason and reason.by or {}
end

--- GET /alerts/groups.
function M.groups(router, msg, now)
  local want, test = filters(router, msg, now)
  if not want then return refuse(router.host, 400, test) end
  local muted_too, host = params.flag(msg, "muted"), router.host
  local out = {}
  local list, receivers = found(router, want, test, now)
  for _, item in ipairs(list) do
    local group, by, inside = item.group, muted_by(router, item.group, now), {}
    for i, one in ipairs(item.alerts) do inside[i] = shown(router, one.alert, one.status, receivers[one.alert.fp], by) end
    if muted_too or #by == 0 then
      out[#out + 1] = { labels = group.labels, receiver = { name = group.node.receiver or "" }, alerts = host.json.array(inside),
        routeLabels = version.shown(router, route_labels.of(group.node, members(item.alerts), group.labels) or {}) }
    end
  end
  return reply.json(host, 200, host.json.array(out))
end

return M
