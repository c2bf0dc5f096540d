--- results.lua - what came of it: methods of a world that only look, and texts for people when a test fails.
local metric = require "moonwatch.testing.metric"

local M = {}

-- -- alerts ----------------------------------------------------------------------------------

local function agree(labels, wanted)
  for name, value in pairs(wanted or {}) do
    if labels[name] ~= tostring(value) then return false end
  end
  return true
end

local STATES = { firing = "firing", pending = "pending", resolved = "inactive", inactive = "inactive" }

--- Alerts that are STATE now ("firing", "pending", "resolved"), of NAME and with LABELS when given, in the order of their labels:
-- { labels=, value=, annotations=, state=, active_at=, fired_at=, resolved_at=, ... }.
function M:alerts(state, name, labels)
  local wanted = STATES[state] or error(("%q is no state of alerts: firing, pending, resolved"):format(tostring(state)), 2)
  local out = {}
  for _, runner in ipairs(self.engine.runners) do
    if runner.alerts and not runner.silent then
      for _, alert in pairs(runner.alerts) do
        if alert.state == wanted and (not name or alert.labels.alertname == name) and agree(alert.labels, labels) then
          out[#out + 1] = alert
        end
      end
    end
  end
  table.sort(out, function(a, b) return metric.text(a.labels) < metric.text(b.labels) end)
  return out
end

local function names(alerts)
  local seen, out = {}, {}
  for _, alert in ipairs(alerts) do
    local name = alert.labels.alertname
    if not seen[name] then
      seen[name] = true
      out[#out + 1] = name
    end
  end
  table.sort(out)
  return out
end

-- Names of all alerts in STATE; the alerts themselves of NAME when it is given.
local function in_state(state)
  return function(self, name, labels)
    if name == nil then return names(self:alerts(state)) end
    return self:alerts(state, name, labels)
  end
end

M.firing, M.pending, M.resolved = in_state "firing", in_state "pending", in_state "resolved"

--- All changes so far: { at=seconds since the world began, name=, labels=, from=, to="pending"|"firing"|"resolved"|"gone", value= }.
function M:timeline(name)
  local out = {}
  for _, e in ipairs(self.story.entries) do
    if not name or e.name == name then
      out[#out + 1] = { at = e.at - self.start, name = e.name, labels = e.labels, from = e.from, to = e.to, value = e.value }
    end
  end
  return out
end

-- -- what was sent ---------------------------------------------------------------------------

local function carries(message, name, labels)
  for _, alert in ipairs(message.note.alerts) do
    if (not name or alert.labels.alertname == name) and agree(alert.labels, labels) then return true end
  end
  return false
end

local function contains(message, field, pattern)
  for _, request in ipairs(message.requests) do
    if (request[field] or ""):find(pattern, 1, true) then return true end
  end
  return false
end

-- Each thing one may ask of a message.
local FILTERS = {
  receiver = function(m, v) return m.receiver == v end,
  kind = function(m, v) return m.kind == v end,
  status = function(m, v) return m.note.status == v end,
  reason = function(m, v) return m.note.reason == v end,
  alert = function(m, v, all) return carries(m, v, all.labels) end,
  labels = function(m, v, all) return carries(m, all.alert, v) end,
  url = function(m, v) return contains(m, "url", v) end,
  body = function(m, v) return contains(m, "body", v) end,
  ok = function(m, v) return (m.outcome ~= nil and m.outcome.ok or false) == v end,
}

--- Messages that left so far, those that are as WANTED says: { receiver=, kind=, status="firing"|"resolved", reason=, alert=, labels=,
-- url=, body= (texts that are in them), ok= (was it taken) }.  Each is { at=, receiver=, kind=, note= (what was to be said),
-- requests={ {method=, url=, headers=, body= (the bytes), json=, at=, answer=} }, outcome= }.
function M:sent(wanted)
  local out = {}
  for name in pairs(wanted or {}) do
    if not FILTERS[name] then error(("a message has no %q to look for"):format(tostring(name)), 2) end
  end
  for _, message in ipairs(self.messages) do
    local fits = true
    for name, value in pairs(wanted or {}) do fits = fits and FILTERS[name](message, value, wanted) end
    if fits then out[#out + 1] = message end
  end
  return out
end

-- -- figures ---------------------------------------------------------------------------------

--- The value of EXPR now, or nil.
function M:value(expr)
  local rows = assert(self.host.query(expr, self.now))
  return rows[1] and rows[1].value
end

--- All of them: { labels=, value= } or { labels=, histogram= }.
function M:values(expr) return assert(self.host.samples(expr, self.now)) end

--- The verdict on check NAME: "healthy", "degraded", "unhealthy", "maintenance" or "unknown", and the whole report.
function M:check(name)
  local runner = self.engine.by_id["check/" .. name] or error(("there is no check %q"):format(name), 2)
  return runner:report(self.now)
end

--- Rules that could not do their work at their last turn: { word=, name=, error= }.
function M:failures()
  local out = {}
  for _, runner in ipairs(self.engine.runners) do
    if runner.health == "err" then out[#out + 1] = { word = runner.rule.word, name = runner.rule.name, error = runner.last_error } end
  end
  return out
end

-- -- texts -----------------------------------------------------------------------------------

local HIDDEN = { alertname = true }

local function since(self, at) return at == self.start and "0s" or self.host.duration_text(at - self.start) end

local function alert_text(self, alert)
  local value = type(alert.value) == "number" and " value " .. metric.number(alert.value) or ""
  return ("%s%s%s since %s"):format(alert.labels.alertname, metric.text(alert.labels, HIDDEN), value,
    since(self, alert.fired_at or alert.active_at or self.now))
end

local MOST = 12

local function listed(out, title, lines)
  if #lines == 0 then return end
  out[#out + 1] = title .. ":"
  if #lines > MOST then out[#out + 1] = ("  (%d more before)"):format(#lines - MOST) end
  for i = math.max(1, #lines - MOST + 1), #lines do out[#out + 1] = "  " .. lines[i] end
end

local function mapped(list, text)
  local out = {}
  for i, item in ipairs(list) do out[i] = text(item) end
  return out
end

local function message_text(self, m)
  local told = mapped(m.note.alerts, function(a) return a.labels.alertname .. metric.text(a.labels, HIDDEN) end)
  local fate = not m.outcome and "no answer yet" or m.outcome.ok and "taken" or "not taken: " .. tostring(m.outcome.error)
  return ("%s %s by %s, %s: %s (%s)"):format(since(self, m.at), m.receiver, m.kind, m.note.status, table.concat(told, ", "), fate)
end

--- What is, and how it came about, for whoever has to find out why a test failed.
function M:describe()
  local out = { ("it is %s, %s after the world began"):format(self.host.rfc3339(self.now), since(self, self.now)) }
  for _, state in ipairs { "firing", "pending", "resolved" } do
    listed(out, state, mapped(self:alerts(state), function(a) return alert_text(self, a) end))
  end
  if #out == 1 then out[2] = "nothing is pending or firing" end
  listed(out, "what happened", mapped(self.story.entries, function(e)
    local value = type(e.value) == "number" and " value " .. metric.number(e.value) or ""
    return ("%s %s%s %s%s"):format(since(self, e.at), e.name, metric.text(e.labels, HIDDEN), e.to, value)
  end))
  listed(out, "what was sent", mapped(self.messages, function(m) return message_text(self, m) end))
  listed(out, "rules that failed", mapped(self:failures(), function(f) return ("%s %q: %s"):format(f.word, f.name, f.error) end))
  return table.concat(out, "\n")
end

return M
