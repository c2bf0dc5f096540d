--- slack_spec.lua - what Slack is sent, what it answers, and how a message of a group changes.
local answer = require "moonwatch.to.answer"
local host = require("fake_host").new()
local notes = require "chat_notes"
local slack = require "moonwatch.to.slack"
local to = require "moonwatch.to"

local note, alert = notes.note, notes.alert
local function body(n, fields, step)
  local request = slack.build(n, fields or {}, host, step)
  return host.json.decode(request.body), request
end
local function judge(reply)
  reply.headers = reply.headers or {}
  return answer.judge(slack.answers, reply, 0, host)
end

describe("what Slack answers", function()
  it("is a yes when it is ok, in either of its ways", function()
    for _, said in ipairs { "ok", "ok\n", '{"ok":true,"ts":"1.2","channel":"C1"}', "" } do
      assert.is_true(judge({ status = 200, body = said }).ok, said)
    end
    assert.same({ ts = "1.2", channel = "C1" }, judge({ status = 200, body = '{"ok":true,"ts":"1.2","channel":"C1"}' }).memo)
  end)
  it("is a no for good when nothing changes by trying", function()
    for said, hint in pairs { ['{"ok":false,"error":"channel_not_found"}'] = "no such channel", ['{"ok":false,"error":"invalid_auth"}'] = "not valid",
                              ["<html>hello</html>"] = "html" } do
      local o = judge { status = 200, body = said }
      assert.is_false(o.ok)
      assert.is_falsy(o.retry)
      assert.is_truthy(o.error:find(hint, 1, true), o.error)
    end
    for status, said in pairs { [400] = "invalid_payload", [403] = "action_prohibited", [404] = "no_service", [410] = "channel_is_archived" } do
      local o = judge { status = status, body = said }
      assert.is_false(o.ok or o.retry)
      assert.is_truthy(o.error:find(said, 1, true))
    end
    assert.is_truthy(judge({ status = 404, body = "no_service" }).error:find("make a new one", 1, true))
  end)
  it("is a later when it passes", function()
    for _, code in ipairs { "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout" } do
      assert.is_true(judge({ status = 200, body = ('{"ok":false,"error":"%s"}'):format(code) }).retry, code)
    end
    assert.is_true(judge({ status = 200, body = '{"ok":tr' }).retry)
    assert.is_true(judge({ status = 500, body = "rollup_error" }).retry)
    local o = judge { status = 429, headers = { ["retry-after"] = "30" } }
    assert.same({ true, 30 }, { o.retry, o.after })
  end)
end)

describe("where it is said and how it looks", function()
  it("may depend on the message", function()
    local n = note { alerts = { alert { labels = { alertname = "Busy", team = "web" }, annotations = { pic = "http://p/1.png", board = "https://g/d/1" } } } }
    local b = body(n, { channel = "#${labels.team}", username = "${labels.nobody}", icon = '{{ if eq .Status "firing" }}:fire:{{ else }}:ok:{{ end }}',
      image_url = "${annotations.pic}", link = "${annotations.board}", pretext = "<!here> ${labels.team}" })
    assert.same({ "#web", nil, ":fire:" }, { b.channel, b.username, b.icon_emoji })
    local a = b.attachments[1]
    assert.same({ "http://p/1.png", "https://g/d/1", "<!here> web" }, { a.image_url, a.title_link, a.pretext })
    assert.equal("http://mw", body(n, { link = "javascript:alert(1)" }).attachments[1].title_link)
  end)
end)

