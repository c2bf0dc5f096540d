--- versions.lua - `moonwatch versions`: the bundles that were pushed, newest first.
local args_of = require "moonwatch.cli.args"
local client = require "moonwatch.cluster.client"

local M = {}

M.usage = "versions"
M.help = "the rule bundles that were pushed; * marks the one that the nodes run"
M.flags = {}

function M.main(ctx, argv)
  local options, rest = args_of.parse(argv, M.flags)
  if not options or #rest > 0 then
    ctx.err(("%s\nusage: moonwatch %s\n"):format(options and "versions takes no arguments" or rest, M.usage))
    return 2
  end
  local found = client.ask(ctx, "GET", "/bundles")
  if not found then return 1 end
  local rows = { { " ", "VERSION", "TIME", "SHA", "AUTHOR", "COMMENT" } }
  for i = #found.versions, 1, -1 do
    local v = found.versions[i]
    rows[#rows + 1] = {
      v.version == found.current and "*" or " ", ("%d"):format(v.version), ctx.host.rfc3339(v.time or 0),
      v.sha:sub(1, 12), v.author or "", v.comment or "",
    }
  end
  ctx.out(#rows > 1 and client.columns(rows) or "nothing was pushed yet\n")
  return 0
end

return M
