--- heartbeat.lua - a check that is not probed: somebody has to say, again and again, that all is well.
--
-- What says so is a beat: "ok", "fail" with a message, or "start", whose end is the next of the others.  Without an "ok" for `ttl`
-- it is late, after `grace` more it is missing and fails.  Time in which this server was down does not count, because nobody could
-- have told it.  What is known is plain values in runner.beats:
--   since       when it was first waited for
--   at, good    the last beat, and the last "ok"
--   failed      { at=, message= } when the last beat was a "fail"
--   started     { at=, away= } while it runs
--   seconds     how long it ran the last time
--   away        seconds that this server was down since it was heard of
-- A beat is also in the store at once, so that a crash does not forget it:
--   check_last_beat_timestamp_seconds, check_last_failed_beat_timestamp_seconds, check_beat_duration_seconds {check}
local check = require "moonwatch.check.rule"
local text = require "moonwatch.alert.text"
local verdict = require "moonwatch.check.state"

local M = setmetatable({}, { __index = check })
M.__index = M

local GOOD, FAILED = "check_last_beat_timestamp_seconds", "check_last_failed_beat_timestamp_seconds"
local TEXT = 1000

function M.new(rule, engine)
  local self = setmetatable(check.new(rule, engine), M)
  self.beats, self.message, self.comeback = {}, "waiting for the first beat", rule.heartbeat.ttl + rule.heartbeat.grace
  return self
end

-- -- what is missing -------------------------------------------------------

-- When it is late and when it is missing.
local function deadlines(self)
  local b, h = self.beats, self.rule.heartbeat
  local late = (b.good or b.since) + h.ttl + (b.away or 0)
  return late, late + h.grace
end

local function and_away(away)
  return away and away > 0 and (", %s of which this server was down"):format(text.duration(away)) or ""
end

-- What did not come that should have, as a text, or nothing.
local function missing(self, t)
  local b, h = self.beats, self.rule.heartbeat
  local _, due = deadlines(self)
  if t > due then
    local what = b.good and "not heard of for" or "never heard of, waited for"
    return ("%s %s%s"):format(what, text.duration(t - (b.good or b.since)), and_away(b.away))
  end
  local s = b.started
  if s and h.finish_within and t > s.at + h.finish_within + s.away then
    return ("started %s ago and did not end%s"):format(text.duration(t - s.at), and_away(s.away))
  end
end

-- -- at each turn ----------------------------------------------------------

local function show(self)
  local b, rfc3339 = self.beats, self.host.rfc3339
  local _, due = deadlines(self)
  self.took = b.seconds
  self.details = { last_beat = b.good and rfc3339(b.good), due = rfc3339(due), running_since = b.started and rfc3339(b.started.at),
                   away_seconds = (b.away or 0) > 0 and b.away or nil }
end

local function fail(self, t)
  if self.verdict.verdict == "bad" then return end
  self.verdict = { verdict = "bad", failures = math.max(1, self.verdict.failures), successes = 0 }
  self.engine:changed(self, t)
end

local function judge(self, t)
  local b, gone = self.beats, missing(self, t)
  self.reasons = nil
  if gone then
    fail(self, t)
    self.message = gone
  elseif b.failed then
    self.message = b.failed.message
  elseif b.good then
    self.message = b.message or "ok"
    if t > deadlines(self) then self.reasons, self.message = { "late" }, "late: expected by " .. self.host.rfc3339((deadlines(self))) end
  end
  self.health = "ok"
  show(self)
  local good = not gone and not b.failed
  self:settle(t, good, { probe_success = (gone or b.at) and (good and 1 or 0) or false, [GOOD] = b.good or false,
                         [FAILED] = b.failed and b.failed.at or false, check_beat_duration_seconds = b.seconds or false })
end

local function stored(self, name, t)
  local h = self.rule.heartbeat
  local rows = self.host.query(("max(max_over_time(%s{check=%q}[%dms]))"):format(name, self.rule.name, math.ceil((h.ttl + h.grace) * 1000) + 1), t)
  local at = rows and rows[1] and rows[1].value
  return at and at <= t and at or 0
