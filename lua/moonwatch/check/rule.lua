--- rule.lua - one check at work: probe, verdict, blame, breaker, series.
--
--   check_up, probe_success, check_duration_seconds, probe_duration_seconds {check, kind, labels}
--   check_degraded, and check_excused{reason="maintenance" or "depends"} while it is not counted
--   db_connections_active, db_connections_idle {check} from PostgreSQL
-- What a kind measured beside that is result.series, a list of { name, value, labels }.
local blame = require "moonwatch.check.blame"
local breaker = require "moonwatch.breaker"
local budget = require "moonwatch.engine.rules.budget"
local days = require "moonwatch.status.days"
local degraded = require "moonwatch.check.degraded"
local history = require "moonwatch.check.history"
local incidents = require "moonwatch.status.automatic"
local probe = require "moonwatch.check.probe"
local series = require "moonwatch.check.series"
local suspend = require "moonwatch.engine.rules.suspend"
local tally = require "moonwatch.status.tally"
local verdict = require "moonwatch.check.state"

local M = {}
M.__index = M
M.word = "check"

function M.new(rule, engine)
  local kind = rule.heartbeat and "heartbeat" or probe.kind(rule)
  return setmetatable({
    rule = rule, engine = engine, host = engine.host, kind = kind, verdict = verdict.new(), blame = blame.new(), eager = true,
    health = "unknown", message = "not probed yet", details = {},
    serial = 0, state = {}, series = series.of(engine.host, rule, kind), status = "unknown", changes = {}, slack = 0,
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

-- -- what is said of it ----------------------------------------------------

-- What its last probe said; and, while it is not probed, why it is not.
local function says(self)
  return self.held and ("%s (%s: not probed)"):format(tostring(self.message), self.held) or self.message
end

local function when_bad(self, excuse)
  local own = says(self)
  if excuse then return excuse.kind == "maintenance" and "maintenance" or "unknown", ("%s; itself: %s"):format(excuse.says, tostring(own)), excuse end
  if blame.is_waiting(self) then return "unknown", "has an excuse no longer, and time to come back: " .. tostring(own) end
  return "unhealthy", own
end

--- Status ("healthy", "degraded", "unhealthy", "maintenance", "unknown"), message, and the excuse (see blame.lua) at T.
function M:standing(t)
  local excuse, own = blame.excuse(self, t), self.verdict.verdict
  if own == "bad" then return when_bad(self, excuse) end
  if own == "unknown" or self.left_alone then return "unknown", says(self), excuse end
  return self.reasons and "degraded" or "healthy", says(self), excuse
end

--- What /health says of it: status, message, details.
function M:report(t)
  t = t or self.settled_at or 0
  local status, message, excuse = self:standing(t)
  local rfc3339 = self.host.rfc3339
  local details = { kind = self.kind, critical = self.rule.critical, failures = self.verdict.failures,
                    duration_seconds = self.took, last_probe = self.probed_at and rfc3339(self.probed_at),
                    since = self.since and rfc3339(self.since), reasons = self.reasons and self.host.json.array(self.reasons) }
  for name, value in pairs(self.details) do details[name] = value end
  if self.breaker then details.breaker = self.breaker:look(t).state end
  if excuse then details[excuse.kind == "maintenance" and "maintenance" or "blocked_by"] = excuse.name end
  return status, message, details
end

-- -- after each turn -------------------------------------------------------

local LOUD = { unhealthy = "warn", degraded = "warn" }

local function note(self, t, status, message)
  if status == self.status then return end
  local before = self.status
  self.status, self.since = status, t
  history.add(self.changes, t, status, message)
  self.engine:changed(self, t)
  incidents.turned(self.engine, self, status, message, t)
  if before == "unknown" and status == "healthy" then return end
  self.host.log(LOUD[status] or "info", ("check %q is %s: %s"):format(self.rule.name, status, tostring(message)), { check = self.rule.name })
end

-- Is it up, as far as that counts: 1, 0, or false.
local function up(status, excuse)
  if excuse or status == "unknown" then return false end
  return status ~= "unhealthy" and 1 or 0
end

-- While it is not decided yet, whether it fails or whether it is well again, it is probed at a pace of its own.
local function pace(self, t)
  local rule, v = self.rule, self.verdict
  if not rule.retry_every then return end
  local open = v.verdict == "bad" and v.successes > 0 or v.verdict ~= "bad" and v.failures > 0
  self.engine:pace(self, open and rule.retry_every or rule.every, t)
end

--- What was learnt at T, GOOD or not, is part of the verdict: who is to blame, what changed, what is stored.
function M:settle(t, good, values, measured)
  blame.step(self, good, t)
  pace(self, t)
  self.settled_at = t
  local status, message, excuse = self:standing(t)
  note(self, t, status, message)
  tally.credit(self, t, status, excuse)
  values.check_up = up(status, excuse)
  values.check_degraded = (self.reasons or self.series.live.check_degraded or self.rule.degraded) and (self.reasons and 1 or 0) or nil
  if excuse and measured then measured[#measured + 1] = { "check_excused", 1, { reason = excuse.kind } } end
  self.series:write(t, values, measured)
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

-- Reasons count after so many probes in a row; a message of theirs takes the place of "ok".
local function weigh(self, t, result)
  local limits = self.rule.degraded
  local names, text = degraded.reasons(result, limits, self.host, t)
  self.slack = names and self.slack + 1 or 0
  self.reasons = names and self.slack >= (limits and limits.after or 1) and names or nil
  if self.reasons then self.message = text end
end

local function figures(result)
  local details = result.details
  return { probe_success = result.good and 1 or 0, check_duration_seconds = result.seconds, probe_duration_seconds = result.seconds,
           db_connections_active = details.in_use, db_connections_idle = details.idle }
end

-- There was no room for this probe, or moonwatch is stopping: its target has done nothing wrong.
local function not_probed(self, result)
  self.host.metric("add", "moonwatch_checks_not_probed_total", {}, 1, "Probes that were not made because too many others were under way.")
  if self.breaker then self.breaker:cancel() end
  self.host.log("debug", ("check %q was not probed: %s"):format(self.rule.name, tostring(result.message)), { check = self.rule.name })
end

--- RESULT of a probe that began at T.
function M:finish(t, result)
  if result.unasked then return not_probed(self, result) end
  result.details = result.details or {}
  self.message, self.details, self.took, self.traceback = result.message, result.details, result.seconds, result.traceback
  self.held, self.left_alone, self.was_good = nil, nil, result.good
  if self.breaker then
    if result.good then self.breaker:ok(t, result.seconds) else self.breaker:fail(t, result.seconds) end
  end
  if verdict.add(self.verdict, result.good, self.rule) then self.engine:changed(self, t) end
  weigh(self, t, result)
  self.health = "ok"
  judge_function(self, t, result)
  self:settle(t, result.good, figures(result), result.series or {})
end

-- An answer that never comes must not end the probing.
local function overdue(self, t)
  if t - self.started < 2 * self.rule.timeout + 1 then return false end
  self.running = false
  self.serial = self.serial + 1
  self:finish(t, { good = false, message = "the probe never answered" })
  return true
end

local function why_held(self, look)
  if look.forced then return "circuit forced open" end
  return look.opens_until and ("circuit open until %s"):format(self.host.rfc3339(look.opens_until)) or "circuit open"
end

-- What is not asked any more because it kept failing does fail; how its last probe went is told as long.  What somebody has forced to
-- be left alone has not failed by that: nobody knows how it is.
local function refuse(self, t)
  local look = self.breaker:look(t)
  self.held, self.left_alone = why_held(self, look), look.forced ~= nil
  if self.verdict.verdict ~= "bad" and not self.left_alone then
    self.verdict.verdict = "bad"
    self.engine:changed(self, t)
  end
  self:settle(t, false, { probe_success = self.was_good ~= nil and (self.was_good and 1 or 0) or nil })
end

function M:evaluate(t)
  self.last_evaluation = t
  if self.running and not overdue(self, t) then return end
  if self.breaker and not self.breaker:allow(t) then return refuse(self, t) end
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
    self:finish(t, result)
  end)
end

-- -- over reloads ----------------------------------------------------------

local PROBED = { "verdict", "blame", "message", "held", "left_alone", "was_good", "details", "took", "reasons", "slack", "probed_at", "health", "settled_at" }

local TOLD = { "changes", "status", "since", "days", "tallied_at", "tallied_part" }

-- A probe of OLD that is still on its way is not ours: the next turn makes another.
function M:inherit(old)
  old.serial = old.serial + 1
  self.state, self.last_evaluation = old.state, old.last_evaluation
  self.series:inherit(old.series)
  for _, name in ipairs(TOLD) do self[name] = old[name] end
  if old.kind ~= self.kind then return end
  for _, name in ipairs(PROBED) do self[name] = old[name] end
  self:with_breaker(old.breaker)
end

function M:drop(t)
  self.serial = self.serial + 1
  self.series:close(t)
end

function M:save()
  return { verdict = self.verdict, state = self.state, message = self.message, status = self.status, since = self.since,
           blame = next(self.blame) and self.blame or nil, changes = self.changes[1] and self.changes or nil, days = self.days, breaker = self.breaker and self.breaker:save() }
end

local STATUS = { healthy = true, degraded = true, unhealthy = true, maintenance = true, unknown = true }

function M:restore(saved)
  local v = saved.verdict
  if type(v) == "table" and (v.verdict == "good" or v.verdict == "bad") then
    self.verdict = { verdict = v.verdict, failures = tonumber(v.failures) or 0, successes = tonumber(v.successes) or 0 }
  end
  if type(saved.state) == "table" then self.state = saved.state end
  if type(saved.message) == "string" then self.message = saved.message end
  if STATUS[saved.status] then self.status, self.since = saved.status, tonumber(saved.since) end
  if type(saved.breaker) == "table" then self:with_breaker(nil, saved.breaker) end
  self.blame, self.changes, self.days = blame.read(saved.blame), history.read(saved.changes), days.read(saved.days)
end

return M
