--- incidentio.lua - alerts at incident.io, through an alert source that takes Alertmanager's messages.
--
-- A message of more than 512 KB would be refused: then it has half as many alerts, and again, until it fits.
local sign_in = require "moonwatch.to.sign_in"
local webhook = require "moonwatch.to.webhook"

local M = { kind = "incidentio", digests = "never" }

M.answers = {
  [401] = { says = "the token of the alert source is not accepted" }, [404] = { says = "there is no such alert source" },
  [422] = { says = "incident.io does not take this message" }, [429] = { retry = true, says = "too many or too large messages" },
}

local LARGEST = 512 * 1024

function M.build(note, fields, host)
  local most = math.min(fields.max_alerts or #note.alerts, #note.alerts)
  local text
  repeat
    text = webhook.body(note, { max_alerts = math.max(1, most) }, host, { version = "1" })
    most = math.floor(most / 2)
  until #text <= LARGEST or most < 1
  return { url = fields.url, method = "POST", headers = sign_in.headers({ auth = { bearer = fields.token } }, host), timeout = fields.timeout or 10,
    body = text }
end

return M
