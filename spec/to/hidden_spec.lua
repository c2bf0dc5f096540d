--- hidden_spec.lua - what must not be read by others stays unread, also when it was written as a plain text.
local fake = require "fake_host"
local hidden = require "moonwatch.to.hidden"
local kinds = require "moonwatch.words.kinds"
local note = require("notes").note
local to = require "moonwatch.to"

local SLACK = "https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/xoxSecretOfTheWebhook99"

-- kind, fields, what a bad server says, what of it may be read.
local SAID = {
  { "slack", { url = SLACK }, "no team at " .. SLACK, "no team at ***" },
  { "slack", { url = SLACK }, "/services/T0AAAAAAA/B0BBBBBBB/xoxSecretOfTheWebhook99 is gone at hooks.slack.com", "*** is gone at hooks.slack.com" },
  { "slack", { url = SLACK }, "token xoxSecretOfTheWebhook99", "token ***" },
  { "slack", { token = "xoxb-1-2-abc" }, "xoxb-1-2-abc was revoked", "*** was revoked" },
  { "discord", { url = "https://discord.com/api/webhooks/112233445566778899/Sec_ret-Of-Discord-1" }, "webhook 112233445566778899 Sec_ret-Of-Discord-1", "webhook *** ***" },
  { "teams", { url = "https://prod-1.example.com/workflows/ab12/triggers?api-version=1&sig=q%2Bsecret_sig-nature" }, "sig q+secret_sig-nature, q%2Bsecret_sig-nature", "sig ***, ***" },
  { "telegram", { token = "123456:AAtelegram", chat_id = "-100" }, "POST /bot123456:AAtelegram/sendMessage to -100", "POST /bot***/sendMessage to -100" },
  { "mattermost", { url = "https://chat.example.com/hooks/abcdefghijklmnopqrstuvwxyz" }, "hook abcdefghijklmnopqrstuvwxyz", "hook ***" },
  { "webex", { token = "webex-token", room_id = "room" }, "webex-token may not enter room", "*** may not enter room" },
  { "pagerduty", { routing_key = "r0ut1ngkey" }, "key r0ut1ngkey", "key ***" },
  { "opsgenie", { api_key = "genie-key" }, "GenieKey genie-key", "GenieKey ***" },
  { "victorops", { api_key = "vo-key", routing_key = "team" }, "POST /alert/vo-key/team", "POST /alert/***/team" },
  { "webhook", { url = "https://ann:pa%40ss@example.com/in" }, "ann:pa%40ss, pa@ss, YW5uOnBhQHNz", "***, ***, ***" },
  { "webhook", { url = "http://h/x", bearer = "bearer-text" }, "Bearer bearer-text", "Bearer ***" },
  { "webhook", { url = "http://h/x", auth = { user = "ann", password = "hunter2" } }, "ann hunter2 YW5uOmh1bnRlcjI=", "ann *** ***" },
  { "webhook", { url = "http://h/x", headers = { Authorization = "Token abcdef123", ["X-Api-Key"] = "k-e-y", ["X-Team"] = "web" } }, "abcdef123 k-e-y web", "*** *** web" },
  { "alertmanager", { urls = { "http://u:secret1@a:9093", "http://b:9093" } }, "secret1 at a:9093 and b:9093", "*** at a:9093 and b:9093" },
  { "exec", { command = { "p" }, env = { PAGER_TOKEN = "tok-en", LANG = "C.UTF-8" } }, "tok-en in C.UTF-8", "*** in C.UTF-8" },
  { "email", { auth = { user = "u", password = "hunter2" } }, "u hunter2", "u ***" },
  { "sns", { topic_arn = "arn", access_key = "AKIA1", secret_key = "sns-secret" }, "AKIA1 sns-secret arn", "*** *** arn" },
  { "pushover", { token = "apptoken", user_key = "userkey" }, "apptoken userkey", "*** ***" },
  { "incidentio", { url = "https://api.incident.io/v2/alert_events/http/01ABCDEFGHIJKLMNOP", token = "inc-token" }, "01ABCDEFGHIJKLMNOP inc-token", "*** ***" },
  { "rocketchat", { url = "https://chat", token = "rc-token", user_id = "rc-user", channel = "#ops" }, "rc-token rc-user #ops", "*** *** #ops" },
  { "jira", { url = "https://jira.example.com/rest/api/2", auth = { bearer = "jira-token" } }, "jira-token at jira.example.com/rest/api/2", "*** at jira.example.com/rest/api/2" },
}

describe("what a receiver is told with", function()
  for _, row in ipairs(SAID) do
    local kind, fields, said, read = unpack(row)
    it(("is not in what is said about %s: %s"):format(kind, read), function()
      assert.equal(read, hidden.of(kind, fields, fake.new()):out_of(said))
    end)
  end

  it("is not in the error of a message, nor in the log", function()
    local world = fake.new()
    world.on.http = function(arg) return { status = 404, body = "no hook at " .. arg.url } end
    to.send(world, function() return 0 end, { kind = "slack", fields = { url = SLACK } }, note(), function(o)
      assert.truthy(o.error:find("no hook at ***", 1, true), o.error)
      assert.falsy(o.error:find("services", 1, true))
    end)
    world.on.mail = function() return { status = 250, refused = { { to = "b@x", status = 550, reply = "550 hunter2" } } } end
    to.send(world, function() return 0 end, { kind = "email", fields = { to = { "a@x", "b@x" }, from = "m@x", smarthost = "h:25", headers = {},
      auth = { user = "u", password = "hunter2" } } }, note(), function(o) assert.falsy((o.error or ""):find "hunter2") end)
    assert.equal(1, #world.logged)
    assert.falsy(world.json.encode(world.logged):find "hunter2")
  end)

  it("leaves texts alone that are too short to be a secret", function()
    assert.equal("a bad gateway", hidden.of("webhook", { url = "http://h/a", bearer = "a" }, fake.new()):out_of "a bad gateway")
  end)

  it("is known of each field that takes a secret", function()
    for name, def in pairs(kinds) do
      for _, row in ipairs(def.fields) do
        if row[2] == "secret" then
          assert.equal("***", hidden.of(name, { [row[1]] = "long-secret-text" }, fake.new()):out_of "long-secret-text", name .. "." .. row[1])
        end
      end
    end
  end)
end)

describe("an address", function()
  it("is shown without who signs in and what is asked", function()
    assert.equal("https://***@events.example.com/v2/enqueue", hidden.address "https://ann:pw@events.example.com/v2/enqueue")
    assert.equal("https://events.example.com/v2?***", hidden.address "https://events.example.com/v2?key=abc")
    assert.equal("https://api.opsgenie.com", hidden.address "https://api.opsgenie.com")
  end)
end)
