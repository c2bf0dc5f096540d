--- mute.lua - why an alert is not spoken of right now.
--
-- Asked in this order: inhibited by another alert, outside of an active window, inside a mute window,
-- silenced.  The first yes is the reason.
local M = {}

local function any(windows, names, now)
  for _, name in ipairs(names) do
    if windows[name] and windows[name]:contains(now) then return name end
  end
end

--- Does a window mute the whole of route NODE?  The reason, or nil.
function M.route(node, windows, now)
  for _, level in ipairs(node.active) do
    if not any(windows, level, now) then return { kind = "window", by = level, text = "outside of the active window " .. table.concat(level, ", ") } end
  end
  local name = any(windows, node.mute, now)
  if name then return { kind = "window", by = { name }, text = "muted by the window " .. name } end
end

--- Is an alert with LABELS muted on every route?
function M.is_muted(labels, inhibitor, silences, now)
  return inhibitor:muted_by(labels, now) ~= nil or silences:any() and #silences:muting(labels, now) > 0
end

--- Who mutes an alert with LABELS on any route: {inhibited_by=fp or nil, silenced_by={ids}}.
function M.status(labels, inhibitor, silences, now)
  return { inhibited_by = inhibitor:muted_by(labels, now), silenced_by = silences:muting(labels, now) }
end

--- The reason why an alert with LABELS on route NODE is muted, or nil.
function M.reason(labels, node, router, now)
  local source = router.inhibitor:muted_by(labels, now)
  if source then return { kind = "inhibited", by = { source }, text = "inhibited by alert " .. source } end
  local windowed = M.route(node, router.windows, now)
  if windowed then return windowed end
  if not router.silences:any() then return nil end
  local ids = router.silences:muting(labels, now)
  if #ids > 0 then return { kind = "silenced", by = ids, text = "silenced by " .. table.concat(ids, ", ") } end
end

return M
