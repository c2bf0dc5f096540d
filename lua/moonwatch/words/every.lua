--- every.lua - the word `every`: a scheduled job.
local budget = require "moonwatch.words.budget"
local migrate = require "moonwatch.words.migrate_rows"
local rows = require "moonwatch.words.alert_rows"

return {
  word = "every", shape = "call",
  help = "Runs a function again and again: every(\"1m\", function(ctx) ... end). With several nodes one of them runs it. What it keeps in " ..
         "ctx.state goes by its name; a job without one goes by its file and its place among the jobs there.",
  example = [[
every("1m", function(ctx) ctx.log.info("still here") end)
every("5m", function(ctx) ctx.state.runs = (ctx.state.runs or 0) + 1 end, { name = "count" })]],
  fields = {},
  arguments = { { "interval", "interval" }, { "function", "fn" }, { "options", "table", optional = true, fields = rows.with(
    { { "name", "text", help = "what it is called" } }, migrate.state "job",
    { budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" } })
  } },
}
