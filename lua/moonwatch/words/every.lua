--- every.lua - the word `every`: a scheduled job.
return {
  word = "every", shape = "call",
  help = "Runs a function again and again: every(\"1m\", function(ctx) ... end). With several nodes one of them runs it. What it keeps in " ..
         "ctx.state goes by its name; a job without one goes by its file and its place among the jobs there.",
  example = [[
every("1m", function(ctx) ctx.log.info("still here") end)
every("5m", function(ctx) ctx.state.runs = (ctx.state.runs or 0) + 1 end, { name = "count" })]],
  fields = {},
  arguments = { { "interval", "interval" }, { "function", "fn" }, { "options", "table", optional = true, fields = {
    { "name", "text", help = "what it is called" },
    { "version", "count", default = 1, help = "of what it keeps in ctx.state; when it changes, `migrate` is asked, and without one the state is dropped" },
    { "migrate", "fn", help = "function(old, version): the ctx.state of this version from that of another one, or of the job in `migrate_from`" },
    { "migrate_from", "text", help = "the name that this job had: it takes over from it, once, while there is no such job any more" },
  } } },
}
