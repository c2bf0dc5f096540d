--- record.lua - the word `record`: keep the answer of an expression as a series of its own.
local budget = require "moonwatch.words.budget"

return {
  word = "record", shape = "named", lean = true,
  help = "Evaluates an expression again and again and stores the answer as series with this name. Rules of one file with the same " ..
         "`every` are a group: they run in their order, all at one moment, so that a rule sees what one above it has just written. " ..
         "A series that the expression no longer gives, or whose rule is gone, ends with a stale marker.",
  example = [[
record "job:http_requests:rate5m" { expr = "sum by (job) (rate(http_requests_total[5m]))" }]],
  fields = {
    { "expr", "expr", required = true, help = "PromQL" },
    { "every", "interval", default = "15s", help = "time between evaluations" },
    { "labels", "labels", default = {}, help = "added to each series; several records may share a name when these differ" },
    { "limit", "count", help = "the rule fails, and nothing is written, when it gives more series than this" },
    { "shadow", "boolean", default = false, help = "evaluate it silently beside the live rule of this name and these labels, and show the difference: `moonwatch shadow`, `moonwatch promote`" },
    { "group", "text", help = "rules of one group of a file run one after the other at one moment; default the file's name" },
    budget.row { "query_samples", "query_seconds", "emissions" },
    require("moonwatch.words.alert_rows").variant,
    { "query_offset", "duration", help = "look at the time so long ago, and write there; default that of settings" },
  },
  check_name = function(name)
    if not name:find "^[%a_:][%w_:]*$" then return ("%q is not a metric name (letters, digits, _ and :)"):format(name) end
  end,
}
