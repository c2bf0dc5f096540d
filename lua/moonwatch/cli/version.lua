--- version.lua - `moonwatch version`.
local M = { usage = "version", help = "the version of this program" }

function M.main(ctx)
  ctx.out(("moonwatch %s\n"):format(ctx.host.version()))
  return 0
end

return M
