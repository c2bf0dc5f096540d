--- unack.lua - `moonwatch unack`: nobody is on it any more.
local ack = require "moonwatch.cli.ack"
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "unack ALERT [LABEL=VALUE...] [--author A]"
M.help = "take an acknowledgement back: the alert rings again, its escalation starts from the first step"

function M.main(ctx, argv)
  local options, rest = client.parse(argv, { author = "value" })
  if not options then return client.misused(ctx, M, rest) end
  local name = table.remove(rest, 1)
  if not name then return client.misused(ctx, M, "say which alert") end
  local labels, err = client.pairs_of(rest)
  if not labels then return client.misused(ctx, M, err) end
  return ack.undo(ctx, name, labels, options.author or ctx.host.env "USER")
end

return M
