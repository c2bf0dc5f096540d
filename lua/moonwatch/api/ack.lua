--- ack.lua - acknowledgements over HTTP.
local Ack = require "moonwatch.route.ack"
local reply = require "moonwatch.api.router_reply"

local M = {}

local function shown(router, a, now)
  local host, covered = router.host, {}
  for _, alert in ipairs(router.alerts:firing(now)) do
    if Ack.covers(a, alert, now) then covered[#covered + 1] = alert.fp end
  end
  table.sort(covered)
  return { id = a.id, labels = a.labels, author = a.author, comment = a.comment, created = host.rfc3339(a.created_at),
    ends = a.ends_at and host.rfc3339(a.ends_at) or nil, alerts = host.json.array(covered) }
end

local function bad(host, message) return reply.problem(host, 400, "bad_request", message) end

-- {alert=, labels={}, for=} → labels and seconds; nil, message.
local function read(host, body)
  local v, err = host.json.decode(body or "")
  if type(v) ~= "table" then return nil, "the body must be a JSON object" .. (err and ": " .. tostring(err) or "") end
  local labels = {}
  if v.labels ~= nil and type(v.labels) ~= "table" then return nil, "labels must be texts by name" end
  for name, value in pairs(v.labels or {}) do
    if type(name) ~= "string" or type(value) ~= "string" then return nil, "labels must be texts by name" end
    labels[name] = value
  end
  if v.alert ~= nil then
    if type(v.alert) ~= "string" or v.alert == "" then return nil, "alert must be the name of an alert" end
    labels.alertname = v.alert
  end
  if next(labels) == nil then return nil, "say which alert: {\"alert\": NAME, \"labels\": {...}}" end
  local seconds
  if v["for"] ~= nil then
    seconds = host.duration(v["for"])
    if not seconds or seconds <= 0 then return nil, ("%q is not a duration; write 30m or 2h"):format(tostring(v["for"])) end
  end
  local function text(x) return type(x) == "string" and x or nil end
  return { labels = labels, seconds = seconds, author = text(v.author), comment = text(v.comment) }
end

local function add(router, msg, now)
  local host = router.host
  local a, err = read(host, msg.body)
  if not a then return bad(host, err) end
  local fires = false
  for _, alert in ipairs(router.alerts:firing(now)) do
    if Ack.covers({ labels = a.labels, created_at = now }, alert, now) then fires = true; break end
  end
  if not fires then return reply.problem(host, 404, "not_found", "no such alert is firing, so there is nothing to acknowledge") end
  return reply.json(host, 200, shown(router, router:ack(a, now), now))
end

local function list(router, _, now)
  local out = router.acks:list()
  for i, a in ipairs(out) do out[i] = shown(router, a, now) end
  return reply.json(router.host, 200, { acks = router.host.json.array(out) })
end

local function remove(router, _, _, id)
  if not router:unack(id) then return reply.problem(router.host, 404, "not_found", "there is no acknowledgement with this id") end
  return reply.json(router.host, 200, { id = id })
end

local ROWS = {
  { "GET", "^/api/mw/v1/acks?/?$", list },
  { "POST", "^/api/mw/v1/acks?/?$", add },
  { "DELETE", "^/api/mw/v1/acks?/([^/]+)$", remove },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
