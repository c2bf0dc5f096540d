--- alerts.lua - every alert the router knows, by fingerprint.
--
-- An alert: {fp, labels, annotations, starts_at, ends_at or nil (until told), updated_at, timeout
-- (its end is only a guess), seen (since when this episode is known here), generator_url, value,
-- threshold, severity, rule}.  Two reports of one episode are merged: earliest start, newest texts.
local labels = require "moonwatch.route.labels"

local M = {}
M.__index = M

M.TIMEOUT = 300

function M.new(host, saved)
  local self = setmetatable({ host = host, by_fp = {} }, M)
  for _, a in ipairs(saved or {}) do self.by_fp[a.fp] = a end
  return self
end

function M.resolved(alert, now)
  return alert.ends_at ~= nil and alert.ends_at <= now
end

--- Nobody said when ALERT ends: it does when nothing is heard of it for TIMEOUT seconds.
function M.guess_end(alert, now, timeout)
  alert.timeout, alert.ends_at = true, now + (timeout or M.TIMEOUT)
end

local function ends(alert) return alert.ends_at or math.huge end

-- B is the younger report of the same episode as A.
local function merge(a, b, now)
  b.starts_at = math.min(a.starts_at, b.starts_at)
  if M.resolved(b, now) then
    if M.resolved(a, now) and ends(a) > ends(b) then b.ends_at = a.ends_at end
  elseif ends(a) > ends(b) and not a.timeout then
    b.ends_at = a.ends_at
  end
  return b
end

--- Take a report in; ALERT has labels, starts_at and updated_at at least.  Answers what is kept now.
function M:put(alert, now)
  alert.fp = alert.fp or self.host.fingerprint(alert.labels)
  local old = self.by_fp[alert.fp]
  if old then
    alert.labels = old.labels -- one table for one set of labels: what is known of it is found by it
    if old.updated_at > alert.updated_at then old, alert = alert, old end
    local overlaps = (ends(alert) > old.starts_at and ends(alert) < ends(old))
      or (alert.starts_at > old.starts_at and alert.starts_at < ends(old))
    local was_active = not M.resolved(old, now)
    if overlaps then alert = merge(old, alert, now) end
    if was_active or M.resolved(alert, now) then alert.seen = old.seen or alert.seen end
  end
  alert.seen = alert.seen or now
  self.by_fp[alert.fp] = alert
  return alert
end

function M:get(fp) return self.by_fp[fp] end
function M:remove(fp) self.by_fp[fp] = nil end

--- All of them, sorted by fingerprint.
function M:list()
  local out = {}
  for _, a in pairs(self.by_fp) do out[#out + 1] = a end
  table.sort(out, function(a, b) return a.fp < b.fp end)
  return out
end

--- Those that are active at NOW.
function M:firing(now)
  local out = {}
  for _, a in pairs(self.by_fp) do
    if not M.resolved(a, now) then out[#out + 1] = a end
  end
  return out
end

--- How the alert looks in a message sent at NOW: it will not resolve while it is on its way.
function M.view(alert, now)
  local over = M.resolved(alert, now)
  -- What every alert has is written out: thousands are copied at once.
  local out = { fp = alert.fp, labels = alert.labels, annotations = alert.annotations, starts_at = alert.starts_at,
    ends_at = over and alert.ends_at or nil, updated_at = alert.updated_at, seen = alert.seen, timeout = alert.timeout,
    generator_url = alert.generator_url, severity = alert.severity, shared_until = alert.shared_until, status = over and "resolved" or "firing" }
  if alert.rule or alert.drill or alert.value ~= nil or alert.threshold ~= nil or alert.evidence ~= nil then
    for k, v in pairs(alert) do
      if out[k] == nil and k ~= "ends_at" then out[k] = v end
    end
  end
  return out
end

--- That, of each in ALERTS, a table of them; a list in the order of messages.
function M.views(alerts, now)
  local out, n = {}, 0
  for _, alert in pairs(alerts) do
    n = n + 1
    out[n] = M.view(alert, now)
  end
  return labels.put_in_order(out)
end

return M
