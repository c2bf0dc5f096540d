--- outputs.lua - the files that an import writes, each under a name of its own.
local writer = require "moonwatch.import.lua_writer"

local M = {}
M.__index = M

--- DIR: where to; nil: the text goes to stdout.
function M.new(host, dir) return setmetatable({ host = host, dir = dir, list = {}, taken = {} }, M) end

--- "dir/web.rules.yml" -> "web.rules"
function M.stem(path)
  local name = path:match "[^/]*$"
  for _, ending in ipairs { "%.ya?ml$", "%.json$", "%.rules?$" } do name = name:gsub(ending, "") end
  name = name:gsub("[^%w%._%-]", "_"):gsub("_spec$", "_rules"):gsub("^%.+", "")
  return name ~= "" and name or "imported"
end

--- TEXT as the file FOLDER/STEM.lua (FOLDER may be ""), or another name when that is taken.
function M:add(folder, stem, text)
  local name, n = folder .. stem .. ".lua", 1
  while self.taken[name] do
    n = n + 1
    name = ("%s%s_%d.lua"):format(folder, stem, n)
  end
  self.taken[name] = true
  self.list[#self.list + 1] = { name = name, text = text }
end

local function print_all(self, ctx)
  for _, file in ipairs(self.list) do
    if #self.list > 1 then ctx.out(("-- %s %s\n"):format(file.name, ("-"):rep(math.max(3, 100 - #file.name)))) end
    ctx.out(file.text)
  end
end

local function write_one(self, ctx, file)
  local path = self.dir .. "/" .. file.name
  local before = self.host.read_file(path)
  if before and before:sub(1, #writer.MARK) ~= writer.MARK then
    ctx.err(("%s: is there already and was not written by an import; move it away or choose another folder with -o\n"):format(path))
    return false
  end
  self.host.mkdir((path:match "^(.*)/[^/]*$"))
  local ok, why = self.host.write_file(path, file.text)
  if not ok then
    ctx.err(("%s: cannot write: %s\n"):format(path, tostring(why)))
    return false
  end
  ctx.out(path .. "\n")
  return true
end

--- Write or print them.  Says whether something went wrong.
function M:write(ctx)
  if not self.dir then
    print_all(self, ctx)
    return false
  end
  local failed = false
  for _, file in ipairs(self.list) do failed = not write_one(self, ctx, file) or failed end
  return failed
end

return M
