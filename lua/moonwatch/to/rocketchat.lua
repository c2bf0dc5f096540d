--- rocketchat.lua - a message in a channel of Rocket.Chat (chat.postMessage), in the name of a user with an access token.
--
-- A server takes 5000 characters unless its administrator said otherwise.  It answers 200 with success false, too; how long it
-- wants no more is in a header (the time, in milliseconds) and in the text.
local answers = require "moonwatch.to.answer"
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "rocketchat", at_once = 1 }

local DIALECT = markup.rocketchat
local TITLE, TEXT, ATTACHMENTS = 1024, 5000, 5000
local SENDER = { { "channel", "channel" }, { "alias", "username" }, { "emoji", "icon" }, { "avatar", "icon_url" } }
local PICTURES = { { "image_url", "image_url" }, { "thumb_url", "thumb_url" } }
local COLOURS = { good = "#2ECC71", warning = "#F1C40F", danger = "#E74C3C" }

M.answers = {
  [401] = { says = "token or user_id is wrong" }, [403] = { says = "the user may not post there" }, [404] = { says = "no such server or channel" },
  errors = {
    ["error-too-many-requests"] = { retry = true }, ["error-invalid-channel"] = { says = "no such channel, or the user is not in it" },
    ["error-room-not-found"] = { says = "no such channel, or the user is not in it" }, ["error-not-allowed"] = { says = "the user may not post there" },
    ["error-message-size-exceeded"] = { says = "the server takes shorter messages only: set max_alerts" },
  },
}

local function word_of(value)
  local text = value and (value.error or value.message)
  if type(text) ~= "string" then return nil end
  return type(value.errorType) == "string" and value.errorType or text:match "%[?(error%-[%a%-]+)%]?" or text, text:sub(1, 200)
end

function M.answers.word(answer, host) return word_of(answers.json(answer, host)) end

function M.answers.body(answer, host)
  local value = answers.json(answer, host)
  if not value then return "garbled", "Rocket.Chat's answer cannot be read", true end
  if value.success == true then return nil end
  local word, text = word_of(value)
  return word or "refused", "Rocket.Chat refused: " .. (text or "success is false")
end

function M.answers.after(answer, now, host)
  local headers, _, text = answer.headers or {}, word_of(answers.json(answer, host))
  local reset = headers["x-ratelimit-remaining"] == "0" and tonumber(headers["x-ratelimit-reset"])
  local wait = reset and reset / 1000 - now
  if wait and wait > 0 then return wait end
  local refused = answer.status >= 300 or text
  return refused and (tonumber(text and text:match "wait (%d+) seconds") or answers.retry_after(headers["retry-after"], now)) or nil
end

local function attachment(item, level, note, fields, host)
  local out = { color = fields.color and chat.filled(fields.color, note, item.alert) or COLOURS[item.badness], title_link = item.url,
    title = not item.of_all and chat.name(item, DIALECT) or nil, text = table.concat(chat.lines(item, DIALECT, level), "\n"),
    fields = host.json.array(chat.facts(item, DIALECT, level)) }
  chat.named(out, PICTURES, fields, note, item.alert)
  if item.labels and level.facts then out.text = out.text .. "\n" .. markup.write(DIALECT.text, item.labels, 300, { line = true }) end
  return out, #host.json.encode(out)
end

function M.build(note, fields, host)
  local text, attachments = chat.with_attachments(note, fields, host, DIALECT, { most = ATTACHMENTS, title = TITLE, attachment = attachment })
  local body = chat.named({ text = markup.cut(text, TEXT), attachments = attachments }, SENDER, fields, note)
  return chat.post((fields.url:gsub("/+$", "")) .. "/api/v1/chat.postMessage", body, fields, host,
    { ["content-type"] = "application/json", ["x-auth-token"] = fields.token, ["x-user-id"] = fields.user_id })
end

return M
