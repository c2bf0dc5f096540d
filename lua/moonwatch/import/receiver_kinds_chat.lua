--- receiver_kinds_chat.lua - receivers of Alertmanager that are chat programs: which of our fields each of theirs becomes.
local F = require "moonwatch.import.receiver_fields"
local lua = require "moonwatch.import.lua_source"
local writer = require "moonwatch.import.lua_writer"

local K = {}

-- A list of { title, value, short }; theirs are not short unless they say so.
local function facts(run, node, _, name)
  local out = {}
  local short_fields = run.fields.short_fields and run.fields.short_fields.text == "true"
  for _, item in ipairs(node.items) do
    local rows, short = {}, short_fields
    for _, row in ipairs(run.doc:expect(item, "map", name) and run.doc:rows(item) or {}) do
      local theirs = row.key.text
      if theirs == "short" then short = row.node.text == "true"
      elseif theirs == "title" or theirs == "value" then
        local value = run.doc:expect(row.node, "text", theirs) and F.message(run, row.node, row.key, name .. "." .. theirs)
        if value then rows[#rows + 1] = { name = theirs, value = value, short = true } end
      else
        run.doc:lost(row.key, ("%s: there is no field %q"):format(name, theirs))
      end
    end
    if #rows == 2 then
      if not short then rows[3] = { name = "short", value = "false", short = true } end
      out[#out + 1] = { value = writer.table(rows) }
    end
  end
  return #out > 0 and writer.table(out) or nil
end

-- Buttons that are links; those that post something back have nobody to post to.
local function buttons(run, node, key, name)
  local out = {}
  for _, item in ipairs(node.items) do
    local rows, link = {}, false
    for _, row in ipairs(run.doc:expect(item, "map", name) and run.doc:rows(item) or {}) do
      local theirs = row.key.text
      if theirs == "text" or theirs == "url" then
        local value = run.doc:expect(row.node, "text", theirs) and F.message(run, row.node, row.key, name .. "." .. theirs)
        if value then rows[#rows + 1] = { name = theirs, value = value, short = true } end
        link = link or theirs == "url" and value ~= nil
      elseif theirs == "style" and (row.node.text == "primary" or row.node.text == "danger") then
        rows[#rows + 1] = { name = "style", value = lua.quoted(row.node.text), short = true }
      elseif theirs ~= "type" and theirs ~= "style" then
        run.doc:lost(row.key, ("%s.%s: a button here is a link"):format(name, theirs))
      end
    end
    if link and #rows >= 2 then out[#out + 1] = { value = writer.table(rows) } else run.doc:lost(key, name .. ": a button without a link") end
  end
  return #out > 0 and writer.table(out) or nil
end

local function row_of(run, name)
  for i, row in ipairs(run.rows) do
    if row.name == name then return i end
  end
end

-- An address of one's own is meant before a token of `global`, and a token before an address of `global`.
local function settle_slack(run)
  local url, token = row_of(run, "url"), row_of(run, "token")
  local f = run.fields
  local own_url, own_token = f.api_url or f.api_url_file, f.app_token or f.app_token_file
  if url and token and own_url and not own_token and not run.signs_in then table.remove(run.rows, token)
  elseif url and token and not own_url and not f.app_url then table.remove(run.rows, url) end
  token = row_of(run, "token")
  if token and not (f.update_message and f.update_message.text == "true") then
    run.rows[#run.rows + 1] = { name = "update", value = "false", short = true }
  end
  if not row_of(run, "url") and not token then return "api_url" end
end

local function known(run, node, key, name)
  if node.text == "" then return '"none"' end
  return F.one_of({ "HTML", "MarkdownV2", "Markdown" })(run, node, key, name)
end

local function said_otherwise() return nil end

local function in_file(what) return function(run, _, key, name) return run.doc:lost(key, ("%s: write %s itself"):format(name, what)) end end

local function number(run, node, key, name)
  if not node.text:find "^%-?%d+$" then return run.doc:lost(key, name .. ": expected a whole number") end
  return lua.quoted(node.text)
end

local function card(run, node, key, name)
  local f = run.doc:fields(node, { card = "text" }, name)
  return f.card and F.message(run, f.card, key, name)
end

local function priority(run, node, key, name)
  local f = run.doc:fields(node, { priority = "text", requested_ack = "boolean", persistent_notifications = "boolean" }, name)
  local value = f.priority and F.one_of { "standard", "important", "urgent" }(run, f.priority, key, name)
  if not value then return nil end
  local rows = { { name = "priority", value = value, short = true } }
  for _, flag in ipairs { "requested_ack", "persistent_notifications" } do
    if f[flag] and f[flag].text == "true" then rows[#rows + 1] = { name = flag, value = "true", short = true } end
  end
  return writer.table(rows)
end

local TITLE, TEXT, FACTS = { "title", F.message }, { "text", F.each_message }, { "fields", facts, kind = "list" }

K.slack = {
  secrets = { url = { "api_url", "api_url_file", "slack_api_url", "slack_api_url_file" }, token = { "app_token", "app_token_file", "slack_app_token", "slack_app_token_file" } },
  secret_url = true, needs = {}, settle = settle_slack, resolved = false, bearer = "token",
  fields = { channel = { "channel", F.message }, username = { "username", F.message }, icon_emoji = { "icon", F.message }, icon_url = { "icon_url", F.message },
    title = TITLE, text = TEXT, fields = FACTS, short_fields = { nil, said_otherwise }, color = { "color", F.message }, footer = { "footer", F.message },
    image_url = { "image_url", F.message }, thumb_url = { "thumb_url", F.message }, link_names = { "link_names", F.yes }, actions = { "buttons", buttons, kind = "list" },
    pretext = { "pretext", F.message }, title_link = { "link", F.message }, fallback = { nil, said_otherwise }, mrkdwn_in = { nil, said_otherwise, kind = "list" },
    timeout = { "timeout", F.duration }, update_message = { nil, said_otherwise }, app_url = { "url", F.plain } },
}
K.msteams = {
  kind = "teams", secrets = { url = { "webhook_url", "webhook_url_file" } }, secret_url = true, needs = { "url" }, resolved = true,
  fields = { title = TITLE, text = TEXT },
}
K.msteamsv2 = K.msteams
K.discord = {
  secrets = { url = { "webhook_url", "webhook_url_file" } }, secret_url = true, needs = { "url" }, resolved = true,
  fields = { title = TITLE, message = TEXT, content = { "content", F.message }, username = { "username", F.message }, avatar_url = { "avatar_url", F.plain } },
}
K.telegram = {
  secrets = { token = { "bot_token", "bot_token_file", "telegram_bot_token", "telegram_bot_token_file" } }, needs = { "token", "chat_id" }, resolved = true,
  globals = { api_url = "telegram_api_url" },
  fields = { api_url = { "url", F.plain }, chat_id = { "chat_id", number }, chat_id_file = { nil, in_file "chat_id" }, message = TEXT, parse_mode = { "parse_mode", known },
    message_thread_id = { "message_thread_id", F.whole }, disable_notifications = { "disable_notification", F.yes } },
}
K.mattermost = {
  secrets = { url = { "webhook_url", "webhook_url_file", "mattermost_webhook_url", "mattermost_webhook_url_file" } }, secret_url = true, needs = { "url" }, resolved = true,
  fields = { channel = { "channel", F.message }, username = { "username", F.message }, icon_emoji = { "icon", F.message }, icon_url = { "icon_url", F.message },
    title = TITLE, text = TEXT, fields = FACTS, color = { "color", F.message }, props = { "card", card, kind = "map" }, priority = { "priority", priority, kind = "map" } },
}
K.rocketchat = {
  secrets = { token = { "token", "token_file", "rocketchat_token", "rocketchat_token_file" },
    user_id = { "token_id", "token_id_file", "rocketchat_token_id", "rocketchat_token_id_file" } },
  needs = { "token", "user_id", "channel" }, resolved = false, globals = { api_url = "rocketchat_api_url" }, defaults = { api_url = '"https://open.rocket.chat/"' },
  fields = { api_url = { "url", F.plain }, channel = { "channel", F.message }, emoji = { "icon", F.message }, icon_url = { "icon_url", F.message }, title = TITLE, text = TEXT,
    fields = FACTS, short_fields = { nil, said_otherwise }, color = { "color", F.message }, image_url = { "image_url", F.message }, thumb_url = { "thumb_url", F.message } },
}
K.webex = {
  secrets = {}, needs = { "token", "room_id" }, resolved = true, bearer = "token", globals = { api_url = "webex_api_url" },
  fields = { api_url = { "url", F.plain }, room_id = { "room_id", F.plain }, message = TEXT },
}

return K
