--- overlay.lua - "what if these were the files?": a host whose disk holds files of somebody else in the places of its own.
--
-- The files of a request are known by the paths that they have where they come from.  Each finds its place here:
--   a root file          that of the root file here, and the files beside it replace all Lua files beside that one
--   a folder             the folder of rules here, by its name when there are several; it replaces all Lua files below that
--   a file               the file that runs here under the longest same end of its path; else it is a new one of the folder
-- What loads through it has the names of this place, so that a plan is about what a reload would do here.  Whoever sends files
-- must not learn what else is on this disk or in the environment: only files that run here are read, and only variables that
-- these ask for.
local M = {}

local function folder(path) return path:match "^(.*)/[^/]*$" or "." end
local function base(path) return path:match "([^/]*)$" end
local function join(dir, rest) return dir == "." and rest or dir .. "/" .. rest end

local function clean(path)
  return (path:gsub("/+", "/"):gsub("^%./", ""):gsub("/%./", "/"):gsub("(.)/$", "%1"))
end

-- The part of PATH below DIR, or nil.
local function below(path, dir)
  if dir == "." then return path:sub(1, 1) ~= "/" and not path:find "^%.%./" and path or nil end
  if path:sub(1, #dir + 1) == dir .. "/" then return path:sub(#dir + 2) end
end

-- -- places here -----------------------------------------------------------

-- The folders that rules are read from here.
local function rule_folders(place)
  local out, seen = {}, {}
  local function add(dir)
    dir = clean(dir)
    if not seen[dir] then seen[dir], out[#out + 1] = true, dir end
  end
  for _, dir in ipairs(place.rules or {}) do add(dir) end
  for path in pairs(place.units or place.running or {}) do
    if path ~= place.config and not path:find "^bundle/" then add(folder(path)) end
  end
  if place.bundle then add "bundle" end
  table.sort(out)
  return out
end

local function place_of_folder(place, dir)
  local folders = rule_folders(place)
  if #folders == 1 then return folders[1] end
  local found = {}
  for _, candidate in ipairs(folders) do
    if candidate == dir then return candidate end
    if base(candidate) == base(dir) then found[#found + 1] = candidate end
  end
  if #found == 1 then return found[1] end
  if #folders == 0 then return nil, "the server reads rules from no folder" end
  return nil, ("which folder of the server is %s? it reads rules from %s"):format(dir, table.concat(folders, ", "))
end

-- How many parts of their ends two paths share.
local function same_end(a, b)
  local n = 0
  while a ~= "" and b ~= "" and base(a) == base(b) do
    n = n + 1
    a, b = a:match "^(.*)/[^/]*$" or "", b:match "^(.*)/[^/]*$" or ""
  end
  return n
end

local function place_of_file(place, path)
  local best, most, twice = nil, 0, false
  for running in pairs(place.running or {}) do
    local n = same_end(running, path)
    if n > most then best, most, twice = running, n, false
    elseif n == most and n > 0 then twice = true end
  end
  if best and not twice then return best end
  if twice then return nil, ("which file of the server is %s? several end like it"):format(path) end
  if not path:find "%.lua$" then return nil, ("%s is no file of the server, and would be none of its rules: those end in .lua"):format(path) end
  local dir, why = place_of_folder(place, folder(path))
  return dir and join(dir, base(path)), why
end

-- -- the whole -------------------------------------------------------------

local MOUNT = {} -- what is asked for: given -> place, or nil and why

function MOUNT.config(self, place, given)
  if not place.config then return nil, "the server runs without a root file; check the folder of its rules" end
  self.mounts[#self.mounts + 1] = { here = folder(clean(place.config)), there = folder(given) }
  self.exact[clean(place.config)] = given
  return true
end

-- A folder with a root file of its own is one of a server that runs with such a file.
function MOUNT.folder(self, place, given)
  local root = place.config and clean(join(given, base(clean(place.config))))
  if root and self.files[root] then return MOUNT.config(self, place, root) end
  local dir, why = place_of_folder(place, given)
  if not dir then return nil, why end
  self.mounts[#self.mounts + 1] = { here = dir, there = given }
  return true
end

function MOUNT.file(self, place, given)
  local path, why = place_of_file(place, given)
  if not path then return nil, why end
  self.exact[path] = given
  return true
end

local Overlay = {}
Overlay.__index = Overlay

-- What PATH holds: a text, false (nothing), or nil (ask the disk).
function Overlay:find(path)
  path = clean(path)
  if self.exact[path] then return self.files[self.exact[path]] or false end
  for _, mount in ipairs(self.mounts) do
    local rest = path:find "%.lua$" and below(path, mount.here)
    if rest then return self.files[clean(join(mount.there, rest))] or false end
  end
end

-- Where the file that is PATH there would be here.
function Overlay:here(path)
  for here, there in pairs(self.exact) do
    if there == path then return here end
  end
  for _, mount in ipairs(self.mounts) do
    local rest = below(path, mount.there)
    if rest then return join(mount.here, rest) end
  end
end

--- The name there of PATH here.
function Overlay:there(path)
  for given in pairs(self.files) do
    if self:here(given) == path then return given end
  end
  return path
end

-- A pattern of glob as one of Lua.
local function pattern_of(glob)
  local out = glob:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", "[^/]*"):gsub("%?", "[^/]"):gsub("%[!", "[^")
  return "^" .. out .. "$"
end

function Overlay:glob(glob, disk)
  local out, pattern = {}, pattern_of(clean(glob))
  for _, path in ipairs(disk) do
    if self:find(path) == nil then out[#out + 1] = path end
  end
  for given in pairs(self.files) do
    local path = self:here(given)
    if path and path:find(pattern) then out[#out + 1] = path end
  end
  table.sort(out)
  return out
end

-- The variables of the environment that the files here read, as host.guest wants them.
local function env_of(host, place)
  local out = {}
  for path in pairs(place.running or {}) do
    for name in (host.read_file(path) or ""):gmatch "%f[%w_]env%s*%(?%s*[\"']([%w_]+)[\"']" do out[#out + 1] = name end
  end
  for _, text in pairs(place.bundle or {}) do
    for name in text:gmatch "%f[%w_]env%s*%(?%s*[\"']([%w_]+)[\"']" do out[#out + 1] = name end
  end
  return " " .. table.concat(out, " ") .. " "
end

--- FILES (path there -> text) in the places of PLACE, all of the server: { config=, rules= (folders), running= (path -> anything),
-- units= (those of them that are no modules), bundle= (path -> text, or nil) }.  WHAT: list of { kind = "config", "folder" or "file", path= }.  Gives { host=, bundle= },
-- and `there` to name files; or nil, message.
function M.new(host, files, what, place)
  local self = setmetatable({ files = {}, mounts = {}, exact = {} }, Overlay)
  for path, text in pairs(files) do self.files[clean(path)] = text end
  for _, item in ipairs(what) do
    local mount = MOUNT[item.kind]
    if not mount then return nil, ("what is %q? a config, a folder or a file"):format(tostring(item.kind)) end
    local ok, why = mount(self, place, clean(item.path))
    if not ok then return nil, why end
  end
  self.host = setmetatable({
    read_file = function(path)
      local text = self:find(path)
      if text == nil and place.running and place.running[path] then return host.read_file(path) end
      return text or nil, not text and "no such file" or nil
    end,
    glob = function(pattern)
      local disk = {}
      for _, path in ipairs(host.glob(pattern)) do
        if place.running and place.running[path] then disk[#disk + 1] = path end
      end
      return self:glob(pattern, disk)
    end,
    guest = function(spec)
      spec.env = self.env
      return host.guest(spec)
    end,
  }, { __index = host })
  self.env = env_of(host, place)
  if place.bundle then
    self.bundle = {}
    for path, text in pairs(place.bundle) do self.bundle[path] = self:find("bundle/" .. path) == nil and text or nil end
    for given, text in pairs(self.files) do
      local path = self:here(given)
      local rest = path and below(path, "bundle")
      if rest then self.bundle[rest] = text end
    end
  end
  return self
end

return M
