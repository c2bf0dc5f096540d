--- past.lua - where an SLO begins to count: where it stopped before a restart, with what was before that.
--
-- Its sums are series, which say where counting stopped and how they went.  Days that these have lost stand in what is saved. What
-- was before the first evaluation of all is counted out of the raw series, newest first.
local late = require "moonwatch.slo.late"
local ledger = require "moonwatch.slo.ledger"
local series = require "moonwatch.slo.names"
local sli = require "moonwatch.slo.sli"
local steps = require "moonwatch.slo.steps"

local M = {}

local HOUR, DAY = 3600, 86400
M.KEPT_DAYS = 8 -- of which the series know every moment

-- -- before the first evaluation -------------------------------------------

-- What LIST, sums at moments, says of T.
local function value_in(list, t)
  local before
  for _, p in ipairs(list) do
    if p[1] >= t then
      if not before then return p[2], p[3] end
      local share = (t - before[1]) / (p[1] - before[1])
      return before[2] + (p[2] - before[2]) * share, before[3] + (p[3] - before[3]) * share
    end
    before = p
  end
  return before[2], before[3]
end

-- Everything of LIST, which was saved, that is older than the ledger, so that the sums meet.
local function prepend_saved(book, list)
  if not list[1] or list[1][1] >= book.began then return end
  local total, bad = book:value(book.began)
  local at_total, at_bad = value_in(list, book.began)
  local older = {}
  for _, p in ipairs(list) do
    if p[1] < book.began then
      older[#older + 1] = { p[1], math.min(p[2] + total - at_total, total), math.min(p[3] + bad - at_bad, bad), p[4] }
    end
  end
  book:prepend(older)
end

-- Was there nothing at all in FOUND?
local function is_empty(found)
  for _, row in ipairs(found) do
    if not row[4] then return false end
  end
  return true
end

-- One piece of the past before `began` out of the raw series.  False when there is nothing more to do.
local function fill_piece(runner)
  local book, fill = runner.ledger, runner.fill
  if book.began <= fill.till then return false end
  local from, step = steps.piece(runner, fill.till, book.began, book.at)
  local found, why = steps.rows(runner, from, book.began, step, true)
  if not found then
    runner.note_fill = ("what was before %s could not be counted: %s"):format(runner.host.rfc3339(book.began), why)
    return false
  end
  if fill.saved and is_empty(found) then return false end -- what is saved knows more
  local total, bad = book:value(book.began)
  local list = {}
  for i = #found, 1, -1 do
    total, bad = total - found[i][2], bad - found[i][3]
    list[i] = { i > 1 and found[i - 1][1] or from, total, bad }
  end
  book:prepend(list)
  return book.began > fill.till
end

--- Go on counting what was before the ledger, until UNTILL on the engine's clock.
function M.fill(runner, untill)
  local clock = runner.engine.clock
  while runner.fill do
    if not fill_piece(runner) then
      local saved = runner.fill.saved
      if saved then prepend_saved(runner.ledger, saved) end
      runner.fill = saved and runner.ledger.began > runner.fill.from and { till = runner.fill.from, from = runner.fill.from } or nil
      if not runner.fill then runner.engine:changed(runner, runner.ledger.at) end
    end
    if clock and clock() >= untill then return end
  end
end

-- -- where it stopped ------------------------------------------------------

local function own(name, rule) return ('%s{slo=%s}'):format(name, sli.quoted(rule.name)) end

-- Whoever does not know where he stopped must not begin anew because of a query that failed: the evaluation fails, and the next
-- one tries again.
local function must(rows, why) return rows or error(why, 0) end

-- The value of the series NAME at T, or nil.
local function value_at(runner, name, t)
  local row = must(runner.host.query(("max(%s)"):format(own(name, runner.rule)), t))[1]
  return row and row.value
end

-- The last sample of the series NAME before T, of whatever labels were in force: when, value.
local function last_of(runner, name, t)
  local times = must(runner.host.query(("ts_of_last_over_time(%s[%dd])"):format(own(name, runner.rule), M.KEPT_DAYS), t))
  local best
  for _, row in ipairs(times) do best = math.max(best or 0, row.value) end
  if best then return best, value_at(runner, name, best) end
end

-- The series NAME from FROM to TO: milliseconds -> value.
local function points(runner, name, from, to, step)
  local rows, out = must(runner.host.range(("max(%s)"):format(own(name, runner.rule)), from, to, step)), {}
  for _, p in ipairs(rows[1] and rows[1].points or {}) do out[math.floor(p[1] * 1000 + 0.5)] = p[2] end
  return out
end

-- The moments that the series know, back to SINCE.
local function read_series(runner, since)
  local book = runner.ledger
  for _, stage in ipairs(steps.STAGES) do
    local from = math.max(since, book.at - math.min(stage[1], M.KEPT_DAYS * DAY))
    local first = math.ceil(from / stage[2]) * stage[2]
    if first < book.began then
      local total, bad = points(runner, series.EVENTS, first, book.began, stage[2]), points(runner, series.BAD, first, book.began, stage[2])
      local list = {}
      for t = first, book.began - 0.001, stage[2] do
        local key = math.floor(t * 1000 + 0.5)
        if total[key] and bad[key] then list[#list + 1] = { t, total[key], bad[key] } end
      end
      book:prepend(list)
    end
  end
  if book.began >= book.at then return end
  -- What they say of the first of these moments they have said a little longer: what is before that is out of the raw series.
  local row = must(runner.host.query(("max(timestamp(%s))"):format(own(series.EVENTS, runner.rule)), book.began))[1]
  if row and row.value < book.began then book:prepend { { row.value, book:value(book.began) } } end
end

local function saved_list(saved)
  local out, pins = {}, {}
  if type(saved.t) ~= "table" or type(saved.total) ~= "table" or type(saved.bad) ~= "table" then return out end
  for _, t in ipairs(type(saved.pins) == "table" and saved.pins or {}) do pins[t] = true end
  for i, t in ipairs(saved.t) do
    local total, bad = tonumber(saved.total[i]), tonumber(saved.bad[i])
    if tonumber(t) and total and bad then out[#out + 1] = { t, total, bad, pins[t] } end
  end
  return out
end

local function numbers(saved) return tonumber(saved.counted), tonumber(saved.sum), tonumber(saved.bad_sum) end

local function numbers_of(list)
  local out = {}
  for _, n in ipairs(type(list) == "table" and list or {}) do out[#out + 1] = tonumber(n) end
  return out
end

local function aligned(rule, t)
  local length = rule.timeslice and rule.timeslice.length
  return length and math.floor(t / length + 1e-6) * length or t
end

-- Take up what the series and SAVED, which is of the same SLI, say.
local function go_on(runner, saved, to)
  local at, total = last_of(runner, series.EVENTS, to)
  local bad = at and value_at(runner, series.BAD, at)
  local counted, sum, bad_sum = numbers(saved)
  if not (total and bad) or (counted and counted > at) then
    if not (counted and sum and bad_sum) then return false end
    at, total, bad = counted, sum, bad_sum
  end
  runner.ledger:begin(aligned(runner.rule, math.min(at, to)), total, bad)
  -- What was counted again is not as the series have it.
  runner.recounted = tonumber(saved.recounted)
  read_series(runner, math.max(tonumber(saved.since) or 0, runner.recounted or 0))
  late.mark(runner, numbers_of(saved.late))
  runner.late_parts = type(saved.late_parts) == "table" and saved.late_parts or nil
  runner.since, runner.seen, runner.gaps = tonumber(saved.since), tonumber(saved.seen), type(saved.gaps) == "table" and saved.gaps or {}
  return true
end

-- What is still to be found out of the past back to FROM: the last days of the raw series, where they are, and the rest is saved.
local function fill_from(runner, from, saved)
  local list = saved_list(type(saved.hours) == "table" and saved.hours or {})
  -- Where both meet is a whole hour: that is what was saved.
  local till = math.floor((runner.ledger.at - 4 * DAY) / HOUR) * HOUR
  runner.fill = { till = math.max(from, till), from = from, saved = list[1] and list or nil }
  if list[1] and runner.ledger.began <= runner.fill.till then
    prepend_saved(runner.ledger, list)
    runner.fill = { till = from, from = from }
  end
end

--- The first evaluation: go on where it stopped, or begin at TO.
function M.begin(runner, to)
  local rule, saved = runner.rule, runner.saved
  runner.ledger = ledger.new(math.max(rule.window, 93 * DAY) + DAY)
  local from = math.min(runner.period:span(to), to - rule.window)
  if saved and saved.key == runner.key and go_on(runner, saved, to) then
    fill_from(runner, from, saved)
  else
    -- Its sums go on from where those of another definition ended: they are counters.
    local _, total = last_of(runner, series.EVENTS, to)
    local _, bad = last_of(runner, series.BAD, to)
    runner.ledger:begin(aligned(rule, to), total, bad)
    runner.since, runner.fill = runner.ledger.at, { till = from, from = from }
  end
  runner.saved, runner.seen = nil, runner.seen or runner.ledger.at
  if runner.ledger.began <= runner.fill.till then runner.fill = nil end
  late.begun(runner, to)
  runner.engine:changed(runner, to)
end

return M
