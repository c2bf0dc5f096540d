--- problems.lua - what is wrong with a set of files: collected, ordered, told.
local M = {}
M.__index = M

function M.new() return setmetatable({ list = {} }, M) end

--- Why the file PATH is not read; WHY, of host.read_file, may begin with the path.
function M.unreadable(path, why)
  why = tostring(why)
  local named = why:sub(1, #path + 2) == path .. ": "
  return "cannot read: " .. (named and why:sub(#path + 3) or why)
end

--- The whole FILE has a problem, wherever one looks.
function M:whole(file, message)
  self.list[#self.list + 1] = { file = file, message = message, text = file .. ": " .. message }
end

--- decl: { word=, name= } or nil.  What is wrong in a module is wrong with the file OF that wants it too.
function M:add(file, line, col, decl, message, of)
  local what = ""
  if decl then what = decl.word .. (decl.name and (" %q"):format(decl.name) or "") .. ": " end
  local p = { file = file, line = line or 1, col = col or 1, word = decl and decl.word, name = decl and decl.name,
              message = what .. message, of = of ~= file and of or nil }
  p.text = ("%s:%d:%d: %s"):format(p.file, p.line, p.col, p.message)
  self.list[#self.list + 1] = p
end

--- The files that have problems as a set; OUT, when given, gets them.
function M:files(out)
  out = out or {}
  for _, p in ipairs(self.list) do
    out[p.file] = true
    if p.of then out[p.of] = true end
  end
  return out
end

--- Those of LIST as texts.
function M.texts(list)
  local out = {}
  for i, p in ipairs(list) do out[i] = p.text end
  return out
end

--- In order of file and place.
function M:sorted()
  table.sort(self.list, function(a, b)
    if a.file ~= b.file then return a.file < b.file end
    local line, other = a.line or 0, b.line or 0
    if line ~= other then return line < other end
    if a.col ~= b.col then return (a.col or 0) < (b.col or 0) end
    return a.message < b.message
  end)
  return self.list
end

return M
