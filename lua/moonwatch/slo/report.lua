--- report.lua - what became of an SLO: hour by hour, and for each week or month of the calendar.
local calendar = require "moonwatch.route.calendar"
local corrections = require "moonwatch.slo.corrections"
local period = require "moonwatch.slo.period"

local M = {}

local HOUR = 3600

-- Where what is known of RUNNER begins.
local function began(runner)
  if runner.ledger then return runner.ledger.began end
  local first = math.huge
  for _, part in ipairs(runner.rule.of or {}) do
    local other = runner.engine.by_id["slo/" .. part.slo]
    if other and other.counted_to then first = math.min(first, began(other)) end
  end
  return first
end
M.began = began

--- The hours from FROM to TO that spent the most, at most MOST of them: { from, to, total, bad, share (of all that was bad) }.
function M.hours(runner, from, to, most)
  from = math.max(from, began(runner))
  local out, all = {}, 0
  local t = math.floor(from / HOUR) * HOUR
  while t < to do
    local a, b = math.max(t, from), math.min(t + HOUR, to)
    local m = runner:between(a, b)
    if m.bad > 1e-9 then out[#out + 1] = { from = a, to = b, total = m.total, bad = m.bad } end
    all, t = all + m.bad, t + HOUR
  end
  table.sort(out, function(a, b)
    if a.bad ~= b.bad then return a.bad > b.bad end
    return a.from > b.from
  end)
  for i = #out, most + 1, -1 do out[i] = nil end
  for _, h in ipairs(out) do h.share = h.bad / all end
  return out
end

--- How the budget of now went, as N points { t, share that was left, events, bad events }: whole at FROM, what is left at TO.
function M.burn_down(runner, from, to, n, allowed)
  local out = {}
  from = math.max(from, math.min(began(runner), to))
  for i = 0, n do
    local t = from + (to - from) * i / n
    local m = runner:between(from, t)
    out[#out + 1] = { t, allowed and allowed > 0 and 1 - m.bad / allowed or 1, m.total, m.bad }
  end
  return out
end

-- -- weeks and months ------------------------------------------------------

local function day(zone, t) return calendar.fields(t + zone:offset(t)) end

-- The ISO number of the week that begins at T: that of its Thursday.
local function week_name(zone, t)
  local local_day = math.floor((t + zone:offset(t)) / 86400) + 3
  local f = calendar.fields(local_day * 86400)
  return ("%04d-W%02d"):format(f.year, math.floor((local_day - calendar.days(f.year, 1, 1)) / 7) + 1)
end

local NAMES = {
  week = week_name,
  month = function(zone, t) return ("%04d-%02d"):format(day(zone, t).year, day(zone, t).month) end,
  quarter = function(zone, t) return ("%04d-Q%d"):format(day(zone, t).year, (day(zone, t).month + 2) / 3) end,
  year = function(zone, t) return ("%04d"):format(day(zone, t).year) end,
}
M.KINDS = { "week", "month", "quarter", "year" }

local function is_met(rule, ratio)
  if not ratio then return nil end
  return 1 - ratio >= rule.objective
end

local function row(runner, kind, zone, from, to, first, now)
  local rule, a, b = runner.rule, math.max(from, first), math.min(to, now)
  local m, raw = runner:between(a, b), runner:between(a, b, true)
  local out_of, allowed = 0, (1 - rule.objective) * m.total
  for _, s in ipairs(corrections.stretches(runner, a, b)) do out_of = out_of + s[2] - s[1] end
  return { name = NAMES[kind](zone, from), from = from, to = to, known_from = a, known_to = b, whole = a <= from and b >= to, total = m.total,
           bad = m.bad, ratio = m.ratio and 1 - m.ratio or nil, objective = rule.objective, met = is_met(rule, m.ratio),
           spent = allowed > 0 and m.bad / allowed or 0, left_out_seconds = out_of, bad_uncorrected = raw.bad, total_uncorrected = raw.total }
end

--- Rows for the last N stretches of KIND, the newest first.
function M.rows(runner, kind, n)
  local zone, now, first, out = runner.period.zone, runner.counted_to, began(runner), {}
  if not now then return out end
  local t = now
  while #out < n do
    local from, to = period.around(kind, zone, t)
    if to <= first and #out > 0 then break end
    out[#out + 1] = row(runner, kind, zone, from, to, first, now)
    if from <= first then break end
    t = from - 1
  end
  while #out > 1 and out[#out].total_uncorrected <= 0 do out[#out] = nil end -- before anything was counted
  return out
end

local COLUMNS = { "slo", "period", "from", "to", "whole", "events", "bad_events", "availability", "objective", "met", "budget_spent", "left_out_seconds" }

local function cell(v)
  if v == nil then return "" end
  local text = type(v) == "number" and ("%.12g"):format(v) or tostring(v)
  return text:find '[",\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

--- ROWS of RUNNER as CSV (RFC 4180), with HEAD the names of the columns first.
function M.csv(runner, rows, head)
  local host, out = runner.host, {}
  if head then out[1] = table.concat(COLUMNS, ",") end
  for _, r in ipairs(rows) do
    local cells = { runner.rule.name, r.name, host.rfc3339(r.from), host.rfc3339(r.to), r.whole and "true" or "false", r.total, r.bad, r.ratio or false, r.objective,
                    r.met == nil and "" or r.met and "true" or "false", r.spent, r.left_out_seconds }
    for i = 1, #cells do cells[i] = cells[i] ~= false and cell(cells[i]) or "" end
    out[#out + 1] = table.concat(cells, ",")
  end
  return table.concat(out, "\r\n") .. "\r\n"
end

return M
