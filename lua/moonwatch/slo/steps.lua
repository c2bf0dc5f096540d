--- steps.lua - what happened in the past, in steps: out of the raw series, log records or spans.
--
-- Of a step without samples nothing is known.  What a counter rose while nobody wrote it down is between the last step before and the
-- first one after, and is taken for evenly spread over the steps between.
local slices = require "moonwatch.slo.slices"

local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400

-- How finely the past is looked at: seconds back, seconds of a step.
M.STAGES = { { 65 * MINUTE, 30 }, { 7 * HOUR, MINUTE }, { 4 * DAY, 5 * MINUTE }, { math.huge, HOUR } }
local MOST, MOST_ASKED = 300, 60 -- steps at once; of signals, where each is a question
local LOOK_BACK = 5 * MINUTE -- how far before a range its anchor may be

-- The step for what is before T, and where the next stage begins.
local function stage_of(t, now)
  for _, stage in ipairs(M.STAGES) do
    local edge = stage[1] < math.huge and math.floor((now - stage[1]) / HOUR) * HOUR or -math.huge
    if t > edge then return stage[2], edge end
  end
end

local function most_of(runner, step)
  if step >= HOUR then return DAY / HOUR end
  return runner.source.asks and MOST_ASKED or MOST
end

--- The newest piece of what is from FROM to TO that is looked at at once: where it begins, seconds of a step.  Steps begin at multiples
-- of their length, so hours are whole; the newest one may be shorter.
function M.piece(runner, from, to, now)
  local length = runner.rule.timeslice and runner.rule.timeslice.length
  if length then return to - math.min(math.max(MOST, math.floor(DAY / length)), math.ceil((to - from) / length - 1e-6)) * length, length end
  local step, edge = stage_of(to, now)
  if runner.source.grain > 0 then step = math.max(step, LOOK_BACK) end
  edge = math.max(edge, from)
  local whole = math.floor(to / step + 1e-6) * step
  local n = math.min(most_of(runner, step), math.floor((whole - edge) / step + 1e-6))
  if n < 1 then return edge, to - edge end
  return whole - n * step, step
end

-- -- what is between steps -------------------------------------------------

-- What happened from FROM to TO beyond what ROWS from FIRST to LAST say, which are of that time.
local function beyond(runner, rows, first, last, from, to)
  local found, why = runner.source:count(from, to)
  if not found then return nil, why end
  local total, bad = found.total, found.bad
  for i = first, last do total, bad = total - rows[i][2], bad - rows[i][3] end
  total = total > 1e-6 * found.total and total or 0
  return total, math.max(0, math.min(bad, total))
end

-- Steps that say nothing between two that do, or before the first: a range that begins soon after a sample knows it.
local function bridge(runner, rows, start, step)
  local last = 0
  for i, row in ipairs(rows) do
    if not row[4] then
      local n, from = i - last - 1, last > 0 and rows[last][1] - step or start
      if n > 0 and row[1] - from <= DAY then
        local total, bad = beyond(runner, rows, math.max(1, last), i, from, row[1])
        if not total then return nil, bad end
        for k = last + 1, i - 1 do
          if total > 0 then rows[k] = { rows[k][1], total / n, bad / n } end
        end
      end
      last = i
    end
  end
  return true
end

-- ROWS from FIRST to LAST, of the time from FROM on, are to be all of what happened then: each has its share of what is between them.
local function complete(runner, rows, first, last, from)
  local total, bad = beyond(runner, rows, first, last, from, rows[last][1])
  if not total then return nil, bad end
  local sum = 0
  for i = first, last do sum = sum + rows[i][2] end
  for i = first, total > 0 and sum > 0 and last or 0 do
    local row, share = rows[i], rows[i][2] / sum
    row[2], row[3] = row[2] + total * share, row[3] + bad * share
  end
  return total > 0
end

-- One of many series may have been silent for longer than a range looks back: what it rose is in the whole only.  So it is looked for
-- hour by hour, and what crosses hours in the whole.
local function complete_all(runner, rows, from, step)
  local total, why = beyond(runner, rows, 1, #rows, from, rows[#rows][1])
  if not total then return nil, why end
  local first, start = 1, from
  for i, row in ipairs(total > 0 and step < HOUR and #rows * step > HOUR and rows or {}) do
    if i == #rows or math.floor(rows[i + 1][1] / HOUR - 1e-9) > math.floor(row[1] / HOUR - 1e-9) then
      local more
      more, why = complete(runner, rows, first, i, start)
      if more == nil then return nil, why end
      first, start = i + 1, row[1]
    end
  end
  if total > 0 then return complete(runner, rows, 1, #rows, from) end
  return false
end

-- What the source says, with a shorter step at the end when there has to be one.
local function asked(runner, from, to, step, past)
  local rows, why = slices.history(runner, from, to, step, past)
  local last = from + math.floor((to - from) / step + 1e-6) * step
  if not rows or to - last < 0.001 then return rows, why end
  local more
  more, why = slices.history(runner, last, to, to - last, past)
  if not more then return nil, why end
  rows[#rows + 1] = more[1]
  return rows
end

--- From FROM to TO in steps of STEP: list of { t, total, bad, absent }, oldest first; nil, why.  PAST: before it began, see slices.lua.
function M.rows(runner, from, to, step, past)
  local rows, why = asked(runner, from, to, step, past)
  local how = runner.source.how
  if not rows or runner.rule.timeslice or not (how and how.anchored) or #rows < 2 then return rows, why end
  local ok
  ok, why = bridge(runner, rows, from, step)
  if ok then ok, why = complete_all(runner, rows, from, step) end
  if ok == nil then return nil, why end
  return rows
end

return M
