--- alertmanager_yaml_receivers.lua - our receivers as integrations of Alertmanager: where a message goes, and never with what key.
--
-- Only kinds that each Alertmanager of today knows are said, for its tools refuse a whole text for one field they do not know;
-- others become a comment.  Messages are left out: ours are not written in its templates.
local hidden_of = require "moonwatch.to.hidden"
local keys_of = require "moonwatch.keys"

local M = {}

local HIDDEN = "<secret>"

-- An address without what may be a key in it: user, path and query.
local function address(value)
  local scheme, host = (type(value) == "string" and value or ""):match "^(https?)://([^/?#]+)"
  if not host then return "http://hidden.invalid/" .. HIDDEN end
  return ("%s://%s/%s"):format(scheme, host:match "[^@]*$", HIDDEN)
end

local function hidden() return HIDDEN end
local function as_is(value) return value end
local function api(value) return type(value) == "string" and hidden_of.address(value) or nil end

-- Our places in a text that theirs know, too.
local PLACES = {
  { "group_labels%.([%a_][%w_]*)", "{{ .GroupLabels.%1 }}" }, { "common_labels%.([%a_][%w_]*)", "{{ .CommonLabels.%1 }}" },
  { "common_annotations%.([%a_][%w_]*)", "{{ .CommonAnnotations.%1 }}" }, { "status", "{{ .Status }}" }, { "status|upper", "{{ .Status | toUpper }}" },
  { "receiver", "{{ .Receiver }}" }, { "external_url", "{{ .ExternalURL }}" },
}

-- TEXT in their manner; nil when they could not say it.
local function template(text)
  for _, place in ipairs(type(text) == "string" and PLACES or {}) do text = text:gsub("%${" .. place[1] .. "}", place[2]) end
  return not tostring(text):find("${", 1, true) and text or nil
end

local function joined(value)
  local out = {}
  for _, text in ipairs(type(value) == "table" and value or { value }) do out[#out + 1] = template(text) end
  return #out > 0 and table.concat(out, ", ") or nil
end

-- A key that is a text with places is not a route of anybody.
local function plain(value) return type(value) == "string" and value or nil end

-- kind → { what Alertmanager calls it, rows { its field, ours, how } }
local KINDS = {
  webhook = { "webhook", { "url", "url", address }, { "max_alerts", "max_alerts", as_is } },
  pagerduty = { "pagerduty", { "routing_key", "routing_key", hidden }, { "url", "url", api } },
  opsgenie = { "opsgenie", { "api_key", "api_key", hidden }, { "api_url", "url", api } },
  victorops = { "victorops", { "api_key", "api_key", hidden }, { "routing_key", "routing_key", plain }, { "api_url", "url", api } },
  pushover = { "pushover", { "user_key", "user_key", hidden }, { "token", "token", hidden } },
  slack = { "slack", { "api_url", "url", hidden }, { "channel", "channel", template } },
  discord = { "discord", { "webhook_url", "url", hidden } },
  telegram = { "telegram", { "bot_token", "token", hidden }, { "chat_id", "chat_id", tonumber }, { "api_url", "url", api } },
  webex = { "webex", { "room_id", "room_id", as_is }, { "api_url", "url", api } },
  email = { "email", { "to", "to", joined }, { "from", "from", as_is }, { "smarthost", "smarthost", as_is }, { "hello", "hello", as_is },
    { "require_tls", "require_tls", as_is } },
  sns = { "sns", { "topic_arn", "topic_arn", as_is }, { "phone_number", "phone_number", as_is }, { "target_arn", "target_arn", as_is } },
}

-- What a kind needs to be one there.
local NEEDS = { email = "to", victorops = "routing_key", telegram = "chat_id", webex = "room_id" }

-- How it signs in, where that is no field of the integration itself.
local function signs_in(kind, fields, out)
  if kind == "webex" then out[#out + 1] = { "http_config", { { "authorization", { { "credentials", HIDDEN } } } } } end
  if kind == "sns" then out[#out + 1] = { "sigv4", { { "region", fields.region or (fields.topic_arn or ""):match "^arn:[^:]*:sns:([^:]+)" } } } end
  if kind == "email" and fields.auth then
    out[#out + 1] = { "auth_username", fields.auth.user }
    out[#out + 1] = { "auth_password", HIDDEN }
  end
end

local function integration(target)
  local def, fields, out = KINDS[target.kind], target.fields, {}
  if not def then return nil end
  -- A bot of Slack speaks to the address of its API.
  if target.kind == "slack" and not fields.url then out[1] = { "api_url", HIDDEN } end
  for i = 2, #def do
    local theirs, ours, how = unpack(def[i])
    local value = fields[ours] ~= nil and how(fields[ours])
    if value ~= nil and value ~= false or fields[ours] == false then out[#out + 1] = { theirs, value } end
    if NEEDS[target.kind] == theirs and not value then return nil end
  end
  signs_in(target.kind, fields, out)
  table.insert(out, 1, { "send_resolved", target.send_resolved and true or false })
  return out, def[1] .. "_configs"
end

--- The receiver NAME with its targets LIST as pairs, and lines about what could not be said.
function M.receiver(name, list)
  local by, unsaid = {}, {}
  for _, target in ipairs(list) do
    local said, key = integration(target)
    if said then
      by[key] = by[key] or {}
      table.insert(by[key], said)
    else
      unsaid[#unsaid + 1] = ("receiver %q also tells by %s, for which this language has no word"):format(name, target.kind)
    end
  end
  local out = { { "name", name } }
  for _, key in ipairs(keys_of(by)) do out[#out + 1] = { key, by[key] } end
  return out, unsaid
end

return M
