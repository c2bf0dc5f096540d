--- chat_spec.lua - every chat program is sent what it takes, and its answers mean what it says they mean.
local answer = require "moonwatch.to.answer"
local host = require("fake_host").new()
local markup = require "moonwatch.to.markup"
local notes = require "chat_notes"
local to = require "moonwatch.to"

local note, alert = notes.note, notes.alert
local FIELDS = {
  teams = { url = "http://t" }, discord = { url = "http://d/hook" }, telegram = { token = "T", chat_id = "-100" }, mattermost = { url = "http://m" },
  rocketchat = { url = "http://r/", token = "T", user_id = "U", channel = "#ops" }, webex = { token = "T", room_id = "R" }, slack = { url = "http://s" },
}
local function with(kind, more) return setmetatable(more or {}, { __index = FIELDS[kind] }) end
local function build(kind, n, more, ...)
  local request = to.kinds[kind].build(n, with(kind, more), host, ...)
  return host.json.decode(request.body), request
end
local function judge(kind, reply)
  reply.headers = reply.headers or {}
  return answer.judge(to.kinds[kind].answers, reply, 1000, host)
end

-- Every text in VALUE.
local function texts(value, out)
  out = out or {}
  if type(value) == "string" then out[#out + 1] = value end
  for _, v in pairs(type(value) == "table" and value or {}) do texts(v, out) end
  return out
end

local CHECKS = {}
function CHECKS.discord(b)
  assert.is_true(#b.embeds <= 10 and markup.size(b.content) <= 2000)
  assert.equal(0, #b.allowed_mentions.parse)
  local sum = 0
  for _, e in ipairs(b.embeds) do
    assert.is_true(markup.size(e.title or "") <= 256 and markup.size(e.description or "") <= 4096 and #e.fields <= 25)
    sum = sum + markup.size(e.title or "") + markup.size(e.description or "") + markup.size(e.footer and e.footer.text or "")
    for _, f in ipairs(e.fields) do
      assert.is_true(f.name ~= "" and f.value ~= "" and markup.size(f.name) <= 256 and markup.size(f.value) <= 1024)
      sum = sum + markup.size(f.name) + markup.size(f.value)
    end
  end
  assert.is_true(sum <= 6000)
  for _, text in ipairs(texts(b)) do assert.is_nil(text:find "@channel" or text:find "@here") end
end
function CHECKS.telegram(b)
  assert.is_true(markup.size(b.text) <= 4096 and b.text ~= "")
  local open = {}
  for slash, tag, attributes in b.text:gmatch "<(/?)(%a+)([^>]*)>" do
    assert.is_true(tag == "b" or tag == "a" or tag == "pre", tag)
    assert.is_true(attributes == "" or tag == "a" and attributes:find '^ href="[^"<>]*"$' ~= nil, attributes)
    if slash == "" then open[#open + 1] = tag else assert.equal(tag, table.remove(open)) end
  end
  assert.equal(0, #open)
  assert.is_nil(b.text:gsub("</?%a[^>]*>", ""):find "[<>]")
end
function CHECKS.mattermost(b)
  assert.is_true(markup.size(b.text) <= 16383 and #host.json.encode(b.attachments) <= 7900)
  for _, text in ipairs(texts(b)) do assert.is_nil(text:find "@channel" or text:find "@here" or text:find "@all") end
end
function CHECKS.rocketchat(b)
  assert.is_true(markup.size(b.text) <= 5000)
  for _, text in ipairs(texts(b)) do assert.is_nil(text:find "@channel" or text:find "@here") end
end
function CHECKS.webex(b)
  assert.is_true(#b.markdown <= 7439 and b.markdown ~= "")
  assert.is_nil(b.markdown:find "<@")
end
function CHECKS.teams(b, request)
  assert.is_true(#request.body <= 28 * 1024)
  local card = b.attachments[1].content
  assert.same({ "message", "AdaptiveCard", "1.2" }, { b.type, card.type, card.version })
  for _, element in ipairs(card.body) do assert.is_true(element.type == "RichTextBlock" or element.type == "Container" or element.type == "TextBlock") end
end
function CHECKS.slack(b) assert.is_true(#b.attachments <= 21) end

for kind, check in pairs(CHECKS) do
  describe("a message of " .. kind, function()
    it("is within what it takes, whatever alerts say", function()
      for i = 1, 40 do
        local b, request = build(kind, notes.hostile_note(i % 4 == 0 and 200 or 6))
        assert.is_true(notes.is_utf8(request.body))
        check(b, request)
      end
    end)
    it("names the alert, how many fire and what it is about", function()
      local _, request = build(kind, note())
      for _, part in ipairs { "FIRING:1", "Busy", "a is busy", "critical", "0.99", "0.90", "wiki/busy" } do
        assert.is_truthy(request.body:gsub("\\\\", ""):find(part, 1, true), part)
      end
    end)
    it("says that it is over", function()
      local _, request = build(kind, note { status = "resolved", alerts = { alert { status = "resolved", ends_at = 1780000060 } } })
      assert.is_truthy(request.body:find("RESOLVED", 1, true))
    end)
    it("counts what it leaves out", function()
      local many = {}
      for i = 1, 300 do many[i] = alert() end
      local _, request = build(kind, note { alerts = many })
      assert.is_truthy(request.body:find "and %d+ more")
    end)
    it("has the links that acknowledge", function()
      local _, request = build(kind, note { links = notes.links })
      assert.is_truthy(request.body:gsub("\\/", "/"):find("http://mw/ack/1.ack.x", 1, true))
    end)
    it("fills in texts of one's own, escaped", function()
      local _, request = build(kind, note { alerts = { alert { annotations = { summary = "<!everyone> @here" } } } },
        { title = "T ${name}", text = "X ${annotations.summary}" })
      assert.is_truthy(request.body:find("T Busy", 1, true))
      assert.is_nil(request.body:find("X <!everyone> @here", 1, true))
    end)
  end)
end

describe("an answer of Discord", function()
  it("tells when to come back in its body or headers, and beforehand", function()
    assert.equal(1.5, judge("discord", { status = 429, body = '{"message":"You are being rate limited.","retry_after":1.5,"global":false}' }).after)
    assert.equal(2, judge("discord", { status = 429, body = "{}", headers = { ["retry-after"] = "2" } }).after)
    local o = judge("discord", { status = 200, body = "{}", headers = { ["x-ratelimit-remaining"] = "0", ["x-ratelimit-reset-after"] = "0.75" } })
    assert.same({ true, 0.75 }, { o.ok, o.after })
    o = judge("discord", { status = 404, body = '{"message": "Unknown Webhook", "code": 10015}' })
    assert.is_false(o.retry)
    assert.is_truthy(o.error:find "Unknown Webhook %(the webhook was removed")
  end)
  it("is waited for, so that a refusal is one", function()
    assert.equal("http://d/hook?wait=true&thread_id=7", select(2, build("discord", note(), { thread_id = "7" })).url)
  end)
  it("may call somebody only by what its content says", function()
    local b = build("discord", note(), { content = "<@&42> ${labels.instance}" })
    assert.is_truthy(b.content:find("<@&42> a:1", 1, true))
    assert.same({ "roles", "users", "everyone" }, b.allowed_mentions.parse)
  end)
end)

-- Sends through KIND; REPLIES are given one after the other.  Answers the bodies and the outcome.
local function send(kind, n, replies, more)
  local h, bodies, out = require("fake_host").new(), {}, nil
  h.on.http = function(request)
    bodies[#bodies + 1] = h.json.decode(request.body)
    return table.remove(replies, 1)
  end
  to.send(h, function() return 0 end, { kind = kind, fields = with(kind, more) }, n, function(outcome) out = outcome end)
  return bodies, out
end
local function says(status, body) return { status = status, headers = {}, body = body } end

describe("an answer of Telegram", function()
  it("is obeyed when it says how long to wait", function()
    local o = judge("telegram", { status = 429, body = '{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}' })
    assert.same({ true, 5 }, { o.retry, o.after })
  end)
  it("may be a no with 200", function()
    assert.is_true(judge("telegram", says(200, '{"ok":true,"result":{}}')).ok)
    assert.is_falsy(judge("telegram", says(200, '{"ok":false,"error_code":400,"description":"x"}')).retry)
    assert.is_true(judge("telegram", says(200, '{"ok":false,"error_code":500,"description":"x"}')).retry)
    assert.is_true(judge("telegram", says(200, "<html>")).retry)
    assert.is_false(judge("telegram", says(403, '{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked"}')).retry)
  end)
  it("that the markup cannot be read has the text sent without", function()
    local bodies, outcome = send("telegram", note(), {
      says(400, '{"ok":false,"error_code":400,"description":"Bad Request: can\'t parse entities: x"}'), says(200, '{"ok":true}') }, { text = "<b>${name}" })
    assert.is_true(outcome.ok)
    assert.same({ "HTML", nil }, { bodies[1].parse_mode, bodies[2].parse_mode })
  end)
  it("that the group has moved has the message follow it", function()
    local bodies, outcome = send("telegram", note(), {
      says(400, '{"ok":false,"error_code":400,"description":"upgraded","parameters":{"migrate_to_chat_id":-1001234567890}}'), says(200, '{"ok":true}') })
    assert.is_true(outcome.ok)
    assert.equal("-1001234567890", bodies[2].chat_id)
  end)
  it("of the same kind again and again ends", function()
    local no = '{"ok":false,"error_code":400,"description":"can\'t parse entities, thread not found","parameters":{"migrate_to_chat_id":-1}}'
    local _, outcome = send("telegram", note(), { says(400, no), says(400, no), says(400, no), says(400, no), says(400, no), says(400, no) })
    assert.is_false(outcome.ok)
  end)
end)

describe("an answer of Rocket.Chat", function()
  it("is a no when success is false, and a later when it is too many", function()
    assert.is_true(judge("rocketchat", says(200, '{"success":true}')).ok)
    assert.is_falsy(judge("rocketchat", says(200, '{"success":false,"error":"[error-invalid-channel]"}')).retry)
    assert.is_true(judge("rocketchat", says(200, '{"succ')).retry)
    local o = judge("rocketchat", { status = 429, headers = { ["x-ratelimit-remaining"] = "0", ["x-ratelimit-reset"] = "1030000" }, body = "{}" })
    assert.same({ true, 30 }, { o.retry, o.after })
    o = judge("rocketchat", says(400, '{"success":false,"error":"Error, too many requests. You must wait 60 seconds [error-too-many-requests]"}'))
    assert.same({ true, 60 }, { o.retry, o.after })
  end)
  it("is asked with token and user in the headers", function()
    local _, request = build("rocketchat", note())
    assert.same({ "http://r/api/v1/chat.postMessage", "T", "U" }, { request.url, request.headers["x-auth-token"], request.headers["x-user-id"] })
  end)
end)

describe("an answer of Teams, Mattermost and Webex", function()
  it("that a card is too large has a small one sent", function()
    local many = {}
    for i = 1, 20 do many[i] = alert { annotations = { description = ("ü"):rep(1400) } } end
    local bodies, outcome = send("teams", note { alerts = many }, { says(413, ""), says(202, "") })
    assert.is_true(outcome.ok)
    assert.is_true(#host.json.encode(bodies[2]) < 6000)
  end)
  it("of an old connector may be a later that comes with 200", function()
    local o = judge("teams", says(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x"))
    assert.same({ false, true }, { o.ok, o.retry })
    assert.is_true(judge("teams", says(200, "1")).ok)
  end)
  it("says what to do when it is a no", function()
    assert.is_truthy(judge("mattermost", says(400, '{"id":"x","message":"Invalid webhook"}')).error:find "Invalid webhook %(the webhook was removed")
    assert.is_truthy(judge("webex", says(404, '{"message":"gone"}')).error:find "no such room")
    assert.is_true(judge("webex", { status = 423, headers = { ["retry-after"] = "9" }, body = "" }).retry)
    assert.equal("Bearer T", select(2, build("webex", note())).headers.authorization)
  end)
end)
