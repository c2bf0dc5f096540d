--- notify.lua - `moonwatch notify NAME --test`: does this receiver hear us?
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "notify NAME --test [--json]"
M.help = "send a marked test message through the real path of a receiver"
M.flags = { test = "switch", json = "switch" }

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest ~= 1 then return client.misused(ctx, M, options and "say which receiver" or rest) end
  if not options.test then return client.misused(ctx, M, "only test messages are sent by hand: add --test") end
  local answer = client.ask(ctx, "POST", "/api/mw/v1/receivers/" .. client.escape(rest[1]) .. "/test")
  if not answer then return 1 end
  if options.json then
    client.json(ctx, answer)
  else
    local rows = { { "INTEGRATION", "RESULT", "" } }
    for _, r in ipairs(answer.results) do rows[#rows + 1] = { r.integration, r.result, r.error or "" } end
    ctx.out(client.columns(rows))
  end
  return answer.ok and 0 or 1
end

return M
