--- kept.lua - the good versions of files that have problems now, on disk: they are what runs after a restart.
--
-- DATA/rules-kept.json holds only those that stand in for a bad file, see quarantine.lua.
local M = {}
M.__index = M

local function path(self) return self.host.data_dir .. "/rules-kept.json" end

local function fits(row)
  if type(row) ~= "table" or type(row.source) ~= "string" or type(row.seen) ~= "table" then return false end
  for name, text in pairs(row.seen) do
    if type(name) ~= "string" or (type(text) ~= "string" and text ~= false) then return false end
  end
  return true
end

--- texts: path -> { source=, seen= (path of a module -> its text, false: there was none) }.
function M.new(host)
  local self = setmetatable({ host = host, texts = {} }, M)
  local text = host.read_file(path(self))
  local saved = text and host.json.decode(text)
  if text and type(saved) ~= "table" then
    host.log("error", "the kept versions of files are unreadable and were left aside", { file = path(self) })
  end
  for file, row in pairs(type(saved) == "table" and saved or {}) do
    if fits(row) then self.texts[file] = row end
  end
  self.written = text
  return self
end

--- SET runs: keep what stands in for bad files in it.
function M:take(set)
  local texts = {}
  for file, q in pairs(set.quarantined) do
    local unit = q.running and set.units[file]
    if unit then texts[file] = { source = unit.source, seen = setmetatable({}, nil) } end
    for name, text in pairs(unit and unit.seen or {}) do texts[file].seen[name] = text end
  end
  self.texts = texts
  if next(texts) == nil and not self.written then return end
  local text = self.host.json.encode(texts)
  if text == self.written then return end
  local ok, why = self.host.write_file(path(self), text)
  if ok then self.written = text
  else self.host.log("error", "the versions of files that go on were not kept on disk: " .. tostring(why)) end
end

return M
