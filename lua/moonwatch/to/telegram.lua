--- telegram.lua - a message in a Telegram chat, sent by a bot.
--
-- It is one text in the markup that Telegram calls HTML, unless `parse_mode` says otherwise.  A text that Telegram cannot read is
-- sent without markup; a group that became a supergroup is followed to its new number; a topic that is gone is left out: better
-- told plainly than not at all.
local answers = require "moonwatch.to.answer"
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "telegram", at_once = 1 }

local API, MOST = "https://api.telegram.org", 4096
local DIALECTS = { HTML = markup.telegram, MarkdownV2 = markup.telegram_v2, Markdown = markup.telegram_v1, none = markup.plain }

M.answers = {
  [401] = { says = "the bot's token is wrong" }, [403] = { says = "the bot was blocked, or is not in the chat" }, [404] = { says = "the bot's token is wrong" },
}

local function said(answer, host)
  local value = answers.json(answer, host)
  return value, value and type(value.description) == "string" and value.description:sub(1, 200) or nil
end

function M.answers.word(answer, host)
  local value, description = said(answer, host)
  return description and value.error_code, description
end

function M.answers.body(answer, host)
  local value, description = said(answer, host)
  if not value then return "garbled", "Telegram's answer cannot be read", true end
  if value.ok == true then return nil end
  local code = tonumber(value.error_code) or 400
  return "refused", "Telegram refused: " .. (description or "ok is false"), code == 429 or code >= 500
end

local function parameter(answer, host, name)
  local value = answers.json(answer, host)
  return value and type(value.parameters) == "table" and tonumber(value.parameters[name]) or nil
end

function M.answers.after(answer, now, host)
  return parameter(answer, host, "retry_after") or answer.status >= 300 and answers.retry_after(answer.headers and answer.headers["retry-after"], now) or nil
end

--- CHANGES: what is different in another try of the same message.
function M.build(note, fields, host, _, changes)
  changes = changes or {}
  local mode = changes.mode or fields.parse_mode or "HTML"
  local body = {
    chat_id = changes.chat_id or fields.chat_id, text = chat.text(note, fields, host, DIALECTS[mode], MOST),
    parse_mode = mode ~= "none" and mode or nil, message_thread_id = not changes.no_thread and fields.message_thread_id or nil,
    disable_notification = fields.disable_notification or nil, link_preview_options = { is_disabled = true },
  }
  return chat.post(("%s/bot%s/sendMessage"):format((fields.url or API):gsub("/+$", ""), fields.token), body, fields, host)
end

-- What may be changed so that a refused message is taken; nil: nothing.
local function amend(outcome, changes, host)
  if outcome.ok or outcome.retry or not outcome.reply then return nil end
  local moved = parameter(outcome.reply, host, "migrate_to_chat_id")
  local _, description = said(outcome.reply, host)
  if moved and not changes.chat_id then
    host.log("warn", "a group in Telegram has a new number; write it as chat_id", { chat_id = ("%.0f"):format(moved) })
    changes.chat_id = ("%.0f"):format(moved)
  elseif description and description:find("parse entities", 1, true) and changes.mode ~= "none" then changes.mode = "none"
  elseif description and description:find("thread not found", 1, true) and not changes.no_thread then changes.no_thread = true
  else return nil end
  return changes
end

function M.steps(note, fields, host, ask)
  local changes, outcome = {}
  repeat outcome = ask.each({ M.build(note, fields, host, nil, changes) })[1] until not amend(outcome, changes, host)
  return outcome
end

return M
