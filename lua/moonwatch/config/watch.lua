--- watch.lua - did a file of the set change, appear or go?
--
-- A fingerprint of names, sizes and times, taken at most once a second.  A change counts once it has been the same for
-- two looks, so a file that is still being written is not read halfway.
local M = {}
M.__index = M

local PERIOD = 1

function M.new(host) return setmetatable({ host = host, files = {}, globs = {} }, M) end

local function fingerprint(self)
  local paths, out = {}, {}
  for path in pairs(self.files) do paths[path] = true end
  for _, pattern in ipairs(self.globs) do
    for _, path in ipairs(self.host.glob(pattern)) do paths[path] = true end
  end
  for path in pairs(paths) do
    local stat = self.host.stat(path)
    out[#out + 1] = ("%s\0%s\0%s"):format(path, stat and stat.mtime or "-", stat and stat.size or "-")
  end
  table.sort(out)
  return table.concat(out, "\n")
end

--- A load begins, which takes a while: what changes from here on is not what it read.
function M:mark() self.marked = fingerprint(self) end

--- Watch these from now on: { files = set of paths, globs = list }.
function M:set(watch, now)
  local moved = self.marked and self.marked ~= fingerprint(self)
  self.files, self.globs, self.marked = watch.files, watch.globs, nil
  self.known = moved and "" or fingerprint(self)
  self.next, self.seen = now + PERIOD, nil
end

--- True when something changed since `set` and has settled; asks the disk at most once a second.
function M:changed(now)
  if not self.known or now < self.next then return false end
  self.next = now + PERIOD
  local print = fingerprint(self)
  if print == self.known then
    self.seen = nil
    return false
  end
  if self.seen ~= print then
    self.seen = print
    self.next = now + PERIOD / 4
    return false
  end
  self.known, self.seen = print, nil
  return true
end

return M
