--- rule.lua - one check at work: probe, verdict, breaker, series.
--
--   check_up, probe_success, check_duration_seconds, probe_duration_seconds {check, kind, labels}
--   db_connections_active, db_connections_idle {check} from PostgreSQL
local breaker = require "moonwatch.breaker"
local budget = require "moonwatch.engine.rules_budget"
local probe = require "moonwatch.check.probe"
local suspend = require "moonwatch.engine.rules_suspend"
local verdict = require "moonwatch.check.state"

local M = {}
M.__index = M
M.word = "check"

function M.new(rule, engine)
  return setmetatable({
    rule = rule, engine = engine, host = engine.host, kind = probe.kind(rule), verdict = verdict.new(), eager = true,
    health = "unknown", message = "not probed yet", details = {},
    serial = 0, state = {}, written = {},
  }, M):with_breaker()
end

local function breaker_turned(self, look, t)
  self.host.metric("add", "moonwatch_breaker_transitions_total", { check = self.rule.name, to = look.state }, 1, "How often a circuit breaker turned.")
  self.engine:changed(self, t)
end

--- A breaker of its own, which goes on where OLD or what was SAVED of one was.
function M:with_breaker(old, saved)
  local config = self.rule.breaker
  local function tell(look, t) breaker_turned(self, look, t) end
  if config then self.breaker = old and breaker.continue(old, config, tell) or breaker.new(config, saved, tell) end
  return self
end

--- Does it fail, by its own probes?
function M:is_down() return self.verdict.verdict == "bad" end

-- The name of something it depends on that fails.
local function broken_parent(self)
  for _, name in ipairs(self.rule.depends_on) do
    if self.engine:is_down(name, {}) then return name end
  end
end

--- What /health says of it at NOW: status, message, details.
function M:report(now)
  local details = { kind = self.kind, critical = self.rule.critical, failures = self.verdict.failures,
                    duration_seconds = self.seconds, last_probe = self.probed_at and self.host.rfc3339(self.probed_at) }
  for name, value in pairs(self.details) do details[name] = value end
  if self.breaker then details.breaker = self.breaker:look(now or self.last_evaluation or 0).state end
  local parent = broken_parent(self)
  if parent then return "unknown", ("depends on %q, which fails"):format(parent), details end
  if self.verdict.verdict == "unknown" then return "unknown", self.message, details end
  if self.verdict.verdict == "bad" then return "unhealthy", self.message, details end
  return self.degraded and "degraded" or "healthy", self.message, details
end

-- -- series ----------------------------------------------------------------

local function write(self, t, values)
  local rows = {}
  for name, value in pairs(values) do
    local labels = { __name__ = name, check = self.rule.name, kind = self.kind }
    for k, v in pairs(self.rule.labels) do labels[k] = v end
    rows[#rows + 1] = { labels = labels, t = t, value = value }
    self.written[name] = labels
  end
  self.host.append(rows)
end

local function figures(self, result)
  local up
  if self.verdict.verdict ~= "unknown" and not broken_parent(self) then up = self.verdict.verdict == "good" and 1 or 0 end
  return {
    check_up = up, probe_success = result.good and 1 or 0, check_duration_seconds = result.seconds,
    probe_duration_seconds = result.seconds, db_connections_active = result.details.in_use,
    db_connections_idle = result.details.idle,
  }
end

-- -- one probe -------------------------------------------------------------

-- A function may say with an error that something is not well; only one that goes beyond its budget is at fault itself.
local function judge_function(self, t, result)
  budget.account(self.engine, self)
  if result.failure then
    self.engine:failed(self, { error = result.message, traceback = result.traceback, over = result.failure.over, outside = not result.failure.over }, t)
  else
    suspend.worked(self.engine, self, t)
  end
end

local function finish(self, t, result)
  local rule = self.rule
  local slow = rule.degraded and rule.degraded.slower_than
  self.message, self.details, self.seconds, self.traceback = result.message, result.details or {}, result.seconds, result.traceback
  result.details = self.details
  self.degraded = result.good and (result.degraded or (slow and result.seconds and result.seconds > slow)) or false
  if self.degraded and not result.degraded then
    self.message = ("slower than %s"):format(self.host.duration_text(slow))
  end
  if self.breaker then
    if result.good then self.breaker:ok(t, result.seconds) else self.breaker:fail(t, result.seconds) end
  end
  local before = self.verdict.verdict
  local turned = verdict.add(self.verdict, result.good, rule)
  if turned then self.engine:changed(self, t) end
  if turned and before ~= "unknown" then
    self.host.log(result.good and "info" or "warn", ("check %q is %s: %s"):format(rule.name, result.good and "well again" or "failing",
                  tostring(self.message)), { check = rule.name })
  end
  self.health = "ok"
  judge_function(self, t, result)
  write(self, t, figures(self, result))
end

-- An answer that never comes must not end the probing.
local function overdue(self, t)
  if t - self.started < 2 * self.rule.timeout + 1 then return false end
  self.running = false
  self.serial = self.serial + 1
  finish(self, t, { good = false, message = "the probe never answered", details = {} })
  return true
end

function M:evaluate(t)
  self.last_evaluation = t
  if self.running and not overdue(self, t) then return end
  if self.breaker and not self.breaker:allow(t) then
    self.message = "circuit open: not probed"
    return write(self, t, { check_up = 0 })
  end
  self.running, self.started, self.probed_at = true, t, t
  self.serial = self.serial + 1
  local serial, engine = self.serial, self.engine
  probe.kinds[self.kind](self.rule, {
    host = self.host, now = t, state = self.state, name = self.rule.name,
    guest = function(fn, args, ctx, done) engine:call_guest(fn, args, ctx, done) end,
    state_was = function(state) self.state = state end,
  }, function(result)
    if serial ~= self.serial then return end
    self.running = false
    finish(self, t, result)
  end)
end

-- -- over reloads ----------------------------------------------------------

-- A probe of OLD that is still on its way is not ours: the next turn makes another.
function M:inherit(old)
  old.serial = old.serial + 1
  self.state, self.written, self.last_evaluation = old.state, old.written, old.last_evaluation
  if old.kind ~= self.kind then return end
  self.verdict, self.message, self.details, self.seconds = old.verdict, old.message, old.details, old.seconds
  self.degraded, self.probed_at, self.health = old.degraded, old.probed_at, old.health
  self:with_breaker(old.breaker)
end

function M:drop(t)
  self.serial = self.serial + 1
  local rows = {}
  for _, labels in pairs(self.written) do rows[#rows + 1] = { labels = labels, t = t, value = "stale" } end
  if #rows > 0 then self.host.append(rows) end
end

function M:save()
  return { verdict = self.verdict, state = self.state, message = self.message, breaker = self.breaker and self.breaker:save() }
end

function M:restore(saved)
  local v = saved.verdict
  if type(v) == "table" and (v.verdict == "good" or v.verdict == "bad") then
    self.verdict = { verdict = v.verdict, failures = tonumber(v.failures) or 0, successes = tonumber(v.successes) or 0 }
  end
  if type(saved.state) == "table" then self.state = saved.state end
  if type(saved.message) == "string" then self.message = saved.message end
  if type(saved.breaker) == "table" then self:with_breaker(nil, saved.breaker) end
end

return M
