--- receivers_spec.lua - what each receiver is sent, and what its answers mean.
local answer = require "moonwatch.to.answer"
local host = require("fake_host").new()
local pagerduty = require "moonwatch.to.pagerduty"
local slack = require "moonwatch.to.slack"
local text = require "moonwatch.to.text"
local webhook = require "moonwatch.to.webhook"

local function alert(more)
  local out = { fp = "00ff", status = "firing", starts_at = 1780000000, value = 0.98765, threshold = 0.9,
    severity = "critical", labels = { alertname = "Busy", severity = "critical", instance = "a:1" },
    annotations = { summary = "a is busy" } }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

local function note(more)
  local out = { group_key = '{}:{alertname="Busy"}', receiver = "r", status = "firing", group_labels = { alertname = "Busy" },
    common_labels = { alertname = "Busy", instance = "a:1" }, common_annotations = { summary = "a is busy" },
    external_url = "http://mw", alerts = { alert() } }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

local function body(kind, n, fields) return host.json.decode(kind.build(n, fields or {}, host).body) end

describe("the webhook body", function()
  it("is Alertmanager's, version 4", function()
    local b = body(webhook, note())
    assert.same({ "4", "firing", "r", "http://mw", 0 }, { b.version, b.status, b.receiver, b.externalURL, b.truncatedAlerts })
    assert.equal("0001-01-01T00:00:00Z", b.alerts[1].endsAt)
    assert.equal("00ff", b.alerts[1].fingerprint)
  end)
  it("names the end of what resolved, and counts what was cut off", function()
    local b = body(webhook, note { alerts = { alert { status = "resolved", ends_at = 1780000060 }, alert() } }, { max_alerts = 1 })
    assert.equal(host.rfc3339(1780000060), b.alerts[1].endsAt)
    assert.equal(1, b.truncatedAlerts)
    assert.equal(1, #b.alerts)
  end)
  it("tells of the alerts it names in Alertmanager's manner, and of all there are in ours", function()
    local ended = alert { status = "resolved", ends_at = 1780000060 }
    local of_all = body(webhook, note { alerts = { ended, alert() } }, { max_alerts = 1 })
    assert.equal("firing", of_all.status)
    assert.equal("team\\.x \\(1\\)", body(webhook, note { alerts = { alert() }, compat = "alertmanager", receiver = "team.x (1)" }).receiver)
    assert.equal("team.x (1)", body(webhook, note { alerts = { alert() }, receiver = "team.x (1)" }).receiver)
    local of_named = body(webhook, note { alerts = { ended, alert() }, compat = "alertmanager", common_labels = {} }, { max_alerts = 1 })
    assert.equal("resolved", of_named.status)
    assert.same(ended.labels, of_named.commonLabels)
  end)
  it("carries the headers and the token that were configured", function()
    local r = webhook.build(note(), { url = "http://x", bearer = "t", headers = { ["x-a"] = "b" } }, host)
    assert.same({ "Bearer t", "b", "http://x" }, { r.headers.authorization, r.headers["x-a"], r.url })
  end)
end)

describe("a Slack message", function()
  local function fields_of(attachment)
    local out = {}
    for _, f in ipairs(attachment.fields) do out[f.title] = f.value end
    return out
  end
  it("names the alert and shows severity, value, threshold and time in the colour of the severity", function()
    local b = body(slack, note(), { channel = "#ops" })
    assert.equal("[FIRING:1] Busy", b.text)
    assert.equal("#ops", b.channel)
    assert.equal("danger", b.attachments[1].color)
    assert.same({ Severity = "critical", Value = "0.99", Threshold = "0.90", Time = host.rfc3339(1780000000) }, fields_of(b.attachments[1]))
    assert.equal("good", body(slack, note { alerts = { alert { severity = "info" } } }).attachments[1].color)
    assert.equal("warning", body(slack, note { alerts = { alert { severity = "warning" } } }).attachments[1].color)
  end)
  it("turns green with the time of the end when it resolved", function()
    local b = body(slack, note { status = "resolved", alerts = { alert { status = "resolved", ends_at = 1780000060 } } })
    assert.equal("[RESOLVED] Busy", b.text)
    assert.equal("good", b.attachments[1].color)
    assert.equal(host.rfc3339(1780000060), fields_of(b.attachments[1]).Time)
  end)
  it("stays short when a thousand alerts fire", function()
    local many = {}
    for i = 1, 1000 do many[i] = alert() end
    local b = body(slack, note { alerts = many })
    assert.equal(21, #b.attachments)
    assert.equal("and 980 more", b.attachments[21].text)
  end)
  it("fills in a title of one's own", function()
    assert.equal("Busy on a:1", body(slack, note(), { title = "${name} on ${labels.instance}" }).text)
  end)
end)

describe("a PagerDuty event", function()
  it("triggers, acknowledges and resolves one incident per group, under the key that Alertmanager gives it", function()
    local key = host.sha256(note().group_key)
    for status, action in pairs { firing = "trigger", acknowledged = "acknowledge", resolved = "resolve" } do
      local b = body(pagerduty, note { status = status }, { routing_key = "k" })
      assert.same({ action, key, "k" }, { b.event_action, b.dedup_key, b.routing_key })
    end
  end)
  it("says what is wrong, where and how bad", function()
    local p = body(pagerduty, note(), {}).payload
    assert.same({ "a is busy", "a:1", "critical", "0.99", "0.90" },
      { p.summary, p.source, p.severity, p.custom_details.value, p.custom_details.threshold })
  end)
  it("is never larger than PagerDuty takes", function()
    local many = {}
    for i = 1, 3000 do many[i] = alert { annotations = { summary = ("x"):rep(300) } } end
    local n = note { alerts = many, common_annotations = { summary = ("ü"):rep(2000) } }
    assert.is_true(#pagerduty.build(n, {}, host).body <= 512000)
    assert.is_true(#body(pagerduty, n).payload.summary <= 2 * 1024 + 3)
  end)
end)

describe("an answer", function()
  it("of 2xx took the message, of 429 and 5xx wants another try, of any other 4xx does not", function()
    for status, want in pairs { [200] = "ok", [202] = "ok", [429] = "again", [500] = "again", [503] = "again", [400] = "no", [404] = "no", [302] = "no" } do
      local o = answer.judge({}, { status = status, headers = {} }, 0)
      assert.equal(want, o.ok and "ok" or o.retry and "again" or "no", tostring(status))
    end
    assert.is_true(answer.judge({}, { error = "timeout" }, 0).retry)
  end)
  it("may say when to come back, in seconds or as a date; nonsense is not obeyed", function()
    local date = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT
    assert.equal(120, answer.retry_after("120", 0))
    assert.equal(37, answer.retry_after("Sun, 06 Nov 1994 08:49:37 GMT", date - 37))
    assert.equal(0, answer.retry_after("Sun, 06 Nov 1994 08:49:37 GMT", date + 37))
    for _, bad in ipairs { "soon", "-1", "", "Sun, 06 Foo 1994 08:49:37 GMT" } do assert.is_nil(answer.retry_after(bad, 0)) end
  end)
end)

it("a text is cut between characters", function()
  assert.equal("abc", text.cut("abc", 3))
  assert.equal("ü…", text.cut("üüü", 2))
end)

describe("a webhook of one's own", function()
  local notes = require "receiver_notes"
  it("says why it was sent as Alertmanager does", function()
    for reason, says in pairs { new = "first notification", changed = "new alerts added", ["some-resolved"] = "some alerts resolved",
      resolved = "all alerts resolved", ["repeat"] = "repeat interval elapsed", escalation = "escalation" } do
      assert.equal(says, body(webhook, note { reason = reason }).notification_reason)
    end
  end)
  it("signs in with a name and a password, and sends headers and methods as configured", function()
    local r = notes.tell("webhook", notes.note(), { url = "http://x", method = "PUT", headers = { ["X-A"] = { ["@secret"] = "KEY" }, ["Content-Type"] = "text/x" },
      auth = { user = "me", password = { ["@secret"] = "KEY" } } }).requests[1]
    assert.same({ "PUT", "k3y/x", "text/x", "Basic " .. host.base64 "me:k3y/x" }, { r.method, r.headers["x-a"], r.headers["content-type"], r.headers.authorization })
  end)
  it("may be a text or a table with places that are filled in", function()
    assert.equal("Busy!", notes.tell("webhook", notes.note(), { url = "http://x", body = "${name}!" }).requests[1].body)
    assert.same({ a = { "Busy", 1, true } }, notes.tell("webhook", notes.note(), { url = "http://x", body = { a = { "${name}", 1, true } } }).requests[1].json)
  end)
  it("may be what a function makes of the message, which is asked for first", function()
    local told = notes.tell("webhook", notes.note(), { url = "http://x", body = { ["@fn"] = 3, guest = "r.lua" } })
    assert.same({ text = "1 alerts" }, told.requests[1].json)
    assert.same({ ["@fn"] = 3, guest = "r.lua" }, told.host.asked[1].msg.fn)
  end)
  it("is passed on by a proxy, of whatever kind it is", function()
    local proxy = { ["@secret"] = "KEY" }
    for kind, fields in pairs { webhook = { url = "http://x" }, slack = { url = "http://x" }, pagerduty = { routing_key = "k" }, jira = { url = "http://x", project = "P", issue_type = "B" } } do
      fields.proxy = proxy
      assert.equal("k3y/x", notes.tell(kind, notes.note(), fields).requests[1].proxy, kind)
    end
  end)
  it("goes to an address of each group, of which a label is never more than a piece", function()
    local n = notes.note { group_labels = { team = "a/../b?c=d&e#f@g ü" } }
    assert.equal("http://x/a%2F..%2Fb%3Fc%3Dd%26e%23f%40g%20%C3%BC/in", notes.tell("webhook", n, { url = "http://x/${group_labels.team}/in" }).requests[1].url)
    assert.equal("http://x/a%2F..%2Fb%3Fc%3Dd%26e%23f%40g%20%C3%BC", notes.tell("webhook", n, { url = "http://x/{{ .GroupLabels.team }}" }).requests[1].url)
  end)
end)
