--- slo.lua - the word `slo`: an objective, its error budget and the alerts on how fast it burns.
local budget = require "moonwatch.words.budget"
local latency = require "moonwatch.slo.latency"
local period = require "moonwatch.slo.period"
local zones = require "moonwatch.route.zone"

-- Labels that series of SLOs have.
local RESERVED = { slo = true, service = true, le = true, __name__ = true }

-- What one severity says otherwise; false in its place: no alerts of it.
local function severity_row(name)
  return { name, { "boolean", "table" }, default = true, help = "the alert of severity " .. name .. "; false: none", fields = {
    { "labels", "label_templates", default = {}, help = "added to it; `severity` among them takes the place of " .. name },
    { "annotations", "template_map", default = {}, help = "texts of its own" } } }
end

-- A label `severity` takes the place of the severity, which is what it is for everybody: no text with places, no function.
local function check_severities(alerting, problem)
  local function check(row, at)
    local severity = type(row) == "table" and row.labels and row.labels.severity
    if severity and (type(severity) ~= "string" or severity:find("${", 1, true)) then
      problem(("%s: expected a plain text"):format(table.concat(at, ".")), at)
    end
  end
  check(alerting, { "alerting", "labels", "severity" })
  for _, name in ipairs { "page", "ticket" } do check(alerting[name], { "alerting", name, "labels", "severity" }) end
end

-- Log records that count.
local function records(name, help)
  return { name, "table", help = help, fields = {
    { "selector", "selector", help = 'streams, {job="web"}' }, { "contains", "text", help = "the message contains this" },
    { "level", "text", help = "records of this level or a worse one" } } }
end

local KINDS = { "good", "bad", "latency", "check", "logs", "spans", "of", "ratio" }

-- -- what goes together ----------------------------------------------------

-- Which fields stand by themselves, and which need counted events.
local function check_kind(fields, problem)
  if (fields.good or fields.bad) and not fields.total then problem('missing field "total"') end
  for _, name in ipairs { "latency", "ratio", "check", "logs", "spans", "of" } do
    if fields[name] and fields.total then problem(('"total" goes with good or bad; %s stands by itself'):format(name), { "total" }) end
  end
  if fields.ratio and fields.min_events then problem('"min_events" needs counted events; a ratio has none', { "min_events" }) end
  for _, name in ipairs { "no_data", "timeslice", "by", "maintenance" } do
    if fields[name] and (fields.ratio or fields.of and name ~= "maintenance") then
      problem(('"%s" needs events of its own to count; %s has none'):format(name, fields.ratio and "a ratio" or "an SLO made of others"), { name })
    end
  end
  if fields.by and not (fields.good or fields.bad or fields.latency) then problem('"by" goes with good, bad or latency: only series have labels', { "by" }) end
  if fields.by and fields.timeslice then problem('"by" does not go with timeslice: a slice is good or bad as a whole', { "by" }) end
end

local function check_objective(fields, problem)
  local quantile = fields.latency and fields.latency.quantile
  if quantile and fields.objective then
    problem("latency.quantile is the objective: 0.95 of the requests are to be faster than the bound; leave one of them out", { "objective" })
  elseif not fields.objective then
    if not quantile then problem('missing field "objective"') end
    fields.objective = quantile
  end
end

local function check_window(fields, problem, env)
  if fields.calendar then
    if fields.window then problem("the calendar says how long it is; leave out window or calendar", { "window" }) end
    fields.window = period.NOMINAL[fields.calendar]
  end
  fields.window = fields.window or 30 * 86400
  if fields.zone and not fields.calendar then problem('"zone" goes with calendar', { "zone" }) end
  if fields.zone and not zones.load(fields.zone, env.host) then
    problem(("zone: %q is not a time zone of this machine"):format(fields.zone), { "zone" })
  end
  if fields.window < 3600 then problem("window must be at least 1h", { "window" }) end
end

local function check_signals(fields, problem)
  local logs, slice = fields.logs, fields.timeslice
  if logs then
    if not logs.total then problem('logs: missing field "total"', { "logs" }) end
    if (logs.good == nil) == (logs.bad == nil) then problem("logs: say good or bad, one of them", { "logs" }) end
  end
  if fields.spans and not fields.spans.under and not fields.spans.errors then
    problem("spans: errors = false and no bound: nothing would be bad; say under", { "spans" })
  end
  if slice and (slice.length > fields.window / 10 or slice.length < 10) then
    problem("timeslice.length must be 10s or more and at most a tenth of the window", { "timeslice", "length" })
  end
  for i, name in ipairs(fields.by or {}) do
    if not name:find "^[%a_][%w_]*$" then problem(("by: %q is not a label name"):format(name), { "by", i }) end
    if RESERVED[name] then problem(("by: %q is a label that the series have for something else"):format(name), { "by", i }) end
  end
  if fields.of and not fields.of[1] then problem("of: name at least one SLO", { "of" }) end
  local named = {}
  for i, part in ipairs(fields.of or {}) do
    if part.slo and named[part.slo] then problem(("of: %q is named twice; give it a weight"):format(part.slo), { "of", i, "slo" }) end
    named[part.slo or ""] = true
    if part.weight and part.weight <= 0 then problem("weight must be more than zero", { "of", i, "weight" }) end
    if (part.weight == nil) ~= (fields.of[1].weight == nil) then problem("either all have a weight or none", { "of", i }) end
  end
end

