--- count.lua - an SLO counts: at each evaluation what happened since the one before goes into its ledger.
--
-- Samples may come late, so nothing is final at once: each time the last minutes are counted again from a moment on before which
-- all is settled, and what is more than the time before is added.  When minutes are settled they are looked at step by step, so that
-- what came late is where it happened.  A stretch of which there are no samples waits.  What comes later still is for late.lua.
local budget = require "moonwatch.slo.budget"
local corrections = require "moonwatch.slo.corrections"
local late = require "moonwatch.slo.late"
local past = require "moonwatch.slo.past"
local slices = require "moonwatch.slo.slices"
local steps = require "moonwatch.slo.steps"

local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400
local GAP = 5 * MINUTE
local MOST_SLICES = 1500 -- at one evaluation
local FINE = 30 -- seconds of a step of what is settled
local FAR = 0.02 -- of what is settled
local LATE_SLICE = 30 -- seconds after its end that a slice is looked at

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

-- A slice is looked at soon after its end, and once more when nobody adds to it any longer.
local function settle_slices(runner, to)
  local length, wait = runner.rule.timeslice.length, runner.source.late
  local from = runner.judged or runner.ledger.began
  local t = math.floor((to - wait) / length + 1e-6) * length
  if wait == 0 or t - from < wait or t > runner.ledger.at then return true end
  from = math.max(from, t - MOST_SLICES * length)
  local news, why = late.recount(runner, from, t, length)
  if news == nil then return nil, why end
  runner.judged = t
  return true
end

local function book_slices(runner, to)
  local book, length = runner.ledger, runner.rule.timeslice.length
  local n = math.min(MOST_SLICES, math.floor((to - LATE_SLICE - book.at) / length + 1e-6))
  if n < 1 then return true end
  local found, why = slices.history(runner, book.at, book.at + n * length, length)
  if not found then return nil, why end
  if n > 2 then note_gap(runner, book.at, book.at + n * length) end
  runner.data = found[n][4] and "missing" or "ok"
  for _, row in ipairs(found) do add(runner, row[1], row[2], row[3]) end
  return settle_slices(runner, to)
end

-- -- values of labels ------------------------------------------------------

-- Sums of the part KEY of RUNNER, which may be new; those that are too many are one.
local function part_of(runner, key, labels, from)
  if not runner.parts[key] and runner.n_parts >= budget.PARTS then key = "" end
  local part = runner.parts[key]
  if part then return part end
  local own = {}
  for _, name in ipairs(runner.rule.by) do own[name] = key == "" and "other" or labels[name] end
  part = { labels = own, total = 0, bad = 0, base = 0, bad_base = 0, born = from }
  runner.parts[key], runner.n_parts = part, runner.n_parts + 1
  return part
end

-- PARTS happened since what is settled, at FROM; SETTLE: that is settled, too.
local function book_parts(runner, parts, from, settle)
  local sums = {}
  for key, found in pairs(parts or {}) do
    local part = part_of(runner, key, found.labels, from)
    local sum = sums[part] or { total = 0, bad = 0 }
    sums[part] = sum
    sum.total, sum.bad = sum.total + found.total, sum.bad + found.bad
  end
  for part, sum in pairs(sums) do
    local total, bad = part.base + sum.total, part.bad_base + sum.bad
    part.total, part.bad = math.max(part.total, total), math.max(part.bad, bad)
    if settle then part.base, part.bad_base = total, bad end
  end
end

-- -- no data: as many as usual, all of them bad ----------------------------

