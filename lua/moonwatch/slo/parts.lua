--- parts.lua - which values of the labels `by` spent the budget: sums for each of them, as series of their own.
local budget = require "moonwatch.slo.budget"
local names = require "moonwatch.slo.names"
local sli = require "moonwatch.slo.sli"
local state = require "moonwatch.alert.state"

local M = {}

local TOTAL, BAD = names.PART_EVENTS, names.PART_BAD

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

-- What SERIES of RUNNER rose from FROM to TO, by key.
local function rise(runner, name, from, to)
  local last, why = at(runner, name, to, "1h")
  if not last then return nil, why end
  local first = at(runner, name, from, "1h") or {}
  for key, found in pairs(last) do found.value = found.value - (first[key] and first[key].value or 0) end
  return last
end

--- Who spent the budget from FROM to TO: { labels=, total=, bad=, share= (of all that was bad) }, the worst first; nil, why.
function M.spent(runner, from, to)
  local totals, why = rise(runner, TOTAL, from, to)
  if not totals then return nil, why end
  local bads
  bads, why = rise(runner, BAD, from, to)
  if not bads then return nil, why end
  local out, all = {}, 0
  for key, found in pairs(totals) do
    local bad = bads[key] and bads[key].value or 0
    out[#out + 1], all = { labels = found.labels, total = found.value, bad = bad, key = key }, all + bad
  end
  table.sort(out, function(a, b)
    if a.bad ~= b.bad then return a.bad > b.bad end
    return a.key < b.key
  end)
  for _, row in ipairs(out) do row.share, row.key = all > 0 and row.bad / all or 0, nil end
  return out
end

return M
