--- pins.lua - the edges of time that does not count are moments of the ledger, however old they are.
--
-- Of what is long ago the ledger has an hour's sums, and of what was saved a day's.  Ten minutes that were taken out of a day must stay ten
-- minutes: what had happened until they began, and until they ended, is looked up once in the raw series and kept.
local corrections = require "moonwatch.slo.corrections"

local M = {}

local HOUR = 3600

-- The sums at T, which is between two hours, as the raw series say; as the ledger does when they say nothing.  nil, why.
local function sums_at(runner, t)
  local book, hour = runner.ledger, math.floor(t / HOUR) * HOUR
  local total, bad = book:value(t)
  if runner.rule.timeslice or runner.source.late == 0 or hour <= book.began or t - hour < 0.001 then return total, bad end
  local found, why = runner.source:count(hour, t)
  if not found then return nil, why end
  if found.absent then return total, bad end
  local low, low_bad = book:value(hour)
  local high, high_bad = book:value(hour + HOUR)
  return math.min(low + found.total, high), math.min(low_bad + found.bad, high_bad)
end

-- Edges of what does not count for RUNNER, or for one that is made of it.
local function edges(runner, from, to)
  local out = {}
  local function add(whose)
    for _, stretch in ipairs(corrections.stretches(whose, from, to)) do out[#out + 1], out[#out + 2] = stretch[1], stretch[2] end
  end
  add(runner)
  for _, other in ipairs(runner.engine.runners) do
    for _, part in ipairs(other.rule.word == "slo" and other.rule.of or {}) do
      if part.slo == runner.rule.name then add(other) end
    end
  end
  return out
end

--- Look for edges that are no moments yet, of what is settled up to BOUND: when corrections changed, and once an hour.
function M.look(runner, bound)
  local book = runner.ledger
  local key = ("%d %d %.3f %s"):format(runner.engine.corrections.changes, math.floor(bound / HOUR), book.began, tostring(runner.recounted))
  if runner.pinned == key and runner.pinned_of == runner.engine.set then return true end
  for _, t in ipairs(edges(runner, book.began, bound)) do
    if t > book.began and t < bound and not book.pins[t] then
      local total, bad = sums_at(runner, t)
      if not total then return nil, bad end
      book:pin(t, total, bad)
    end
  end
  runner.pinned, runner.pinned_of = key, runner.engine.set
  return true
end

return M
