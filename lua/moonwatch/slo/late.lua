--- late.lua - hours that are counted again: something came that belongs there, or somebody asked for it.
--
-- Senders catch up after an outage, and history is pushed.  The stores tell which hours got something late; those are looked at
-- again once, out of the raw series, and what these say takes the place of what the ledger had.  What is older than the
-- first samples, which the store may have forgotten, stays as it is.  The sums of now stay where they are, those before them become others:
-- counters do not jump.
local parts = require "moonwatch.slo.parts"
local steps = require "moonwatch.slo.steps"

local M = {}

local HOUR = 3600
local REST = 300 -- times as long as it took nothing is counted again, unless somebody asks for it
local MOST_REST = 16 -- times longer when there was nothing new
local AGAIN = 600 -- seconds after a beginning what was just before it is looked at: senders were cut off, too

local function hour_of(t) return math.floor(t / HOUR) * HOUR end

--- Up to where RUNNER may be counted again: what is younger is counted again anyway.
function M.bound(runner) return runner.settled and runner.settled.t or runner.ledger.at end

--- The hours that begin at HOURS got something late.
function M.mark(runner, hours)
  runner.late = runner.late or {}
  for _, hour in ipairs(hours) do runner.late[hour] = true end
end

--- Count again what is from FROM to TO, at once.
function M.again(runner, from, to)
  local hours = {}
  for hour = hour_of(from), to - 0.001, HOUR do hours[#hours + 1] = hour end
  M.mark(runner, hours)
  runner.rest_till = nil
end

--- RUNNER begins or goes on at T: what its senders could not get rid of just before is looked at in a while.
function M.begun(runner, t) runner.look_back = t + AGAIN end

local function due_look_back(runner, t)
  local at = runner.look_back
  if not at or t < at then return end
  runner.look_back = nil
  M.mark(runner, { hour_of(at - 2 * AGAIN), hour_of(at - AGAIN) })
end

-- -- one piece -------------------------------------------------------------

-- How much of what the ledger has before the first step of ROWS that says something is not of that step itself: shares of events, of
-- bad ones.  The ledger has its moments, which need not be where steps end.
local function unknown(book, from, rows)
  for i, row in ipairs(rows) do
    if not row[4] then
      if i == 1 then return 0, 0 end
      local total, bad = book:between(from, row[1])
      local before, bad_before = book:between(from, rows[i - 1][1])
      return before > 0 and math.max(0, math.min(1, (total - row[2]) / before)) or 0,
             bad_before > 0 and math.max(0, math.min(1, (bad - row[3]) / bad_before)) or 0
    end
  end
  return 1, 1
end

--- ROWS of steps.lua, which begin at FROM, with what the ledger has before anything is known, and where a policy for no data has spoken:
-- the list, its sums.
function M.filled(runner, from, rows)
  local book, blind, list = runner.ledger, (runner.rule.no_data or {}).policy == "burn", {}
  local all, all_bad, last, known = 0, 0, from, false
  local share, bad_share = unknown(book, from, rows)
  for i, row in ipairs(rows) do
    local total, bad = row[2], row[3]
    known = known or not row[4]
    if not known or row[5] or (blind and total == 0) then
      total, bad = book:between(last, row[1])
      if not known then total, bad = total * share, bad * bad_share end
    end
    all, all_bad, last = all + total, all_bad + bad, row[1]
    list[i] = { row[1], total, bad }
    if row[2] > 0 and not runner.rule.timeslice then runner.seen = math.max(runner.seen or 0, row[1]) end
  end
  return list, all, all_bad
end

--- Count what is from FROM to TO again, in steps of STEP.  True when that is news; nil, why.
function M.recount(runner, from, to, step)
  local rows, why = steps.rows(runner, from, to, step)
  if not rows then return nil, why end
  if #rows == 0 then return false end
  local book = runner.ledger
  local had, had_bad = book:between(from, to)
  local list, total, bad = M.filled(runner, from, rows)
  local end_total, end_bad = book:value(to)
  book:replace(from, list, end_total - total, end_bad - bad)
  local news = math.abs(total - had) > 1e-6 * (1 + had) or math.abs(bad - had_bad) > 1e-6 * (1 + had)
  if news then runner.recounted = book.at end -- the series have it otherwise: after a restart they are taken up from here on
  return news
end

-- -- hour by hour ----------------------------------------------------------

local function descending(a, b) return a > b end

-- The newest hours that touch each other, taken out of what is to be done: { from=, to=, hours= }; nil when there are none.
-- The hour before goes along, since what rose between it and the first sample is found only so.
local function next_stretch(runner)
  local hours, began, last = {}, runner.ledger.began, M.bound(runner)
  for hour in pairs(runner.late) do
    if hour >= last or hour + HOUR <= began then runner.late[hour] = nil else hours[#hours + 1] = hour end
  end
  if not hours[1] then return nil end
  table.sort(hours, descending)
  local taken = {}
  for i, hour in ipairs(hours) do
    if i > 1 and hour ~= hours[i - 1] - HOUR then break end
    taken[i], runner.late[hour] = hour, nil
  end
  local from, to = math.max(taken[#taken] - HOUR, began), math.min(taken[1] + HOUR, last)
  local length = runner.rule.timeslice and runner.rule.timeslice.length
  if length then from, to = math.ceil(from / length - 1e-6) * length, math.floor(to / length + 1e-6) * length end
  return { from = from, to = to, hours = taken }
end

-- One piece of the WORK that was begun.  True; nil, why.
local function go_on(runner, work)
  if work.to > work.from + 0.001 then
    local from, step = steps.piece(runner, work.from, work.to, runner.ledger.at)
    local news, why = M.recount(runner, from, work.to, step)
    if news == nil then return nil, why end
    work.to, runner.news = from, runner.news or news
    return true
  end
  local hour = table.remove(work.hours)
  if hour and runner.rule.by then
    local ok, why = parts.recount(runner, hour, math.min(hour + HOUR, M.bound(runner)))
    if not ok then return nil, why end
  end
  if not work.hours[1] then runner.recounting = nil end
  return true
end

-- The hours that were marked are done, which took SECONDS: rest, the longer the less was to be found.
local function rest(runner, t, seconds)
  runner.idle = runner.news and 1 or math.min(MOST_REST, 2 * (runner.idle or 1))
  runner.rest_till, runner.news, runner.took = t + seconds * REST * runner.idle, nil, 0
  runner.engine:changed(runner, t)
end

--- Count again what has to be, at T, until UNTILL on the engine's clock.
function M.look(runner, t, untill)
  due_look_back(runner, t)
  local clock, did = runner.engine.clock, false
  local before = clock and clock() or 0
  while runner.recounting or (runner.late and next(runner.late) and t >= (runner.rest_till or 0)) do
    runner.recounting = runner.recounting or next_stretch(runner)
    if not runner.recounting then break end
    did = true
    local ok, why = go_on(runner, runner.recounting)
    runner.note_late = why and ("what came late could not be counted: %s"):format(why)
    if not ok or (clock and clock() >= untill) then break end
  end
  if not did then return end
  runner.took = (runner.took or 0) + (clock and clock() - before or 0)
  if not runner.recounting and not next(runner.late) then rest(runner, t, runner.took) end
end

--- Hours that are still to be counted again, as a list, the newest first.
function M.pending(runner)
  local out = {}
  for hour in pairs(runner.late or {}) do out[#out + 1] = hour end
  for _, hour in ipairs(runner.recounting and runner.recounting.hours or {}) do
    if not (runner.late or {})[hour] then out[#out + 1] = hour end
  end
  table.sort(out, descending)
  return out
end

return M
