--- slack.lua - a message in a Slack channel, through an incoming webhook or with a bot's token (chat.postMessage).
--
-- The first line names the alert; each alert is an attachment in the colour of its severity with fields for severity, value,
-- threshold and time.  With a token the message of a group is one that changes: Slack's answer (ts and channel) is the memo of
-- the group, and what comes later is written into it by chat.update, with `replies` told in its thread, too.  Nobody notices a
-- message that changes, so alerts that are new in it and reminders are said in its thread and shown in the channel.  A new message is
-- posted when somebody else must look (an escalation, a handover), and for what begins after all of it had resolved.
local answers = require "moonwatch.to.answer"
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "slack", at_once = 1 }

local POST = "https://slack.com/api/chat.postMessage"
local DIALECT = markup.slack
local TITLE, TEXT, FIELD, FOOTER, VALUE = 1024, 3000, 1000, 300, 2000
local PASSES = { retry = true }
local SENDER = { { "channel", "channel" }, { "username", "username" }, { "icon_emoji", "icon" }, { "icon_url", "icon_url" } }
local PICTURES = { { "image_url", "image_url" }, { "thumb_url", "thumb_url" } }

local function hint(says) return { says = says } end

M.answers = {
  errors = {
    ratelimited = PASSES, rate_limited = PASSES, internal_error = PASSES, fatal_error = PASSES, service_unavailable = PASSES,
    request_timeout = PASSES, team_added_to_org = PASSES, external_channel_migrating = PASSES, rollup_error = PASSES,
    invalid_auth = hint "the token is not valid", not_authed = hint "there is no token", token_revoked = hint "make a new token",
    token_expired = hint "make a new token", account_inactive = hint "the bot was removed", missing_scope = hint "the bot needs chat:write",
    not_in_channel = hint "invite the bot to the channel", channel_not_found = hint "no such channel, or the bot is not in it",
    is_archived = hint "the channel is archived", channel_is_archived = hint "the channel is archived",
    restricted_action = hint "the workspace does not let the bot post there", action_prohibited = hint "the workspace forbids it",
    no_service = hint "the webhook was removed; make a new one", invalid_token = hint "the webhook was removed; make a new one",
  },
}

-- A webhook says "ok"; a token is answered with an object.  What is half an object was taken or not: it is asked again.
function M.answers.body(answer, host)
  local body = (answer.body or ""):match "^%s*(.-)%s*$"
  if body == "" or body:lower() == "ok" then return nil end
  if body:find "^{" then
    local value = answers.json(answer, host)
    if not value then return "garbled", "Slack's answer cannot be read: " .. body:sub(1, 100), true end
    if value.ok == true or value.success == true then return nil end
    local code = type(value.error) == "string" and value.error or "ok is false"
    return code, "Slack refused: " .. code
  end
  return body:sub(1, 100), "Slack refused: " .. body:sub(1, 100)
end

-- Webhooks say what is wrong in one word.
function M.answers.word(answer)
  local word = (answer.body or ""):match "^%s*([%a_]+)%s*$"
  return word, word
end

function M.answers.memo(answer, host)
  local value = answers.json(answer, host)
  if value and type(value.ts) == "string" and type(value.channel) == "string" then return { ts = value.ts, channel = value.channel } end
end

--- Messages that can be changed say who is on it.
function M.shows_acks(fields, entry) return fields.token ~= nil and fields.update ~= false and entry.memo ~= nil end

-- -- the message -------------------------------------------------------------------------

-- The text of an alert, with what made it fire below it.
local function body_of(item)
  local lines = chat.lines(item, DIALECT, chat.FULL)
  if #lines > 0 then return markup.cut(table.concat(lines, "\n"), TEXT) end
end

local function attachment(item, note, fields, host)
  local out = { color = fields.color and chat.filled(fields.color, note, item.alert) or item.badness, title_link = item.url,
    fields = host.json.array(chat.facts(item, DIALECT, chat.FULL, FIELD)), text = body_of(item), mrkdwn_in = { "text", "fields", "pretext" } }
  if not item.of_all then
    out.title = chat.name(item, DIALECT, TITLE)
    out.fallback = markup.write(DIALECT.text, item.alert.status .. " " .. (item.alert.labels.alertname or "alert"), TITLE, { line = true })
    out.footer = item.labels and markup.write(DIALECT.text, item.labels, FOOTER, { line = true })
  else
    out.fallback = chat.title(note, fields, DIALECT.text, TITLE)
  end
  if fields.footer then out.footer = markup.cut(chat.filled(fields.footer, note, item.alert, DIALECT.text), FOOTER) end
  if fields.pretext then out.pretext = markup.cut(chat.filled(fields.pretext, note, item.alert, DIALECT.text), TEXT) end
  if fields.link then out.title_link = markup.url(chat.filled(fields.link, note, item.alert)) or item.url end
  return chat.named(out, PICTURES, fields, note, item.alert)