end

-- Beats that came after what was saved, before the process died.
local function recover(self, t)
  local b = self.beats
  self.recovered = true
  local good, failed = stored(self, GOOD, t), stored(self, FAILED, t)
  if good > (b.good or 0) then
    b.good, b.at, b.failed, b.started, b.away, b.message = good, math.max(good, b.at or 0), nil, nil, self.down or 0, nil
    verdict.add(self.verdict, true, self.rule)
  end
  if failed > math.max(b.good or 0, b.at or 0) then
    b.failed, b.at, b.started = { at = failed, message = "it said that it failed; what else it said is lost" }, failed, nil
    verdict.add(self.verdict, false, self.rule)
  end
end

function M:evaluate(t)
  self.last_evaluation = t
  self.beats.since = self.beats.since or t
  if not self.recovered then recover(self, t) end
  judge(self, t)
end

-- -- beats -----------------------------------------------------------------

local does = {}

--- What somebody sent, { kind=, message=, seconds= }, as a beat; nil, message when it is none.
function M.read(v)
  local kind = v.kind or "ok"
  if not does[kind] then return nil, ("%q is no kind of beat: ok, fail, start"):format(tostring(kind)) end
  local seconds = v.seconds and tonumber(v.seconds)
  if v.seconds and not (seconds and seconds >= 0 and seconds < math.huge) then return nil, "seconds: expected a number, zero or more" end
  if v.message ~= nil and type(v.message) ~= "string" then return nil, "message: expected a text" end
  return { kind = kind, message = v.message ~= "" and v.message and v.message:sub(1, TEXT) or nil, seconds = seconds }
end

function does.ok(self, beat, t)
  local b = self.beats
  b.seconds = beat.seconds or b.started and t - b.started.at or nil
  b.good, b.failed, b.started, b.away, b.message = t, nil, nil, 0, beat.message
  verdict.add(self.verdict, true, self.rule)
end

function does.fail(self, beat, t)
  local b = self.beats
  b.seconds = beat.seconds or b.started and t - b.started.at or nil
  b.failed, b.started = { at = t, message = beat.message or "it said that it failed" }, nil
  verdict.add(self.verdict, false, self.rule)
end

function does.start(self, _, t) self.beats.started = { at = t, away = 0 } end

--- A BEAT, { kind=, message=, seconds= (how long it ran) }, of the time AT.  False when a later one is known already; what is known of
-- a time that has not come yet is from a clock that was wrong, and later than nothing.
function M:beat(beat, at, now)
  local b = self.beats
  b.since = b.since or now
  if not self.recovered then recover(self, now) end
  if at < (b.at or 0) and b.at <= now then return false end
  b.at = at
  does[beat.kind](self, beat, at)
  self.engine:changed(self, now)
  judge(self, now)
  return true
end

-- -- over reloads and restarts ---------------------------------------------

function M:inherit(old)
  check.inherit(self, old)
  if old.beats then self.beats, self.recovered = old.beats, old.recovered end
end

function M:save()
  local saved = check.save(self)
  saved.beats = self.beats
  return saved
end

local function number(v) return type(v) == "number" and v or nil end

local function read_started(s, down)
  if type(s) ~= "table" or not number(s.at) then return nil end
  return { at = s.at, away = (number(s.away) or 0) + down }
end

function M:restore(saved, _, down)
  check.restore(self, saved)
  local s = type(saved.beats) == "table" and saved.beats or {}
  down = down or 0
  self.beats = { since = number(s.since), at = number(s.at), good = number(s.good), seconds = number(s.seconds),
                 message = type(s.message) == "string" and s.message or nil, away = (number(s.away) or 0) + down,
                 started = read_started(s.started, down) }
  if type(s.failed) == "table" and number(s.failed.at) then
    self.beats.failed = { at = s.failed.at, message = tostring(s.failed.message) }
  end
  self.down, self.recovered = down, nil
end

return M
