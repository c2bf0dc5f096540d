--- gone.lua - what was taken back must not come back with a node that was away meanwhile.
--
-- A node that starts knows what it knew when it went.  So what ends by somebody's word is not just removed from what the nodes
-- share: for a week it stands there as gone, and whoever comes back hears of it.
local M = {}

local KEPT = 7 * 86400

--- KIND's ID was taken back at NOW: the others hear of it, and those that are away will.
function M.share(router, kind, id, now)
  router.gone[kind .. "/" .. id] = { kind = kind, id = id, at = now }
  router.share(kind, id, { gone = now })
end

--- VALUE of KIND's ID as a peer shared it; nil when it is gone.
function M.read(router, kind, id, value)
  local key = kind .. "/" .. id
  if type(value) ~= "table" or not value.gone then
    router.gone[key] = nil
    return value
  end
  router.gone[key] = { kind = kind, id = id, at = value.gone }
end

--- Forget what went long ago.
function M.cleanup(router, now)
  for key, one in pairs(router.gone) do
    if one.at + KEPT <= now then
      router.gone[key] = nil
      if router.holds then router.share(one.kind, one.id, nil) end
    end
  end
end

return M
