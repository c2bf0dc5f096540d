--- uptime.lua - what the store knows of a check: the share of time that it was up, and how long its probes took.
--
-- Time without data is said as such and is neither up nor down; nor is time in which the check had an excuse (maintenance, or what it
-- depends on).  Both are measured in slots of the window, so that it does not matter how often was probed.
local M = {}

--- Windows and the slots they are looked at in.
M.WINDOWS = { { "1h", 60 }, { "24h", 600 }, { "7d", 3600 }, { "30d", 14400 } }
M.LATENCY = { "1h", "24h", "7d" }

local QUANTILES = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "max", 1 } }

local function value(host, t, form, ...)
  local rows = host.query(form:format(...), t)
  return rows and rows[1] and rows[1].value
end

-- The share of the last SECONDS in whose slots there is a sample of SERIES.  Slots are those of the clock, so the last one has just begun;
-- and what is known for a minute is not known for a slot of hours.
local function share(host, t, series, seconds, slot)
  local n = value(host, t, "count_over_time((count(count_over_time(%s[%ds])) > 0)[%ds:%ds])", series, slot, seconds, slot)
  local begun = math.max(1, t % slot)
  local now = value(host, t, "count(count_over_time(%s[%dms]))", series, begun * 1000)
  local first = value(host, t, "min(ts_of_first_over_time(%s[%ds]))", series, seconds)
  return first and math.min(seconds, t - first, (n or 0) * slot + (now and begun or 0)) / seconds or 0
end

--- { up= (share of what counts, nil without data), covered=, excused=, no_data= } of the check NAME in WINDOW, one of WINDOWS, until T.
function M.of(host, name, window, t)
  local seconds, slot = host.duration(window[1]), window[2]
  local series = ("check_up{check=%q}"):format(name)
  local sum = value(host, t, "sum(sum_over_time(%s[%ds]))", series, seconds)
  local n = value(host, t, "sum(count_over_time(%s[%ds]))", series, seconds)
  local covered = share(host, t, series, seconds, slot)
  local excused = math.min(1 - covered, share(host, t, ("check_excused{check=%q}"):format(name), seconds, slot))
  return { up = n and n > 0 and sum / n or nil, covered = covered, excused = excused, no_data = math.max(0, 1 - covered - excused) }
end

--- { p50=, p90=, p99=, max= } seconds of the probes of the check NAME in WINDOW until T; empty without data.
function M.latency(host, name, window, t)
  local out, seconds = {}, host.duration(window)
  for _, q in ipairs(QUANTILES) do
    out[q[1]] = value(host, t, "max(quantile_over_time(%g, check_duration_seconds{check=%q}[%ds]))", q[2], name, seconds)
  end
  return out
end

return M
