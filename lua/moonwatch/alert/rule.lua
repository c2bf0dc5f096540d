--- rule.lua - one alert rule at work: judge, step, collect evidence, write ALERTS, tell the router.
--
-- Told are changes to firing and to resolved at once, a firing alert again every minute, a resolved one for a quarter of
-- an hour.  A rule that fails keeps its alerts as they are and goes on telling them.
local absent = require "moonwatch.alert.absent"
local changes_of = require "moonwatch.alert.changes"
local condition = require "moonwatch.alert.condition"
local evidence = require "moonwatch.alert.evidence"
local failing = require "moonwatch.alert.failing"
local fill = require "moonwatch.alert.fill"
local lives = require "moonwatch.alert.lives"
local match = require "moonwatch.alert.match"
local state = require "moonwatch.alert.state"
local threshold = require "moonwatch.alert.threshold"

local M = {}
M.__index = M
M.word = "alert"

-- What thousands of runners are until something happens; what is not false or nothing stands here, not in each of them.
M.health, M.samples, M.written = "unknown", 0, {}

local RESEND = 60

--- rule: the fields of the word.  engine: see engine/rules.lua.
function M.new(rule, engine)
  local self = setmetatable({
    rule = rule, engine = engine, host = engine.host, levels = threshold.levels(rule), alerts = {}, queries = {},
  }, M)
  if rule.severity == "" then self.id_of = state.key end -- whatever severity its labels say is theirs
  absent.load(self)
  lives.load(self)
  return self
end

-- -- what condition.lua and its parts ask ----------------------------------

M.labels, M.id_of, M.judge = condition.labels, state.id, condition.judge

--- The place of the severity of alert KEY among the levels; 0 when it is neither pending nor firing.
function M:level_of(key)
  local alert = self.alerts[key]
  if not alert or alert.state == "inactive" then return 0 end
  for i, level in ipairs(self.levels) do
    if level.severity == alert.labels.severity then return i end
  end
  return 1
end

--- Was alert KEY pending or firing at SEVERITY?
function M:is_active(key, severity)
  local alerts = self.alerts
  for _, life in ipairs(self.lives or {}) do
    if life.severity == severity then alerts = life.alerts end
  end
  local alert = alerts[key]
  return alert ~= nil and alert.state ~= "inactive"
end

-- -- ALERTS ----------------------------------------------------------------

-- The series NAME of ALERT, in ALERTSTATE; made once and kept with it.
local function series(self, alert, name, alertstate)
  local book = alert.series
  if not book then
    book = {}
    alert.series = book
  end
  local key = alertstate or name
  if not book[key] then
    local labels = { __name__ = name, alertstate = alertstate }
    for k, v in pairs(alert.labels) do labels[k] = v end
    book[key] = assert(self.host.series(labels))
  end
  return book[key]
end

local function write_series(self, t)
  if self.silent then return end
  local list, written, n = {}, {}, 0
  local function put(handle, value) list[n + 1], list[n + 2], n = handle, value, n + 2 end
  for key, alert in pairs(self.alerts) do
    if alert.state ~= "inactive" then
      local now = { active = series(self, alert, "ALERTS", alert.state), since = series(self, alert, "ALERTS_FOR_STATE") }
      put(now.active, 1)
      put(now.since, math.floor(alert.active_at))
      written[key] = now
    end
  end
  self.samples = n > 0 and n or nil
  for key, before in pairs(self.written) do
    local after = written[key]
    for name, handle in pairs(before) do
      if not after or after[name] ~= handle then put(handle, "stale") end
    end
  end
  self.written = next(written) and written or nil
  if n > 0 then self.host.write(t - self.engine:behind(self.rule), list) end
end

-- -- telling ---------------------------------------------------------------

--- LABELS as they leave this server, at SEVERITY.
function M:full_labels(labels, severity)
  local out = {}
  for name, value in pairs(self.engine.external_labels) do out[name] = value end
  for name, value in pairs(labels) do out[name] = value end
  out.severity = severity or labels.severity
  return out
end

local function message(self, alert, t)
  local rule, labels = self.rule, self:full_labels(alert.labels)
  local moved = alert.told and alert.told ~= labels.severity
  return {
    labels = labels, replaces = moved and self:full_labels(alert.labels, alert.told) or nil,
    annotations = alert.annotations or {}, starts_at = alert.fired_at,
    ends_at = alert.resolved_at or t + 4 * math.max(rule.every, RESEND), value = alert.value,
    threshold = alert.threshold or threshold.number(rule), severity = labels.severity, evidence = alert.evidence,
    generator_url = self.engine:alert_page(labels), rule = self.id, updated_at = t,
    resolved = alert.state == "inactive",
  }
end

