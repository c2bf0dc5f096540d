--- count.lua - an SLO counts: at each evaluation what happened since the one before goes into its ledger.
--
-- Samples may come late, so nothing is final at once: each time the last minutes are counted again from a moment on before which
-- all is settled, and what is more than the time before is added.  A stretch of which there are no samples waits: once there are
-- some, all of it counts, and is taken for evenly spread.
local budget = require "moonwatch.slo.budget"
local corrections = require "moonwatch.slo.corrections"
local past = require "moonwatch.slo.past"
local slices = require "moonwatch.slo.slices"

local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400
local GAP = 5 * MINUTE
local MOST_SLICES = 1500 -- at one evaluation
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

local function book_slices(runner, to)
  local book, length = runner.ledger, runner.rule.timeslice.length
  local n = math.min(MOST_SLICES, math.floor((to - LATE_SLICE - book.at) / length + 1e-6))
  if n < 1 then return true end
  local found, why = slices.history(runner, book.at, book.at + n * length, length)
  if not found then return nil, why end
  if n > 2 then note_gap(runner, book.at, book.at + n * length) end
  runner.data = found[n][4] and "missing" or "ok"
  for _, row in ipairs(found) do add(runner, row[1], row[2], row[3]) end
  return true
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
  if runner.settled.total + found.total > book.total then return false end
  local there, why = is_there(runner, to - 2 * MINUTE, to)
  return not there, why
end

-- What is so old that nobody adds to it is settled.
local function settle(runner, to)
  local s, late = runner.settled, runner.source.late
  if late == 0 then
    runner.settled = nil
    book_parts(runner, runner.found_parts, to, true)
    return true
  end
  local t = to - late
  if t - s.t < late then return true end
  local there, why = is_there(runner, t - 2 * MINUTE, t)
  if why then return nil, why end
  if not there and to - s.t < DAY then return true end -- the sample before it is the one to count from
  local found
  found, why = runner.source:count(s.t, t)
  if not found then return nil, why end
  book_parts(runner, found.parts, s.t, true)
  s.t, s.total, s.bad = t, s.total + found.total, s.bad + found.bad
  return true
end

-- As many events as usual, all of them bad, up to TO.
local function burn_blindly(runner, to)
  local s, from = runner.settled, math.max(runner.ledger.at, runner.seen + runner.rule.no_data.after)
  local n = budget.expected(runner, from, to)
  s.total, s.bad = s.total + n, s.bad + n
end

local function book_events(runner, to)
  local book = runner.ledger
  runner.settled = runner.settled or { t = book.at, total = book.total, bad = book.bad }
  local s = runner.settled
  local found, why = runner.source:count(s.t, to)
  if not found then return nil, why end
  local wait
  wait, why = must_wait(runner, found, to)
  if why then return nil, why end
  local more = s.total + found.total > book.total + 1e-9
  runner.data = (wait or found.absent) and "missing" or more and "ok" or "idle"
  if wait then return true end
  note_gap(runner, book.at, to)
  if more then runner.seen = to elseif budget.without_data(runner, to) == "burn" then burn_blindly(runner, to) end
  runner.found_parts = found.parts
  book_parts(runner, found.parts, book.at)
  add(runner, to, math.max(0, s.total + found.total - book.total), math.max(0, s.bad + found.bad - book.bad))
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
  local young = (runner.since or 0) > book.at - past.KEPT_DAYS * DAY
  return { key = runner.key, since = runner.since, counted = book.at, sum = book.total, bad_sum = book.bad, seen = runner.seen,
           gaps = #runner.gaps > 0 and runner.gaps or nil, hours = book:hours(young and 2 * past.KEPT_DAYS * DAY or 0) }
end

return M
