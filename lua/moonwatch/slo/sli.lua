--- sli.lua - the expressions behind an SLO: events and bad events within a window.
--
-- good/total and bad/total are selectors, summed as increases, or whole expressions with $window where the range goes; then
-- only their ratio counts.  Latency counts the bucket of the bound against all of the histogram, so both come from sums
-- over the window: a quiet night weighs as little as it should.  A ratio counts no events.
local M = {}

--- A window as the names of series write it: 5m, 6h, 30d.
function M.window(seconds)
  for _, unit in ipairs { { 86400, "d" }, { 3600, "h" }, { 60, "m" } } do
    if seconds % unit[1] == 0 then return ("%d%s"):format(seconds / unit[1], unit[2]) end
  end
  return ("%ds"):format(math.floor(seconds + 0.5))
end

local function over(text, window)
  if text:find("$window", 1, true) then
    return (text:gsub("%$window", window))
  end
  return ("sum(increase(%s[%s]))"):format(text, window)
end

-- 0.2 may be written le="0.2", 1 also le="1.0".
local function bound(seconds)
  local text = ("%.10g"):format(seconds)
  local escaped = text:gsub("%.", "\\\\.")
  if text:find "%." then return ('le="%s"'):format(text) end
  return ('le=~"%s|%s\\\\.0"'):format(escaped, escaped)
end

local function latency(metric, under, window)
  local name, matchers = metric:match "^%s*([%a_:][%w_:]*)%s*{?(.-)}?%s*$"
  if not name then return nil end
  local all = matchers:gsub("%s*,%s*$", "")
  local good = all == "" and bound(under) or all .. "," .. bound(under)
  return over(("%s_bucket{%s}"):format(name, good), window), over(("%s_count{%s}"):format(name, all), window)
end

--- Is the metric of LATENCY ({ metric=, under= }) a name with or without matchers?  True, or nil, why.
function M.check_latency(l, host)
  local good, total = latency(l.metric, l.under, "5m")
  local fits = good and host.check_expr(good) and host.check_expr(total)
  if not fits then return nil, ("%q is not a metric name with or without matchers"):format(l.metric) end
  return true
end

--- The expressions of RULE over WINDOW (a text such as "5m"): { ratio= } or { good= or bad=, total= }.
function M.expressions(rule, window)
  if rule.ratio then return { ratio = over(rule.ratio, window) } end
  if rule.latency then
    local good, total = latency(rule.latency.metric, rule.latency.under, window)
    return { good = good, total = total }
  end
  return { good = rule.good and over(rule.good, window), bad = rule.bad and over(rule.bad, window),
           total = over(rule.total, window) }
end

-- An expression that says rate(...) gives events per second.
local function scale(text, seconds)
  if text and text:find("$window", 1, true) and text:find "rate%s*%(" then return seconds end
  return 1
end

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

--- What happened in the last SECONDS before T: { total=, bad=, ratio= }, ratio nil when nothing happened, total and bad nil
-- when they are not counted; or nil, why.
function M.measure(rule, host, t, seconds)
  local e = M.expressions(rule, M.window(seconds))
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
