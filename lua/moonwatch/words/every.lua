--- every.lua - the word `every`: a scheduled job.
return {
  word = "every", shape = "call",
  help = "Runs a function again and again: every(\"1m\", function(ctx) ... end). With several nodes one of them runs it.",
  example = [[
every("1m", function(ctx) ctx.log.info("still here") end)]],
  fields = {},
  arguments = { { "interval", "interval" }, { "function", "fn" } },
}
