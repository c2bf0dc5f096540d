--- maintenance.lua - windows in which a check is probed but not blamed.
local windows = require "moonwatch.route.window"

local M = {}

-- The windows of the set that ENGINE runs, compiled when first asked for: name -> { window=, at=, inside= }.
local function known(engine)
  local cache = engine.check_windows
  if cache and cache.set == engine.set then return cache end
  cache = { set = engine.set, specs = {}, by = {} }
  for _, spec in ipairs(engine.set and engine.set.routing.windows or {}) do cache.specs[spec.name] = spec end
  engine.check_windows = cache
  return cache
end

local function find(engine, name)
  local cache = known(engine)
  local found = cache.by[name]
  if not found then
    local spec = cache.specs[name]
    found = { window = spec and windows.new(spec, engine.host) or nil }
    cache.by[name] = found
  end
  return found
end

--- The first of the windows NAMES that T is inside of, or nil.
function M.inside(engine, names, t)
  for _, name in ipairs(names) do
    local w = find(engine, name)
    if w.at ~= t then w.at, w.inside = t, w.window ~= nil and w.window:contains(t) end
    if w.inside then return name end
  end
end

return M
