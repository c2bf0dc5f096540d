--- gather.lua - a group that is due waits a moment while news is being posted.
--
-- Whoever has much to say posts it in pieces: a Prometheus 64 alerts at a time.  A group that is told at once, because its alerts
-- are older than `group_wait`, would be told of the first piece, and of the rest a `group_interval` later.  So nobody is told
-- until nothing new was posted for CALM seconds, except of what is due for MOST seconds already.
local M = {}

M.CALM, M.MOST = 0.1, 1

--- News was posted at NOW.
function M.heard(router, now) router.news_at = now end

local function is_calm(router, now) return not router.news_at or now >= router.news_at + M.CALM end

--- Groups that are due by this time are told at NOW.
function M.by(router, now)
  if not router.o.gathers or is_calm(router, now) then return now end
  return now - M.MOST
end

--- When the group that is due at AT is told, if nothing new is posted after NOW.
function M.told_at(router, at, now)
  if not router.o.gathers or is_calm(router, now) then return at end
  return math.max(at, math.min(router.news_at + M.CALM, at + M.MOST))
end

return M
