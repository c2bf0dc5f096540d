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
    { "timeout", "interval", help = "longest time one try may take; 10s, or below compat as long as a flush of Alertmanager" },
    tls.row, tls.proxy,
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
    { "channel", "message", help = "channel; needed with a token, with a webhook only if that may choose" },
    { "update", "boolean", default = true, help = "with a token: the message of a group changes with it; what is new is shown in the channel from its thread, and a new message comes only when somebody else must look" },
    { "replies", "boolean", default = false, help = "with a token: say in the thread of the message whatever changed, not only what is new" },
    { "actions", "boolean", help = "buttons to acknowledge and silence; default: when settings.ack.slack is set" },
    { "buttons", "list", help = "further buttons, each a link", fields = {
      { "text", "message", required = true, help = "what it says" }, { "url", "message", required = true, help = "where it leads" },
      { "style", "text", choices = { "primary", "danger" }, help = "its look" } } },
    { "username", "message", help = "name shown" },
    { "icon", "message", help = "emoji such as :fire:" },
    { "icon_url", "message", help = "address of a picture in its place" },
    { "link_names", "boolean", help = "make @names and #channels in texts of your own links" },
    TITLE, TEXT, FIELDS,
    { "color", "message", help = "good, warning, danger or #rrggbb; default that of the severity" },
    { "footer", "message", help = "small text below each alert; default its labels" },
    { "pretext", "message", help = "said above each alert" },
    { "link", "message", help = "where the name of an alert leads; default its page" },
    { "image_url", "message", help = "address of a picture" },
    { "thumb_url", "message", help = "address of a small picture" },
  },
}

K.teams = {
  help = "a card in a channel of Microsoft Teams",
  fields = with {
    { "url", "secret", required = true, help = 'address of a workflow that begins with "When a Teams webhook request is received"' },
    TITLE, TEXT, FIELDS,
  },
}

K.discord = {
  help = "a message in a Discord channel; at most 10 alerts and 6000 characters",
  fields = with {
    { "url", "secret", required = true, help = "address of the webhook" },
    { "thread_id", "text", help = "number of a thread in the channel" },
    { "content", "message", help = "text before everything else; only this may call somebody: <@&ROLE>, @here" },
    TITLE, TEXT, FIELDS,
    { "username", "message", help = "name shown" },
    { "avatar_url", "text", help = "address of a picture" },
    { "silent", "boolean", help = "no sound" },
  },
}

K.telegram = {
  help = "a message in a Telegram chat; at most 4096 characters",
  fields = with {
    { "token", "secret", required = true, help = "token of the bot" },
    { "chat_id", { "text", "number" }, required = true, help = "number of the chat, or @name of a channel" },
    { "message_thread_id", "count", help = "number of a topic" },
    { "parse_mode", "text", default = "HTML", choices = { "HTML", "MarkdownV2", "Markdown", "none" },
      help = "markup of the message, in which title and text are written; what is filled in is escaped" },
    { "disable_notification", "boolean", help = "no sound" },
    { "url", "text", default = "https://api.telegram.org", help = "address of the Bot API" },
    TITLE, TEXT, FIELDS,
  },
}

K.mattermost = {
  help = "a message in a Mattermost channel",
  fields = with {
    { "url", "secret", required = true, help = "address of the incoming webhook" },
    { "channel", "message", help = "channel, when the webhook may choose" },
    { "username", "message", help = "name shown, when the server allows it" },
    { "icon", "message", help = "name of an emoji" },
    { "icon_url", "message", help = "address of a picture" },
    TITLE, TEXT, FIELDS,
    { "color", "message", help = "good, warning, danger or #rrggbb; default that of the severity" },
    { "card", "message", help = "text beside the message, Markdown" },
    { "priority", "table", help = "how loud it is", fields = {
      { "priority", "text", required = true, choices = { "standard", "important", "urgent" }, help = "label of the message" },
      { "requested_ack", "boolean", help = "ask for an acknowledgement in Mattermost; not with standard" },
      { "persistent_notifications", "boolean", help = "tell again until somebody reacts; only with urgent" } } },
  },
}

K.rocketchat = {
  help = "a message in a channel of Rocket.Chat",
  fields = with {
    { "url", "text", required = true, help = "address of the server" },
    { "token", "secret", required = true, help = "access token" },
    { "user_id", "secret", required = true, help = "number of the user to whom the token belongs" },
    { "channel", "message", required = true, help = "#channel, @user or number of a room" },
    { "username", "message", help = "name shown; the user needs the permission message-impersonate" },
    { "icon", "message", help = "emoji such as :fire:" },
    { "icon_url", "message", help = "address of a picture" },
    TITLE, TEXT, FIELDS,
    { "color", "message", help = "#rrggbb; default that of the severity" },
    { "image_url", "message", help = "address of a picture" },
    { "thumb_url", "message", help = "address of a small picture" },
  },
}

K.webex = {
  help = "a message in a room of Webex; at most 7439 bytes",
  exactly_one = { { "room_id", "person" } },
  fields = with {
    { "token", "secret", required = true, help = "access token of the bot" },
    { "room_id", "text", help = "number of the room" },
    { "person", "text", help = "mail address of a person" },
    { "url", "text", default = "https://webexapis.com/v1/messages", help = "address of the API" },
    TITLE, TEXT, FIELDS,
  },
}

return K
