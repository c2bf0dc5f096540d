--- run.lua - `moonwatch run`: the configuration and the flags become the settings of a server.
local args_of = require "moonwatch.cli.args"
local load = require "moonwatch.config.load"

local M = {}

M.usage = "run [CONFIG] [--listen ADDR]... [--data DIR] [--rules DIR]... [--redis URL] [--node NAME] [--log-level L] [--log-format text|json]"
M.help = "the server; CONFIG is a Lua file, default ./moonwatch.lua if it is there, else the moonwatch.lua in one of the --rules folders"

-- Each flag, and the setting it overrides.
local flags = {
  listen = function(settings, value) settings.listen = value end,
  data = function(settings, value) settings.data = value end,
  redis = function(settings, value) settings.redis = value end,
  node = function(settings, value) settings.node = value end,
  ["log-level"] = function(settings, value) settings.log.level = value end,
  ["log-format"] = function(settings, value) settings.log.format = value end,
}

M.flags = { listen = "list", rules = "list", data = "value", redis = "value", node = "value", ["log-level"] = "value", ["log-format"] = "value" }

local function config_of(host, given)
  if given then return given end
  return host.stat "moonwatch.lua" and "moonwatch.lua" or nil
end

local function plain(host, value)
  if type(value) == "table" and value["@secret"] then return host.secret(value["@secret"]) end
  return value
end

local function reachable(settings)
  if settings.external_url then return settings.external_url end
  local address = settings.listen[1]
  return "http://" .. (address:sub(1, 1) == ":" and "127.0.0.1" .. address or address)
end

function M.main(ctx, argv)
  local options, rest = args_of.parse(argv, M.flags)
  if not options or #rest > 1 then
    ctx.err(("%s\nusage: moonwatch %s\n"):format(options and "run takes one CONFIG" or rest, M.usage))
    return 2
  end
  for _, dir in ipairs(options.rules or {}) do
    if not (ctx.host.stat(dir) or {}).dir then
      ctx.err(("moonwatch: --rules %s: there is no such folder\n"):format(dir))
      return 1
    end
  end
  local config = config_of(ctx.host, rest[1])
  local set, problems = load.load { host = ctx.host, config = config, rules = options.rules }
  if not set then -- else the server tells them in its log
    for _, p in ipairs(problems) do ctx.err(p.text .. "\n") end
    ctx.err "moonwatch: nothing is started while the configuration has problems\n"
    return 1
  end
  local settings = set.settings
  for flag, apply in pairs(flags) do
    if options[flag] then apply(settings, options[flag]) end
  end
  settings.redis = plain(ctx.host, settings.redis)
  settings.url = reachable(settings)
  settings.config, settings.rules = config, options.rules
  -- The server loads them again for itself; thousands of rules need not be here, too, for as long as it runs.
  load.discard(set)
  set, problems = nil, nil -- luacheck: ignore 311
  collectgarbage()
  return ctx.host.call("serve", settings).status
end

return M
