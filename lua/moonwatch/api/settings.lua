--- settings.lua - /api/mw/v1/settings: what the settings of the server add to every rule, for who judges rules elsewhere.
local answer = require "moonwatch.api.answer"

local function get(engine)
  local settings = engine.set and engine.set.settings or {}
  return answer.json(engine.host, 200, { external_labels = answer.object(settings.external_labels or {}), external_url = settings.external_url,
                                         query_offset = settings.query_offset or 0 })
end

return { ["/api/mw/v1/settings"] = get }
