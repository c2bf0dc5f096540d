--- openslo.lua - OpenSLO v1 objects as the word `slo`: an SLO for each objective, with the indicators and alert policies it names.
--
-- OpenSLO leaves to each data source what a query is.  Read here are those of type Prometheus: `query` (or `promql`) in the spec
-- of the source.  A range in it is the place of the window; a counter without one is summed as an increase.
local calendar = require "moonwatch.route.calendar"
local node = require "moonwatch.import.node"
local slo_word = require "moonwatch.import.slo_word"

local M = {}

local HOUR = 3600
local UNITS = { m = 60, h = HOUR, d = 24 * HOUR, w = 7 * 24 * HOUR, M = 30 * 24 * HOUR, Q = 90 * 24 * HOUR, Y = 365 * 24 * HOUR }
local CALENDAR = { M = true, Q = true, Y = true }
local COMPARE = { lte = "<=", lt = "<", gte = ">=", gt = ">" }

-- What may stand where; anything else is told.
local KNOWN = {
  object = "apiVersion kind metadata spec", policy = "description conditions notificationTargets alertWhenBreaching alertWhenNoData",
  slo = "description service indicator indicatorRef timeWindow budgetingMethod objectives alertPolicies",
  objective = "displayName op value target targetPercent timeSliceTarget timeSliceWindow indicator indicatorRef compositeWeight",
  ratio = "counter good bad total raw rawType", burn = "kind op threshold lookbackWindow alertAfter",
}

-- "28d" -> "28d", and whether the calendar decides how long that is.
local function duration_of(text)
  local n, unit = tostring(text):match "^(%d+)([mhdwMQY])$"
  if not n then return nil end
  local seconds = tonumber(n) * UNITS[unit]
  if not CALENDAR[unit] then return n .. unit, false, seconds end
  return ("%dd"):format(seconds / UNITS.d), true, seconds
end

-- -- queries -----------------------------------------------------------------------------------

local function source_type(run, source)
  local kind = node.text(source, "type")
  local ref = node.text(source, "metricSourceRef")
  if not kind and ref then kind = node.text(run.objects["DataSource/" .. ref], "spec", "type") end
  return kind
end

local function query_of(run, metric)
  local source = node.get(metric, "metricSource")
  local kind = source_type(run, source)
  if kind and kind:lower() ~= "prometheus" then
    run.note(source, ("a metric source of type %s cannot be asked; Prometheus can"):format(kind))
    return nil
  end
  local query = node.at(source, "spec", "query") or node.at(source, "spec", "promql")
  if not query or query.kind ~= "text" then
    run.note(metric, "a metric source without spec.query")
    return nil
  end
  return (query.text:gsub("%s+$", "")), query
end

-- Every range of QUERY is the window.  A selector alone is left: moonwatch sums its increase.  Anything else must have a range.
local function over_window(run, query, at)
  local text, places = query:gsub("%[%s*[%w%.]+%s*%]", "[$window]")
  if places > 0 then return text end
  if query:find "^[%a_:][%w_:]*%s*$" or query:find "^[%a_:][%w_:]*%s*{[^{}]*}%s*$" then return query end
  local inner = query:match "^sum%s*%(%s*([%a_:][%w_:]*%s*{?[^{}%(%)]*}?)%s*%)$"
  if inner then return inner end
  run.note(at, "a query without a range, of more than one selector: write $window where its range goes")
  return nil
end

-- A gauge of events at each moment: how many there are on average is what counts.
local function over_time(query)
  local text, places = query:gsub("%[%s*[%w%.]+%s*%]", "[$window]")
  return places > 0 and text or ("avg_over_time((%s)[$window:1m])"):format(query)
end

local function part_of(run, metric, counter)
  local query, at = query_of(run, metric)
  if not query then return nil end
  if counter then return over_window(run, query, at) end
  return over_time(query)
end

-- A selector beside an expression with rate(...) must count the same.
local function alike(text, other)
  if text:find("$window", 1, true) or not other:find("$window", 1, true) then return text end
  return ("sum(%s(%s[$window]))"):format(other:find "rate%s*%(" and "rate" or "increase", text)
