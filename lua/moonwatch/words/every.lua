--- every.lua - the word `every`: a scheduled job.
local budget = require "moonwatch.words.budget"

return {
  word = "every", shape = "call",
  help = "Runs a function again and again: every(\"1m\", function(ctx) ... end). With several nodes one of them runs it. " ..
         "A third argument is a table of options.",
  example = [[
every("1m", function(ctx) ctx.log.info("still here") end)]],
  fields = {},
  arguments = { { "interval", "interval" }, { "function", "fn" }, { "options", "table", fields = {
    budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" } } } },
}
