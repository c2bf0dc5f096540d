--- parts.lua - which values of the labels `by` spent the budget: sums for each of them, as series of their own.
local budget = require "moonwatch.slo.budget"
local names = require "moonwatch.slo.names"
local sli = require "moonwatch.slo.sli"
local state = require "moonwatch.alert.state"

local M = {}

local TOTAL, BAD = names.PART_EVENTS, names.PART_BAD
local DAY = 86400
local HOURS_KEPT, MOST_ENTRIES = 4 * DAY, 200 -- of what came late

-- The sums of RUNNER at T in the series NAME: key -> labels, value.
local function at(runner, name, t, range)
  local out = {}
  local rows, why = runner.host.query(('last_over_time(%s{slo=%s}[%s])'):format(name, sli.quoted(runner.rule.name), range), t)
  if not rows then return nil, why end
  for _, row in ipairs(rows) do
    local labels = {}
    for _, label in ipairs(runner.rule.by) do labels[label] = row.labels[label] or "" end
    local key = state.key(labels)
    if not out[key] or out[key].value < row.value then out[key] = { labels = labels, value = row.value } end
  end
  return out
end

local function is_other(runner, labels)
  for _, name in ipairs(runner.rule.by) do
    if labels[name] ~= "other" then return false end
  end
  return true
end

--- Go on with the sums that the series of RUNNER had before T.
function M.restore(runner, t)
  local totals, bads = at(runner, TOTAL, t, "8d"), at(runner, BAD, t, "8d")
  for key, found in pairs(totals or {}) do
    if runner.n_parts <= budget.PARTS then
      local bad = bads and bads[key] and bads[key].value or 0
      runner.parts[is_other(runner, found.labels) and "" or key] = { labels = found.labels, total = found.value, bad = bad, base = found.value, bad_base = bad }
      runner.n_parts = runner.n_parts + 1
    end
  end
end

-- The sums at T, also of those that were silent for days before it: KNOWN has everybody who had sums later.
local function before(runner, name, t, known)
  local first, why = at(runner, name, t, "1h")
  if not first then return nil, why end
  for key in pairs(known) do
    if not first[key] then return at(runner, name, t, "8d") end
  end
  return first
end

-- What SERIES of RUNNER rose from FROM to TO, by key.
local function rise(runner, name, from, to)
  local last, why = at(runner, name, to, "8d")
  if not last then return nil, why end
  local first
  first, why = before(runner, name, from, last)
  if not first then return nil, why end
  for key, found in pairs(last) do found.value = found.value - (first[key] and first[key].value or 0) end
  return last
end

-- What both series rose: key -> { labels=, total=, bad= }.
local function live(runner, from, to)
  local totals, why = rise(runner, TOTAL, from, to)
  if not totals then return nil, why end
  local bads
  bads, why = rise(runner, BAD, from, to)
  if not bads then return nil, why end
  local out = {}
  for key, found in pairs(totals) do
    out[key] = { labels = found.labels, total = found.value, bad = bads[key] and bads[key].value or 0 }
  end
  return out
end

-- -- what came late --------------------------------------------------------

-- Sums of what came late stand beside the series, hour by hour: { from=, to=, parts= (a list of { labels=, total=, bad= }) }, how much more
-- (or less) it was than the series say.

-- Add FOUND, a SHARE of it, to what OUT has of KEY.
local function merge(out, key, found, share)
  local there = out[key] or { labels = found.labels, total = 0, bad = 0 }
  out[key] = there
  there.total, there.bad = there.total + share * found.total, there.bad + share * found.bad
end