describe("the text of others", function()
  it("calls nobody and makes no link", function()
    local b = body(note { alerts = { alert { labels = { alertname = "<!everyone> & <http://evil|x>" }, annotations = { summary = "<@U1>" } } } })
    assert.is_nil(host.json.encode(b):find "<[!@h]")
  end)
  it("is escaped in the places of one's own texts, and the texts themselves are not", function()
    local b = body(note { alerts = { alert { annotations = { summary = "<!here>" } } } }, { text = "<!subteam^S1> ${annotations.summary}", title = "*${name}*" })
    assert.equal("<!subteam^S1> &lt;!here&gt;", b.attachments[1].text:match "^[^\n]*")
    assert.equal("*Busy*", b.text)
  end)
  it("of any kind and length leaves a message that Slack takes", function()
    for _ = 1, 60 do
      local n = notes.hostile_note(60)
      local request = slack.build(n, { token = "x", actions = true }, host)
      local b = host.json.decode(request.body)
      assert.is_true(notes.is_utf8(request.body))
      assert.is_true(#b.attachments <= 21)
      assert.is_true(#b.text <= 4000)
      for _, a in ipairs(b.attachments) do
        assert.is_true(#(a.text or "") <= 12000)
        assert.is_nil((a.text or ""):gsub("<https?://[^|>]*|%a+>", ""):find "[<>]")
      end
    end
  end)
end)

describe("a text of one's own", function()
  it("is said for each alert when it names something of one, else once", function()
    local two = note { alerts = { alert(), alert { labels = { alertname = "Busy", instance = "b:1" } } } }
    local each = body(two, { text = "${labels.instance} is at ${value|percent}" })
    assert.equal(2, #each.attachments)
    assert.is_truthy(each.attachments[2].text:find "^b:1 is at")
    local once = body(two, { text = "${status}: ${group_labels.alertname} (${firing})" })
    assert.equal(1, #once.attachments)
    assert.is_truthy(once.attachments[1].text:find("firing: Busy (2)", 1, true))
  end)
  it("may have facts of its own", function()
    local b = body(note(), { fields = { { title = "Where", value = "${labels.instance}", short = false } } })
    assert.same({ { title = "Where", value = "a:1", short = false } }, b.attachments[1].fields)
  end)
end)

describe("buttons in Slack", function()
  it("bring the token back when Slack posts to us", function()
    local links = {}
    for k, v in pairs(notes.links) do links[k] = v end
    links.slack = true
    local b = body(note { links = links })
    local ack = b.blocks[2].elements[1]
    assert.same({ "moonwatch_ack", "1.ack.x", nil }, { ack.action_id, ack.value, ack.url })
    assert.equal("moonwatch_silence", b.blocks[2].elements[2].action_id)
  end)
  it("are links when it does not, and plain links when nobody asked for buttons", function()
    local b = body(note { links = notes.links }, { actions = true })
    assert.equal("http://mw/ack/1.ack.x", b.blocks[2].elements[1].url)
    b = body(note { links = notes.links })
    assert.is_nil(b.blocks)
    assert.is_truthy(b.attachments[1].text:find("<http://mw/ack/1.ack.x|Acknowledge>", 1, true))
  end)
end)

describe("a message with a token", function()
  local fields = { token = "xoxb", channel = "#ops" }
  local memo = { ts = "1.2", channel = "C1" }
  it("is posted with it, and changed from then on", function()
    local _, request = body(note(), fields)
    assert.equal("https://slack.com/api/chat.postMessage", request.url)
    assert.equal("Bearer xoxb", request.headers.authorization)
    local b
    b, request = body(note { reason = "changed", memo = memo }, fields)
    assert.equal("https://slack.com/api/chat.update", request.url)
    assert.same({ "1.2", "C1" }, { b.ts, b.channel })
  end)
  it("is a new one when somebody else must look, or when nobody wants changes", function()
    for _, reason in ipairs { "escalation", "handover", "on-call", "ack-ended" } do
      assert.is_nil(body(note { reason = reason, memo = memo }, fields).ts)
    end
    assert.is_nil(body(note { reason = "changed", memo = memo }, { token = "x", update = false }).ts)
    assert.is_nil(body(note { reason = "changed", memo = memo }, { url = "http://hook" }).ts)
  end)

  local function send(n, f, replies)
    local h, asked, out = require("fake_host").new(), {}, nil
    h.on.http = function(request)
      local sent = h.json.decode(request.body)
      asked[#asked + 1] = request.url:match "[%a%.]+$" .. (sent.thread_ts and " thread" or "") .. (sent.reply_broadcast and " shown" or "")
      return table.remove(replies, 1)
    end
    to.send(h, function() return 0 end, { kind = "slack", fields = f }, n, function(outcome) out = outcome end)
    return asked, out
  end
  local function says(text) return { status = 200, headers = {}, body = text } end

  it("is posted anew when the old one is gone, and that one is remembered", function()
    local asked, outcome = send(note { reason = "changed", memo = memo }, fields,
      { says '{"ok":false,"error":"message_not_found"}', says '{"ok":true,"ts":"9.9","channel":"C1"}' })
    assert.same({ "chat.update", "chat.postMessage" }, asked)
    assert.same({ true, { ts = "9.9", channel = "C1" } }, { outcome.ok, outcome.memo })
  end)
  it("says in the channel what is new in it, and a reminder, for nobody notices a message that changes", function()
    for _, reason in ipairs { "changed", "repeat" } do
      local asked = send(note { reason = reason, memo = memo }, fields,
        { says '{"ok":true,"ts":"1.2","channel":"C1"}', says '{"ok":true,"ts":"1.3","channel":"C1"}' })
      assert.same({ "chat.update", "chat.postMessage thread shown" }, asked)
    end
    assert.same({ "chat.update" }, (send(note { reason = "some-resolved", memo = memo }, fields, { says '{"ok":true,"ts":"1.2","channel":"C1"}' })))
  end)
  it("is told in its thread, too, if that is wanted", function()
    local asked, outcome = send(note { reason = "some-resolved", memo = memo }, { token = "x", replies = true },
      { says '{"ok":true,"ts":"1.2","channel":"C1"}', says '{"ok":true,"ts":"1.3","channel":"C1"}' })
    assert.same({ "chat.update", "chat.postMessage thread" }, asked)
    assert.is_true(outcome.ok)
    assert.equal("1.2", outcome.memo.ts)
  end)
  it("is tried again as a whole when a later step fails", function()
    local _, outcome = send(note { reason = "changed", memo = memo }, { token = "x", replies = true },
      { says '{"ok":true,"ts":"1.2","channel":"C1"}', { status = 429, headers = { ["retry-after"] = "7" }, body = "" } })
    assert.same({ true, 7 }, { outcome.retry, outcome.after })
  end)
end)
