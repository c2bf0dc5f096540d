--- files.lua - what was read while files were loaded, to be loaded again somewhere else.
--
-- A server is sent what the command read: texts by path, and what each pattern found.  It loads from that and never from its
-- own disk.
local M = {}

M.MOST = 8 * 1024 * 1024 -- bytes of all texts

--- A host like HOST that notes what it reads into the second value: { files=, globs= }.
function M.recorder(host)
  local book = { files = {}, globs = {} }
  local self = setmetatable({}, { __index = host })
  function self.read_file(path)
    local text, why = host.read_file(path)
    if text then book.files[path] = text end
    return text, why
  end
  function self.glob(pattern)
    local found = host.glob(pattern)
    book.globs[pattern] = found
    return found
  end
  return self, book
end

--- HOST with what BOOK says in the place of its files.
function M.player(host, book)
  function host.read_file(path)
    local text = book.files[path]
    if type(text) == "string" then return text end
    return nil, "was not sent along"
  end
  function host.glob(pattern)
    local out = {}
    for i, path in ipairs(type(book.globs) == "table" and book.globs[pattern] or {}) do out[i] = tostring(path) end
    return out
  end
  function host.stat(path) return book.files[path] and { size = #book.files[path], mtime = 0, dir = false } or nil end
  return host
end

--- Is BOOK one?  True, or nil, why.
function M.check(book)
  if type(book) ~= "table" or type(book.files) ~= "table" then return nil, "files: texts by path" end
  local bytes = 0
  for path, text in pairs(book.files) do
    if type(path) ~= "string" or type(text) ~= "string" then return nil, "files: texts by path" end
    bytes = bytes + #text
  end
  if bytes > M.MOST then return nil, ("the files are larger than %d MB together"):format(M.MOST / 1048576) end
  return true
end

return M