-- Those of SUMS, by key, in which something is.
local function listed(sums)
  local list = {}
  for _, part in pairs(sums) do
    if math.abs(part.total) > 1e-6 or math.abs(part.bad) > 1e-6 then list[#list + 1] = part end
  end
  return list
end

-- Only as many as are told apart; the others are one.
local function capped(runner, parts)
  local out, other = {}, {}
  for _, name in ipairs(runner.rule.by) do other[name] = "other" end
  local known, n = {}, runner.n_parts
  for key in pairs(runner.parts) do known[key] = true end
  for _, entry in ipairs(runner.late_parts or {}) do
    for _, part in ipairs(entry.parts) do
      local key = state.key(part.labels)
      if not known[key] then known[key], n = true, n + 1 end
    end
  end
  for key, found in pairs(parts) do
    if known[key] or n < budget.PARTS then
      if not known[key] then known[key], n = true, n + 1 end
      merge(out, key, found, 1)
    else
      merge(out, state.key(other), { labels = other, total = found.total, bad = found.bad }, 1)
    end
  end
  return out
end

-- Of the last days hours are kept, of those before whole days, and nothing of what no window reaches.
local function fold(runner)
  local now, list, days = runner.ledger.at, {}, {}
  for _, entry in ipairs(runner.late_parts) do
    local day = math.floor(entry.from / DAY) * DAY
    if entry.to > now - HOURS_KEPT then list[#list + 1] = entry
    elseif entry.to > now - runner.ledger.reach then
      local whole = days[day] or { from = entry.from, to = entry.to, sums = {} }
      days[day], whole.from, whole.to = whole, math.min(whole.from, entry.from), math.max(whole.to, entry.to)
      for _, part in ipairs(entry.parts) do merge(whole.sums, state.key(part.labels), part, 1) end
    end
  end
  for _, whole in pairs(days) do list[#list + 1] = { from = whole.from, to = whole.to, parts = listed(whole.sums) } end
  runner.late_parts = list
end

-- Is FROM to TO in a day whose hours are told apart no longer?
local function is_folded(runner, from, to)
  for _, entry in ipairs(runner.late_parts or {}) do
    if entry.from < to and entry.to > from and entry.to - entry.from > 3600 then return true end
  end
  return false
end

--- Who it was from FROM to TO, out of the raw series; in the place of what was found of that time before.  True; nil, why.
function M.recount(runner, from, to)
  if to <= from or is_folded(runner, from, to) then return true end
  local found, why = runner.source:count(from, to)
  if not found then return nil, why end
  local had
  had, why = live(runner, from, to)
  if not had then return nil, why end
  local kept = {}
  for _, entry in ipairs(runner.late_parts or {}) do
    if entry.to <= from or entry.from >= to then kept[#kept + 1] = entry end
  end
  runner.late_parts = kept
  local parts = capped(runner, found.parts or {})
  if not next(parts) then return true end -- the samples are gone
  for key, part in pairs(had) do merge(parts, key, part, -1) end
  local list = listed(parts)
  if list[1] then kept[#kept + 1] = { from = from, to = to, parts = list } end
  if #kept > MOST_ENTRIES then fold(runner) end
  return true
end

local function add_late(runner, out, from, to)
  for _, entry in ipairs(runner.late_parts or {}) do
    local share = (math.min(to, entry.to) - math.max(from, entry.from)) / (entry.to - entry.from)
    for _, part in ipairs(share > 0 and entry.parts or {}) do merge(out, state.key(part.labels), part, share) end
  end
end

--- Who spent the budget from FROM to TO: { labels=, total=, bad=, share= (of all that was bad) }, the worst first; nil, why.
function M.spent(runner, from, to)
  local found, why = live(runner, from, to)
  if not found then return nil, why end
  add_late(runner, found, from, to)
  local out, all = {}, 0
  for key, part in pairs(found) do
    local bad = math.max(0, part.bad)
    out[#out + 1], all = { labels = part.labels, total = math.max(0, part.total), bad = bad, key = key }, all + bad
  end
  table.sort(out, function(a, b)
    if a.bad ~= b.bad then return a.bad > b.bad end
    return a.key < b.key
  end)
  for _, row in ipairs(out) do row.share, row.key = all > 0 and row.bad / all or 0, nil end
  return out
end

return M
