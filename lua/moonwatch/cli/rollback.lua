--- rollback.lua - `moonwatch rollback`: every node goes back to rules that were pushed before.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "rollback [VERSION]"
M.help = "make an older bundle the newest again; without VERSION the last one that differs from what runs"
M.flags = {}

-- The newest version with other files than the current one.
local function previous(found)
  local list = found.versions
  local now = list[#list]
  for i = #list - 1, 1, -1 do
    if list[i].sha ~= now.sha then return list[i].version end
  end
end

local function wanted(ctx, text)
  if text then return tonumber(text) end
  local found = client.ask(ctx, "GET", "/api/mw/v1/bundles")
  if not found then return nil, 1 end
  local version = previous(found)
  if version then return version end
  ctx.err "there is no older bundle to go back to\n"
  return nil, 1
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest > 1 or (rest[1] and not tonumber(rest[1])) then
    return client.misused(ctx, M, options and "rollback takes the number of a version" or rest)
  end
  local version, status = wanted(ctx, rest[1])
  if not version then return status end
  local found = client.ask(ctx, "POST", "/api/mw/v1/bundles/rollback", {
    version = version, author = ctx.host.env "USER" or "",
  })
  if not found then return 1 end
  ctx.out(("version %d is the same as version %d (%s)\n"):format(found.version, version, found.sha:sub(1, 12)))
  return 0
end

return M