end

local function ratio_of(run, metric)
  local raw = node.get(metric, "raw")
  if raw then
    local query = query_of(run, raw)
    local ratio = query and over_time(query)
    if not ratio then return nil end
    return { { "ratio", node.text(metric, "rawType") == "failure" and ratio or "1 - " .. ratio } }
  end
  local counter = node.yes(metric, "counter")
  local name = node.get(metric, "bad") and "bad" or "good"
  local part, total = part_of(run, node.get(metric, name), counter), part_of(run, node.get(metric, "total"), counter)
  if not part or not total then return nil end
  return { { name, alike(part, total) }, { "total", alike(total, part) } }
end

-- Good is what compares; what is bad for how long of the window is the ratio.  Slices are made of minutes that are good or not.
local function threshold_of(run, metric, objective, slices)
  local query = query_of(run, metric)
  local op, value = COMPARE[node.text(objective, "op") or ""], tonumber(node.text(objective, "value"))
  if not query then return nil end
  if not op or not value then
    run.note(objective, "an objective on a threshold needs op and value")
    return nil
  end
  if slices then
    return { { "good", ("sum_over_time(((%s) %s bool %s)[$window:1m])"):format(query, op, tostring(value)) },
             { "total", ("count_over_time((%s)[$window:1m])"):format(query) } }
  end
  return { { "ratio", ("1 - avg_over_time(((%s) %s bool %s)[$window:1m])"):format(query, op, tostring(value)) } }
end

local function sli_of(run, spec, objective, slices)
  local ref = node.text(objective, "indicatorRef") or node.text(spec, "indicatorRef")
  local indicator = node.get(objective, "indicator") or node.get(spec, "indicator") or ref and run.objects["SLI/" .. ref]
  if not indicator then
    run.note(spec, ref and ("there is no SLI %q in these files"):format(ref) or "an SLO without an indicator")
    return nil
  end
  local sli = node.get(indicator, "spec")
  node.tell_unknown(node.get(sli, "ratioMetric"), KNOWN.ratio, run.note)
  if node.get(sli, "ratioMetric") then return ratio_of(run, node.get(sli, "ratioMetric")) end
  if node.get(sli, "thresholdMetric") then return threshold_of(run, node.get(sli, "thresholdMetric"), objective, slices) end
  run.note(indicator, "an SLI with neither ratioMetric nor thresholdMetric")
end

-- -- alert policies ----------------------------------------------------------------------------

local function condition_of(run, policy)
  local list = node.list(policy, "spec", "conditions")
  local first = list[1]
  if #list > 1 then run.note(list[2], "an alert policy has one condition; this one is left out") end
  local ref = node.text(first, "conditionRef")
  local condition = ref and run.objects["AlertCondition/" .. ref] or first
  if not node.get(condition, "spec") then
    run.note(first or policy, ("there is no alert condition %q in these files"):format(ref or "?"))
    return nil
  end
  return condition
end

local function burn_of(run, policy)
  local condition = condition_of(run, policy)
  local spec = node.get(condition, "spec")
  if not spec then return nil end
  local burn = node.get(spec, "condition")
  node.tell_unknown(burn, KNOWN.burn, run.note)
  local factor, long, _, seconds = tonumber(node.text(burn, "threshold")), duration_of(node.text(burn, "lookbackWindow"))
  if (node.text(burn, "kind") or "burnrate"):lower() ~= "burnrate" or not factor or not long then
    run.note(condition, "a condition other than kind: burnrate with threshold and lookbackWindow is not carried")
    return nil
  end
  return { burn = factor, long = long, short = math.max(60, math.floor(seconds / 12)), severity = node.text(spec, "severity"),
           hold = duration_of(node.text(burn, "alertAfter")) }
end

local function policy_of(run, item)
  local ref = item.kind == "text" and item.text or node.text(item, "alertPolicyRef")
  if not ref then return item end
  local policy = run.objects["AlertPolicy/" .. ref]
  if not policy then run.note(item, ("there is no alert policy %q in these files"):format(ref)) end
  return policy
