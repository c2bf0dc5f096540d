--- past.lua - where an SLO begins to count: where it stopped before a restart, with what was before that.
--
-- Its sums are series, which say where counting stopped and how they went.  Days that these have lost stand in what is saved. What
-- was before the first evaluation of all is counted out of the raw series, newest first.
local ledger = require "moonwatch.slo.ledger"
local series = require "moonwatch.slo.names"
local slices = require "moonwatch.slo.slices"

local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400
M.KEPT_DAYS = 8 -- of which the series know every moment

-- How finely the past is looked at: seconds back, seconds of a step.
local STAGES = { { 65 * MINUTE, 30 }, { 7 * HOUR, MINUTE }, { 4 * DAY, 5 * MINUTE }, { math.huge, HOUR } }
local CHUNK = 300 -- steps that are asked for at once

-- -- before the first evaluation -------------------------------------------

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
  local found, why = slices.history(runner, from, book.began, step, true)
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
  local times = host.query(("ts_of_last_over_time(%s[%dd])"):format(own(name, runner.rule), M.KEPT_DAYS), t)
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
    local from = math.max(since, book.at - math.min(stage[1], M.KEPT_DAYS * DAY))
    local first = math.ceil(from / stage[2]) * stage[2]
    if first < book.began then
      local total = points(host.range(("max(%s)"):format(own(series.EVENTS, runner.rule)), first, book.began, stage[2]))
      local bad = points(host.range(("max(%s)"):format(own(series.BAD, runner.rule)), first, book.began, stage[2]))
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
  local at, total = last_of(runner, series.EVENTS, to)
  local bad
  if at then
    local rows = runner.host.query(("max(%s)"):format(own(series.BAD, runner.rule)), at)
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
    local _, total = last_of(runner, series.EVENTS, to)
    local _, bad = last_of(runner, series.BAD, to)
    local slice = rule.timeslice
    runner.ledger:begin(slice and math.floor(to / slice.length + 1e-6) * slice.length or to, total, bad)
    runner.since = runner.ledger.at
  end
  runner.seen = runner.seen or runner.ledger.at
  if runner.ledger.began <= runner.fill.till then runner.fill = nil end
  runner.engine:changed(runner, to)
end

return M
