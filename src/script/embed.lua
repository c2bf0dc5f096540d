-- embed.lua - Lua files as texts in one module: name that rule files require -> source.
-- Usage: luajit src/script/embed.lua FILE...
print "-- Written by the Makefile from lua/moonwatch/guest/.\nreturn {"
for _, path in ipairs(arg) do
  local file = assert(io.open(path, "rb"))
  print(("  [%q] = %q,"):format("moonwatch." .. path:match "([^/]+)%.lua$", file:read "*a"))
  file:close()
end
print "}"
