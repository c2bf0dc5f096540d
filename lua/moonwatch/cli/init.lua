--- init.lua - the command line: one table of commands, and the way to each.
--
-- A command is a module { usage=, help=, main = function(ctx, argv) -> exit status } with
-- ctx = { host=, out=, err=, url=, token= }.  Exit status: 0 done, 1 a "no", 2 usage.
local did_you_mean = require "moonwatch.did_you_mean"

local M = {}

-- In the order in which `moonwatch help` shows them.  Several names may share a module.
M.commands = {
  { "run", "moonwatch.cli.run" }, { "check", "moonwatch.cli.check" }, { "test", "moonwatch.cli.test" }, { "backtest", "moonwatch.cli.backtest" },
  { "query", "moonwatch.cli.query" }, { "logs", "moonwatch.cli.logs" }, { "traces", "moonwatch.cli.traces" },
  { "trace", "moonwatch.cli.trace" }, { "alerts", "moonwatch.cli.alerts" }, { "slo", "moonwatch.cli.slo" },
  { "health", "moonwatch.cli.health" }, { "beat", "moonwatch.cli.beat" }, { "incident", "moonwatch.cli.incident" }, { "targets", "moonwatch.cli.targets" }, { "nodes", "moonwatch.cli.nodes" },
  { "silence", "moonwatch.cli.silence" }, { "ack", "moonwatch.cli.ack" }, { "unack", "moonwatch.cli.unack" },
  { "why", "moonwatch.cli.why" }, { "audit", "moonwatch.cli.audit" }, { "oncall", "moonwatch.cli.oncall" },
  { "notify", "moonwatch.cli.notify" }, { "receivers", "moonwatch.cli.receivers" }, { "drills", "moonwatch.cli.drills" },
  { "breakers", "moonwatch.cli.breakers" },
  { "mark", "moonwatch.cli.mark" }, { "canary", "moonwatch.cli.canary" }, { "experiment", "moonwatch.cli.experiment" },
  { "golden", "moonwatch.cli.golden" },
  { "shadow", "moonwatch.cli.shadow" }, { "promote", "moonwatch.cli.promote" },
  { "push", "moonwatch.cli.push" }, { "versions", "moonwatch.cli.versions" }, { "rollback", "moonwatch.cli.rollback" },
  { "import", "moonwatch.cli.import" }, { "init", "moonwatch.cli.starter" }, { "lua", "moonwatch.cli.lua" },
  { "completion", "moonwatch.cli.completion" }, { "help", "moonwatch.cli.help" }, { "version", "moonwatch.cli.version" },
}

local by_name, names = {}, {}
for i, row in ipairs(M.commands) do by_name[row[1]], names[i] = row[2], row[1] end

function M.command(name) return by_name[name] and require(by_name[name]) end

-- --url and --token are every client command's; they may stand anywhere.
local function address(ctx, argv)
  local rest = {}
  local i = 1
  while i <= #argv do
    local name, value = argv[i]:match "^%-%-(%a+)=?(.*)$"
    if name == "url" or name == "token" then
      if not argv[i]:find("=", 1, true) then
        i = i + 1
        value = argv[i]
      end
      ctx[name] = value
    else
      rest[#rest + 1] = argv[i]
    end
    i = i + 1
  end
  return rest
end

local function context(host)
  return {
    host = host,
    out = function(text) io.stdout:write(text) end,
    err = function(text) io.stderr:write(text) end,
    url = host.env "MOONWATCH_URL" or "http://127.0.0.1:9490",
    token = host.env "MOONWATCH_TOKEN",
  }
end

local aliases = { ["--help"] = "help", ["-h"] = "help", ["--version"] = "version" }

-- Is --help among ARGV?  Of a raw command only its first argument: the others may be a program's own.
local function asks_for_help(argv, raw)
  for i = 1, raw and 1 or #argv do
    if argv[i] == "--" then return false end
    if argv[i] == "--help" then return true end
  end
  return false
end

function M.main(argv)
  local host = require "moonwatch.host"
  local ctx = context(host)
  local name = table.remove(argv, 1) or "help"
  local command = M.command(aliases[name] or name)
  if not command then
    ctx.err(("moonwatch: there is no command %q%s\nusage: moonwatch COMMAND ...; `moonwatch help` lists them\n"):format(name,
      did_you_mean(host, name, names)))
    return 2
  end
  if asks_for_help(argv, command.raw) then return M.command("help").main(ctx, { aliases[name] or name }) end
  -- Trusted programs and the specs take their arguments as they are.
  if not command.raw then argv = address(ctx, argv) end
  return command.main(ctx, argv)
end

return M
