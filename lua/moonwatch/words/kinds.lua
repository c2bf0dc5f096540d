--- kinds.lua - the receiver kinds: what may stand inside `receiver "name" { ... }`.
local incident = require "moonwatch.words.kinds_incident"
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
for name, def in pairs(incident) do K[name] = def end

local ABSENT = {
  email = "a mail", teams = "a card in Microsoft Teams", discord = "a message in Discord",
  telegram = "a message in Telegram", sns = "a message to a topic of Amazon SNS", exec = "a program that is run",
}
for name, help in pairs(ABSENT) do K[name] = { absent = true, help = help, fields = {} } end

return K
