--- notifications.lua - what was sent to whom, when, and what became of it.
local reply = require "moonwatch.api.router_reply"
local words = require "moonwatch.api.why_words"

local M = {}

local MOST = 1000

-- The filters of a list: parameter -> does ENTRY have VALUE?
local FILTERS = {
  receiver = function(e, value) return e.receiver == value end,
  result = function(e, value) return e.result == value end,
  reason = function(e, value) return e.reason == value end,
  status = function(e, value) return e.status == value end,
  since = function(e, value) return e.time >= value end,
  ["until"] = function(e, value) return e.time <= value end,
  -- By name or fingerprint.
  alert = function(e, value)
    for _, alert in ipairs(e.alerts) do
      if alert.labels.alertname == value or alert.fp == value then return true end
    end
    return false
  end,
}
local TIMES = { since = true, ["until"] = true }

--- The tries of a message as JSON shows them.
function M.attempts(host, attempts)
  local out = {}
  for i, a in ipairs(attempts) do
    out[i] = { time = host.rfc3339(a.time), ok = a.ok, status = a.status, error = a.error and words.line(a.error) or nil, seconds = a.seconds }
  end
  return host.json.array(out)
end

--- One entry of the history as JSON shows it.
function M.shown(host, e)
  local alerts = {}
  for i, a in ipairs(e.alerts) do alerts[i] = { fingerprint = a.fp, labels = a.labels, status = a.status } end
  return { id = e.id, time = host.rfc3339(e.time), receiver = e.receiver, integration = e.integration, status = e.status,
    reason = e.reason, result = e.result, why = e.why and words.line(e.why) or nil, test = e.test, digest = e.digest, fallback = e.fallback, done = e.done and host.rfc3339(e.done),
    groupKey = e.group_key, groupLabels = e.group_labels, alerts = host.json.array(alerts),
    attempts = M.attempts(host, e.attempts) }
end

-- What MSG asks for: parameter -> value; nil, message.
local function wanted(router, msg)
  local out = {}
  for name in pairs(FILTERS) do
    local value = reply.param(msg, name)
    if value and TIMES[name] then
      out[name] = tonumber(value) or router.host.parse_time(value)
      if not out[name] then return nil, ("bad time %q: write seconds since 1970 or 2006-01-02T15:04:05Z"):format(words.line(value)) end
    elseif value ~= "" then
      out[name] = value
    end
  end
  return out
end

local function count_of(msg, name, default)
  local value = reply.param(msg, name)
  if value == nil then return default end
  local n = tonumber(value)
  if not n or n < 1 or n % 1 ~= 0 then return nil, ("bad %s %q: write a whole number from 1"):format(name, words.line(value)) end
  return n
end

local function list(router, msg, now)
  local filters, why = wanted(router, msg)
  if not filters then return reply.problem(router.host, 400, "bad_request", why) end
  local limit, before
  limit, why = count_of(msg, "limit", 100)
  if not why then before, why = count_of(msg, "before") end
  if why then return reply.problem(router.host, 400, "bad_request", why) end
  router.history:expire(now)
  local out, next_place = router.history:find(function(e)
    for name, value in pairs(filters) do
      if not FILTERS[name](e, value) then return false end
    end
    return true
  end, math.min(MOST, limit), before)
  for i, e in ipairs(out) do out[i] = M.shown(router.host, e) end
  return reply.json(router.host, 200, { notifications = router.host.json.array(out), next = next_place })
end

local ROWS = {
  { "GET", "^/api/mw/v1/notifications/?$", list },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
