--- discord.lua - a message in a Discord channel, through its webhook.
--
-- The first line is the message's text, each alert an embed in the colour of its severity.  All embeds of a message may hold 6000
-- characters.  Nobody is called by what alerts say (allowed_mentions); `content` may call somebody, as its author wrote it.
-- Discord says beforehand that the next message would be too many (X-RateLimit-Remaining): it then waits.
local answers = require "moonwatch.to.answer"
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "discord", at_once = 1 }

local DIALECT = markup.discord
local COLOURS = { good = 0x2ECC71, warning = 0xF1C40F, danger = 0xE74C3C }
local EMBEDS, TITLE, DESCRIPTION, VALUE, CONTENT, ALL, NAME = 10, 256, 4096, 1024, 2000, 5900, 80

M.answers = {
  [400] = { says = "Discord does not take the message" }, [401] = { says = "the token of the webhook is wrong" },
  [403] = { says = "the webhook may not post there" }, [404] = { says = "the webhook was removed, or there is no such thread" },
}

function M.answers.word(answer, host)
  local value = answers.json(answer, host)
  if value and type(value.message) == "string" then return value.code, value.message:sub(1, 200) end
end

function M.answers.after(answer, now, host)
  local headers, value = answer.headers or {}, answer.status == 429 and answers.json(answer, host) or {}
  if answer.status == 429 then
    return answers.retry_after(headers["retry-after"], now) or tonumber(value.retry_after) or tonumber(headers["x-ratelimit-reset-after"])
  end
  if headers["x-ratelimit-remaining"] == "0" then return tonumber(headers["x-ratelimit-reset-after"]) end
  return answer.status >= 300 and answers.retry_after(headers["retry-after"], now) or nil
end

local function embed(item, level, host)
  local facts, size = {}, 0
  for i, fact in ipairs(chat.facts(item, DIALECT, level, VALUE)) do
    facts[i] = { name = fact.title ~= "" and fact.title or "-", value = fact.value ~= "" and fact.value or "-", inline = fact.short }
    size = size + markup.size(facts[i].name) + markup.size(facts[i].value)
  end
  local out = { title = not item.of_all and chat.name(item, DIALECT, TITLE) or nil, url = item.url, color = COLOURS[item.badness],
    description = markup.cut(table.concat(chat.lines(item, DIALECT, level), "\n"), DESCRIPTION), fields = host.json.array(facts),
    footer = item.labels and level.facts and { text = markup.write(DIALECT.code, item.labels, 300, { line = true }) } or nil }
  return out, size + markup.size(out.title or "") + markup.size(out.description) + markup.size(out.footer and out.footer.text or "")
end

local function content(note, fields, left_out)
  local lines = { fields.content and markup.cut(chat.filled(fields.content, note, nil, DIALECT.text), 1000) or nil }
  lines[#lines + 1] = DIALECT.bold(chat.title(note, fields, DIALECT.text, TITLE))
  if left_out > 0 then lines[#lines + 1] = chat.more(left_out) end
  local links = chat.link_line(note, DIALECT, CONTENT - markup.size(table.concat(lines, "\n")) - 10)
  if links ~= "" then lines[#lines + 1] = links end
  return markup.cut(table.concat(lines, "\n"), CONTENT)
end

local function address(fields)
  local out = fields.url .. (fields.url:find("?", 1, true) and "&" or "?") .. "wait=true"
  return fields.thread_id and out .. "&thread_id=" .. fields.thread_id or out
end

function M.build(note, fields, host)
  local limited = setmetatable({ max_alerts = math.min(fields.max_alerts or EMBEDS, EMBEDS) }, { __index = fields })
  local items, left_out = chat.items(note, limited, host, DIALECT.text)
  local embeds
  embeds, left_out = chat.parts(items, left_out, ALL, function(item, level) return embed(item, level, host) end)
  local body = {
    content = content(note, fields, left_out), embeds = host.json.array(embeds), avatar_url = fields.avatar_url,
    username = fields.username and markup.cut(chat.filled(fields.username, note), NAME), flags = fields.silent and 4096 or nil,
    allowed_mentions = { parse = host.json.array(fields.content and { "roles", "users", "everyone" } or {}) },
  }
  return chat.post(address(fields), body, fields, host)
end

return M
