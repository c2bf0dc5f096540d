--- kinds_chat.lua - the receiver kinds that are chat programs.
local tls = require "moonwatch.words.tls_rows"

local K = {}

local TITLE = { "title", "message", help = "first line; default how many alerts fire and their names" }
local TEXT = { "text", "message", help = "the message: said for each alert if it names something of an alert, else once; default its description, or summary" }
local FIELDS = { "fields", "list", help = "facts of each alert in the place of severity, value, threshold and time", fields = {
  { "title", "message", required = true, help = "name of the fact" }, { "value", "message", required = true, help = "what it is" },
  { "short", "boolean", default = true, help = "may stand beside another one" } } }

-- FIELDS and those that all kinds have.
local function with(fields)
  for _, row in ipairs {
    { "max_alerts", "count", default = 20, help = "at most so many alerts in one message; the others are counted" },
    { "timeout", "interval", default = "10s", help = "longest time one try may take" },
    tls.row,
    { "send_resolved", "boolean", help = "tell the end too; default that of the receiver" },
  } do fields[#fields + 1] = row end
  return fields
end

K.slack = {
  help = "a message in a Slack channel",
  some_of = { { "url", "token" } },
  fields = with {
    { "url", "secret", help = "incoming webhook address; with a token the address of chat.postMessage, if it is not Slack's own" },
    { "token", "secret", help = "token of a bot (xoxb-...) with chat:write: messages can change, see update" },
    { "channel", "text", help = "channel; needed with a token, with a webhook only if that may choose" },
    { "update", "boolean", default = true, help = "with a token: the message of a group changes with it, and a new one comes only when somebody else must look" },
    { "replies", "boolean", default = false, help = "with a token: say in the thread of the message what changed" },
    { "actions", "boolean", help = "buttons to acknowledge and silence; default: when settings.ack.slack is set" },
    { "buttons", "list", help = "further buttons, each a link", fields = {
      { "text", "message", required = true, help = "what it says" }, { "url", "message", required = true, help = "where it leads" },
      { "style", "text", choices = { "primary", "danger" }, help = "its look" } } },
    { "username", "text", help = "name shown" },
    { "icon", "text", help = "emoji such as :fire:" },
    { "icon_url", "text", help = "address of a picture in its place" },
    { "link_names", "boolean", help = "make @names and #channels in texts of your own links" },
    TITLE, TEXT, FIELDS,
    { "color", "message", help = "good, warning, danger or #rrggbb; default that of the severity" },
    { "footer", "message", help = "small text below each alert; default its labels" },
    { "image_url", "text", help = "address of a picture" },
    { "thumb_url", "text", help = "address of a small picture" },
  },
}

return K
