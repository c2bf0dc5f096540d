--- http.lua - which of the router's HTTP doors a path belongs to.
local reply = require "moonwatch.api.router_reply"

local DOORS = {
  { "^/api/v2/", require "moonwatch.api.alertmanager" },
  { "^/api/mw/v1/ack/link/", require "moonwatch.api.ack_link" },
  { "^/api/mw/v1/alerts", require "moonwatch.api.open_alerts" },
  { "^/api/mw/v1/oncall", require "moonwatch.api.oncall" },
  { "^/api/mw/v1/slack/", require "moonwatch.api.slack" },
  { "^/api/mw/v1/pagerduty/", require "moonwatch.api.pagerduty" },
  { "^/api/mw/v1/acks?", require "moonwatch.api.ack" },
  { "^/api/mw/v1/audit", require "moonwatch.api.audit" },
  { "^/api/mw/v1/receivers", require "moonwatch.api.receivers" },
  { "^/api/mw/v1/drills", require "moonwatch.api.drills" },
  { "^/api/mw/v1/silences", require "moonwatch.api.silences" },
  { "^/api/mw/v1/why", require "moonwatch.api.why" },
  { "^/api/mw/v1/", require "moonwatch.api.notifications" },
}

--- Answer the request MSG = {method, path, query, headers, body}.
return function(router, msg, now)
  for _, door in ipairs(DOORS) do
    if msg.path:find(door[1]) then return door[2].answer(router, msg, now) end
  end
  return reply.problem(router.host, 404, "not_found", ("there is nothing at %s"):format(msg.path))
end