local function tell(self, t)
  if self.silent then return end -- a shadow, see engine/rules/shadow.lua
  local out = {}
  for _, alert in pairs(self.alerts) do
    local due = not alert.last_sent or t - alert.last_sent >= RESEND
    local old = alert.state == "inactive" and t - alert.resolved_at > state.REMEMBER
    if alert.fired_at and alert.state ~= "pending" and due and not old then
      out[#out + 1] = message(self, alert, t)
      alert.last_sent, alert.told = t, alert.labels.severity
    end
  end
  if #out > 0 then
    table.sort(out, function(a, b) return state.key(a.labels) < state.key(b.labels) end)
    self.engine:emit(out, t)
  end
end

--- It is not evaluated at T; whoever hears of its alerts takes them for over when they are not told again.
function M:remind(t) tell(self, t) end

-- -- one evaluation --------------------------------------------------------

-- While something this rule depends on is down, only alerts that already fire are looked at.  How many began not because of whom is in
-- held_back, for those who ask why.
local function without_dependents(self, seen)
  local held = {}
  for key, row in pairs(seen) do
    local alert = self.alerts[key]
    if not (alert and alert.state == "firing") then
      for _, parent in ipairs(self.rule.depends_on or {}) do
        if seen[key] and self.engine:is_down(parent, row.sample) then seen[key], held[parent] = nil, (held[parent] or 0) + 1 end
      end
    end
  end
  self.held_back = next(held) and held or nil
end

local function apply(self, changes, t)
  for _, c in ipairs(changes) do
    if c.to == "firing" or c.to == "inactive" then c.alert.last_sent = nil end
  end
  for _, alert in pairs(self.alerts) do
    if alert.state ~= "inactive" or not alert.annotations then
      alert.annotations = condition.annotations(self, alert, t)
      alert.annotations.flapping = alert.flapping
    end
  end
  if #changes > 0 then
    changes_of.note(self, changes, t)
    self.engine:changed(self, t)
  end
end

local function idle(self) return next(self.alerts) == nil and next(self.written) == nil end

-- ctx.state as a text, to see whether a function changed it; most rules have none.
local function state_text(self)
  return self.state and next(self.state) ~= nil and self.host.json.encode(self.state) or ""
end

-- What the rule finds at T; nothing when it fails and its alerts stay as they are.
local function look(self, t)
  local before = self.rule.when and state_text(self)
  local found, failure = self.judge(self, t, idle(self))
  if not found then
    self.engine:failed(self, failure, t)
    return failing.found(self, failure, t)
  end
  self.health, self.last_error, self.traceback, self.problem = "ok", nil, nil, found.problem
  if before and before ~= state_text(self) then self.engine:changed(self, t) end
  return found
end

function M:evaluate(t)
  self.last_evaluation, self.samples, self.held_back = t, nil, nil
  local found = look(self, t)
  if not found then return tell(self, t) end
  if next(found.seen) == nil and idle(self) then return end
  without_dependents(self, found.seen)
  local changes, kept
  if self.lives then changes, kept = lives.step(self, found, t)
  else changes, kept = state.step(self.alerts, found, t, self.rule) end
  evidence.collect(self, changes, found, t)
  apply(self, changes, t)
  if kept then self.engine:changed(self, t) end
  write_series(self, t)
  tell(self, t)
  local stopped = fill.stopped(self, t)
  if stopped then self.engine:failed(self, stopped, t) end
end

--- While there is no alert: the query that shows that there is none, see host.quiet.
function M:quiet()
  if self.health == "ok" and idle(self) and not self.held_back then return condition.query(self) end
end

--- Take note of what host.quiet did since the last evaluation.
function M:refresh()
  local query = self.last_evaluation and condition.query(self)
  local t, seconds = nil, nil
  if query then t, seconds = self.host.asked(query) end
  if not t then return end
  t = t + self.engine:behind(self.rule)
  if t > self.last_evaluation then self.last_evaluation, self.seconds = t, seconds end
end

--- Worst state of its alerts; "unknown" when there are none and it was not evaluated yet.
function M:status()
  local worst = self.last_evaluation and "inactive" or "unknown"
  for _, alert in pairs(self.alerts) do
    if alert.state == "firing" then return "firing" end
    if alert.state == "pending" then worst = "pending" end
  end
  return worst
end

--- Does an alert of this rule fire that agrees with LABELS?
function M:fires_for(labels)
  local own = { alertname = true, severity = true }
  for name in pairs(self.rule.labels or {}) do own[name] = true end
  for _, alert in pairs(self.alerts) do
    if alert.state == "firing" then
      local shared = {}
      for name, value in pairs(alert.labels) do
        if not own[name] then shared[name] = value end
      end
      if match.agree(shared, labels) then return true end
    end
  end
  return false
end

-- -- over reloads, restarts and moves --------------------------------------

--- Take over from the runner that had this name before.
function M:inherit(old)
  old:refresh()
  self.alerts, self.state, self.written, self.ring = old.alerts, old.state, rawget(old, "written"), old.ring
  absent.inherit(self, old)
  lives.inherit(self, old)
  self.health, self.last_error, self.traceback = old.health, old.last_error, old.traceback
  self.last_evaluation, self.seconds, self.samples = old.last_evaluation, old.seconds, rawget(old, "samples")
end

--- The rule is no more: what fires ends now.
function M:drop(t)
  for _, alert in pairs(self.alerts) do
    if alert.state == "firing" then
      alert.state, alert.resolved_at, alert.last_sent = "inactive", t, nil
    elseif alert.state == "pending" then
      alert.state, alert.fired_at, alert.resolved_at = "inactive", nil, t
    end
  end
  write_series(self, t)
  tell(self, t)
end

function M:save()
  local known, apart, flaps = absent.save(self), lives.save(self)
  if next(self.alerts) == nil and not (self.state and next(self.state)) and not known and not flaps then return nil end
  local alerts = state.save(self.alerts)
  return { alerts = alerts, state = self.state, known = known, lives = apart, flaps = flaps }
end

local function after_silence(self, alerts, now, down)
  for _, alert in pairs(alerts) do
    alert.evidence = evidence.read(alert.evidence)
    if alert.state == "pending" then alert.active_at = alert.active_at + down end
    if down > 0 then alert.grace_until = now + math.max(2 * self.rule.every, 30) end
  end
end

--- Take up what `save` gave, in this program's earlier life (down = seconds since then) or on another node (0).
function M:restore(saved, now, down)
  self.alerts = state.load(saved.alerts, self.id_of)
  self.state = type(saved.state) == "table" and saved.state or nil
  absent.load(self, saved.known)
  lives.load(self, saved.lives, saved.flaps)
  after_silence(self, self.alerts, now, down)
  for _, life in ipairs(self.lives or {}) do after_silence(self, life.alerts, now, down) end
end

return M
