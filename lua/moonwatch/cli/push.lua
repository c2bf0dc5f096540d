--- push.lua - `moonwatch push`: a folder of rules to every node of the cluster.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "push DIR [--comment TEXT]"
M.help = "check the rules in DIR and share them with every node through Redis"
M.flags = { comment = "value" }

-- Every .lua file below DIR, by its path from there.
local function gather(host, dir, prefix, files)
  for _, path in ipairs(host.glob(dir .. "/*") or {}) do
    local name = path:match "[^/]+$"
    local facts = host.stat(path)
    if facts and facts.dir then
      gather(host, path, prefix .. name .. "/", files)
    elseif name:find "%.lua$" then
      local text, why = host.read_file(path)
      if not text then return nil, why end
      files[prefix .. name] = text
    end
  end
  return files
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest ~= 1 then
    return client.misused(ctx, M, options and "push takes one DIR" or rest)
  end
  local dir = rest[1]:gsub("(.)/+$", "%1")
  local facts = ctx.host.stat(dir)
  if not facts or not facts.dir then
    ctx.err(("%s is no folder\n"):format(dir))
    return 2
  end
  local files, why = gather(ctx.host, dir, "", {})
  if not files or not next(files) then
    ctx.err((why or ("%s has no .lua files"):format(dir)) .. "\n")
    return 1
  end
  local found = client.ask(ctx, "POST", "/api/mw/v1/bundles", {
    files = files, comment = options.comment or "", author = ctx.host.env "USER" or "",
  })
  if not found then return 1 end
  ctx.out(("version %d pushed (%s)\n"):format(found.version, found.sha:sub(1, 12)))
  return 0
end

return M
