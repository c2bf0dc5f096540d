--- import.lua - `moonwatch import`: the configuration of others as Lua.
local args_of = require "moonwatch.cli.args"
local did_you_mean = require "moonwatch.did_you_mean"
local outputs = require "moonwatch.import.outputs"
local report = require "moonwatch.import.report"

local M = {}

M.usage = "import prometheus|alertmanager|sloth|openslo FILE... [-o DIR] [--every D]"
M.help = "write the YAML of Prometheus, Alertmanager, Sloth or OpenSLO as Lua; what cannot be carried over is listed"
M.details = [[
prometheus: rule files, and whole prometheus.yml with the rule files that it names.  A rule file becomes DIR/NAME.lua;
prometheus.yml becomes DIR/moonwatch.lua and its rules DIR/rules/NAME.lua.  alertmanager, sloth: a file becomes DIR/NAME.lua.
openslo: all files together become one, called after the first.
Without -o the Lua is printed.  --every D: the interval of groups that say none (1m unless prometheus.yml says another).
A file that was not written by an import is never overwritten.
What cannot be carried over is told on stderr as file:line:column: message, and then the exit status is 1; the rest is
written all the same.]]

local FLAGS = { o = "value", output = "value", every = "value" }

local NAMES = { "prometheus", "alertmanager", "sloth", "openslo" }

-- A kind that reads file by file, or all at once.
local function each(module)
  return function(paths, options)
    for _, path in ipairs(paths) do require(module).import(path, options) end
  end
end
local function objectives(kind)
  return function(paths, options) require("moonwatch.import.objectives").import(kind, paths, options) end
end
local KINDS = { prometheus = each "moonwatch.import.prometheus", alertmanager = each "moonwatch.import.alertmanager",
                sloth = objectives "sloth", openslo = objectives "openslo" }

local function misused(ctx, message)
  ctx.err(("%s\nusage: moonwatch %s\n"):format(message, M.usage))
  return 2
end

function M.main(ctx, argv)
  local options, rest = args_of.parse(argv, FLAGS)
  if not options then return misused(ctx, rest) end
  local kind = table.remove(rest, 1)
  if not kind then return misused(ctx, "import needs to know what: prometheus, alertmanager, sloth or openslo") end
  if not KINDS[kind] then
    return misused(ctx, ("cannot import %q%s"):format(kind, did_you_mean(ctx.host, kind, NAMES)))
  end
  if #rest == 0 then return misused(ctx, "import needs a FILE") end
  if options.every and not ctx.host.duration(options.every) then return misused(ctx, ("--every: %q is no duration"):format(options.every)) end
  local told = report.new()
  local out = outputs.new(ctx.host, options.o or options.output)
  KINDS[kind](rest, { host = ctx.host, report = told, out = out, every = options.every, how = "moonwatch import " .. kind })
  local failed = out:write(ctx)
  local lines = told:lines()
  for _, line in ipairs(lines) do ctx.err(line .. "\n") end
  return (told:count() > 0 or failed) and 1 or 0
end

return M
