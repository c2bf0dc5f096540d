--- count.lua - an SLO counts: at each evaluation what happened since the one before goes into its ledger.
--
-- The sums are series of their own, slo_events_total and slo_bad_events_total, so that a window of a month is the difference of
-- two of their samples.  After a restart they say where counting stopped; what happened meanwhile is counted at once, and is
-- taken for evenly spread.  What was before the first evaluation is counted out of the raw series, newest first.
local budget = require "moonwatch.slo.budget"
local corrections = require "moonwatch.slo.corrections"
local ledger = require "moonwatch.slo.ledger"

local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400
local KEPT_DAYS = 8 -- of which the series know every moment
local GAP = 5 * MINUTE
M.EVENTS, M.BAD = "slo_events_total", "slo_bad_events_total"

-- How finely the past is looked at: seconds back, seconds of a step.
local STAGES = { { 65 * MINUTE, 30 }, { 7 * HOUR, MINUTE }, { 4 * DAY, 5 * MINUTE }, { math.huge, HOUR } }
local CHUNK = 300 -- steps that are asked for at once

-- -- slices ----------------------------------------------------------------

-- Is a slice with these events bad?  nil: it is not counted.
local function slice_is_bad(runner, total, bad, t)
  if total > 0 then return (total - bad) / total < runner.rule.timeslice.target - 1e-12 end
  local policy = budget.without_data(runner, t)
  if policy == "hold" then return nil end
  return policy == "burn"
end

-- HISTORY, a step for each slice, as slices.  PAST: before it began, when nobody knows whether there was anything to count.
local function as_slices(runner, history, past)
  local out = {}
  for i, row in ipairs(history) do
    if row[2] > 0 then runner.seen = math.max(runner.seen or 0, row[1]) end
    local is_bad
    if not (past and row[4]) then is_bad = slice_is_bad(runner, row[2], row[3], row[1]) end
    out[i] = { row[1], is_bad ~= nil and 1 or 0, is_bad and 1 or 0, row[4] }
  end
  return out
end

-- What happened from FROM to TO in steps, as what the budget is made of.
local function history_of(runner, from, to, step, past)
  local slice = runner.rule.timeslice
  local found, why = runner.source:history(from, to, slice and slice.length or step)
  if not found then return nil, why end
  return slice and as_slices(runner, found, past) or found
end

-- -- the past --------------------------------------------------------------

