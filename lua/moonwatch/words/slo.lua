--- slo.lua - the word `slo`: an objective, its error budget and the alerts on how fast it burns.
local budget = require "moonwatch.words.budget"
local sli = require "moonwatch.slo.sli"

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

return {
  word = "slo", shape = "named",
  help = "A service level objective over a rolling window. Give the counters of good (or bad) and all events, or a latency histogram. " ..
         "Where only a ratio is known, give that. moonwatch stores slo_error_budget_remaining and slo:sli_error:ratio_rate<window>, and alerts when the budget burns too fast.",
  example = [[
slo "checkout-availability" {
  good = 'http_requests_total{job="checkout",code!~"5.."}', total = 'http_requests_total{job="checkout"}',
  objective = 99.9, window = "30d", labels = { service = "checkout" },
}]],
  exactly_one = { { "good", "bad", "latency", "ratio" } },
  fields = {
    { "good", "sli", help = "counter of good events: a selector, or an expression with $window in the place of the range" },
    { "bad", "sli", help = "counter of bad events, likewise" },
    { "total", "sli", help = "counter of all events, likewise" },
    { "ratio", "ratio", help = "share of bad events, 0 to 1: an expression with $window in the place of the range" },
    { "latency", "table", help = "good means faster than", fields = {
      { "metric", "text", required = true, help = "histogram, with or without matchers: http_request_duration_seconds{job=\"web\"}" },
      { "under", "span", required = true, help = "the bound; must be a bucket of the histogram" } } },
    { "objective", "objective", required = true, help = "0.999 or 99.9" },
    { "window", "interval", default = "30d", help = "rolling window of the budget" },
    { "labels", "labels", default = {}, help = "added to the series and alerts; `service` names the service" },
    { "alerts", { "boolean", "list" }, default = true, help = "true: page at burn rates 14.4 and 6, ticket at 3 and 1, scaled to the window; or a list of your own", fields = {
      { "burn", "number", required = true, help = "budget spent so many times too fast" },
      { "long", "interval", required = true, help = "long window" }, { "short", "interval", required = true, help = "short window" },
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
    if (fields.good or fields.bad) and not fields.total then problem('missing field "total"') end
    for _, name in ipairs { "latency", "ratio" } do
      if fields[name] and fields.total then problem(('"total" goes with good or bad; %s stands by itself'):format(name), { "total" }) end
    end
    if fields.ratio and fields.min_events then problem('"min_events" needs counted events; a ratio has none', { "min_events" }) end
    if fields.latency then
      local ok, why = sli.check_latency(fields.latency, env.host)
      if not ok then problem("latency.metric: " .. why, { "latency", "metric" }) end
    end
    if fields.alerting then check_severities(fields.alerting, problem) end
    if fields.window and fields.window < 3600 then problem("window must be at least 1h", { "window" }) end
    for i, row in ipairs(type(fields.alerts) == "table" and fields.alerts or {}) do
      if row.long and row.short and row.short >= row.long then
        problem("short must be shorter than long", { "alerts", i, "short" })
      end
    end
  end,
}
