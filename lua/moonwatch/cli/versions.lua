--- versions.lua - `moonwatch versions`: the bundles that were pushed, newest first.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "versions"
M.help = "the rule bundles that were pushed; * marks the one that the nodes run"
M.flags = {}

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest > 0 then
    return client.misused(ctx, M, options and "versions takes no arguments" or rest)
  end
  local found = client.ask(ctx, "GET", "/api/mw/v1/bundles")
  if not found then return 1 end
  local rows = { { " ", "VERSION", "TIME", "SHA", "AUTHOR", "COMMENT" } }
  for i = #found.versions, 1, -1 do
    local v = found.versions[i]
    rows[#rows + 1] = {
      v.version == found.current and "*" or " ", ("%d"):format(v.version), ctx.host.rfc3339(v.time or 0),
      v.sha:sub(1, 12), v.author or "", v.comment or "",
    }
  end
  return client.list(ctx, rows, "nothing was pushed yet")
end

return M
