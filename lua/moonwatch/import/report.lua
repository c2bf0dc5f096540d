--- report.lua - what an import could not do: each with its place in the file it came from.
local M = {}
M.__index = M

function M.new() return setmetatable({ list = {}, seen = {} }, M) end

--- AT: a node or { line=, col= }.  What the file says at AT is not in what is written: WHAT says why.
function M:lost(path, at, what)
  local item = { path = path, line = at.line or 1, col = at.col or 1, message = what, order = #self.list + 1 }
  local key = ("%s:%d:%d:%s"):format(path, item.line, item.col, what)
  if self.seen[key] then return false end
  self.seen[key] = true
  table.insert(self.list, item)
  return true
end

--- Nothing of the file is in what is written.
function M:whole(path, what) table.insert(self.list, { path = path, line = 0, col = 0, whole = true, message = what, order = #self.list + 1 }) end

--- Said like what is lost, but it is carried over: only worth knowing.
function M:note(path, at, what)
  if self:lost(path, at, "note: " .. what) then self.notes = (self.notes or 0) + 1 end
end

--- How much is lost.
function M:count() return #self.list - (self.notes or 0) end

--- Lines "file:line:col: message", in the order of the files and their lines.
function M:lines()
  local files, out = {}, {}
  for _, item in ipairs(self.list) do files[item.path] = files[item.path] or item.order end
  table.sort(self.list, function(a, b)
    if a.path ~= b.path then return files[a.path] < files[b.path] end
    if a.line ~= b.line then return a.line < b.line end
    if a.col ~= b.col then return a.col < b.col end
    return a.order < b.order
  end)
  for i, item in ipairs(self.list) do
    local place = item.whole and item.path or ("%s:%d:%d"):format(item.path, item.line, item.col)
    out[i] = place .. ": " .. item.message
  end
  return out
end

return M
