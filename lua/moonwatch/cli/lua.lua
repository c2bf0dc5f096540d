--- lua.lua - `moonwatch lua [FILE ARGS]`: run trusted Lua with the moonwatch modules, or talk with a server.
local client = require "moonwatch.cli.client"

local M = { usage = "lua [--url URL] [--token T] | lua FILE [ARGS]", raw = true,
            help = "talk with a running server: questions, and rules tried without loading them; or run a trusted Lua program" }

M.details = [=[
Without FILE it reads Lua from the terminal, with history and completion, or from a pipe:
  moonwatch> query [[up]]                                          the samples of an expression
  moonwatch> logs.search{ selector = '{job="shop"}', since = "1h" }   log records
  moonwatch> alert "X" { expr = "up", below = 1 }                  a draft: checked and judged once, now
  moonwatch> help()                                                the rest
From a pipe the exit status is 1 when anything failed. With FILE the program may require the moonwatch modules.]=]

local function run_file(ctx, path, argv)
  local chunk, why = loadfile(path)
  if not chunk then
    ctx.err(("moonwatch: %s\n"):format(why))
    return 1
  end
  argv[0] = path
  rawset(_G, "arg", argv)
  local status = chunk(unpack(argv))
  return type(status) == "number" and status or 0
end

function M.main(ctx, argv)
  if argv[1] and argv[1]:sub(1, 1) ~= "-" then return run_file(ctx, table.remove(argv, 1), argv) end
  local options, rest = client.parse(argv, { url = "value", token = "value" })
  if not options or #rest > 0 then return client.misused(ctx, M, options and "a program stands before options" or rest) end
  ctx.url, ctx.token = options.url or ctx.url, options.token or ctx.token
  return require("moonwatch.repl").main(ctx)
end

return M
