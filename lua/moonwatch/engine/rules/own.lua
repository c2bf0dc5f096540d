--- own.lua - alerts that the engine itself raises, without any rule: what must be heard even when nobody wrote one for it.
--
-- They go to the router like those of rules: at once when they begin or end, and again every minute while they fire.
local state = require "moonwatch.alert.state"

local M = {}
M.__index = M

local RESEND = 60

--- emit(alerts, now); labels() -> the external labels.
function M.new(emit, labels) return setmetatable({ emit = emit, external = labels, alerts = {}, next = math.huge }, M) end

local function message(self, alert, now, resolved)
  local labels = {}
  for name, value in pairs(self.external()) do labels[name] = value end
  for name, value in pairs(alert.labels) do labels[name] = value end
  alert.sent = now
  return { labels = labels, annotations = alert.annotations, starts_at = alert.since, ends_at = resolved and now or now + 4 * RESEND, value = 1,
           severity = labels.severity, rule = "moonwatch/" .. labels.alertname, updated_at = now, resolved = resolved or false }
end

-- Tell what is due and say when that is again.
local function tell(self, now, out)
  self.next = math.huge
  for _, alert in pairs(self.alerts) do
    if not alert.sent or now - alert.sent >= RESEND then out[#out + 1] = message(self, alert, now) end
    self.next = math.min(self.next, alert.sent + RESEND)
  end
  table.sort(out, function(a, b) return state.key(a.labels) < state.key(b.labels) end)
  if #out > 0 then self.emit(out, now) end
end

--- From now on the alerts called NAME are LIST: { labels=, severity=, annotations= } each; the others of that name end.
function M:set(name, list, now)
  local wanted, out = {}, {}
  for _, item in ipairs(list) do
    local labels = { alertname = name, severity = item.severity or "warning" }
    for k, v in pairs(item.labels or {}) do labels[k] = v end
    local key = state.key(labels)
    local before = self.alerts[key]
    wanted[key] = true
    self.alerts[key] = before or { labels = labels, since = now }
    self.alerts[key].annotations = item.annotations or {}
  end
  for key, alert in pairs(self.alerts) do
    if alert.labels.alertname == name and not wanted[key] then
      out[#out + 1], self.alerts[key] = message(self, alert, now, true), nil
    end
  end
  tell(self, now, out)
end

function M:tick(now)
  if now >= self.next then tell(self, now, {}) end
end

return M
