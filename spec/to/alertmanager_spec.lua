--- alertmanager_spec.lua - what other Alertmanagers are sent.
local host = require("fake_host").new()
local notes = require "receiver_notes"

local F = { url = "http://am:9093/", labels = { cluster = "eu" } }

describe("alerts to an Alertmanager", function()
  it("go to its API one by one, with an end that lies ahead while they fire", function()
    local told = notes.tell("alertmanager", notes.note(), F)
    local r = told.requests[1]
    assert.same({ "http://am:9093/api/v2/alerts", "POST", "moonwatch/0.0-fake" }, { r.url, r.method, r.headers["user-agent"] })
    assert.same({ labels = { alertname = "Busy", severity = "critical", instance = "a:1", cluster = "eu" }, annotations = { summary = "a is busy" },
      startsAt = host.rfc3339(1780000000), endsAt = host.rfc3339(notes.NOW + 240) }, r.json[1])
  end)
  it("have their own end when they resolved, and an own label wins over that of the receiver", function()
    local note = notes.resolved { alerts = { notes.alert { status = "resolved", ends_at = 1780000060, labels = { alertname = "Busy", cluster = "us" } } } }
    local a = notes.tell("alertmanager", note, F).requests[1].json[1]
    assert.same({ host.rfc3339(1780000060), "us" }, { a.endsAt, a.labels.cluster })
  end)
  it("go in batches of 256, each to every address", function()
    local many = {}
    for i = 1, 600 do many[i] = notes.alert() end
    local told = notes.tell("alertmanager", notes.note { alerts = many }, { urls = { "http://a", "http://b/prefix/api/v2/alerts" } })
    local sizes, urls = {}, {}
    for i, r in ipairs(told.requests) do sizes[i], urls[i] = #r.json, r.url end
    assert.same({ 256, 256, 256, 256, 88, 88 }, sizes)
    assert.same({ "http://a/api/v2/alerts", "http://b/prefix/api/v2/alerts" }, { urls[1], urls[2] })
  end)
  it("were taken when one Alertmanager took them, and are tried again when one that is away may take them", function()
    local function outcome(first, second)
      return notes.tell("alertmanager", notes.note(), { urls = { "http://a", "http://b" } }, { first, second }).outcome
    end
    assert.is_true(outcome({ error = "refused" }, { status = 200 }).ok)
    assert.is_true(outcome({ status = 200 }, { status = 500 }).ok)
    assert.is_true(outcome({ status = 400 }, { error = "refused" }).retry)
    local bad = outcome({ status = 400, body = "bad label" }, { status = 400 })
    assert.is_false(bad.retry)
    assert.truthy(bad.error:find "does not take some of these alerts")
  end)
  it("say how long a firing alert lasts by how often it is told", function()
    assert.equal(host.rfc3339(notes.NOW + 80), notes.tell("alertmanager", notes.note(), { url = "http://a", resend = 20 }).requests[1].json[1].endsAt)
  end)
end)
