--- rule.lua - one expectation at work: an alert that is active while something has not arrived that should have.
--
-- With `by` there is always one deadline that is waited for.  An event after the deadline before it satisfies it, and the next
-- one is waited for: one that comes late still belongs to its own deadline as long as it comes in the first half of the time to
-- the next, and does not count for that.  With `every` an event is due so long after the last.
--
-- What is remembered is plain values in runner.state: since (when it was first looked at), beat (last heartbeat), counts, and
-- sets = list of { labels=, last=, due=, after=, there= }, one for each series of a timestamp, else one without labels.
local alert = require "moonwatch.alert.rule"
local deadlines = require "moonwatch.expect.deadlines"
local proof = require "moonwatch.expect.proof"
local state = require "moonwatch.alert.state"
local text = require "moonwatch.alert.text"

local M = setmetatable({}, { __index = alert })
M.__index = M
M.word = "expect"

local OFTEN, MOST, GIVEN_UP = 15, 1000, 7 * 86400
local OVERLAP = 60 -- seconds that logs and traces may be late

--- rule: the fields of the word.  engine: see engine/rules.lua.
function M.new(rule, engine)
  local own = {}
  for name, value in pairs(rule) do own[name] = value end
  own.period, own.every = rule.every, rule.every and math.min(OFTEN, math.max(1, rule.every / 4)) or OFTEN
  own.hold, own.keep, own.expr, own.evidence = 0, 0, nil, nil
  local self = setmetatable(alert.new(own, engine), M)
  local kind, want = proof.of(rule)
  self.proof, self.state = { kind = kind, want = want }, {}
  if rule.by then self.deadlines = assert(deadlines.new(rule, engine.host)) end
  return self
end

function M.quiet() end
function M.refresh() end

--- What is expected, in a few words.
function M:says()
  local rule = self.rule
  local when = rule.period and "every " .. self.host.duration_text(rule.period) or "by " .. table.concat(rule.by, ", ")
  return ("%s %s (%s)"):format(rule.name, when, self.proof.kind)
end

-- -- what was seen ---------------------------------------------------------

local function begin(self, t)
  local s = self.state
  s.since, s.sets = s.since or t, s.sets or {}
end

-- The set of LABELS in SETS (key -> set), which are those of self.state.
local function set_for(self, sets, labels, t)
  local key = state.key(labels)
  if sets[key] or #self.state.sets >= MOST then return sets[key] end
  local set = { labels = labels }
  if self.deadlines then
    set.due, set.after = self.deadlines:after(t), self.deadlines:before(t) or 0
  end
  table.insert(self.state.sets, set)
  sets[key] = set
  return set
end

