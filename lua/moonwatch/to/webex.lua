--- webex.lua - a message in a room of Webex, sent by a bot: one text in Markdown, at most 7439 bytes.
local answers = require "moonwatch.to.answer"
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "webex", at_once = 1 }

local API, MOST = "https://webexapis.com/v1/messages", 7439

M.answers = {
  [400] = { says = "Webex does not take the message" }, [401] = { says = "the token is wrong or has run out" },
  [403] = { says = "the bot may not post there" }, [404] = { says = "no such room, or the bot is not in it" },
  [423] = { retry = true }, [428] = { says = "Webex takes the message for a danger" },
}

function M.answers.word(answer, host)
  local value = answers.json(answer, host)
  if value and type(value.message) == "string" then return answer.status, value.message:sub(1, 200) end
end

function M.build(note, fields, host)
  local body = { markdown = chat.text(note, fields, host, markup.webex, MOST, true), roomId = fields.room_id, toPersonEmail = fields.person }
  return chat.post(fields.url or API, body, fields, host, { ["content-type"] = "application/json", authorization = "Bearer " .. fields.token })
end

return M
