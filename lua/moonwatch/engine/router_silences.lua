--- router_silences.lua - what the router does with silences beside asking whether they mute.
local audit = require "moonwatch.engine.router_audit"
local rules = require "moonwatch.route.silence_rules"

local M = {}

local function share(router, id) router.share("silence", id, router.silences:get(id)) end

--- Add or change silence S (see route/silence.lua) for WHO (of `audit.who`, or nil).  Its id, or nil, "missing"|"bad", message.
function M.set(router, s, now, who)
  local before = s.id and router.silences:get(s.id)
  local id, code, why = router.silences:set(s, now)
  if not id then return nil, code, why end
  share(router, id)
  local kept = router.silences:get(id)
  local details = { silence = id, matchers = rules.text(kept), ends = router.host.rfc3339(kept.ends_at), comment = kept.comment }
  if before then details.before = before.id ~= id and before.id or nil end
  audit.note(router, before and "silence.changed" or "silence.made", who or kept.created_by, now, details)
  if before and before.id ~= id then share(router, before.id) end
  router.changed = true
  return id
end

--- End silence ID now, for WHO.  nil, message when there is none.
function M.expire(router, id, now, who)
  local s = router.silences:get(id)
  local over = s and s.ends_at <= now
  local ended, why = router.silences:expire(id, now)
  if not ended then return nil, why end
  share(router, id)
  if not over then audit.note(router, "silence.expired", who or "unknown", now, { silence = id, matchers = rules.text(ended), comment = ended.comment }) end
  router.changed = true
  return ended
end

return M
