--- kinds.lua - the receiver kinds: what may stand inside `receiver "name" { ... }`.
local tls = require "moonwatch.words.tls_rows"

local K = {}

K.slack = {
  help = "a message in a Slack channel",
  fields = {
    { "url", "secret", required = true, help = "incoming webhook address" },
    { "channel", "text", help = "channel, when the webhook may choose" },
    { "username", "text", help = "name shown" },
    { "icon", "text", help = "emoji such as :fire:" },
    { "title", "message", help = "first line" },
    { "text", "message", help = "the message" },
    tls.row,
    { "send_resolved", "boolean", help = "tell the end too; default that of the receiver" },
  },
}
K.pagerduty = {
  help = "an incident at PagerDuty (Events v2)",
  fields = {
    { "routing_key", "secret", required = true, help = "integration key" },
    { "url", "text", default = "https://events.pagerduty.com/v2/enqueue", help = "address of the Events API" },
    { "severity", "text", choices = { "critical", "error", "warning", "info" }, help = "default: from the alert's severity" },
    { "client", "text", default = "moonwatch", help = "name of the sender" },
    { "client_url", "text", help = "address of the sender" },
    { "details", "text_map", default = {}, help = "further details" },
    tls.row,
    { "send_resolved", "boolean", help = "tell the end too; default that of the receiver" },
  },
}
K.webhook = {
  help = "the Alertmanager webhook body (version 4), posted as JSON",
  fields = {
    { "url", "secret", required = true, help = "address" },
    { "headers", "text_map", default = {}, help = "request headers" },
    { "bearer", "secret", help = "token" },
    { "timeout", "interval", default = "10s", help = "longest time one try may take" },
    { "max_alerts", "count", help = "at most so many alerts in one message" },
    tls.row,
    { "send_resolved", "boolean", help = "tell the end too; default that of the receiver" },
  },
}

local ABSENT = {
  email = "a mail", opsgenie = "an alert at Opsgenie", teams = "a card in Microsoft Teams", discord = "a message in Discord",
  telegram = "a message in Telegram", sns = "a message to a topic of Amazon SNS", exec = "a program that is run",
}
for name, help in pairs(ABSENT) do K[name] = { absent = true, help = help, fields = {} } end

return K