local function burn_blindly(runner, to)
  local from = math.max(runner.ledger.at, runner.seen + runner.rule.no_data.after)
  local n, blind = budget.expected(runner, from, to), runner.blind
  local last = blind[#blind]
  if last and to - last.from < GAP then last.to, last.n = to, last.n + n else blind[#blind + 1] = { from = from, to = to, n = n } end
end

local function blind_sum(runner)
  local sum = 0
  for _, b in ipairs(runner.blind) do sum = sum + b.n end
  return sum
end

-- What was taken to be bad up to T goes into LIST, steps as in the ledger, where nothing else is known.  How much of it was not so.
local function place_blind(runner, list, t)
  local rest, wrong, i = {}, 0, 1
  for _, b in ipairs(runner.blind) do
    while list[i] and list[i][1] < b.to do i = i + 1 end
    if b.to > t or not list[i] then rest[#rest + 1] = b
    elseif list[i][2] > 0 and not list[i].blind then wrong = wrong + b.n
    else list[i][2], list[i][3], list[i].blind = list[i][2] + b.n, list[i][3] + b.n, true end
  end
  runner.blind = rest
  return wrong
end

-- -- events ----------------------------------------------------------------

-- From FROM to TO, did anybody write?  true or false; nil, why.
local function is_there(runner, from, to)
  local found, why = runner.source:count(from, to)
  if not found then return nil, why end
  return not found.absent
end

-- Is there nothing to be said of the time up to TO yet?  FOUND happened since what is settled.  After a time in which nobody
-- counted, everybody has to be back: who comes a minute later than the first would be missed.
local function must_wait(runner, found, to)
  local book, source = runner.ledger, runner.source
  local away = to - book.at
  if away > DAY or budget.without_data(runner, to) == "burn" then return false end
  if source.late == 0 then return found.absent or false end
  if away > GAP and source.lag == 0 then
    local there, why = is_there(runner, to - 2 * MINUTE, to - MINUTE)
    return not there, why
  end
  if runner.settled.total + blind_sum(runner) + found.total > book.total then return false end
  local there, why = is_there(runner, to - 2 * MINUTE, to)
  return not there, why
end

-- -- settling --------------------------------------------------------------

-- What happened from FROM to TO, in steps that fit.
local function fine_steps(runner, from, to)
  local length = to - from
  return steps.rows(runner, from, to, length / math.ceil(length / (length > 2 * HOUR and GAP or FINE) - 1e-6))
end

-- Only up to the last step of ROWS in which something happened.
local function trim(rows)
  while rows and rows[1] and rows[#rows][2] == 0 do rows[#rows] = nil end
end

-- What is so old that nobody adds to it, since what was settled: steps, oldest first.  WAITING: only as far as somebody wrote.
local function old_steps(runner, to, waiting)
  local s, wait = runner.settled, runner.source.late
  local t = math.floor((to - wait) / wait) * wait
  local length = t - s.t
  if length < (waiting and 1 or math.min(wait, 60)) then return {} end
  if not waiting and to - s.t < DAY then
    local there, why = is_there(runner, t - 2 * MINUTE, t)
    if not there then return not why and {} or nil, why end -- the sample before it is the one to count from
  end
  local rows, why = fine_steps(runner, s.t, t)
  if waiting then trim(rows) end
  return rows, why
end

-- Steps are no more than what was counted.
local function within(list, most_total, most_bad)
  local total, bad = 0, 0
  for _, row in ipairs(list) do total, bad = total + row[2], bad + row[3] end
  local share, bad_share = total > most_total and most_total / total or 1, bad > most_bad and most_bad / bad or 1
  for _, row in ipairs(list) do row[2], row[3] = row[2] * share, row[3] * bad_share end
  return total * share, bad * bad_share
end

local function settle(runner, to, waiting)
  local s, book = runner.settled, runner.ledger
  if runner.source.late == 0 then
    runner.settled = nil
    if not waiting then book_parts(runner, runner.found_parts, to, true) end
    return true
  end
  local list, why = old_steps(runner, to, waiting)
  if not list then return nil, why end
  if not list[1] then return true end
  local t = list[#list][1]
  if runner.rule.by then
    local found
    found, why = runner.source:count(s.t, t)
    if not found then return nil, why end
    book_parts(runner, found.parts, s.t, true)
  end
  local wrong = place_blind(runner, list, t)
  local blind = blind_sum(runner)
  s.total, s.bad = s.total + wrong, s.bad + wrong
  local total, bad = within(list, math.max(0, book.total - blind - s.total), math.max(0, book.bad - blind - s.bad))
  -- Series have it as it was counted: where that was far off, they are not taken up after a restart.
  if t - s.t > 2 * GAP or math.abs(total - book:between(s.t, t)) > 1 + FAR * total then runner.recounted = book.at end
  book:replace(s.t, list, s.total, s.bad)
  s.t, s.total, s.bad = t, s.total + total, s.bad + bad
  return true
end

-- Something came, though nothing comes now: all of FOUND had happened by then.
local function catch_up(runner, found, to)
  local s, book = runner.settled, runner.ledger
  local rows, why = fine_steps(runner, s.t, to)
  if not rows then return nil, why end
  trim(rows)
  local t, blind = rows[1] and rows[#rows][1] or 0, blind_sum(runner)
  if t > book.at then
    add(runner, t, math.max(0, s.total + blind + found.total - book.total), math.max(0, s.bad + blind + found.bad - book.bad))
    runner.seen = math.max(runner.seen, t)
  end
  return settle(runner, to, true)
end

local function book_events(runner, to)
  local book = runner.ledger
  runner.settled = runner.settled or { t = book.at, total = book.total, bad = book.bad }
  runner.blind = runner.blind or {}
  local s = runner.settled
  local found, why = runner.source:count(s.t, to)
  if not found then return nil, why end
  local wait
  wait, why = must_wait(runner, found, to)
  if why then return nil, why end
  local blind = blind_sum(runner)
  local more = s.total + blind + found.total > book.total + 1e-9
  runner.data = (wait or found.absent) and "missing" or more and "ok" or "idle"
  if wait then return found.total <= 0 or catch_up(runner, found, to) end
  note_gap(runner, book.at, to)
  if more then
    runner.seen = to
  elseif budget.without_data(runner, to) == "burn" then
    burn_blindly(runner, to)
    blind = blind_sum(runner)
  end
  runner.found_parts = found.parts
  book_parts(runner, found.parts, book.at)
  add(runner, to, math.max(0, s.total + blind + found.total - book.total), math.max(0, s.bad + blind + found.bad - book.bad))
  return settle(runner, to)
end

--- Count up to TO.  True, or nil, why.
function M.book(runner, to)
  if runner.rule.timeslice then return book_slices(runner, to) end
  if to - runner.ledger.at < math.max(runner.source.grain, 0.001) then return true end
  return book_events(runner, to)
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
  local zone = runner.period.zone
  local function day_of(t) return math.floor((t + zone:offset(t)) / DAY + 1e-9) end
  local young = (runner.since or 0) > book.at - past.KEPT_DAYS * DAY
  local again = (runner.recounted or 0) > book.at - past.KEPT_DAYS * DAY
  return { key = runner.key, since = runner.since, counted = book.at, sum = book.total, bad_sum = book.bad, seen = runner.seen,
           gaps = #runner.gaps > 0 and runner.gaps or nil, late = late.pending(runner), recounted = again and runner.recounted or nil, late_parts = runner.late_parts,
           hours = book:hours((young or again) and 2 * past.KEPT_DAYS * DAY or 0, day_of) }
end

return M
