--- slack.lua - a button of a message in Slack was pressed.
--
-- Slack posts a form whose `payload` is JSON, signed with the app's signing secret; a post older than
-- five minutes is a replay.  A button's value is a token of router/links.lua.  The message is replaced by
-- one that says who is on it, without its buttons; a refusal is shown to whoever pressed.  Block messages
-- are answered at the address that Slack gives, older ones (attachments with actions) in the response.
local ack_link = require "moonwatch.api.ack_link"
local form = require "moonwatch.api.form"
local people = require "moonwatch.route.people"
local reply = require "moonwatch.api.router_reply"
local secrets = require "moonwatch.api.secrets"

local M = {}

local BODY, WINDOW, ACTIONS, ATTACHMENTS, NAME = 262144, 300, 25, 100, 100
local SILENCE = 3600

local SAYS = {
  forged = "This button is not of this server.", expired = "This button is too old; acknowledge on the page or with `moonwatch ack`.",
  over = "What this message told of is not firing any more.",
}

-- Nil when the post is Slack's; or the refusal.
local function refusal(router, msg, now)
  local host, headers = router.host, msg.headers or {}
  local list, missing = secrets.list(router, "slack")
  if not list then return reply.problem(host, 503, "not_configured", missing) end
  local stamp, signature = headers["x-slack-request-timestamp"], headers["x-slack-signature"]
  local at = stamp and stamp:match "^%d+$" and #stamp <= 12 and tonumber(stamp)
  if not at or not signature then return reply.problem(host, 401, "unauthorized", "the headers with Slack's signature are missing") end
  if math.abs(now - at) > WINDOW then
    return reply.problem(host, 401, "unauthorized", "the post is more than five minutes old (or a clock is wrong): it may be a replay")
  end
  if not secrets.signed(host, list, "v0:" .. stamp .. ":" .. msg.body, { signature:match "^v0=(%x+)$" }) then
    return reply.problem(host, 401, "unauthorized", "the signature does not fit the signing secret")
  end
end

-- -- the answer ------------------------------------------------------------------------

local function without_buttons(blocks)
  local out = {}
  for _, block in ipairs(type(blocks) == "table" and blocks or {}) do
    if type(block) == "table" and block.type ~= "actions" then
      if type(block.accessory) == "table" and block.accessory.type == "button" then block.accessory = nil end
      out[#out + 1] = block
    end
  end
  return out
end

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- The message as it was, with TEXT in the place of its buttons.
local function replaced(host, message, text)
  local out = { replace_original = true, text = type(message.text) == "string" and message.text or text }
  local blocks, attachments = without_buttons(message.blocks), {}
  for i, a in ipairs(type(message.attachments) == "table" and message.attachments or {}) do
    if i > ATTACHMENTS or type(a) ~= "table" then break end
    a.actions = nil
    if type(a.blocks) == "table" then a.blocks = host.json.array(without_buttons(a.blocks)) end
    attachments[i] = a
  end
  if #blocks > 0 then
    blocks[#blocks + 1] = { type = "context", elements = { { type = "mrkdwn", text = escape(text) } } }
    out.blocks = blocks
  else
    attachments[#attachments + 1] = { text = escape(text), fallback = text, color = "good" }
  end
  if #attachments > 0 then out.attachments = attachments end
  return out
end

local function whispered(text) return { response_type = "ephemeral", replace_original = false, text = text } end

-- Where Slack wants to hear of what came of PAYLOAD; nil: in the response.
local function address_of(payload)
  local url = payload.response_url
  return payload.type == "block_actions" and type(url) == "string" and url:find "^https://hooks%.slack[%w%-]*%.com/" and url or nil
end

local function answer(router, payload, value)
  local url = address_of(payload)
  if url then
    router.host.call("http", { url = url, method = "POST", headers = { ["content-type"] = "application/json" }, timeout = 10,
      body = router.host.json.encode(value) }, function(got)
      if not got.error and got.status and got.status < 300 then return end
      router.host.log("warn", "Slack did not take the answer to a button", { status = got.status, error = got.error })
    end)
  end
  return reply.json(router.host, 200, value)
end

-- -- doing it ---------------------------------------------------------------------------

-- The first button that has a token: a link's button says that it was pressed, too, and has none.
local function pressed(payload)
  for i, action in ipairs(type(payload.actions) == "table" and payload.actions or {}) do
    if i > ACTIONS then break end
    if type(action) == "table" and type(action.value) == "string" and action.value:find "^1%.%a+%." then return action.value end
  end
end

local function who(router, payload)
  local user = type(payload.user) == "table" and payload.user or {}
  local names = {}
  for _, name in ipairs { "id", "username", "name" } do
    if type(user[name]) == "string" and user[name] ~= "" then names[#names + 1] = user[name]:gsub("%c", " "):sub(1, NAME) end
  end
  return people.known(router.people, names) or names[2] or names[1] or "somebody in Slack"
end

local NOTHING = { status = 200, headers = {}, body = "" }

-- BEGIN(done) makes an answer, now or later.  Slack waits for three seconds only, so where it gave an address it is let go at once.
local function wait(router, payload, msg, begin)
  if not address_of(payload) then return reply.wait(router.host, msg, begin) end
  local given
  begin(function(a) given = a end)
  return given or NOTHING
end

local function act(router, payload, msg, now)
  local token = pressed(payload)
  if not token then return NOTHING end
  local what, _, why, use = ack_link.open(router, token, now)
  if not what then
    local said = why == "used" and ("%s did that already, at %s."):format(use.by or "Somebody", router.host.rfc3339(use.at)) or SAYS[why]
    return answer(router, payload, whispered(said))
  end
  local f = { author = who(router, payload), way = "slack", seconds = what.t.what == "silence" and SILENCE or nil }
  return wait(router, payload, msg, function(done)
    ack_link.act(router, what, f, now, function(did, wrong)
      if not did then return done(answer(router, payload, whispered(wrong))) end
      if what.t.what == "silence" then did = f.author .. " silenced it. " .. did end
      local message = payload.message or payload.original_message
      done(answer(router, payload, replaced(router.host, type(message) == "table" and message or {}, did)))
    end)
  end)
end

local function actions(router, msg, now)
  local host = router.host
  if #(msg.body or "") > BODY then return reply.problem(host, 413, "too_large", ("the body is larger than %d bytes"):format(BODY)) end
  local refused = refusal(router, msg, now)
  if refused then return refused end
  local f, why = form.read(msg.body, BODY)
  if not f then return reply.problem(host, 400, "bad_request", why) end
  local payload
  payload, why = host.json.decode(f.payload or "")
  if type(payload) ~= "table" then
    return reply.problem(host, 400, "bad_request", "the form's payload must be a JSON object" .. (why and ": " .. tostring(why) or ""))
  end
  return act(router, payload, msg, now)
end

local ROWS = { { "POST", "^/api/mw/v1/slack/actions$", actions } }

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
