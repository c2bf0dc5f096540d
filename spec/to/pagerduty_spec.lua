--- pagerduty_spec.lua - events of PagerDuty: all of their fields, an incident for each alert, and what PagerDuty's own description demands.
local events = require "events_v2"
local host = require("fake_host").new()
local notes = require "receiver_notes"

local F = { routing_key = { ["@secret"] = "KEY" }, links = { { href = "http://wiki/${labels.alertname}", text = "Wiki" }, { href = "${labels.nothing}" } },
  images = { { src = "https://graphs/${labels.instance}.png", alt = "graph" } }, component = "${labels.instance}", class = "load",
  summary = "${name} on ${labels.instance}", details = { team = "web", deep = { "${labels.instance}", 7 } }, severity = "${labels.severity}" }

describe("a PagerDuty event", function()
  it("has a link to the runbook, by either name, when that is an address", function()
    local function links(annotations)
      local note = notes.note { alerts = { notes.alert { annotations = annotations } } }
      return notes.tell("pagerduty", note, { routing_key = "k" }, { { status = 202 } }).requests[1].json.links
    end
    for _, name in ipairs { "runbook", "runbook_url" } do
      assert.same({ { href = "https://wiki/busy?a=b", text = "Runbook" } }, links { [name] = "https://wiki/busy?a=b" })
    end
    assert.is_nil(links { runbook = "ask Ann", runbook_url = "javascript:alert(1)" })
    assert.is_nil(links {})
  end)

  it("has links, images, component, class and details filled in, and no links without an address", function()
    local e = notes.tell("pagerduty", notes.note(), F, { { status = 202 } }).requests[1].json
    assert.same({ { href = "http://wiki/Busy", text = "Wiki" } }, e.links)
    assert.same({ { src = "https://graphs/a:1.png", alt = "graph" } }, e.images)
    assert.same({ "Busy on a:1", "a:1", "load", "critical", "web" },
      { e.payload.summary, e.payload.component, e.payload.class, e.payload.severity, e.payload.custom_details.team })
    assert.same({ "a:1", 7 }, e.payload.custom_details.deep)
  end)
  it("drops the list of alerts first, and all details only when that is not enough", function()
    local many = {}
    for i = 1, 3000 do many[i] = notes.alert { annotations = { summary = ("x"):rep(300) } } end
    local d = notes.tell("pagerduty", notes.note { alerts = many }, F).requests[1].json.payload.custom_details
    assert.same({ nil, 3000, "web" }, { d.firing, d.num_firing, d.team })
    local r = notes.tell("pagerduty", notes.note { common_labels = { long = ("y"):rep(600000) } }, F).requests[1]
    assert.is_true(#r.body <= 512000)
    assert.truthy(r.json.payload.custom_details.error:find "left out")
  end)
  it("is never tried again after 400, is after 429 and 500, and 202 took it", function()
    local function outcome(answer) return notes.tell("pagerduty", notes.note(), F, { answer }).outcome end
    assert.is_true(outcome({ status = 202, body = '{"status":"success"}' }).ok)
    local bad = outcome { status = 400, body = '{"status":"invalid event","errors":["routing_key k3y/x is wrong"]}' }
    assert.is_false(bad.retry)
    assert.falsy(bad.error:find("k3y/x", 1, true))
    assert.same({ true, 30 }, { outcome({ status = 429, headers = { ["retry-after"] = "30" } }).retry, outcome({ status = 429, headers = { ["retry-after"] = "30" } }).after })
    assert.is_true(outcome({ status = 500 }).retry)
  end)
end)

describe("an incident for each alert", function()
  local function three(more)
    local out = {}
    for i = 1, 3 do out[i] = notes.alert { fp = "f" .. i, labels = { alertname = "Busy", instance = "i" .. i, severity = "warning" } } end
    out[3].status, out[3].ends_at = "resolved", 1780000060
    return notes.note(setmetatable({}, { __index = more })) , out
  end
  local each = { routing_key = "k", per = "alert" }
  local function actions(told)
    local out, keys = {}, {}
    for i, r in ipairs(told.requests) do
      out[i] = r.json.event_action .. " " .. (r.json.payload and r.json.payload.source or "")
      keys[r.json.dedup_key] = true
    end
    return out, keys
  end
  it("triggers and resolves each under a key of its own, and only what is news", function()
    local note, alerts = three()
    note.alerts = alerts
    local list, keys = actions(notes.tell("pagerduty", note, each))
    assert.same({ "trigger i1", "trigger i2", "resolve " }, list)
    local n = 0
    for _ in pairs(keys) do n = n + 1 end
    assert.equal(3, n)
    note.done, note.told, note.reason = nil, { f1 = true, f3 = true }, "changed"
    assert.same({ "trigger i2", "resolve " }, (actions(notes.tell("pagerduty", note, each))))
    note.done, note.reason = nil, "repeat"
    assert.same({ "trigger i1", "trigger i2", "resolve " }, (actions(notes.tell("pagerduty", note, each))))
  end)
  it("does not send again what was taken before a try failed", function()
    local note, alerts = three()
    note.alerts = alerts
    local first = notes.tell("pagerduty", note, each, function(_, n) return { status = n == 2 and 429 or 202, headers = { ["retry-after"] = "5" } } end)
    assert.same({ 2, true, 5 }, { #first.requests, first.outcome.retry, first.outcome.after })
    assert.same({ "trigger i2", "resolve " }, (actions(notes.tell("pagerduty", note, each, { { status = 202 } }))))
  end)
  it("acknowledges each", function()
    local note = notes.acknowledged()
    assert.same({ "acknowledge " }, (actions(notes.tell("pagerduty", note, each))))
  end)
end)

it("keeps to PagerDuty's description of events, whatever the texts are", function()
  local random = notes.random(99)
  for _ = 1, 30 do
    local note = notes.random_note(random, random(5), random(400))
    if random(3) == 1 then
      note.status = random(2) == 1 and "resolved" or "acknowledged"
    end
    for _, fields in ipairs { F, { routing_key = "k" }, { routing_key = "k", per = "alert" } } do
      for _, r in ipairs(notes.tell("pagerduty", note, fields, { { status = 202 } }).requests) do
        assert.same({}, events.problems(r.json))
        assert.equal(64, #r.json.dedup_key)
      end
      note.done = nil
    end
  end
  assert.truthy(host)
end)