-- Everything of the ledger that is older than BEGAN, of LIST { t, total, bad }, so that the sums meet.
local function prepend_saved(book, list)
  local older, at_total, at_bad = {}, nil, nil
  for _, p in ipairs(list) do
    if p[1] < book.began then older[#older + 1] = p
    elseif not at_total then at_total, at_bad = p[2], p[3] end
  end
  local total, bad = book:value(book.began)
  local last = older[#older]
  if not last then return end
  local shift_total, shift_bad = total - (at_total or total), bad - (at_bad or bad)
  for i, p in ipairs(older) do
    older[i] = { p[1], math.min(p[2] + shift_total, total), math.min(p[3] + shift_bad, bad) }
  end
  book:prepend(older)
end

-- One chunk of the past before `began` out of the raw series.  False when there is nothing more to do.
local function fill_chunk(runner)
  local book, fill = runner.ledger, runner.fill
  local back = book.at - book.began
  local step, reach = HOUR, math.huge
  for _, stage in ipairs(STAGES) do
    if back < stage[1] - 1 then
      reach, step = stage[1], stage[2]
      break
    end
  end
  step = runner.rule.timeslice and runner.rule.timeslice.length or math.max(step, runner.source.grain)
  local most = runner.rule.timeslice and math.max(CHUNK, DAY / step) or step == HOUR and 24 or CHUNK
  local n = math.min(most, math.ceil((math.min(reach, book.at - fill.till) - back) / step - 1e-9))
  if n < 1 then return false end
  local from = book.began - n * step
  local found, why = history_of(runner, from, book.began, step, true)
  if not found then
    runner.note_fill = ("what was before %s could not be counted: %s"):format(runner.host.rfc3339(book.began), why)
    return false
  end
  local total, bad = book:value(book.began)
  local list = {}
  for i = #found, 1, -1 do
    total, bad = total - found[i][2], bad - found[i][3]
    list[i] = { found[i][1] - step, total, bad }
    if found[i][2] > 0 then fill.any = true end
  end
  book:prepend(list)
  return book.began > fill.till
end

--- Go on counting what was before the ledger, until UNTILL on the engine's clock.
function M.fill(runner, untill)
  local clock = runner.engine.clock
  while runner.fill do
    if not fill_chunk(runner) then
      local saved = runner.fill.saved
      if saved then prepend_saved(runner.ledger, saved) end
      runner.fill = saved and runner.ledger.began > runner.fill.from and { till = runner.fill.from, from = runner.fill.from } or nil
      if not runner.fill then runner.engine:changed(runner, runner.ledger.at) end
    end
    if clock and clock() >= untill then return end
  end
end

-- -- where it stopped ------------------------------------------------------

local function own(name, rule) return ('%s{slo="%s"}'):format(name, rule.name) end

-- The last sample of the series NAME before T, of whatever labels were in force: when, value.
local function last_of(runner, name, t)
  local host = runner.host
  local times = host.query(("ts_of_last_over_time(%s[%dd])"):format(own(name, runner.rule), KEPT_DAYS), t)
  local best
  for _, row in ipairs(times or {}) do best = math.max(best or 0, row.value) end
  if not best then return nil end
  local rows = host.query(("max(%s)"):format(own(name, runner.rule)), best)
  return best, rows and rows[1] and rows[1].value
end

local function points(rows)
  local out = {}
  for _, p in ipairs(rows and rows[1] and rows[1].points or {}) do out[math.floor(p[1] * 1000 + 0.5)] = p[2] end
  return out
end

-- The moments that the series know, back to SINCE.
local function read_series(runner, since)
  local book, host = runner.ledger, runner.host
  for _, stage in ipairs(STAGES) do
    local from = math.max(since, book.at - math.min(stage[1], KEPT_DAYS * DAY))
    local first = math.ceil(from / stage[2]) * stage[2]
    if first < book.began then
      local total = points(host.range(("max(%s)"):format(own(M.EVENTS, runner.rule)), first, book.began, stage[2]))
      local bad = points(host.range(("max(%s)"):format(own(M.BAD, runner.rule)), first, book.began, stage[2]))
      local list = {}
      for t = first, book.began - 0.001, stage[2] do
        local key = math.floor(t * 1000 + 0.5)
        if total[key] and bad[key] then list[#list + 1] = { t, total[key], bad[key] } end
      end
      book:prepend(list)
    end
  end
end

local function saved_list(saved)
  local out = {}
  if type(saved.t) ~= "table" or type(saved.total) ~= "table" or type(saved.bad) ~= "table" then return out end
  for i, t in ipairs(saved.t) do
    local total, bad = tonumber(saved.total[i]), tonumber(saved.bad[i])
    if tonumber(t) and total and bad then out[#out + 1] = { t, total, bad } end
  end
  return out
end

-- Take up what the series and SAVED, which is of the same SLI, say.
local function go_on(runner, saved, to)
  local at, total = last_of(runner, M.EVENTS, to)
  local bad
  if at then
    local rows = runner.host.query(("max(%s)"):format(own(M.BAD, runner.rule)), at)
    bad = rows and rows[1] and rows[1].value
  end
  if not (total and bad) or (saved.counted and saved.counted > at) then
    if not saved.counted then return false end
    at, total, bad = saved.counted, saved.sum, saved.bad_sum
  end
  if at > to then at = to end
  local slice = runner.rule.timeslice
  if slice then at = math.floor(at / slice.length + 1e-6) * slice.length end
  runner.ledger:begin(at, total, bad)
  read_series(runner, saved.since or 0)
  return true
end

--- The first evaluation: go on where it stopped, or begin at TO.
function M.begin(runner, to)
  local rule, saved = runner.rule, runner.saved
  runner.saved = nil
  runner.ledger = ledger.new(math.max(rule.window, 93 * DAY) + DAY)
  local from = math.min(runner.period:span(to), to - rule.window)
  runner.fill = { till = from, from = from }
  if saved and saved.key == runner.key and go_on(runner, saved, to) then
    runner.since, runner.seen, runner.gaps = saved.since, tonumber(saved.seen), type(saved.gaps) == "table" and saved.gaps or {}
    local list = saved_list(saved.hours or {})
    if list[1] then
      runner.fill = { till = math.max(from, runner.ledger.at - 4 * DAY), from = from, saved = list }
      if runner.ledger.began <= runner.fill.till then
        prepend_saved(runner.ledger, list)
        runner.fill.saved = nil
        runner.fill.till = from
      end
    end
  else
    -- Its sums go on from where those of another definition ended: they are counters.
    local _, total = last_of(runner, M.EVENTS, to)
    local _, bad = last_of(runner, M.BAD, to)
    local slice = rule.timeslice
    runner.ledger:begin(slice and math.floor(to / slice.length + 1e-6) * slice.length or to, total, bad)
    runner.since = runner.ledger.at
  end
  runner.seen = runner.seen or runner.ledger.at
  if runner.ledger.began <= runner.fill.till then runner.fill = nil end
  runner.engine:changed(runner, to)
end

-- -- counting --------------------------------------------------------------

local function note_gap(runner, from, to)
  if to - from < math.max(GAP, 4 * runner.every) then return end
  table.insert(runner.gaps, { from, to })
  if #runner.gaps > 50 then table.remove(runner.gaps, 1) end
end

local function add(runner, t, total, bad)
  local book = runner.ledger
  local hour = math.floor(book.at / HOUR)
  book:add(t, total, bad)
  if math.floor(t / HOUR) ~= hour then runner.engine:changed(runner, t) end
end

local function book_slices(runner, to)
  local book, length = runner.ledger, runner.rule.timeslice.length
  local n = math.min(CHUNK * 5, math.floor((to - book.at) / length + 1e-6))
  if n < 1 then return true end
  local found, why = history_of(runner, book.at, book.at + n * length, length)
  if not found then return nil, why end
  if n * length > GAP and n > 2 then note_gap(runner, book.at, book.at + n * length) end
  runner.data = found[n][4] and "missing" or "ok"
  for _, row in ipairs(found) do add(runner, row[1], row[2], row[3]) end
  return true
end

local function book_parts(runner, parts, from)
  for key, part in pairs(parts or {}) do
    local own_part = runner.parts[key]
    if not own_part and runner.n_parts >= budget.PARTS then
      key = ""
      own_part = runner.parts[key]
    end
    if not own_part then
      local labels = {}
      for _, name in ipairs(runner.rule.by) do labels[name] = key == "" and "other" or part.labels[name] end
      own_part = { labels = labels, total = 0, bad = 0, born = from }
      runner.parts[key], runner.n_parts = own_part, runner.n_parts + 1
    end
    own_part.total, own_part.bad = own_part.total + part.total, own_part.bad + part.bad
  end
end

-- After a time in which nobody counted, and perhaps nobody wrote: is everybody back?  Who comes a minute later than the first
-- would be missed.
local function is_back(runner, to)
  local away = to - runner.ledger.at
  if away < GAP or away > DAY or runner.source.lag > 0 then return true end
  local found, why = runner.source:count(to - 2 * MINUTE, to - MINUTE)
  if not found then return nil, why end
  return not found.absent
end

--- Count up to TO.  True, or nil, why.
function M.book(runner, to)
  local book, source = runner.ledger, runner.source
  if runner.rule.timeslice then return book_slices(runner, to) end
  if to - book.at < math.max(source.grain, 0.001) then return true end
  local back, why = is_back(runner, to)
  if why then return nil, why end
  local found
  found, why = source:count(book.at, to)
  if not found then return nil, why end
  found.absent = found.absent or not back
  runner.data = found.absent and "missing" or found.total > 0 and "ok" or "idle"
  -- Nothing is there yet: once it is, all of it counts, since the sample before.
  if found.absent and to - book.at < DAY and budget.without_data(runner, to) ~= "burn" then return true end
  note_gap(runner, book.at, to)
  local total, bad = found.total, found.bad
  if total > 0 then
    runner.seen = to
  elseif budget.without_data(runner, to) == "burn" then
    total = budget.expected(runner, math.max(book.at, runner.seen + runner.rule.no_data.after), to)
    bad = total
  end
  book_parts(runner, found.parts, book.at)
  add(runner, to, total, bad)
  return true
end

-- -- looking ---------------------------------------------------------------

--- Events of RUNNER from FROM to TO, without what corrections take out: { total=, bad=, ratio= }.  RAW: with it.
function M.between(runner, from, to, raw)
  local total, bad = 0, 0
  local stretches = raw and {} or corrections.stretches(runner, from, to)
  for _, s in ipairs(#stretches > 0 and corrections.outside(stretches, from, to) or { { from, to } }) do
    local n, b = runner.ledger:between(s[1], s[2])
    total, bad = total + n, bad + b
  end
  return { total = total, bad = bad, ratio = total > 0 and math.min(1, math.max(0, bad / total)) or nil }
end

--- What must survive a restart.
function M.save(runner)
  local book = runner.ledger
  if not (book and book.at) then return nil end
  local young = (runner.since or 0) > book.at - KEPT_DAYS * DAY
  return { key = runner.key, since = runner.since, counted = book.at, sum = book.total, bad_sum = book.bad, seen = runner.seen,
           gaps = #runner.gaps > 0 and runner.gaps or nil, hours = book:hours(young and 2 * KEPT_DAYS * DAY or 0) }
end

return M
