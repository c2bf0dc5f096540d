--- sli.lua - the expressions behind an SLO: events and bad events within a window.
--
-- good/total and bad/total are selectors, summed as increases, or whole expressions with $window where the range goes; then
-- only their ratio counts.  Latency is in latency.lua.  Checks are counters of probes.  A ratio counts no events.
--
-- Ranges that touch each other lose what rose between the last sample of one and the first of the next.  `anchored` ones do
-- not: each begins with the last sample before it.  So the increases of neighbours add up to the increase of the whole.
local latency = require "moonwatch.slo.latency"

local M = {}

--- A window as the names of series write it: 5m, 6h, 30d.
function M.window(seconds)
  for _, unit in ipairs { { 86400, "d" }, { 3600, "h" }, { 60, "m" } } do
    if seconds % unit[1] == 0 then return ("%d%s"):format(seconds / unit[1], unit[2]) end
  end
  return ("%ds"):format(math.floor(seconds + 0.5))
end

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

--- TEXT in quotes, as PromQL reads it.
function M.quoted(text) return '"' .. text:gsub('[\\"\n]', ESCAPES) .. '"' end

--- A range of SECONDS as PromQL writes it, to the millisecond.
function M.range(seconds)
  local ms = math.max(1, math.floor(seconds * 1000 + 0.5))
  return ms % 1000 == 0 and ("%ds"):format(ms / 1000) or ("%dms"):format(ms)
end

-- The sum of what SELECTOR rose, for each of the labels BY.
local function increase(selector, window, anchored, by)
  return ("sum%s(increase(%s[%s]%s))"):format(by and (" by (%s) "):format(by) or "", selector, window, anchored and " anchored" or "")
end

local function over(text, window, anchored, by)
  if not text then return nil end
  if not text:find("$window", 1, true) then return increase(text, window, anchored, by) end
  if anchored then text = text:gsub("%[%s*%$window%s*%]", "[" .. window .. "] anchored") end
  return (text:gsub("%$window", window))
end

-- One probe is one event.
local function of_check(name, window, by)
  local probes = ('check_up{check=%s}[%s]'):format(M.quoted(name), window)
  local sum = by and ("sum by (%s) "):format(by) or "sum"
  return { good = ("%s(sum_over_time(%s))"):format(sum, probes), total = ("%s(count_over_time(%s))"):format(sum, probes) }
end

--- The expressions of RULE over WINDOW (a text such as "5m"): { ratio= } or { good= or bad=, total= }.  how: { anchored=, by= (labels,
-- as PromQL lists them), plan= (of latency.lua) }.
function M.expressions(rule, window, how)
  how = how or {}
  if rule.ratio then return { ratio = over(rule.ratio, window) } end
  if rule.latency then
    return latency.expressions(rule.latency, how.plan, function(selector, wrap)
      local text = increase(selector, window, how.anchored, how.by)
      return wrap and wrap(text) or text
    end)
  end
  if rule.check then return of_check(rule.check, window, how.by) end
  return { good = over(rule.good, window, how.anchored, how.by), bad = over(rule.bad, window, how.anchored, how.by),
           total = over(rule.total, window, how.anchored, how.by) }
end

-- An expression that says rate(...) gives events per second.
local function scale(text, seconds)
  if text and text:find("$window", 1, true) and text:find "rate%s*%(" then return seconds end
  return 1
end
M.scale = scale

local function number(host, expr, t)
  local rows, why = host.query(expr, t)
  if not rows then return nil, why end
  local sum
  for _, row in ipairs(rows) do
    if row.value == row.value then sum = (sum or 0) + row.value end
  end
  return sum
end

local function within(ratio) return math.min(1, math.max(0, ratio)) end
M.within = within

--- What happened in the last SECONDS before T: { total=, bad=, ratio= }, ratio nil when nothing happened, total and bad nil
-- when they are not counted; or nil, why.  WINDOW: SECONDS as a text.
function M.measure(rule, host, t, seconds, how)
  local e = M.expressions(rule, M.window(seconds), how)
  if e.ratio then
    local ratio, why = number(host, e.ratio, t)
    if why then return nil, why end
    return { ratio = ratio and within(ratio) }
  end
  local total, why = number(host, e.total, t)
  if why then return nil, why end
  if not total or total <= 0 then return { total = 0, bad = 0 } end
  local part
  part, why = number(host, e.good or e.bad, t)
  if why then return nil, why end
  local ratio = (part or 0) / total
  if e.good then ratio = 1 - ratio end
  ratio = within(ratio)
  total = total * scale(rule.total, seconds)
  return { total = total, bad = ratio * total, ratio = ratio }
end

return M
