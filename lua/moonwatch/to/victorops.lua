--- victorops.lua - incidents at Splunk On-Call (VictorOps) through its REST endpoint.
--
-- One incident per group: its entity_id is a hash of the group key.  Key and routing key are part of the
-- address.  state_message is cut at 20480 characters.
local filled = require "moonwatch.to.filled"
local plain = require "moonwatch.to.plain"
local text = require "moonwatch.to.text"

local M = { kind = "victorops", hears_acks = true, digests = "never" }

M.answers = {
  [400] = { says = "the message is wrong" }, [401] = { says = "the API key is not accepted" }, [403] = { says = "the API key is not accepted" },
  [404] = { says = "there is no such endpoint: is the API key right?" },
  body = function(answer)
    return (answer.body or ""):match '"result"%s*:%s*"failure"' and
      "Splunk On-Call refused: " .. ((answer.body or ""):match '"message"%s*:%s*"([^"]*)"' or "no reason given") or nil
  end,
}

local URL = "https://alert.victorops.com/integrations/generic/20131114/alert"
local STATE_MESSAGE, NAME = 20480, 1024
local TYPES = { critical = "CRITICAL", page = "CRITICAL", error = "CRITICAL", warning = "WARNING", ticket = "WARNING", info = "INFO" }

--- Fields of the body that `custom_fields` may not name.
M.RESERVED = { routing_key = true, message_type = true, state_message = true, entity_display_name = true, monitoring_tool = true, entity_id = true,
  entity_state = true }

local function type_of(note, fields)
  if note.status == "resolved" then return "RECOVERY" end
  if note.status == "acknowledged" then return "ACKNOWLEDGEMENT" end
  local said = filled.text(fields.message_type, note)
  if said then return (said == "INFO" or said == "WARNING") and said or "CRITICAL" end
  return TYPES[plain.severity(note)] or "CRITICAL"
end

-- TEXT fit for a path.
local function path_of(said)
  return (said:gsub("[^%w%-_%.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

function M.build(note, fields, host)
  local first = note.alerts[1]
  local out = { message_type = type_of(note, fields), entity_id = host.sha256(note.group_key),
    entity_display_name = text.cut(filled.title(fields.entity_display_name, note), NAME),
    state_message = text.cut(filled.text(fields.state_message, note) or plain.body(note, host, STATE_MESSAGE), STATE_MESSAGE),
    monitoring_tool = filled.text(fields.monitoring_tool, note) or "moonwatch" }
  if first and first.starts_at then out.state_start_time = math.floor(first.starts_at) end
  for name, value in pairs(fields.custom_fields or {}) do out[name] = filled.text(value, note) end
  if note.ack then out.ack_author, out.ack_msg = note.ack.author, note.ack.comment end
  return { url = ("%s/%s/%s"):format((fields.url or URL):gsub("/+$", ""), path_of(fields.api_key), path_of(filled.text(fields.routing_key, note))),
    method = "POST", headers = { ["content-type"] = "application/json" }, timeout = fields.timeout or 10, body = host.json.encode(out) }
end

return M