end

local function attachments_of(note, fields, host)
  local items, left_out = chat.items(note, fields, host, DIALECT.text)
  local out = {}
  for i, item in ipairs(items) do out[i] = attachment(item, note, fields, host) end
  if left_out > 0 then out[#out + 1] = { color = "warning", text = chat.more(left_out) } end
  return out
end

-- -- buttons -----------------------------------------------------------------------------

local function button(label, id, style) return { type = "button", text = { type = "plain_text", text = label }, action_id = id, style = style } end

-- Buttons that come back to us carry a token; where Slack was not told our address, or without a token, they are links.
local function buttons_of(note, fields, host)
  local out, links = {}, note.links or {}
  local back = links.slack and fields.actions ~= false
  if back or fields.actions then
    for _, row in ipairs { { "Acknowledge", "moonwatch_ack", links.token, links.ack, "primary" }, { "Silence 1h", "moonwatch_silence", links.silence_token, links.silence } } do
      local b, url = button(row[1], row[2], row[5]), markup.url(row[4])
      if back and row[3] and #row[3] <= VALUE then b.value = row[3] else b.url = url end
      if b.value or b.url then out[#out + 1] = b end
    end
    local b = button("Why", "moonwatch_why")
    b.url = markup.url(links.why)
    if b.url and #out > 0 then out[#out + 1] = b end
  end
  for i, row in ipairs(fields.buttons or {}) do
    local b = button(markup.cut(chat.filled(row.text, note), 75), "moonwatch_link_" .. i, row.style)
    b.url = markup.url(chat.filled(row.url, note))
    if b.url then out[#out + 1] = b end
  end
  return #out > 0 and { type = "actions", elements = host.json.array(out) } or nil
end

local function message(note, fields, host)
  local title = chat.title(note, fields, DIALECT.text, TITLE)
  local out = { text = title, attachments = attachments_of(note, fields, host) }
  local buttons = buttons_of(note, fields, host)
  if buttons then
    out.blocks = host.json.array { { type = "section", text = { type = "mrkdwn", text = DIALECT.bold(title) } }, buttons }
  elseif #chat.links(note) > 0 then
    local last = out.attachments[#out.attachments]
    last.text = (last.text and last.text .. "\n" or "") .. chat.link_line(note, DIALECT)
  end
  out.attachments = host.json.array(out.attachments)
  return out
end

-- -- its way -------------------------------------------------------------------------------

-- Reasons for which somebody must look again: a message that changes silently is not enough.
local ANEW = { escalation = true, ["on-call"] = true, ["ack-ended"] = true, handover = true, fallback = true, digest = true, test = true }

-- Reasons for which the channel must notice that the message changed.
local LOUD = { changed = true, ["repeat"] = true }

local function changes(note, fields)
  return fields.token and fields.update ~= false and note.memo and not ANEW[note.reason]
end

local function request_of(fields, url, body, host)
  local headers = { ["content-type"] = "application/json; charset=utf-8" }
  if fields.token then headers.authorization = "Bearer " .. fields.token end
  return chat.post(url, body, fields, host, headers)
end

-- What of the thread is told when the message above it changed.
local function reply(note, fields)
  return { text = chat.title(note, { title = fields.title }, DIALECT.text, TITLE), thread_ts = note.memo.ts, channel = note.memo.channel,
    reply_broadcast = LOUD[note.reason] }
end

--- STEP: nil, "anew" (what was to be changed is gone) or "reply".
function M.build(note, fields, host, step)
  local url = fields.url or POST
  if step == "reply" then return request_of(fields, url, reply(note, fields), host) end
  local body = message(note, fields, host)
  if not step and changes(note, fields) then
    body.ts, body.channel = note.memo.ts, note.memo.channel
    return request_of(fields, (url:gsub("chat%.postMessage", "chat.update")), body, host)
  end
  body.link_names = fields.link_names or nil
  return request_of(fields, url, chat.named(body, SENDER, fields, note), host)
end

local GONE = { message_not_found = true, cant_update_message = true, edit_window_closed = true, channel_not_found = true, is_inactive = true,
               block_mismatch = true }

function M.steps(note, fields, host, ask)
  local outcome = ask.each({ M.build(note, fields, host) })[1]
  if not changes(note, fields) then return outcome end
  if outcome.ok then
    if note.status == "acknowledged" or not fields.replies and not LOUD[note.reason] then return outcome end
    local told = ask.each({ M.build(note, fields, host, "reply") })[1]
    told.memo = outcome.memo
    return told
  end
  local value = answers.json(outcome.reply, host)
  return value and GONE[value.error] and ask.each({ M.build(note, fields, host, "anew") })[1] or outcome
end

return M
