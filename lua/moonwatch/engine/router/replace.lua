--- replace.lua - an alert that goes on under other labels, because its severity changed: one story, not an end and a beginning.
--
-- In a group that holds both, the old one leaves without a word and the receivers no longer believe in it; the new one is news.
-- A group that holds only the old one is told that it ended, as the alert is another group's now.  Routes with
-- compat="alertmanager" know nothing of this.
local labels_of = require "moonwatch.route.labels"

local M = {}

local function leave(router, group, old)
  group:remove(old.fp)
  for target, entry in pairs(router.ledger.groups[group.key] or {}) do
    if entry.firing[old.fp] then
      entry.firing[old.fp] = nil
      router:believe(group.key, target, entry)
    end
  end
end

--- ALERT, which is in its groups already, takes the place of the one that was called LABELS.
function M.apply(router, alert, labels, now)
  local old = router.alerts:get(router.host.fingerprint(labels))
  if not old or old.fp == alert.fp or old.ends_at and old.ends_at <= now then return end
  local ended = { annotations = {}, ends_at = now, updated_at = now }
  for name, value in pairs(old) do ended[name] = ended[name] or value end
  for name, value in labels_of.each(old.annotations or {}) do ended.annotations[name] = value end
  ended.annotations.replaced = ("it goes on with severity %s"):format(alert.labels.severity or "none")
  for _, group in pairs(router.groups) do
    if group.members[old.fp] and group.members[alert.fp] and group.node.compat ~= "alertmanager" then leave(router, group, old) end
  end
  router.alerts:put(ended, now)
  router.inhibitor:remove(old)
  for _, group in pairs(router.groups) do
    if group.members[old.fp] then router:join(group, ended, now) end
  end
  router.share("alert", ended.fp, ended)
end

return M
