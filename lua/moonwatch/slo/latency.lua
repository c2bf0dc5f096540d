--- latency.lua - how many requests were faster than a bound, out of classic and out of native histograms.
--
-- A plan says what is there: { native = true }, or the two buckets around the bound: { low=, high=, share= (of what is between them
-- that counts as faster) }, or { exact= } when the bound is a bucket; and { all= }, the bucket +Inf, which counts all where there is no
-- series _count, too.  A bucket is { value, texts }: 1 may be written le="1" by one
-- target and le="1.0" by another.
local M = {}

--- METRIC (a name with or without matchers) as name, matchers; or nothing.
function M.parts(metric)
  local name, matchers = metric:match "^%s*([%a_:][%w_:]*)%s*{?(.-)}?%s*$"
  if not name then return nil end
  return name, (matchers:gsub("%s*,%s*$", ""))
end

local function selector(name, matchers, extra)
  local all = matchers == "" and extra or extra and matchers .. "," .. extra or matchers
  return all and all ~= "" and ("%s{%s}"):format(name, all) or name
end

-- 0.2 may be written le="0.2", 1 also le="1.0".
local function bound(seconds)
  local text = ("%.10g"):format(seconds)
  local escaped = text:gsub("%.", "\\\\.")
  if text:find "%." then return ('le="%s"'):format(text) end
  return ('le=~"%s|%s\\\\.0"'):format(escaped, escaped)
end

-- The matcher of a bucket.
local function le_of(b)
  if #b[2] == 1 then return ('le="%s"'):format(b[2][1]) end
  local out = {}
  for i, text in ipairs(b[2]) do out[i] = text:gsub("[%.%+]", "\\\\%0") end
  return ('le=~"%s"'):format(table.concat(out, "|"))
end

local function classic(l, plan, increase, name, matchers)
  local function bucket(le) return increase(selector(name .. "_bucket", matchers, le)) end
  local total = plan and plan.all and bucket(le_of(plan.all)) or increase(selector(name .. "_count", matchers))
  if not plan or plan.exact or not (plan.low or plan.high) then
    return { good = bucket(plan and plan.exact and le_of(plan.exact) or bound(l.under)), total = total }
  end
  local low, high = plan.low and bucket(le_of(plan.low)), plan.high and bucket(le_of(plan.high))
  if not high then return { good = low, total = total } end
  if not low then return { good = ("%s * %.12g"):format(high, plan.share), total = total } end
  return { good = ("%s * %.12g + %s * %.12g"):format(low, 1 - plan.share, high, plan.share), total = total }
end

local function native(l, increase, name, matchers)
  local metric = selector(name, matchers)
  local total = increase(metric, function(text) return ("histogram_count(%s)"):format(text) end)
  return { good = increase(metric, function(text) return ("histogram_fraction(-Inf, %.12g, %s) * %s"):format(l.under, text, total) end), total = total }
end

--- { good=, total= } of L, { metric=, under= }.  increase(selector, wrap) gives the expression of what a selector rose.
function M.expressions(l, plan, increase)
  local name, matchers = M.parts(l.metric)
  if not name then return {} end
  if plan and plan.native then return native(l, increase, name, matchers) end
  return classic(l, plan, increase, name, matchers)
end

--- Is the metric of L a name with or without matchers?  True, or nil, why.
function M.check(l, host)
  local e = M.expressions(l, nil, function(text) return ("sum(increase(%s[5m]))"):format(text) end)
  if not (e.good and host.check_expr(e.good) and host.check_expr(e.total)) then
    return nil, ("%q is not a metric name with or without matchers"):format(l.metric)
  end
  return true
end

-- -- what is there ---------------------------------------------------------

-- The buckets in ROWS, one for each label le, in order.
local function bounds(rows)
  local out, by = {}, {}
  for _, row in ipairs(rows) do
    local text = row.labels.le or ""
    local value = text == "+Inf" and math.huge or tonumber(text)
    if value and by[value] then table.insert(by[value][2], text)
    elseif value then
      by[value] = { value, { text } }
      out[#out + 1] = by[value]
    end
  end
  table.sort(out, function(a, b) return a[1] < b[1] end)
  return out
end

-- The plan for UNDER among the bounds LIST.
local function between(list, under)
  local low, high
  local all = list[#list][1] == math.huge and list[#list] or nil
  for _, b in ipairs(list) do
    if math.abs(b[1] - under) <= 1e-9 * under then return { exact = b, all = all } end
    if b[1] < under then low = b elseif not high and b[1] < math.huge then high = b end
  end
  local from = low and low[1] or 0
  return { low = low, high = high, all = all, share = high and (under - from) / (high[1] - from) or nil }
end

--- What there is of L at T, or nil when there is nothing yet; nil, why when that cannot be known.
function M.plan(l, host, t)
  local name, matchers = M.parts(l.metric)
  local rows, why = host.query(("count by (le) (%s)"):format(selector(name .. "_bucket", matchers)), t)
  if not rows then return nil, why end
  local list = bounds(rows)
  if #list > 0 then return between(list, l.under) end
  rows, why = host.query(("count(histogram_count(%s))"):format(selector(name, matchers)), t)
  if not rows then return nil, why end
  return rows[1] and { native = true } or nil
end

--- What people should know about PLAN, or nil.
function M.note(l, plan)
  local function seconds(b) return b and ("%.12gs"):format(b[1]) or "0s" end
  local under = ("%.12gs"):format(l.under)
  if not plan or plan.exact then return nil end
  if plan.native then return ("%s is a native histogram: what is within the bucket of %s is interpolated"):format(l.metric, under) end
  if not plan.high then
    return ("%s is no bucket of %s and above its last one: what is over %s counts as too slow"):format(under, l.metric, seconds(plan.low))
  end
  return ("%s is no bucket of %s: between %s and %s it is interpolated"):format(under, l.metric, seconds(plan.low), seconds(plan.high))
end

return M
