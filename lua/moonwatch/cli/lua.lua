--- lua.lua - `moonwatch lua FILE [ARGS]`: run trusted Lua with the moonwatch modules.
local M = { usage = "lua FILE [ARGS]", help = "run a trusted Lua program with the moonwatch modules at hand", raw = true }

function M.main(ctx, argv)
  local path = table.remove(argv, 1)
  if not path then
    ctx.err(("usage: moonwatch %s\n"):format(M.usage))
    return 2
  end
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

return M
