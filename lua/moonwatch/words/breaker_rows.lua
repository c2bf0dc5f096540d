--- breaker_rows.lua - the fields of a circuit breaker, the same wherever there is one (src/base/breaker.h says what they do).
local new = require("moonwatch.host").breaker

local M = {}

M.fields = {
  { "failures", "count", help = "failures in a row within `window` that open it; default 5, and none when there is a rate" },
  { "window", "interval", default = "30s", help = "time in which failures and calls count" },
  { "rate", "share", help = "share of calls that fail which opens it" },
  { "slow_rate", "share", help = "share of calls that are slow which opens it" },
  { "slow_after", "span", default = "1m", help = "a call that takes as long as this is slow" },
  { "calls", "count", help = "the rates are those of the last so many calls; default those within `window`" },
  { "min_calls", "count", help = "with fewer calls rates say nothing; default 10, or `calls` when that is less" },
  { "open", "interval", default = "30s", help = "time without calls once open" },
  { "grow", "number", default = 1, help = "so many times as long each time that it opens again at once; 1: always as long" },
  { "open_max", "interval", default = "10m", help = "but never longer than this" },
  { "probes", "count", default = 1, help = "successes in half-open state that close it" },
}

--- The row of a field `breaker`, which does what HELP says.
function M.row(help) return { "breaker", "table", help = help, fields = M.fields } end

--- Fill in what BREAKER, the fields above, leaves open; what is wrong with it, which stands at PATH, is told.
function M.settle(breaker, path, problem)
  if not breaker then return end
  local rates = breaker.rate or breaker.slow_rate
  breaker.failures = breaker.failures or rates and 0 or 5
  breaker.min_calls = breaker.min_calls or math.min(10, breaker.calls or 10)
  local _, wrong = new(breaker)
  if wrong then problem((path[1] and table.concat(path, ".") .. "." or "") .. wrong, path) end
end

--- BREAKER is around something that is asked once in SECONDS: its window is so long that what opens it can happen within.
function M.stretch(breaker, seconds)
  if not breaker then return end
  local rates = breaker.rate or breaker.slow_rate
  local calls = math.max(breaker.failures, rates and not breaker.calls and breaker.min_calls or 0)
  breaker.window = math.max(breaker.window, (calls + 1) * seconds)
end

return M
