--- quiet.lua - what one receiver may hear of a group while others hear more: silences of single receivers.
local M = {}

-- What of SEEN.visible is muted for TARGET: fingerprint → ids of silences; nil when nothing is.
local function muted_for(router, seen, target, now)
  local out
  for _, alert in ipairs(seen.visible) do
    local ids = router.silences:muting_for(alert.labels, target, now)
    if #ids > 0 then
      out = out or {}
      out[alert.fp] = ids
    end
  end
  return out
end

local function why_of(muted)
  local ids, set = {}, {}
  for _, list in pairs(muted) do
    for _, id in ipairs(list) do
      if not set[id] then set[id], ids[#ids + 1] = true, id end
    end
  end
  table.sort(ids)
  return "silenced for this receiver by " .. table.concat(ids, ", ")
end

--- SEEN, what a flush saw of its group and what concerns TARGET, as it may hear of it: SEEN itself where no silence means this
-- receiver only.
function M.for_target(router, seen, target, now)
  if not next(router.silences.limited_ones) then return seen end
  local muted = muted_for(router, seen, target, now)
  if not muted then return seen end
  local view, visible, unacked = { firing = {}, resolved = {}, muted = {} }, {}, false
  for fp in pairs(seen.view.muted) do view.muted[fp] = true end
  for fp in pairs(muted) do view.muted[fp] = true end
  for _, alert in ipairs(seen.visible) do
    if not muted[alert.fp] then
      visible[#visible + 1] = alert
      local firing = seen.view.firing[alert.fp]
      view[firing and "firing" or "resolved"][alert.fp] = true
      if firing and not router.acks:covering(alert, now) then unacked = true end
    end
  end
  view.acked = seen.view.acked or next(view.firing) ~= nil and not unacked
  return { visible = visible, view = view, muted_why = why_of(muted) }
end

return M
