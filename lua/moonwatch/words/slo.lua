--- slo.lua - the word `slo`: an objective, its error budget and the alerts on how fast it burns.
local sli = require "moonwatch.slo.sli"

return {
  word = "slo", shape = "named",
  help = "A service level objective over a rolling window. Give the counters of good (or bad) and all events, or a latency histogram. " ..
         "moonwatch stores slo_error_budget_remaining and slo:sli_error:ratio_rate<window>, and alerts when the budget burns too fast.",
  example = [[
slo "checkout-availability" {
  good = 'http_requests_total{job="checkout",code!~"5.."}', total = 'http_requests_total{job="checkout"}',
  objective = 99.9, window = "30d", labels = { service = "checkout" },
}]],
  exactly_one = { { "good", "bad", "latency" } },
  fields = {
    { "good", "sli", help = "counter of good events: a selector, or an expression with $window in the place of the range" },
    { "bad", "sli", help = "counter of bad events, likewise" },
    { "total", "sli", help = "counter of all events, likewise" },
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
    { "min_events", "count", help = "burn alerts stay silent with fewer events in the long window" },
    { "summary", "template", help = "one line for a person, on the burn alerts" },
    { "runbook", "template", help = "address of what to do" },
  },
  after = function(fields, problem, env)
    if (fields.good or fields.bad) and not fields.total then problem('missing field "total"') end
    if fields.latency and fields.total then problem('"total" goes with good or bad; latency counts by itself', { "total" }) end
    if fields.latency then
      local ok, why = sli.check_latency(fields.latency, env.host)
      if not ok then problem("latency.metric: " .. why, { "latency", "metric" }) end
    end
    if fields.window and fields.window < 3600 then problem("window must be at least 1h", { "window" }) end
    for i, row in ipairs(type(fields.alerts) == "table" and fields.alerts or {}) do
      if row.long and row.short and row.short >= row.long then
        problem("short must be shorter than long", { "alerts", i, "short" })
      end
    end
  end,
}
