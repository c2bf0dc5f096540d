--- kinds_incident.lua - receiver kinds for programs and for incidents: webhook, PagerDuty, Opsgenie, Splunk On-Call, Pushover, Jira,
-- incident.io and other Alertmanagers.
local filled = require "moonwatch.to.filled"
local tls = require "moonwatch.words.tls_rows"
local victorops = require "moonwatch.to.victorops"

local K = {}

local RESOLVED = { "send_resolved", "boolean", help = "tell the end too; default that of the receiver" }
local TIMEOUT = { "timeout", "interval", help = "longest time one try may take; 10s, or below compat as long as a flush of Alertmanager" }
local HEADERS = { "headers", "text_map", default = {}, help = "request headers" }
local AUTH = { "auth", "table", help = "how to sign in", fields = {
  { "bearer", "secret", help = "token" }, { "user", "text", help = "name for basic authentication" }, { "password", "secret", help = "its password" } } }

local function check_auth(fields, problem)
  local auth = fields.auth
  if auth and auth.bearer and auth.user then problem("auth: either bearer or user and password, not both", { "auth" }) end
  if auth and not auth.bearer and not auth.user then problem("auth: needs bearer, or user and password", { "auth" }) end
end

-- What was written is not told again: there may be a key in it.
local function check_address(name)
  return function(fields, problem)
    local url = fields[name]
    if type(url) == "string" and not url:find "^https?://[^/%s]" then
      problem(name .. ": expected an address that starts with http:// or https://", { name })
    end
  end
end

-- Several checks of the fields of one kind.
local function all(...)
  local checks = { ... }
  return function(fields, problem)
    for _, check in ipairs(checks) do check(fields, problem) end
  end
end

local check_url = check_address "url"

