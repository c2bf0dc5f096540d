--- settings.lua - what the status page is about: settings.status_page, and which checks are on it.
local M = {}

--- { page= (the settings), names= (set of checks) } of the set that ENGINE runs; nil when there is no page.
function M.of(engine)
  local cache = engine.status_settings
  if not cache or cache.set ~= engine.set then
    local page = engine.set and engine.set.settings.status_page
    cache = { set = engine.set, page = page, names = {} }
    for _, group in ipairs(page and page.groups or {}) do
      for _, name in ipairs(group.checks) do cache.names[name] = true end
    end
    engine.status_settings = cache
  end
  return cache.page and cache or nil
end

--- Is the check NAME on it?
function M.shows(engine, name)
  local s = M.of(engine)
  return s ~= nil and s.names[name] == true
end

return M
