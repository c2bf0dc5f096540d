--- incident_spec.lua - what Opsgenie, Splunk On-Call, Pushover and incident.io are sent, and what their answers mean.
local host = require("fake_host").new()
local notes = require "receiver_notes"

local ALIAS = host.sha256(notes.note().group_key)

local function sent(told, i) return { told.requests[i].method, told.requests[i].url } end

describe("an Opsgenie alert", function()
  local F = { api_key = { ["@secret"] = "KEY" }, tags = { "prod,web", "${labels.instance}" }, responders = { { type = "team", name = "ops" } } }
  it("is created under an alias that is a hash of the group, with the key in the header", function()
    local told = notes.tell("opsgenie", notes.note(), F, { { status = 202 } })
    assert.is_true(told.outcome.ok)
    assert.same({ "POST", "https://api.opsgenie.com/v2/alerts" }, sent(told, 1))
    assert.equal("GenieKey k3y/x", told.requests[1].headers.authorization)
    local b = told.requests[1].json
    assert.same({ ALIAS, "[FIRING:1] Busy", "P1", "http://mw" }, { b.alias, b.message, b.priority, b.source })
    assert.same({ "prod", "web", "a:1" }, b.tags)
    assert.same({ { type = "team", name = "ops" } }, b.responders)
    assert.equal("a:1", b.details.instance)
  end)
  it("is closed and acknowledged by the same alias", function()
    assert.same({ "POST", "https://api.opsgenie.com/v2/alerts/" .. ALIAS .. "/close?identifierType=alias" }, sent(notes.tell("opsgenie", notes.resolved(), F), 1))
    local told = notes.tell("opsgenie", notes.acknowledged(), F)
    assert.same({ "POST", "https://api.opsgenie.com/v2/alerts/" .. ALIAS .. "/acknowledge?identifierType=alias" }, sent(told, 1))
    assert.same({ "ann", "looking" }, { told.requests[1].json.user, told.requests[1].json.note })
  end)
  it("gets new texts only when asked for, and not when it is new", function()
    local more = setmetatable({ update_alerts = true }, { __index = F })
    local fields = { api_key = "k", update_alerts = true, url = "http://og/" }
    assert.equal(1, #notes.tell("opsgenie", notes.note { reason = "changed" }, F).requests)
    assert.equal(1, #notes.tell("opsgenie", notes.note(), fields).requests)
    assert.is_true(more.update_alerts)
    local told = notes.tell("opsgenie", notes.note { reason = "changed" }, fields)
    assert.same({ "PUT", "http://og/v2/alerts/" .. ALIAS .. "/message?identifierType=alias" }, sent(told, 2))
    assert.same({ "PUT", "http://og/v2/alerts/" .. ALIAS .. "/description?identifierType=alias" }, sent(told, 3))
  end)
  it("is tried again after 429 and 500 and without an answer, not after 422, and says why", function()
    local function outcome(answer) return notes.tell("opsgenie", notes.note(), F, { answer }).outcome end
    local slow = outcome { status = 429, headers = { ["retry-after"] = "7" } }
    assert.same({ true, 7 }, { slow.retry, slow.after })
    assert.is_true(outcome({ status = 500 }).retry)
    assert.is_true(outcome({ error = "timeout" }).retry)
    local bad = outcome { status = 422, body = '{"message":"Request body is not processable. Please check the errors.","key":"k3y/x"}' }
    assert.is_false(bad.retry)
    assert.truthy(bad.error:find "a value that Opsgenie does not take")
    assert.falsy(bad.error:find("k3y/x", 1, true))
  end)
  it("ends at the first request that is refused", function()
    local told = notes.tell("opsgenie", notes.note { reason = "changed" }, { api_key = "k", update_alerts = true },
      function(_, n) return { status = n == 1 and 202 or 403 } end)
    assert.equal(2, #told.requests)
    assert.is_falsy(told.outcome.ok)
    assert.equal(403, told.outcome.status)
  end)
  it("splits teams, and names a priority only if Opsgenie has it", function()
    local told = notes.tell("opsgenie", notes.note(), { api_key = "k", priority = "${labels.prio}", responders = { { type = "teams", name = "a, b" } } })
    assert.same({ { type = "team", name = "a" }, { type = "team", name = "b" } }, told.requests[1].json.responders)
    assert.equal("P1", told.requests[1].json.priority)
  end)
end)

describe("a message to Splunk On-Call", function()
  local F = { api_key = { ["@secret"] = "KEY" }, routing_key = "team ${labels.instance}", custom_fields = { env = "${labels.instance}" } }
  it("goes to the address that the keys make, as CRITICAL, ACKNOWLEDGEMENT and RECOVERY of one entity", function()
    for want, note in pairs { CRITICAL = notes.note(), RECOVERY = notes.resolved(), ACKNOWLEDGEMENT = notes.acknowledged() } do
      local r = notes.tell("victorops", note, F, { { status = 200, body = '{"result":"success"}' } }).requests[1]
      assert.equal("https://alert.victorops.com/integrations/generic/20131114/alert/k3y%2Fx/team%20a%3A1", r.url)
      assert.same({ want, ALIAS, "moonwatch", "a:1" }, { r.json.message_type, r.json.entity_id, r.json.monitoring_tool, r.json.env })
    end
  end)
  it("is WARNING when nothing graver fires, unless configured", function()
    local note = notes.note { alerts = { notes.alert { severity = "warning" } } }
    assert.equal("WARNING", notes.tell("victorops", note, F).requests[1].json.message_type)
    assert.equal("CRITICAL", notes.tell("victorops", note, { api_key = "k", routing_key = "r", message_type = "CRITICAL" }).requests[1].json.message_type)
  end)
  it("was refused when the answer says failure with 200", function()
    local told = notes.tell("victorops", notes.note(), F, { { status = 200, body = '{"result":"failure","message":"no such key"}' } })
    assert.is_false(told.outcome.ok)
    assert.truthy(told.outcome.error:find "no such key")
  end)
end)

describe("a Pushover message", function()
  local F = { token = "t&1", user_key = { ["@secret"] = "KEY" } }
  local function form(request)
    local out = {}
    for k, v in request.body:gmatch "([^&=]+)=([^&]*)" do out[k] = v:gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end) end
    return out
  end
  it("rings until somebody takes it when it is grave, tagged with its group", function()
    local f = form(notes.tell("pushover", notes.note(), F).requests[1])
    assert.same({ "t&1", "k3y/x", "2", "60", "3600", ALIAS:sub(1, 32) }, { f.token, f.user, f.priority, f.retry, f.expire, f.tags })
    assert.equal("[FIRING:1] Busy", f.title)
    assert.equal("http://mw", f.url)
  end)
  it("does not ring on for less", function()
    local f = form(notes.tell("pushover", notes.note { alerts = { notes.alert { severity = "warning" } } }, { token = "t", user_key = "u", ttl = 60 }).requests[1])
    assert.same({ "0", "60" }, { f.priority, f.ttl })
    assert.is_nil(f.retry)
  end)
  it("stops ringing when it ends, which is told, or when somebody acknowledges, which is not", function()
    local told = notes.tell("pushover", notes.resolved(), F)
    assert.equal("https://api.pushover.net/1/receipts/cancel_by_tag/" .. ALIAS:sub(1, 32) .. ".json", told.requests[1].url)
    assert.equal("0", form(told.requests[2]).priority)
    assert.equal(1, #notes.tell("pushover", notes.acknowledged(), F).requests)
    local low = notes.resolved { alerts = { notes.alert { status = "resolved", severity = "info", ends_at = 1780000060 } } }
    assert.equal(1, #notes.tell("pushover", low, F).requests)
  end)
  it("is told of the end also when nothing rings any more there", function()
    local told = notes.tell("pushover", notes.resolved(), F, function(_, n) return { status = n == 1 and 404 or 200, body = '{"status":1}' } end)
    assert.is_true(told.outcome.ok)
  end)
  it("was refused with status 0, and comes back when the month's messages are given out anew", function()
    local bad = notes.tell("pushover", notes.note(), F, { { status = 200, body = '{"status":0,"errors":["user is invalid"]}' } }).outcome
    assert.is_false(bad.ok)
    assert.truthy(bad.error:find "user is invalid")
    local used = notes.tell("pushover", notes.note(), F, { { status = 429, headers = { ["x-limit-app-reset"] = tostring(notes.NOW + 500) } } }).outcome
    assert.same({ true, 500 }, { used.retry, used.after })
  end)
  it("escapes what is filled into HTML, and leaves out an address that is too long", function()
    local note = notes.note { external_url = "http://" .. ("x"):rep(600), alerts = { notes.alert { labels = { alertname = "<b>&" } } } }
    local f = form(notes.tell("pushover", note, { token = "t", user_key = "u", html = true, message = "<i>${name}</i>" }).requests[1])
    assert.equal("<i>&lt;b&gt;&amp;</i>", f.message)
    assert.is_nil(f.url)
  end)
end)

describe("an alert at incident.io", function()
  it("is Alertmanager's message with a token, of as many alerts as fit", function()
    local many = {}
    for i = 1, 3000 do many[i] = notes.alert { annotations = { summary = ("x"):rep(500) } } end
    local told = notes.tell("incidentio", notes.note { alerts = many }, { url = "http://i", token = "t" })
    local r = told.requests[1]
    assert.equal("Bearer t", r.headers.authorization)
    assert.is_true(#r.body <= 512 * 1024)
    assert.same({ "1", 3000 }, { r.json.version, #r.json.alerts + r.json.truncatedAlerts })
    assert.is_true(#r.json.alerts > 300)
  end)
end)

describe("whatever the texts are", function()
  it("no limit of any provider is passed, and no character is torn", function()
    local random = notes.random(4711)
    for _ = 1, 12 do
      local size = ({ 0, 1, 10, 200, 700, 3000 })[random(6)]
      local note = notes.random_note(random, random(30), size)
      local og = notes.tell("opsgenie", note, { api_key = "k", tags = { notes.text(random, size) }, entity = notes.text(random, size),
        source = notes.text(random, size), note = notes.text(random, size), details = { x = notes.text(random, size) } }).requests[1].json
      for name, most in pairs { message = 130, description = 15000, alias = 512, entity = 512, source = 100, note = 25000 } do
        assert.is_true(notes.length(og[name] or "") <= most, name)
        assert.is_true(notes.is_utf8(og[name] or ""), name)
      end
      assert.is_true(#og.message > 0)
      assert.is_true(#(og.tags or {}) <= 20)
      for _, tag in ipairs(og.tags or {}) do assert.is_true(notes.length(tag) <= 50 and notes.is_utf8(tag)) end
      local vo = notes.tell("victorops", note, { api_key = "k", routing_key = notes.text(random, 20) }).requests[1]
      assert.is_true(notes.length(vo.json.state_message) <= 20480 and notes.is_utf8(vo.json.state_message))
      assert.falsy(vo.url:find "[%s\"<]")
      local po = {}
      for k, v in notes.tell("pushover", note, { token = "t", user_key = "u", html = random(2) == 1 }).requests[1].body:gmatch "([^&=]+)=([^&]*)" do
        po[k] = v:gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end)
      end
      assert.is_true(notes.length(po.title) <= 250 and notes.length(po.message) <= 1024 and notes.length(po.url or "") <= 512)
      assert.is_true(notes.is_utf8(po.title) and notes.is_utf8(po.message) and #po.message > 0)
      local pd = notes.tell("pagerduty", note, { routing_key = "k" }).requests[1]
      assert.is_true(#pd.body <= 512000 and notes.length(pd.json.payload.summary) <= 1024 and notes.is_utf8(pd.json.payload.summary))
      local ji = notes.tell("jira", note, { url = "http://j/rest/api/2", project = "P", issue_type = "Bug" },
        function(_, n) return { status = 200, body = n == 1 and '{"issues":[]}' or "{}" } end).requests[2].json.fields
      assert.is_true(notes.length(ji.summary) <= 255 and notes.length(ji.description) <= 32767)
      assert.falsy(ji.summary:find "\n")
    end
  end)
end)
