--- figures.lua - the series of an SLO: ours, those that Sloth's rules would have made, and the names that services know.
--
--   slo_error_budget_remaining{slo,service}    1 nothing spent (or nothing happened), 0 all of it
--   slo:sli_error:ratio_rate<window>           share of bad events within each window
--   slo:sli_events:increase<window>            events within each window
--   slo_events_total, slo_bad_events_total     all events so far, and the bad ones; see past.lua
--   slo_label_events_total, slo_label_bad_events_total    the same for each value of the labels `by`
--   slo_no_data_seconds                        how long there has been no event
--   slo:objective:ratio, slo:error_budget:ratio, slo:time_period:days, slo:current_burn_rate:ratio, slo:period_burn_rate:ratio,
--   slo:period_error_budget_remaining:ratio, sloth_slo_info
--   sli_availability_total{service,status}, sli_latency_seconds{service}
local budget = require "moonwatch.slo.budget"
local names = require "moonwatch.slo.names"
local sli = require "moonwatch.slo.sli"
local state = require "moonwatch.alert.state"

local M = {}

local DAY = 86400

-- What Sloth calls RULE: the importer names an SLO SERVICE-NAME, as Sloth makes its ids.
local function sloth_labels(rule, service)
  local name = rule.name
  if name:sub(1, #service + 1) == service .. "-" then return name, name:sub(#service + 2) end
  if name == service then return name, name end
  return service .. "-" .. name, name
end

--- The labels that all series of RULE have, with Sloth's.
function M.labels(rule)
  local out = { slo = rule.name }
  for k, v in pairs(rule.labels) do out[k] = v end
  out.service = out.service or rule.name
  out.sloth_id, out.sloth_slo = sloth_labels(rule, out.service)
  out.sloth_service = out.service
  return out
end

M.SLOTH = "sloth_id, sloth_service, sloth_slo, sloth_window"

-- A function that gives the handle of a series of RUNNER: each is made once.
local function book_of(runner)
  local host, base = runner.host, M.labels(runner.rule)
  return function(name, extra, plain)
    local labels = { __name__ = name }
    for k, v in pairs(base) do
      if not (plain and k:find "^sloth_") then labels[k] = v end
    end
    for k, v in pairs(extra or {}) do labels[k] = v end
    return host.series(labels)
  end
end

-- KEY of the handle, VALUE, and how the series is made when it is new.
local function put(run, key, value, name, extra, plain)
  if value == nil then return end
  local handles = run.runner.handles
  local handle = handles[key]
  if not handle then
    run.make = run.make or book_of(run.runner)
    handle = run.make(name, extra, plain)
    handles[key] = handle
  end
  local n = #run.list
  run.list[n + 1], run.list[n + 2], run.written[key] = handle, value, handle
end

local function windows(run, measured)
  for seconds, m in pairs(measured) do
    local window = sli.window(seconds)
    if m.ratio then put(run, "ratio" .. window, m.ratio, "slo:sli_error:ratio_rate" .. window, { sloth_window = window }) end
    if m.total then put(run, "events" .. window, m.total, "slo:sli_events:increase" .. window, { sloth_window = window }) end
  end
end

local function sloths(run, whole, shortest)
  local rule = run.runner.rule
  local burned = budget.burn(rule.objective, whole.ratio)
  put(run, "objective", rule.objective, "slo:objective:ratio")
  put(run, "budget", 1 - rule.objective, "slo:error_budget:ratio")
  put(run, "days", rule.window / DAY, "slo:time_period:days")
  put(run, "current", budget.burn(rule.objective, shortest.ratio), "slo:current_burn_rate:ratio")
  put(run, "period", burned, "slo:period_burn_rate:ratio")
  put(run, "left", burned and 1 - burned, "slo:period_error_budget_remaining:ratio")
  put(run, "info" .. rule.objective, 1, "sloth_slo_info", { sloth_objective = ("%.10g"):format(rule.objective * 100), sloth_mode = "moonwatch", sloth_spec = "moonwatch",
                                          sloth_version = run.runner.host.version() })
end

local function services(run)
  local runner = run.runner
  local book, rule = runner.ledger, runner.rule
  if not book or rule.timeslice then return end
  put(run, "good", book.total - book.bad, "sli_availability_total", { status = "success" }, true)
  put(run, "failed", book.bad, "sli_availability_total", { status = "failure" }, true)
  if not rule.latency then return end
  local quantile = ("%.10g"):format(rule.latency.quantile or rule.objective)
  put(run, "latency" .. quantile, runner.typical, "sli_latency_seconds", { quantile = quantile }, true)
end

local function sums(run)
  local book = run.runner.ledger
  put(run, "total", book.total, names.EVENTS)
  put(run, "bad", book.bad, names.BAD)
  for key, part in pairs(run.runner.parts) do
    put(run, "part" .. key, part.total, names.PART_EVENTS, part.labels, true)
    put(run, "bad part" .. key, part.bad, names.PART_BAD, part.labels, true)
  end
end

-- A part is a counter that begins at zero: what it counted first would be missed otherwise.
local function births(runner)
  for _, part in pairs(runner.parts) do
    if part.born then
      local make, born = book_of(runner), part.born
      part.born = nil
      runner.host.write(born, { make(names.PART_EVENTS, part.labels, true), 0, make(names.PART_BAD, part.labels, true), 0 })
    end
  end
end

local function new_run(runner) return { runner = runner, list = {}, written = {} } end

-- What was written in BOOK the time before and is not now ends.
local function finish(run, book, t)
  local runner, list = run.runner, run.list
  for key, handle in pairs(runner[book]) do
    if not run.written[key] then list[#list + 1], list[#list + 2] = handle, "stale" end
  end
  runner[book] = run.written
  if #list > 0 then runner.host.write(t, list) end
end

-- Sums are written at the moment up to which they count: after a restart they are counted on from there.
local function write_sums(runner)
  local at = runner.ledger and runner.ledger.at
  if not at or at == runner.summed_at then return end
  local run = new_run(runner)
  sums(run)
  runner.summed_at = at
  finish(run, "summed", at)
end

--- Write what RUNNER found at T.  MEASURED: window in seconds -> { total=, bad=, ratio= }; SHORTEST the shortest of them; remaining= 1 to 0.
function M.write(runner, t, measured, shortest, remaining)
  local run = new_run(runner)
  births(runner)
  write_sums(runner)
  windows(run, measured)
  put(run, "remaining", remaining, "slo_error_budget_remaining", nil, true)
  put(run, "silence", runner.seen and math.max(0, runner.counted_to - runner.seen), "slo_no_data_seconds", nil, true)
  sloths(run, measured[runner.rule.window], measured[shortest])
  services(run)
  finish(run, "written", t)
end

--- RUNNER is no more at T.
function M.stop(runner, t)
  finish(new_run(runner), "written", t)
  finish(new_run(runner), "summed", t)
end

--- RUNNER takes the place of OLD: it goes on with its series, or they end.
function M.take(runner, old)
  if state.key(M.labels(runner.rule)) == state.key(M.labels(old.rule)) then
    runner.handles, runner.written, runner.summed, runner.summed_at = old.handles, old.written, old.summed, old.summed_at
    return
  end
  for key, handle in pairs(old.written) do runner.written["old " .. key] = handle end
  for key, handle in pairs(old.summed) do runner.summed["old " .. key] = handle end
end

--- Names of all series that RULE writes.  WINDOWS: those that are measured.
function M.names(rule, measured)
  local out = { "slo_error_budget_remaining", "slo_no_data_seconds", "slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days",
                "slo:current_burn_rate:ratio", "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio", "sloth_slo_info",
                "sli_availability_total", "sli_latency_seconds", names.EVENTS, names.BAD }
  for _, seconds in ipairs(measured) do
    out[#out + 1] = "slo:sli_error:ratio_rate" .. sli.window(seconds)
    out[#out + 1] = "slo:sli_events:increase" .. sli.window(seconds)
  end
  if rule.by then out[#out + 1], out[#out + 2] = names.PART_EVENTS, names.PART_BAD end
  return out
end

return M
