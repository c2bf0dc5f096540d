--- alert.lua - the word `alert`: a condition, how long it must hold, and what to say.
local budget = require "moonwatch.words.budget"
local checks = require "moonwatch.words.alert_checks"
local migrate = require "moonwatch.words.migrate_rows"
local rows = require "moonwatch.words.alert_rows"

local baseline = {
  { "weeks", "count", default = 4, help = "how many weeks back" },
  { "deviations", { "number", "levels" }, default = 3, help = "active when the value is further away than so many deviations; or severities, as in `above`" },
  { "clear", { "number", "levels" }, help = "active until it is nearer than so many deviations" },
  { "direction", "text", default = "both", choices = { "above", "below", "both" }, help = "on which side of the expected value" },
  { "min_weeks", "count", default = 2, help = "weeks of history that a series must have; with fewer it is not judged" },
  { "at_least", "number", default = 0, help = "a distance smaller than this never counts, however many deviations it is" },
  { "zone", "text", default = "UTC", help = "IANA name of the time zone whose hours are compared" },
}

local flap = {
  { "changes", "count", default = 5, help = "so many changes between firing and not firing, the last of them to firing, and it flaps" },
  { "within", "span", default = "1h", help = "the time in which changes are counted" },
  { "calm", "count", help = "it is calm when at most so many changes are left in that time; default half of `changes`" },
}

local traces = {
  { "service", "template", help = "service of a span" }, { "name", "template", help = "name of a span" },
  { "min", "duration", help = "only traces at least so long" }, { "errors", "boolean", default = false, help = "only traces with errors" },
  { "slowest", "boolean", default = false, help = "the slowest first, not the newest" },
  { "most", "count", default = 5, help = "at most so many" },
}

local evidence = {
  { "logs", "template", help = 'selector of log lines: \'{app="${labels.app}"}\'' },
  { "contains", "template", help = "lines that contain this" }, { "level", "text", help = "lines of this level or worse" },
  { "lines", "count", default = 5, help = "at most so many, the newest" },
  { "traces", "table", help = "traces to look for", fields = traces },
  { "since", "span", default = "5m", help = "how far back logs and traces are looked for" },
}

return {
  word = "alert", shape = "named", lean = true,
  help = "A condition that becomes pending, then firing, then resolved. Every sample that `expr` gives back is an active alert with its own labels; " ..
         "with `above` or `below` the expression is the value and moonwatch compares. Alerts stand in the group of their file with the records, in their order.",
  example = [[
alert "WebErrorRate" {
  expr = 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m]))',
  above = { warning = 0.05, page = 0.2 }, clear_below = 0.03, hold = "10m",
  labels = { team = "web" },
  summary = "${value|percent} of the requests of ${labels.job} fail",
  evidence = { logs = '{job="${labels.job}"}', level = "error" },
}]],
  notes = [[
Missing data. A series without a value (it is gone, it is NaN, or there is nothing to compare it with) is neither active nor
clear; `absent` says what that means. "resolve" ends its alert, as Prometheus does; "keep" leaves it as it is, pending or firing,
until there is a value again; "fire" makes an alert of every series that was there before and is gone, and of the rule itself while
its expression never gave anything. Such an alert has the annotation `absent`. Up to 1000 series of a rule are remembered.

Severities. With `above = { warning = 0.05, page = 0.2 }` each severity has a `hold`, a `keep` and a `clear_below` of its own, as if
it were a rule of its own; there is one alert per label set, firing at the worst severity that fires, else pending at the worst
that is pending. When it gets worse or better it stays the same alert: it is told once more with its new severity, and ends once.
Alerts about missing data, failures and the limit are of the mildest severity.

m of n. With `hold = {4, of = 5}` an alert fires as long as the condition was true in at least 4 of the last 5 evaluations, then ends
(after `keep`), and is pending while it was true in some of them. An evaluation that failed is not counted, a missing series is.

Flapping. With `flap` an alert that begins to fire for the n-th time too soon is told once with the annotation `flapping`, and then
goes on firing until it is calm; it ends at once when it is calm and its condition is not true.

Evidence. The last samples of `expr` travel with each alert from the moment it fires; `evidence` adds log lines and traces, and a function
adds what it says in ctx:fire{ trace=, evidence={ logs=, traces=, NAME=value } }, else what it searched for. It is at most 4 KB.]],
  exactly_one = { { "expr", "when" } },
  at_most_one = { { "above", "below" }, { "above", "baseline" }, { "below", "baseline" } },
  fields = rows.with({
    { "expr", "expr", help = "PromQL; each sample of the answer is an active alert" },
    { "when", "fn", help = "function(ctx): a true answer, a number or ctx:fire{labels=, value=} makes alerts" },
    { "above", { "number", "expr", "levels" }, help = "active while the value is greater than this: a number; another series, found by the labels both have; or a number for each severity" },
    { "below", { "number", "expr", "levels" }, help = "active while the value is less than this, likewise" },
    { "clear_below", { "number", "levels" }, help = "with `above`: once active, it stays so until the value is less than this; with severities for the mildest, or for each" },
    { "clear_above", { "number", "levels" }, help = "with `below`: once active, it stays so until the value is greater than this" },
    { "baseline", "table", help = "active while the value is not what it was in the same hour of the last weeks: median and median deviation of what was stored", fields = baseline },
    { "every", "interval", default = "15s", help = "time between evaluations" },
    { "hold", { "duration", "votes" }, default = "0s", help = "how long the condition must be true before the alert fires; or in how many of the last evaluations" },
    { "keep", "duration", default = "0s", help = "how long the alert goes on firing after the condition became false" },
    { "flap", "table", help = "damps an alert that fires and ends again and again", fields = flap },
    { "absent", "text", choices = { "resolve", "keep", "fire" }, help = "what a series without a value means; default resolve" },
    { "absent_for", "span", help = "with absent = \"fire\": how long a series that is gone is missed; default 1d" },
    rows.on_error,
    { "severity", "severity", help = 'becomes the label `severity`; default warning; "": the alert has the one of its series or `labels`, if any' },
  }, rows.texts, {
    { "unless", { "expr", "fn" }, help = "samples of this expression remove alerts that agree with them on every label both have; a function removes the alerts for which it answers true" },
    rows.depends_on,
    { "limit", "count", help = "at most so many alerts at once, the worst of them; one more, with the label limit=\"exceeded\", tells how many are left out" },
    { "evidence", { "boolean", "table" }, help = "log lines and traces to take along when it fires; false: not even samples", fields = evidence },
  }, migrate.state "rule", {
    { "shadow", "boolean", default = false, help = "evaluate it silently beside the live rule of this name and these labels, and show the difference: `moonwatch shadow`, `moonwatch promote`" },
    budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" },
    rows.group, rows.variant,
    { "query_offset", "duration", help = "evaluate `expr` as of so long ago, for data that arrives late; default that of settings" },
  }),
  after = function(fields, problem, env)
    checks.after(fields, problem, env)
    rows.check_labels(fields, problem, fields.limit and "limit")
  end,
}