K.pagerduty = {
  help = "an incident at PagerDuty (Events v2)",
  fields = {
    { "routing_key", "secret", required = true, help = "integration key" },
    { "url", "text", default = "https://events.pagerduty.com/v2/enqueue", help = "address of the Events API" },
    { "per", "text", default = "group", choices = { "group", "alert" }, help = "an incident for each group, or for each alert" },
    { "summary", "message", help = "first line; default the summary that all alerts share" },
    { "severity", "message", help = "critical, error, warning or info; default: the gravest severity of the alerts" },
    { "source", "message", help = "what is affected; default the label `instance` or `job`" },
    { "component", "message", help = "part of the source; default the label `job`" },
    { "group", "message", help = "what the component belongs to; default the name of the alert" },
    { "class", "message", help = "kind of event; default the name of the alert" },
    { "client", "message", default = "moonwatch", help = "name of the sender" },
    { "client_url", "message", help = "address of the sender" },
    { "details", "payload", default = {}, help = "further details; texts may hold ${labels.NAME}, ${value}" },
    { "links", "list", help = "links shown with the incident; the runbook of the alert is added", fields = {
      { "href", "message", required = true, help = "address" }, { "text", "message", help = "what it says" } } },
    { "images", "list", help = "images shown with the incident", fields = {
      { "src", "message", required = true, help = "address of the image, https" }, { "alt", "message", help = "what it shows" },
      { "href", "message", help = "where it leads" } } },
    TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  check = all(check_url, function(fields, problem)
    if type(fields.details) ~= "table" or fields.details["@fn"] then problem("details: expected a table", { "details" }) end
  end),
}

K.webhook = {
  help = "the Alertmanager webhook body (version 4), posted as JSON, or a body of your own",
  fields = {
    { "url", "secret", required = true, help = "address; ${group_labels.NAME} and its like are escaped in it" },
    { "method", "text", default = "POST", choices = { "POST", "PUT", "PATCH" }, help = "request method" },
    HEADERS,
    { "bearer", "secret", help = "token; short for auth = { bearer = ... }" },
    AUTH,
    { "body", "payload", help = "what is sent in place of Alertmanager's body: a text or a table (sent as JSON), or function(n): a text or a table" },
    TIMEOUT,
    { "max_alerts", "count", help = "at most so many alerts in one message" },
    tls.row, tls.proxy, RESOLVED,
  },
  at_most_one = { { "bearer", "auth" }, { "body", "max_alerts" } },
  check = all(check_url, check_auth, function(fields, problem)
    local wrong = type(fields.url) == "string" and filled.wrong(fields.url)
    if wrong then problem("url: " .. wrong, { "url" }) end
  end),
}

K.opsgenie = {
  help = "an alert at Opsgenie",
  fields = {
    { "api_key", "secret", required = true, help = "key of an API integration" },
    { "url", "text", default = "https://api.opsgenie.com", help = 'address of the API; "https://api.eu.opsgenie.com" in Europe' },
    { "message", "message", help = "first line, cut at 130 characters" },
    { "description", "message", help = "the text, cut at 15000 characters; default: all alerts" },
    { "priority", "message", help = "P1 to P5; default: P1 for critical and page, P2 for error, P3 for warning and ticket, P5 for info" },
    { "responders", "list", help = "who is told there", fields = {
      { "type", "text", required = true, choices = { "team", "teams", "user", "escalation", "schedule" }, help = 'what it is; "teams": several names, with commas' },
      { "name", "message", help = "name of a team, an escalation or a schedule" }, { "username", "message", help = "name of a user" },
      { "id", "message", help = "id" } } },
    { "tags", "texts", help = "tags, at most 20 of 50 characters" },
    { "actions", "texts", help = "actions offered there, at most 10" },
    { "entity", "message", help = "what it is about" },
    { "source", "message", help = "who says so; default the address of this server" },
    { "note", "message", help = "a note" },
    { "details", "text_map", default = {}, help = "further details, beside the labels that all alerts share" },
    { "update_alerts", "boolean", default = false, help = "change message and description of an open alert when something changed" },
    TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  check = all(check_url, function(fields, problem)
    for i, row in ipairs(fields.responders or {}) do
      if not (row.id or row.name or row.username) then problem("responders: needs one of name, username, id", { "responders", i }) end
    end
  end),
}

K.victorops = {
  help = "an incident at Splunk On-Call (VictorOps)",
  fields = {
    { "api_key", "secret", required = true, help = "key of the REST endpoint" },
    { "routing_key", "message", required = true, help = "routing key" },
    { "url", "text", default = "https://alert.victorops.com/integrations/generic/20131114/alert", help = "address of the REST endpoint, without the keys" },
    { "message_type", "message", help = "CRITICAL, WARNING or INFO while it fires; default: from the gravest severity" },
    { "entity_display_name", "message", help = "first line" },
    { "state_message", "message", help = "the text, cut at 20480 characters; default: all alerts" },
    { "monitoring_tool", "message", default = "moonwatch", help = "who says so" },
    { "custom_fields", "text_map", default = {}, help = "further fields" },
    TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  check = all(check_url, function(fields, problem)
    for name in pairs(fields.custom_fields or {}) do
      if victorops.RESERVED[name] then problem(("custom_fields: %s is a field of the message itself"):format(name), { "custom_fields", name }) end
    end
  end),
}

K.pushover = {
  help = "a message on a telephone (Pushover)",
  fields = {
    { "token", "secret", required = true, help = "token of the application" },
    { "user_key", "secret", required = true, help = "key of a user or a group" },
    { "title", "message", help = "title, cut at 250 characters" },
    { "message", "message", help = "the text, cut at 1024 characters; default: the alerts" },
    { "link", "message", help = "address shown below; default that of this server; left out when longer than 512" },
    { "link_title", "message", help = "what the address says, cut at 100 characters" },
    { "priority", { "message", "number" }, help = "-2 to 2 while it fires; 2 rings until somebody takes it. Default: 2 for critical and page, 1 for error, 0, -1 for info" },
    { "resolved_priority", "number", default = 0, help = "-2 to 1, for the end" },
    { "retry", "interval", default = "1m", help = "with priority 2: ring again after this long, at least 30s" },
    { "expire", "interval", default = "1h", help = "with priority 2: stop after this long, at most 3h" },
    { "ttl", "interval", help = "the message goes away after this long; not with priority 2" },
    { "sound", "message", help = "name of a sound" },
    { "device", "message", help = "name of a device; default all" },
    { "html", "boolean", default = false, help = "the text is HTML; what is filled in is escaped" },
    { "monospace", "boolean", default = false, help = "the text in letters of one width" },
    { "url", "text", default = "https://api.pushover.net/1", help = "address of the API" },
    TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  check = all(check_url, function(fields, problem)
    if fields.html and fields.monospace then problem("html and monospace exclude each other", { "monospace" }) end
    if fields.retry and fields.retry < 30 then problem("retry: must be at least 30s", { "retry" }) end
    if fields.expire and fields.expire > 10800 then problem("expire: must be at most 3h", { "expire" }) end
    local function whole(name, most)
      local v = fields[name]
      if type(v) == "number" and (v % 1 ~= 0 or v < -2 or v > most) then problem(("%s: a whole number from -2 to %d"):format(name, most), { name }) end
    end
    whole("priority", 2)
    whole("resolved_priority", 1)
  end),
}

K.jira = {
  help = "an issue at Jira",
  fields = {
    { "url", "text", required = true, help = "address of the REST API, such as https://HOST/rest/api/2 (or /3)" },
    { "api", "text", default = "auto", choices = { "auto", "cloud", "datacenter" }, help = "which Jira it is; auto: cloud when the host ends in atlassian.net" },
    AUTH,
    { "project", "message", required = true, help = "key of the project" },
    { "issue_type", "message", required = true, help = 'such as "Bug"' },
    { "summary", "message", help = "first line, cut at 255 characters" },
    { "description", "message", help = "the text, cut at 32767 characters; default: all alerts" },
    { "update_summary", "boolean", default = true, help = "change the first line of an issue that is there" },
    { "update_description", "boolean", default = true, help = "change the text of an issue that is there" },
    { "labels", "texts", help = "labels; one that is a hash of the group is added" },
    { "priority", "message", help = 'name of a priority, "" for none; default High, Medium or Low by the gravest severity' },
    { "resolve_transition", "message", help = "name of the transition that closes an issue; without it issues stay open" },
    { "reopen_transition", "message", help = "name of the transition that opens a closed issue again" },
    { "reopen_within", "interval", help = "an issue closed longer ago than this is not opened again" },
    { "wont_fix_resolution", "text", help = "issues closed with this resolution are left alone" },
    { "fields", "payload", default = {}, help = "further fields of the issue; texts may hold ${labels.NAME}, ${value}" },
    HEADERS, TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  check = all(check_url, check_auth, function(fields, problem)
    if type(fields.fields) ~= "table" or fields.fields["@fn"] then problem("fields: expected a table", { "fields" }) end
    if fields.reopen_transition and not fields.reopen_within then problem("reopen_transition: needs reopen_within", { "reopen_transition" }) end
  end),
}

K.incidentio = {
  help = "an alert at incident.io",
  fields = {
    { "url", "secret", required = true, help = "address of the alert source" },
    { "token", "secret", required = true, help = "token of the alert source" },
    { "max_alerts", "count", help = "at most so many alerts in one message" },
    TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  check = check_url,
}

K.alertmanager = {
  help = "the alerts themselves, to Alertmanagers (API v2); told again before they would end there",
  fields = {
    { "url", "secret", help = "address, such as http://HOST:9093" },
    { "urls", "texts", help = "addresses of all Alertmanagers of a cluster; each is told" },
    { "resend", "interval", default = "1m", help = "tell what fires again after this long; an alert not told for four times as long ends there" },
    { "labels", "labels", default = {}, help = "labels that every alert gets" },
    AUTH, HEADERS, TIMEOUT, tls.row, tls.proxy, RESOLVED,
  },
  exactly_one = { { "url", "urls" } },
  check = all(check_url, check_auth, function(fields, problem)
    for i, url in ipairs(fields.urls or {}) do
      if not url:find "^https?://[^/%s]" then
        problem(("urls: item %d: expected an address that starts with http:// or https://"):format(i), { "urls", i })
      end
    end
  end),
}

return K
