--- repeat.lua - a reminder comes when it is due, not at the flush after that.
--
-- Alertmanager looks at repeat_interval only when group_interval is over, so it is rounded up to a multiple of that.  A group of
-- a native route wakes at the very moment at which the first of its receivers is to be told again.
local notify = require "moonwatch.route.notify"

local M = {}

--- Let GROUP wake when one of its receivers is due for a repeat.
function M.plan(router, group, now)
  if group.node.compat == "alertmanager" or group.seen and group.seen.view.acked then return end
  for _, entry in pairs(router.ledger:believers(group.key)) do
    local at = notify.repeat_at(entry, group.node)
    if at > now and at < group.next then router:wake(group, at) end
  end
end

return M
