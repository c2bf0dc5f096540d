--- receiver_kinds_incident.lua - receivers of Alertmanager for programs and incidents: which of our fields each of theirs becomes.
local F = require "moonwatch.import.receiver_fields"
local lua = require "moonwatch.import.lua_source"

local K = {}

-- The priority of Alertmanager's default, and any other.
local function pushover_priority(run, node, key, name)
  local firing, ended = node.text:match '^{{%s*if eq %.Status "firing"%s*}}(%-?%d){{%s*else%s*}}(%-?%d){{%s*end%s*}}$'
  if not firing then return F.message(run, node, key, name) end
  if ended ~= "0" then run.rows[#run.rows + 1] = { name = "resolved_priority", value = ended, short = true } end
  return firing
end

-- A text, or { template=, enable_update= }.
local function jira_text(ours)
  return function(run, node, key, name)
    if node.kind == "text" then return F.message(run, node, key, name) end
    local f = run.doc:fields(node, { template = "text", enable_update = "boolean" }, name)
    if f.enable_update and f.enable_update.text == "false" then
      run.rows[#run.rows + 1] = { name = "update_" .. ours, value = "false", short = true }
    end
    return f.template and F.message(run, f.template, key, name)
  end
end

-- Alertmanager opens an issue again only within reopen_duration.
local function jira_reopen(run, node, key, name)
  if not run.fields.reopen_duration then return run.doc:lost(key, "reopen_transition: without reopen_duration it is never used") end
  return F.message(run, node, key, name)
end

local function jira_description(run, node, key, name)
  local text = node.kind == "text" and node.text or ""
  if text:find "^%s*{%s*\"" then return run.doc:lost(key, name .. ": a document of version 3; ours makes one of a plain text") end
  return jira_text "description"(run, node, key, name)
end

local SEVERITIES = F.one_of({ "critical", "error", "warning", "info" }, "; without it that of the alert counts")

local function severity(run, node, key, name)
  return (node.text:find("{{", 1, true) and F.message or SEVERITIES)(run, node, key, name)
end

local function service_key(run, _, key)
  return run.doc:lost(key, "service_key: version 1 of the Events API is not spoken; make an integration of the Events API v2 and write its routing_key")
end

K.webhook = {
  secrets = { url = { "url", "url_file" } }, needs = { "url" }, resolved = true, auth = true, headers = true, bearer = "bearer", fills = "url",
  fields = { max_alerts = { "max_alerts", F.whole }, timeout = { "timeout", F.duration }, payload = { "body", F.deep, kind = "any" } },
}
K.pagerduty = {
  secrets = { routing_key = { "routing_key", "routing_key_file" } }, needs = { "routing_key" }, resolved = true, globals = { url = "pagerduty_url" },
  defaults = { severity = lua.quoted "error" },
  fields = { url = { "url", F.plain }, client = { "client", F.message }, client_url = { "client_url", F.message }, details = { "details", F.deep, kind = "map" },
    severity = { "severity", severity },
    description = { "summary", F.message }, source = { "source", F.message }, class = { "class", F.message }, component = { "component", F.message },
    group = { "group", F.message }, timeout = { "timeout", F.duration }, links = { "links", F.maps { href = "href", text = "text" }, kind = "list" },
    images = { "images", F.maps { src = "src", alt = "alt", href = "href" }, kind = "list" }, service_key = { nil, service_key },
    service_key_file = { nil, service_key } },
}
K.opsgenie = {
  secrets = { api_key = { "api_key", "api_key_file", "opsgenie_api_key", "opsgenie_api_key_file" } }, needs = { "api_key" }, resolved = true,
  globals = { api_url = "opsgenie_api_url" },
  fields = { api_url = { "url", F.plain }, message = { "message", F.message }, description = { "description", F.message }, source = { "source", F.message },
    entity = { "entity", F.message }, note = { "note", F.message }, priority = { "priority", F.message }, tags = { "tags", F.commas },
    actions = { "actions", F.commas }, details = { "details", F.map, kind = "map" }, update_alerts = { "update_alerts", F.yes },
    responders = { "responders", F.maps { id = "id", name = "name", username = "username", type = "type" }, kind = "list" } },
}
K.victorops = {
  secrets = { api_key = { "api_key", "api_key_file", "victorops_api_key", "victorops_api_key_file" } }, needs = { "api_key", "routing_key" }, resolved = true,
  globals = { api_url = "victorops_api_url" }, defaults = { message_type = lua.quoted "CRITICAL" },
  fields = { api_url = { "url", F.plain }, routing_key = { "routing_key", F.message }, message_type = { "message_type", F.message },
    state_message = { "state_message", F.message }, entity_display_name = { "entity_display_name", F.message },
    monitoring_tool = { "monitoring_tool", F.message }, custom_fields = { "custom_fields", F.map, kind = "map" } },
}
K.pushover = {
  secrets = { token = { "token", "token_file" }, user_key = { "user_key", "user_key_file" } }, needs = { "token", "user_key" }, resolved = true,
  defaults = { priority = "2" },
  fields = { title = { "title", F.message }, message = { "message", F.message }, url = { "link", F.message }, url_title = { "link_title", F.message },
    device = { "device", F.message }, sound = { "sound", F.message }, priority = { "priority", pushover_priority }, retry = { "retry", F.duration },
    expire = { "expire", F.duration }, ttl = { "ttl", F.duration }, html = { "html", F.yes }, monospace = { "monospace", F.yes } },
}
K.jira = {
  secrets = {}, needs = { "url", "project", "issue_type" }, resolved = true, auth = true, headers = true, globals = { api_url = "jira_api_url" },
  fields = { api_url = { "url", F.plain }, api_type = { "api", F.one_of { "auto", "cloud", "datacenter" } }, project = { "project", F.message },
    issue_type = { "issue_type", F.message }, summary = { "summary", jira_text "summary", kind = "any" },
    description = { "description", jira_description, kind = "any" }, labels = { "labels", F.list, kind = "list" }, priority = { "priority", F.message },
    resolve_transition = { "resolve_transition", F.message }, reopen_transition = { "reopen_transition", jira_reopen },
    reopen_duration = { "reopen_within", F.duration }, wont_fix_resolution = { "wont_fix_resolution", F.plain },
    fields = { "fields", F.deep, kind = "map" } },
}
K.incidentio = {
  secrets = { url = { "url", "url_file" }, token = { "alert_source_token", "alert_source_token_file" } }, needs = { "url", "token" }, resolved = true, bearer = "token",
  fields = { max_alerts = { "max_alerts", F.whole }, timeout = { "timeout", F.duration } },
}

return K
