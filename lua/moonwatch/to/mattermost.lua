--- mattermost.lua - a message in a Mattermost channel, through an incoming webhook.
--
-- Attachments are Slack's, their text is Markdown.  What all of them hold is kept below what old servers take.
local answers = require "moonwatch.to.answer"
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "mattermost", at_once = 1 }

local DIALECT = markup.mattermost
local TEXT, ATTACHMENTS, TITLE = 16383, 7500, 1024
local SENDER = { { "channel", "channel" }, { "username", "username" }, { "icon_emoji", "icon" }, { "icon_url", "icon_url" } }

M.answers = {
  [400] = { says = "the webhook was removed, the channel does not exist or is archived, or the message is wrong" },
  [401] = { says = "the webhook needs to sign in" }, [403] = { says = "the webhook may not post there" }, [404] = { says = "the webhook was removed" },
}

function M.answers.word(answer, host)
  local value = answers.json(answer, host)
  if value and type(value.message) == "string" then return value.id, value.message:sub(1, 200) end
end

local function attachment(item, level, note, fields, host)
  local out = { color = fields.color and chat.filled(fields.color, note, item.alert) or item.badness, title_link = item.url,
    title = not item.of_all and chat.name(item, DIALECT) or nil, fallback = markup.write(DIALECT.code, item.name, 200, { line = true }),
    text = table.concat(chat.lines(item, DIALECT, level), "\n"), fields = host.json.array(chat.facts(item, DIALECT, level)),
    footer = item.labels and level.facts and markup.write(DIALECT.code, item.labels, 300, { line = true }) or nil }
  return out, #host.json.encode(out)
end

function M.build(note, fields, host)
  local text, attachments = chat.with_attachments(note, fields, host, DIALECT, { most = ATTACHMENTS, title = TITLE, attachment = attachment })
  local body = { text = markup.cut(text, TEXT), attachments = attachments, priority = fields.priority,
    props = fields.card and { card = markup.cut(chat.filled(fields.card, note, nil, DIALECT.text), TEXT) } or nil }
  return chat.post(fields.url, chat.named(body, SENDER, fields, note), fields, host)
end

return M
