--- alert.lua - the word `alert`: a condition, how long it must hold, and what to say.
local budget = require "moonwatch.words.budget"

return {
  word = "alert", shape = "named",
  help = "A condition that becomes pending, then firing, then resolved. Every sample that `expr` gives back is an active alert with its own labels; " ..
         "with `above` or `below` the expression is the value and moonwatch compares. Alerts stand in the group of their file with the records, in their order.",
  example = [[
alert "WebErrorRate" {
  expr = 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m]))',
  above = 0.05, hold = "10m", severity = "page",
  labels = { team = "web" },
  summary = "${value|percent} of the requests of ${labels.job} fail",
}]],
  exactly_one = { { "expr", "when" } },
  at_most_one = { { "above", "below" } },
  fields = {
    { "expr", "expr", help = "PromQL; each sample of the answer is an active alert" },
    { "when", "fn", help = "function(ctx): a true answer, a number or ctx:fire{labels=, value=} makes alerts" },
    { "above", "number", help = "active while the value is greater than this" },
    { "below", "number", help = "active while the value is less than this" },
    { "every", "interval", default = "15s", help = "time between evaluations" },
    { "hold", "duration", default = "0s", help = "how long the condition must be true before the alert fires" },
    { "keep", "duration", default = "0s", help = "how long the alert goes on firing after the condition became false" },
    { "severity", "severity", default = "warning", help = "becomes the label `severity`" },
    { "labels", "label_templates", default = {}, help = "added to the labels of each alert; several alerts may share a name when these or the severity differ" },
    { "annotations", "template_map", default = {}, help = "further texts, sent along" },
    { "summary", "template", help = "one line for a person" },
    { "description", "template", help = "the longer text" },
    { "runbook", "template", help = "address of what to do; sent as the annotation runbook_url" },
    { "unless", { "expr", "fn" }, help = "samples of this expression remove alerts that agree with them on every label both have; a function removes the alerts for which it answers true" },
    { "depends_on", "texts", default = {}, help = "alerts or checks; while one of them is firing or failing, no new alert of this rule starts" },
    { "limit", "count", help = "at most so many alerts at once; the rest is left out and shown as a problem" },
    { "group", "text", help = "rules of one group of a file run one after the other at one moment; default the file's name" },
    budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" },
    { "query_offset", "duration", help = "evaluate `expr` as of so long ago, for data that arrives late; default that of settings" },
  },
  after = function(fields, problem)
    if fields.when and (fields.above or fields.below) then
      local name = fields.above and "above" or "below"
      problem(("%q compares the value of `expr`; compare inside `when` instead"):format(name), { name })
    end
    if fields.when and fields.query_offset then
      problem('"query_offset" is about `expr`; a function asks for the time it wants', { "query_offset" })
    end
    for _, name in ipairs { "alertname", "severity", "__name__" } do
      if fields.labels and fields.labels[name] then
        problem(("label %q is set by moonwatch itself"):format(name), { "labels", name })
      end
    end
  end,
}
