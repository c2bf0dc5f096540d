--- files.lua - which files `moonwatch test` runs: busted specs and promtool files, in folders and by name.
local M = {}

-- What a file in a folder is called when it is a test.  A file that is named is one whatever its name.
local SPEC = "_spec%.lua$"
local PROMTOOL = { "_test%.ya?ml$", "%.test%.ya?ml$", "^tests?%.ya?ml$" }

local function is_yaml(path) return path:find "%.ya?ml$" ~= nil end

local function is_promtool(name)
  for _, pattern in ipairs(PROMTOOL) do
    if name:find(pattern) then return true end
  end
  return false
end

local DEEPEST = 32

local function walk(host, dir, found, depth)
  for _, path in ipairs(depth < DEEPEST and host.glob(dir:gsub("/+$", "") .. "/*") or {}) do
    local name = path:match "[^/]+$"
    local stat = host.stat(path)
    if stat and stat.dir then walk(host, path, found, depth + 1)
    elseif name:find(SPEC) then found.specs[#found.specs + 1] = path
    elseif is_promtool(name) then found.promtool[#found.promtool + 1] = path end
  end
end

--- PATHS (files, folders) -> { specs=, promtool= }; nil and why when one is not there.
function M.find(host, paths)
  local found = { specs = {}, promtool = {} }
  for _, path in ipairs(paths) do
    local stat = host.stat(path)
    if not stat then return nil, ("%s: there is no such file or folder"):format(path) end
    if stat.dir then walk(host, path, found, 0)
    elseif is_yaml(path) then table.insert(found.promtool, path)
    else table.insert(found.specs, path) end
  end
  return found
end

return M