return {
  word = "slo", shape = "named",
  help = "A service level objective. Give the counters of good (or bad) and all events, a latency histogram, a check, log records, spans or other SLOs. " ..
         "Where only a ratio is known, give that. moonwatch counts events as they come, stores slo_error_budget_remaining and slo:sli_error:ratio_rate<window> " ..
         "(docs/slo.md has all series), and alerts when the budget burns too fast.",
  example = [[
slo "checkout-availability" {
  good = 'http_requests_total{job="checkout",code!~"5.."}', total = 'http_requests_total{job="checkout"}',
  objective = 99.9, window = "30d", labels = { service = "checkout" }, by = "path",
}
slo "checkout-latency" { latency = { metric = 'http_request_duration_seconds{job="checkout"}', under = "200ms", quantile = 0.95 }, calendar = "month", zone = "Europe/Lisbon" }
slo "front-page" { check = "front", objective = 99.5, timeslice = { length = "1m", target = 0.95 }, maintenance = { "patching" } }
slo "shop" { of = { { slo = "checkout-availability", weight = 2 }, { slo = "front-page", weight = 1 } }, objective = 99.5 }]],
  exactly_one = { KINDS },
  fields = {
    { "good", "sli", help = "counter of good events: a selector, or an expression with $window in the place of the range" },
    { "bad", "sli", help = "counter of bad events, likewise" },
    { "total", "sli", help = "counter of all events, likewise" },
    { "ratio", "ratio", help = "share of bad events, 0 to 1: an expression with $window in the place of the range" },
    { "latency", "table", help = "good means faster than", fields = {
      { "metric", "text", required = true, help = "classic or native histogram, with or without matchers: http_request_duration_seconds{job=\"web\"}" },
      { "under", "span", required = true, help = "the bound; between two buckets the number of faster ones is interpolated, which the notes of the SLO say" },
      { "quantile", "objective", help = "0.95: that share of the requests must be under the bound; takes the place of objective" } } },
    { "check", "text", help = "name of a check: each of its probes is an event" },
    { "logs", "table", help = "log records", fields = {
      records("good", "those that are good"), records("bad", "those that are bad"), records("total", "all that count") } },
    { "spans", "table", help = "spans: those of one service, or of one name in it", fields = {
      { "service", "text", required = true, help = "service" }, { "name", "text", help = "name of the span" },
      { "tags", "text_map", default = {}, help = "attributes that it has" },
      { "errors", "boolean", default = true, help = "with an error status it is bad" },
      { "under", "span", help = "longer than this it is bad" } } },
    { "of", "list", help = "made of other SLOs: their events are added up, or with weights their ratios", fields = {
      { "slo", "text", required = true, help = "name of an SLO that counts events" },
      { "weight", "number", help = "how much its ratio counts" } } },
    { "objective", "objective", help = "0.999 or 99.9; must be said unless latency.quantile does" },
    { "window", "interval", help = "rolling window of the budget; 30d unless there is a calendar" },
    { "calendar", "text", choices = { "week", "month", "quarter", "year" }, help = "the budget is that of this week, month, quarter or year, whole again when the next begins" },
    { "zone", "text", help = "IANA name of the time zone of the calendar; UTC unless said" },
    { "timeslice", "table", help = "count slices of time in the place of events: one is good when enough of its events are", fields = {
      { "length", "interval", default = "1m", help = "of a slice" }, { "target", "objective", required = true, help = "share of its events that must be good" } } },
    { "by", "texts", help = "labels whose values are counted apart, to see which of them spent the budget" },
    { "labels", "labels", default = {}, help = "added to the series and alerts; `service` names the service" },
    { "no_data", { "table", "text" }, short = "policy", help = "what it means when there are no events", fields = {
      { "policy", "text", default = "ok", choices = { "ok", "burn", "hold", "alert" }, help = "ok: nothing happened; burn: as many as usual were bad; hold: burn rates and alerts stay as they are; alert: SLONoData fires" },
      { "after", "interval", default = "10m", help = "so long without an event" },
      { "severity", "severity", default = "ticket", help = "of SLONoData" } } },
    { "maintenance", "texts", help = "names of windows whose times never count" },
    { "alerts", { "boolean", "list" }, default = true, help = "true: page at burn rates 14.4 and 6, ticket at 3 and 1, scaled to the window; or a list of your own", fields = {
      { "burn", "number", required = true, help = "budget spent so many times too fast" },
      { "long", "interval", required = true, help = "long window" }, { "short", "interval", required = true, help = "short window" },
      { "hold", "duration", help = "so long before it fires; such an alert has a label `burn_window`" },
      { "severity", "severity", default = "page", help = "label `severity` of the alert" } } },
    { "alerting", "table", help = "what the burn alerts are called and say", fields = {
      { "name", "text", default = "SLOErrorBudgetBurn", help = "label `alertname` of them" },
      { "labels", "label_templates", default = {}, help = "added to them" },
      { "annotations", "template_map", default = {}, help = "further texts, sent along" },
      severity_row "page", severity_row "ticket" } },
    { "min_events", "count", help = "burn alerts stay silent with fewer events in the long window" },
    budget.row { "query_samples", "query_seconds" },
    { "summary", "template", help = "one line for a person, on the burn alerts" },
    { "runbook", "template", help = "address of what to do" },
  },
  after = function(fields, problem, env)
    check_kind(fields, problem)
    check_objective(fields, problem)
    check_window(fields, problem, env)
    check_signals(fields, problem)
    if fields.latency then
      local ok, why = latency.check(fields.latency, env.host)
      if not ok then problem("latency.metric: " .. why, { "latency", "metric" }) end
    end
    if fields.alerting then check_severities(fields.alerting, problem) end
    for i, row in ipairs(type(fields.alerts) == "table" and fields.alerts or {}) do
      if row.burn and row.burn <= 0 then problem("burn must be more than zero", { "alerts", i, "burn" }) end
      if row.long and row.short and row.short >= row.long then
        problem("short must be shorter than long", { "alerts", i, "short" })
      end
    end
  end,
}
