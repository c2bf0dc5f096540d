--- burn.lua - which burn rates an SLO alerts on, and the alert rules that do it.
--
-- Two windows have to agree: the long one says that enough of the budget went, the short one that it is still going.  Pairs
-- of one severity are one alert, unless they have times to hold.
local figures = require "moonwatch.slo.figures"
local sli = require "moonwatch.slo.sli"

local M = {}

local DAY = 86400
-- Share of a 30 day budget, long and short window.
local PAIRS = {
  { burn = 14.4, long = 3600, short = 300, severity = "page" },
  { burn = 6, long = 6 * 3600, short = 1800, severity = "page" },
  { burn = 3, long = DAY, short = 2 * 3600, severity = "ticket" },
  { burn = 1, long = 3 * DAY, short = 6 * 3600, severity = "ticket" },
}

--- The pairs of RULE.  From four weeks up the burn rates are scaled, so that the same share of the budget alerts; below that
-- the windows are.
function M.pairs(rule)
  if rule.alerts == false then return {} end
  if type(rule.alerts) == "table" then return rule.alerts end
  local out, share = {}, rule.window / (30 * DAY)
  for i, p in ipairs(PAIRS) do
    if rule.window >= 28 * DAY then
      out[i] = { burn = p.burn * share, long = p.long, short = p.short, severity = p.severity }
    else
      out[i] = { burn = p.burn, long = math.max(300, math.floor(p.long * share)),
                 short = math.max(60, math.floor(p.short * share)), severity = p.severity }
    end
  end
  return out
end

--- Every window that has to be measured, shortest first.
function M.windows(rule)
  local set, out = { [rule.window] = true }, {}
  for _, p in ipairs(M.pairs(rule)) do set[p.long], set[p.short] = true, true end
  for seconds in pairs(set) do out[#out + 1] = seconds end
  table.sort(out)
  return out
end

local function condition(rule, pair)
  local function ratio(seconds)
    return ('max without (%s) (slo:sli_error:ratio_rate%s{slo=%s})'):format(figures.SLOTH, sli.window(seconds), sli.quoted(rule.name))
  end
  local budget = ("%.12g"):format(1 - rule.objective)
  local burn = ("%.12g"):format(pair.burn)
  local text = ("%s / %s > %s and %s / %s > %s"):format(ratio(pair.long), budget, burn, ratio(pair.short), budget, burn)
  if rule.min_events then
    text = text .. (' and max without (%s) (slo:sli_events:increase%s{slo=%s}) >= %d'):format(figures.SLOTH, sli.window(pair.long), sli.quoted(rule.name), rule.min_events)
  end
  return "(" .. text .. ")"
end

local function joined(a, b)
  local out = {}
  for _, map in ipairs { a or {}, b or {} } do
    for name, value in pairs(map) do out[name] = value end
  end
  return out
end

-- The alert of the policy that wants one when there is no data.
local function no_data_alert(rule)
  local policy = rule.no_data
  local labels = joined((rule.alerting or {}).labels)
  labels.severity = nil
  return {
    word = "alert", name = rule.name .. " no data", alertname = "SLONoData", file = rule.file, line = rule.line, order = rule.order, slo = rule.name,
    expr = ('slo_no_data_seconds{slo=%s} >= %d'):format(sli.quoted(rule.name), policy.after), every = 30, hold = 0, keep = 0, severity = policy.severity,
    labels = labels, annotations = {}, depends_on = {}, runbook = rule.runbook,
    summary = "${labels.slo} has counted no event for ${value|duration}: nobody knows whether it keeps its promise",
  }
end

-- PAIRS of one severity that hold equally long.  Those that wait say of which window they are: two alerts cannot have the same
-- labels.
local function alert(rule, severity, pairs_of)
  local conditions, hold = {}, pairs_of[1].hold or 0
  for i, pair in ipairs(pairs_of) do conditions[i] = condition(rule, pair) end
  local all = rule.alerting or {}
  local own = type(all[severity]) == "table" and all[severity] or {}
  local labels, annotations = joined(all.labels, own.labels), joined(all.annotations, own.annotations)
  local called = labels.severity or severity
  labels.severity = nil
  labels.burn_window = hold > 0 and sli.window(pairs_of[1].long) or labels.burn_window
  return {
    word = "alert", name = ("%s burn %s"):format(rule.name, severity) .. (hold > 0 and " " .. sli.window(pairs_of[1].long) or ""), alertname = all.name or "SLOErrorBudgetBurn", file = rule.file,
    line = rule.line, order = rule.order, slo = rule.name, expr = table.concat(conditions, " or "), every = 30, hold = hold, keep = 0,
    severity = called, labels = labels, annotations = annotations, depends_on = {}, runbook = rule.runbook,
    summary = rule.summary or annotations.summary or "${labels.slo} spends its error budget ${value|round:1} times too fast",
  }
end

--- Alert rules for the engine, one for each severity and time to hold.
function M.alerts(rule)
  local by, order = {}, {}
  for _, pair in ipairs(M.pairs(rule)) do
    local key = ("%s/%g"):format(pair.severity, pair.hold or 0)
    if not by[key] then
      by[key] = {}
      order[#order + 1] = key
    end
    table.insert(by[key], pair)
  end
  local out = {}
  for _, key in ipairs(order) do
    local severity = by[key][1].severity
    if not (rule.alerting and rule.alerting[severity] == false) then out[#out + 1] = alert(rule, severity, by[key]) end
  end
  if rule.no_data and rule.no_data.policy == "alert" then out[#out + 1] = no_data_alert(rule) end
  return out
end

return M
