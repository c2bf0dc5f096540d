--- ack.lua - `moonwatch ack`: "I am on it".
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "ack ALERT [LABEL=VALUE...] [--for D] [--comment C] [--author A]"
M.help = "stop escalation and repeats of an alert until it resolves, or for a while"

function M.main(ctx, argv)
  local options, rest = client.parse(argv, { ["for"] = "value", comment = "value", author = "value" })
  if not options then return client.misused(ctx, M, rest) end
  local name = table.remove(rest, 1)
  if not name then return client.misused(ctx, M, "say which alert") end
  local labels, err = client.pairs_of(rest)
  if not labels then return client.misused(ctx, M, err) end
  local ack = client.ask(ctx, "POST", "/api/mw/v1/ack", { alert = name, labels = labels, ["for"] = options["for"],
    comment = options.comment, author = options.author or ctx.host.env "USER" })
  if not ack then return 1 end
  ctx.out(("%s acknowledged: %d firing alert(s), %s\n"):format(name, #ack.alerts, ack.ends and "until " .. ack.ends or "until resolved"))
  return 0
end

return M
