--- rule.lua - one SLO at work: it counts (count.lua), measures its windows, and writes what it found as series (figures.lua).
local budget = require "moonwatch.slo.budget"
local burn = require "moonwatch.slo.burn"
local change = require "moonwatch.engine.rules.change"
local composite = require "moonwatch.slo.composite"
local count = require "moonwatch.slo.count"
local figures = require "moonwatch.slo.figures"
local late = require "moonwatch.slo.late"
local parts = require "moonwatch.slo.parts"
local past = require "moonwatch.slo.past"
local pins = require "moonwatch.slo.pins"
local period = require "moonwatch.slo.period"
local sli = require "moonwatch.slo.sli"
local source = require "moonwatch.slo.source"
local typical = require "moonwatch.slo.typical"

local M = {}
M.__index = M
M.word = "slo"

local FILL_SECONDS = 0.05 -- of one evaluation for what was before the first one, and for what comes late

local KIND = { "ratio", "latency", "check", "logs", "spans", "of", "good", "bad" }

--- What RULE is about: "events", "latency", "ratio", "check", "logs", "spans" or "composite".
function M.kind(rule)
  for _, name in ipairs(KIND) do
    if rule[name] then return name == "of" and "composite" or (name == "good" or name == "bad") and "events" or name end
  end
end

-- What the sums of RULE are about: others begin anew.
local function key_of(rule, host)
  local out = {}
  for _, name in ipairs { "good", "bad", "total", "ratio", "latency", "check", "logs", "spans", "timeslice" } do out[name] = rule[name] end
  return host.sha256(change.text(out)):sub(1, 16)
end

function M.new(rule, engine)
  local self = setmetatable({ rule = rule, engine = engine, host = engine.host, every = 30, windows = burn.windows(rule), kind = M.kind(rule),
                              handles = {}, written = {}, summed = {}, parts = {}, n_parts = 0, gaps = {}, health = "unknown", data = "unknown" }, M)
  self.period = assert(period.new(rule, engine.host))
  local promql = engine.set and engine.set.settings.promql or {}
  self.source, self.key = source.new(rule, engine.host, promql.ranges == "closed"), key_of(rule, engine.host)
  return self
end

-- -- measuring -------------------------------------------------------------

--- Does it count events, so that any stretch can be asked for?
function M:counts() return self.source ~= nil or self.rule.of ~= nil end

--- Events from FROM to TO; RAW: with what corrections take out.
function M:between(from, to, raw)
  if self.rule.of then return composite.between(self, from, to, raw) end
  return count.between(self, from, to, raw)
end

-- Short windows of what counts in long steps only are asked of the raw series.
local function measure(self, to, seconds)
  local rule, grain = self.rule, self.source and self.source.grain or 0
  local from = to - seconds
  if seconds == rule.window and rule.calendar then from = self.period:span(to) end
  if not self:counts() or seconds < 12 * grain and not rule.timeslice then
    return sli.measure(rule, self.host, to, to - from, self.source and self.source.how)
  end
  return self:between(from, to)
end

-- Count, as far as it is known what happened.  When that is; or nil, why.
local function count_up(self, t)
  local to = t - self.engine:behind(self.rule) - (self.source and self.source.lag or 0)
  if self.rule.of then return composite.counted_to(self, to) end
  if not self.source then return to end
  if not self.ledger or not self.ledger.at then
    past.begin(self, to)
    if self.rule.by then parts.restore(self, to) end
  end
  self.engine:take_late()
  local ok, why = count.book(self, to)
  if not ok then return nil, why end
  local clock = self.engine.clock
  local untill = clock and clock() + FILL_SECONDS
  if self.fill then past.fill(self, untill) end
  late.look(self, to, untill)
  ok, why = pins.look(self, late.bound(self))
  if not ok then return nil, why end
  return self.data == "missing" and to or self.ledger.at
end

-- The windows as they are now, or as they were when there last was something and the policy is to hold on to that.
local function look(self, to)
  if self.measured and self.seen and budget.without_data(self, to) == "hold" then return self.measured end
  local measured = {}
  for _, seconds in ipairs(self.windows) do
    local m, why = measure(self, to, seconds)
    if not m then return nil, why end
    measured[seconds] = m
  end
  return measured
end

--- The budget as of the last evaluation: { remaining= (1 to 0), left= (also below 0), from=, to=, allowed=, total=, bad=, ratio= }.
function M:budget()
  local m, rule = self.measured and self.measured[self.rule.window], self.rule
  if not m then return nil end
  local from, to = self.period:span(self.counted_to)
  local slices = budget.slices(rule, from, to)
  return { remaining = budget.remaining(rule.objective, m, slices), left = budget.left(rule.objective, m, slices), from = from, to = to,
           allowed = m.total and (1 - rule.objective) * (slices or m.total), total = m.total, bad = m.bad, ratio = m.ratio }
end

function M:evaluate(t)
  self.last_evaluation = t
  local to, why = count_up(self, t)
  local measured
  if to then measured, why = look(self, to) end
  if not measured then return self.engine:failed(self, { error = why }, t) end
  self.measured, self.counted_to, self.health, self.last_error = measured, to, "ok", nil
  self.typical = typical.of(self, to)
  figures.write(self, t, measured, self.windows[1], self:budget().remaining)
end

--- What people should know about how it counts: a list of texts.
function M:notes()
  local out = {}
  if self.source and self.source.note then out[#out + 1] = self.source.note end
  if self.note_fill then out[#out + 1] = self.note_fill end
  if self.fill then out[#out + 1] = ("still counting what was before %s"):format(self.host.rfc3339(self.ledger.began)) end
  if self.note_late then out[#out + 1] = self.note_late end
  local hours = late.pending(self)
  if hours[1] then out[#out + 1] = ("%d hours since %s are being counted again"):format(#hours, self.host.rfc3339(hours[#hours])) end
  if self.data == "missing" then out[#out + 1] = "nothing comes that could be counted" end
  return out
end

-- -- over reloads and restarts ---------------------------------------------

local KEPT = { "ledger", "fill", "settled", "blind", "judged", "since", "seen", "gaps", "parts", "n_parts", "data", "saved", "counted_to",
               "late", "recounting", "recounted", "late_parts", "look_back", "rest_till", "idle", "took", "news" }

function M:inherit(old)
  self.health, self.last_evaluation = old.health, old.last_evaluation
  figures.take(self, old)
  if old.key ~= self.key then return end
  for _, name in ipairs(KEPT) do self[name] = old[name] end
  if table.concat(old.rule.by or {}, ",") ~= table.concat(self.rule.by or {}, ",") then self.parts, self.n_parts, self.late_parts = {}, 0, nil end
  if self.ledger and self.ledger.at then self.ledger.reach = math.max(self.ledger.reach, self.rule.window) end
  local same = true
  for _, seconds in ipairs(self.windows) do same = same and old.measured and old.measured[seconds] ~= nil end
  self.measured = same and old.measured or nil
end

function M:drop(t) figures.stop(self, t) end

function M:save() return self.source and (count.save(self) or self.saved) end

function M:restore(saved)
  if self.source and not (self.ledger and self.ledger.at) then self.saved = saved end
end

return M
