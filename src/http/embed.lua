-- embed.lua - every file under a folder as bytes in one C table, on standard output.
-- Usage: luajit src/http/embed.lua FOLDER
local root = assert(arg[1], "usage: embed.lua FOLDER")

local types = {
  html = "text/html; charset=utf-8", css = "text/css; charset=utf-8", js = "text/javascript; charset=utf-8",
  mjs = "text/javascript; charset=utf-8", svg = "image/svg+xml", json = "application/json", txt = "text/plain; charset=utf-8",
}

local function files(folder)
  local list, pipe = {}, assert(io.popen(("find '%s' -type f | LC_ALL=C sort"):format(folder)))
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local function bytes(text)
  local out = {}
  for i = 1, #text do out[i] = text:byte(i) end
  return table.concat(out, ",")
end

print '#include "http/web.h"'
local rows = {}
for i, path in ipairs(files(root)) do
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  local kind = types[path:match "%.(%w+)$"] or "application/octet-stream"
  print(("static const unsigned char f%d[] = {%s};"):format(i, #text > 0 and bytes(text) or "0"))
  rows[i] = ('{"%s", "%s", f%d, %d},'):format(path:sub(#root + 1), kind, i, #text)
end
print(("const mw_web_file mw_web_files[] = {%s {0, 0, 0, 0}};"):format(table.concat(rows, "\n")))
print(("const size_t mw_web_n = %d;"):format(#rows))