-- A series that comes takes the place of none; one that is long gone is given up.
local function tidy(self, t)
  local sets, kept = self.state.sets, {}
  for _, set in ipairs(sets) do
    local nobody = next(set.labels) == nil and #sets > 1 and self.proof.kind == "timestamp"
    local gone = next(set.labels) ~= nil and t - (set.there or t) > GIVEN_UP
    if not nobody and not gone then kept[#kept + 1] = set elseif self.handles then self.handles[state.key(set.labels)] = nil end
  end
  self.state.sets = kept
end

local function take(self, events, t)
  local sets, changed = {}, false
  for _, set in ipairs(self.state.sets) do sets[state.key(set.labels)] = set end
  if #events == 0 and next(sets) == nil then set_for(self, sets, {}, t) end
  for _, event in ipairs(events) do
    local set = set_for(self, sets, event.labels, t)
    if set then
      changed = changed or (set.last or 0) < event.at
      set.last, set.there = math.max(set.last or 0, event.at), t
    end
  end
  tidy(self, t)
  return changed
end

-- -- what is missing -------------------------------------------------------

-- The deadlines that what was seen satisfies are behind us.
local function advance(self, set)
  while set.due and set.last and set.last > set.after do
    local due, following = set.due, self.deadlines:after(set.due)
    local own = set.last <= due or not following or set.last - due <= (following - due) / 2
    set.after, set.due = own and math.max(due, set.last) or due, following
  end
end

-- Since when is SET missing at T, or nil.
local function missing(self, set, t)
  local rule = self.rule
  local due
  if self.deadlines then
    advance(self, set)
    due = set.due
  else
    due = math.max(set.last or 0, self.state.since) + rule.period
  end
  return due and t >= due + rule.grace and (self.deadlines or t > due + rule.grace) and due or nil
end

local function row_of(self, set, t, due)
  local host, rule, notice = self.host, self.rule, {}
  local last = set.last and host.rfc3339(set.last) or "never"
  notice.last_seen, notice.due = last, host.rfc3339(due)
  if not rule.summary then
    notice.summary = ("%s did not arrive by %s, last seen %s"):format(rule.name, notice.due, set.last and last or "never")
    if rule.period then
      notice.summary = ("%s was not heard of for %s"):format(rule.name, text.duration(t - (set.last or self.state.since)))
    end
  end
  local labels = self:labels({ labels = set.labels, value = 0 }, t)
  return { labels = labels, value = t - (set.last or self.state.since), level = 1, sample = set.labels, notice = notice,
           facts = { last_seen = last, due = notice.due } }
end

local function write_seen(self, t)
  if self.silent then return end
  local out = {}
  for _, set in ipairs(self.state.sets) do
    if set.last then
      self.handles = self.handles or {}
      local key = state.key(set.labels)
      if not self.handles[key] then
        local labels = { __name__ = proof.SERIES, expect = self.rule.name }
        for name, value in pairs(set.labels) do labels[name] = labels[name] or value end
        self.handles[key] = assert(self.host.series(labels))
      end
      out[#out + 1], out[#out + 2] = self.handles[key], set.last
    end
  end
  if #out > 0 then self.host.write(t, out) end
end

--- See condition.judge.
function M:judge(t)
  begin(self, t)
  local from = (self.looked_at or (self.deadlines and self.deadlines:before(t) or t - (self.rule.period or 0))) - OVERLAP
  local events, why = proof.seen(self, t, from)
  if not events then return nil, { error = why } end
  self.looked_at = t
  if take(self, events, t) then self.engine:changed(self, t) end
  local found = { seen = {}, clear = {} }
  for _, set in ipairs(self.state.sets) do
    local due = missing(self, set, t)
    if due then
      local row = row_of(self, set, t, due)
      found.seen[state.id(row.labels)] = row
    end
  end
  write_seen(self, t)
  return found
end

-- -- over restarts ---------------------------------------------------------

local function number(v) return type(v) == "number" and v or nil end

-- The deadline that SET waits for; with other times than before, the first that is still to come.
local function due_of(self, set, now)
  if not self.deadlines then return nil end
  if self.deadlines:before(set.due) == set.due then return set.due end
  return self.deadlines:after(now or set.due)
end

local function read_sets(self, list, now)
  local out = {}
  for _, set in ipairs(type(list) == "table" and list or {}) do
    local timed = not self.deadlines or number(type(set) == "table" and set.due) and number(set.after)
    if type(set) == "table" and state.are_labels(set.labels) and timed and #out < MOST then
      out[#out + 1] = { labels = set.labels, last = number(set.last), there = number(set.there),
                        due = due_of(self, set, now), after = self.deadlines and set.after or nil }
    end
  end
  return out
end

local function read_counts(counts)
  local out = {}
  for key, value in pairs(type(counts) == "table" and counts or {}) do
    if type(key) == "string" and type(value) == "number" then out[key] = value end
  end
  return type(counts) == "table" and out or nil
end

-- What was remembered, as far as it is of the form that this rule needs: the schedule may be another one now.
local function read_state(self, s, now)
  s = type(s) == "table" and s or {}
  return { since = number(s.since), beat = number(s.beat), counts = read_counts(s.counts),
           sets = number(s.since) and read_sets(self, s.sets, now) or nil }
end

--- Go on from what OLD, which may have had another name, has seen.
function M:remember(old)
  self.state, self.looked_at = read_state(self, old.state, old.last_evaluation), old.looked_at
end

function M:inherit(old)
  alert.inherit(self, old)
  self:remember(old)
end

--- Nobody could say that he is well while the program was not there.
function M:restore(saved, now, down)
  alert.restore(self, saved, now, down)
  self.state = read_state(self, saved.state, now)
  if down > 0 and self.rule.period and next(self.alerts) == nil and self.state.since then self.state.since = now end
end

--- It was heard of, at AT.
function M:beat(at, now)
  self.state.beat = math.max(self.state.beat or 0, at)
  self.engine:changed(self, now)
end

--- How things stand, for people: the event last seen, the next moment it is due, and whether it is missing.
function M:report(now)
  local s, last, due = self.state, self.state.beat, nil
  for _, set in ipairs(s.sets or {}) do
    last = math.max(last or 0, set.last or 0)
    local own = self.deadlines and set.due or math.max(set.last or 0, s.since) + (self.rule.period or 0)
    due = math.min(due or own, own)
  end
  if last == 0 then last = nil end
  return { last = last, due = due, missing = due ~= nil and now > due + self.rule.grace and not (last and last > due) }
end

return M
