--- check.lua - `moonwatch check`: load files as a server would, run nothing, tell every problem.
local against = require "moonwatch.cli.check_against"
local args_of = require "moonwatch.cli.args"
local load = require "moonwatch.config.load"

local M = {}

M.usage = "check PATH... [--json] [--stdin] [--against URL]"
M.help = "load configuration and rules without running them; every problem as file:line:column: message; --against: what a reload would do there"

local FLAGS = { json = "switch", stdin = "switch", against = "value" }

-- A folder stands for its rule files; a file that says `settings` or `include` is a root file.
local function is_root(text) return text:find "%f[%a]settings%s*[{(]" or text:find "%f[%a]include%s*[\"'(]" end

function M.load_options(host, rest)
  local options = { host = host, rules = {}, paths = {} }
  for _, path in ipairs(rest) do
    local stat = host.stat(path)
    if stat and stat.dir then
      table.insert(options.rules, path)
    elseif stat and not options.config and is_root(host.read_file(path) or "") then
      options.config = path
    else
      table.insert(options.paths, path)
    end
  end
  return options
end

local function tell(ctx, problems, as_json)
  if as_json then
    local list = ctx.host.json.array {}
    for i, p in ipairs(problems) do
      list[i] = { file = p.file, line = p.line, column = p.col, word = p.word, name = p.name, message = p.message }
    end
    ctx.out(ctx.host.json.encode { problems = list } .. "\n")
    return
  end
  for _, p in ipairs(problems) do ctx.err(p.text .. "\n") end
end

function M.main(ctx, argv)
  local options, rest = args_of.parse(argv, FLAGS)
  if not options or (#rest == 0 and not options.stdin) then
    ctx.err(("%s\nusage: moonwatch %s\n"):format(options and "check needs a PATH" or rest, M.usage))
    return 2
  end
  local given = M.load_options(ctx.host, rest)
  if options.stdin then given.config, given.source = "<stdin>", io.read "*a" end
  if options.against then return against.main(ctx, given, options) end
  local _, problems = load.load(given)
  tell(ctx, problems, options.json)
  return #problems == 0 and 0 or 1
end

return M