end

-- nil where the SLO names none: moonwatch's own then.  The second value: what is done without data.
local function alerts_of(run, spec)
  local out, no_data
  for _, item in ipairs(node.list(spec, "alertPolicies")) do
    out = out or {}
    local policy = policy_of(run, item)
    node.tell_unknown(node.get(policy, "spec"), KNOWN.policy, run.note)
    if #node.list(policy, "spec", "notificationTargets") > 0 then
      run.note(node.at(policy, "spec", "notificationTargets"), "who is told is the work of route and receiver")
    end
    out[#out + 1] = policy and burn_of(run, policy) or nil
    if node.yes(node.get(policy, "spec"), "alertWhenNoData") then no_data = "alert" end
  end
  return out and (#out > 0 and out or false), no_data
end

-- -- objectives --------------------------------------------------------------------------------

local KINDS_OF = { w = "week", M = "month", Q = "quarter", Y = "year" }

-- Does a stretch of KIND begin at TEXT, "2020-01-01 00:00:00"?
local function begins(kind, text)
  local y, m, d, rest = tostring(text):match "^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$"
  if not y or not (rest == "" or rest:find "^[ T]00:00:?0?0?") then return false end
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  if kind == "week" then return calendar.fields(calendar.days(y, m, d) * 86400).wday == 1 end
  return d == 1 and (kind == "month" or kind == "quarter" and m % 3 == 1 or kind == "year" and m == 1)
end

-- The window as fields of the word.
local function window_of(run, spec)
  local item = node.list(spec, "timeWindow")[1]
  if not item then return {} end
  local window, calendric = duration_of(node.text(item, "duration"))
  local from = node.get(item, "calendar")
  if not window then
    run.note(item, "a time window without a duration such as 28d")
    return {}
  end
  local kind = KINDS_OF[(node.text(item, "duration") or ""):match "^1(%a)$"]
  if from and kind and begins(kind, node.text(from, "startTime")) then
    local zone = node.text(from, "timeZone")
    return { { "calendar", kind }, { "zone", zone ~= "UTC" and zone or nil } }
  end
  if calendric or from then run.note(item, ("a window of the calendar becomes a rolling one of %s"):format(window)) end
  return { { "window", window } }
end

local function target_of(objective)
  return tonumber(node.text(objective, "target")) or tonumber(node.text(objective, "targetPercent"))
end

local function labels_of(doc, service)
  local out = { service = service }
  for name, value in node.fields(doc, "metadata", "labels") do
    local key = name:gsub("[^%w_]", "_"):gsub("^(%d)", "_%1")
    local texts = {}
    for _, item in ipairs(value.kind == "list" and value.items or { value }) do texts[#texts + 1] = item.text end
    out[key] = table.concat(texts, ",")
  end
  return out
end

-- Slices of time in the place of events, or nil.
local function slices_of(run, spec, objective)
  local method = node.text(spec, "budgetingMethod") or "Occurrences"
  if method == "Occurrences" then return nil end
  local target, length = tonumber(node.text(objective, "timeSliceTarget")), duration_of(node.text(objective, "timeSliceWindow"))
  if method == "Timeslices" and target then return { length = length or "1m", target = target } end
  run.note(node.get(spec, "budgetingMethod"), method == "Timeslices" and "time slices without a timeSliceTarget are counted by occurrences"
    or "budgets of " .. method .. " are counted by occurrences")
end

local function slo_of(run, doc, objective, name)
  local spec = node.get(doc, "spec")
  node.tell_unknown(objective, KNOWN.objective, run.note)
  local target = target_of(objective)
  if not target then return run.note(objective, "an objective without target or targetPercent is left out") end
  local slices = slices_of(run, spec, objective)
  local fields = sli_of(run, spec, objective, slices)
  if not fields then return nil end
  fields[#fields + 1] = { "objective", target }
  for _, field in ipairs(window_of(run, spec)) do fields[#fields + 1] = field end
  local alerts, no_data = alerts_of(run, spec)
  if fields[1][1] ~= "ratio" then
    fields[#fields + 1], fields[#fields + 2] = { "timeslice", slices }, { "no_data", no_data }
  elseif no_data then
    run.note(node.get(spec, "alertPolicies"), "alertWhenNoData needs events to count; only a ratio is known here")
  end
  fields[#fields + 1] = { "labels", labels_of(doc, node.text(spec, "service")) }
  fields[#fields + 1] = { "alerts", alerts }
  local said = node.text(objective, "displayName") or node.text(doc, "metadata", "displayName") or node.text(spec, "description")
  return slo_word.declaration(name, { run.above(doc), said }, fields)
end

-- Objectives with weights are one promise together: what it promises is the mean of what they do, by the same weights.
local function composite_of(run, doc, name, parts)
  local of, sum, weights = {}, 0, 0
  for i, part in ipairs(parts) do
    of[i] = { slo = part.name, weight = part.weight }
    sum, weights = sum + part.weight * (part.target > 1 and part.target / 100 or part.target), weights + part.weight
  end
  local spec = node.get(doc, "spec")
  local fields = { { "of", of }, { "objective", tonumber(("%.10g"):format(sum / weights)) } }
  for _, field in ipairs(window_of(run, spec)) do fields[#fields + 1] = field end
  fields[#fields + 1] = { "labels", labels_of(doc, node.text(spec, "service")) }
  fields[#fields + 1] = { "alerts", (alerts_of(run, spec)) }
  return slo_word.declaration(name, { run.above(doc), node.text(doc, "metadata", "displayName") }, fields)
end

local function slos_of(run, doc)
  local spec, name = node.get(doc, "spec"), node.text(doc, "metadata", "name")
  node.tell_unknown(doc, KNOWN.object, run.note)
  node.tell_unknown(spec, KNOWN.slo, run.note)
  local objectives, parts, weighted = node.list(spec, "objectives"), {}, false
  if not name or #objectives == 0 then return run.note(doc, "an SLO without a name or objectives is left out") end
  for i, objective in ipairs(objectives) do
    local own = #objectives > 1 and ("%s-%d"):format(name, i) or name
    local text = slo_of(run, doc, objective, own)
    run.out[#run.out + 1] = text
    local weight = tonumber(node.text(objective, "compositeWeight"))
    weighted = weighted or weight ~= nil
    if text then parts[#parts + 1] = { name = own, weight = weight or 1, target = target_of(objective), ratio = text:find "\n  ratio = " } end
  end
  if not weighted or #parts < 2 then return end
  for _, part in ipairs(parts) do
    if part.ratio then return run.note(doc, "of objectives of which only a ratio is known no composite is made") end
  end
  run.out[#run.out + 1] = composite_of(run, doc, name, parts)
end

local KINDS = { DataSource = true, SLO = true, SLI = true, AlertPolicy = true, AlertCondition = true, AlertNotificationTarget = true,
                Service = true }

--- docs: the documents of all files, as host.yaml gives them.  options: { note=function(node, text), above= (see sloth.lua) }.  Gives Lua text.
function M.convert(docs, options)
  local run = { note = options.note, above = options.above or function() end, objects = {}, out = {} }
  for _, doc in ipairs(docs) do
    local kind, version = node.text(doc, "kind") or "", node.text(doc, "apiVersion") or ""
    if not version:find "^openslo/v1" or not KINDS[kind] then
      run.note(doc, "not an object of OpenSLO v1")
    else
      if version ~= "openslo/v1" then run.note(doc, version .. " is read as openslo/v1") end
      run.objects[kind .. "/" .. (node.text(doc, "metadata", "name") or "")] = doc
    end
  end
  for _, doc in ipairs(docs) do
    if node.text(doc, "kind") == "SLO" and (node.text(doc, "apiVersion") or ""):find "^openslo/v1" then slos_of(run, doc) end
  end
  return table.concat(run.out, "\n")
end

return M
