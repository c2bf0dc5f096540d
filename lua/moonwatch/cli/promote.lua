--- promote.lua - `moonwatch promote`: the shadow takes the place of the live rule, until the files are edited.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "promote NAME [--undo]"
M.help = "make the shadow NAME (a name or an id that `shadow` shows) live, with what it knows; --undo: the rule before it again"

function M.main(ctx, argv)
  local options, rest = client.parse(argv, { undo = "switch" })
  if not options or #rest ~= 1 then return client.misused(ctx, M, options and "say which shadow" or rest) end
  local done = client.ask(ctx, "POST", "/api/mw/v1/shadow/promote", { name = rest[1], undo = options.undo or false })
  if not done then return 1 end
  ctx.out(("%s: %s\n"):format(done.id, done.message))
  return 0
end

return M
