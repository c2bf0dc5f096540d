--- message_spec.lua - the body of Alertmanager's webhook, which is written alert by alert.
local host = require "moonwatch.host"

local function alert(more)
  local out = { fp = "9e15eac6d9cc072b", status = "firing", labels = { alertname = "Down", ["é"] = '"\n' }, annotations = {}, starts_at = 1780000000.25 }
  for name, value in pairs(more or {}) do out[name] = value end
  return out
end

local function written(alerts, evidence) return host.json.decode((assert(host.write_message({ version = "4" }, alerts, evidence)))) end

describe("the message for a webhook", function()
  it("has the head and each alert as Alertmanager writes it", function()
    local body = written({ alert(), alert { status = "resolved", ends_at = 1780000060, annotations = { a = "" }, generator_url = "http://p/?a=b&c" } })
    assert.equal("4", body.version)
    assert.same({ fingerprint = "9e15eac6d9cc072b", status = "firing", labels = { alertname = "Down", ["é"] = '"\n' }, annotations = {}, generatorURL = "",
      startsAt = host.rfc3339(1780000000.25), endsAt = "0001-01-01T00:00:00Z" }, body.alerts[1])
    assert.same({ host.rfc3339(1780000060), { a = "" }, "http://p/?a=b&c" }, { body.alerts[2].endsAt, body.alerts[2].annotations, body.alerts[2].generatorURL })
  end)

  it("says the end of what is resolved only, and annotations that are not there as none", function()
    local a = alert { ends_at = 1780000060 }
    a.annotations = nil
    local body = written { a, alert { status = "resolved" } }
    assert.same({ "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z" }, { body.alerts[1].endsAt, body.alerts[2].endsAt })
    assert.same({}, body.alerts[1].annotations)
  end)

  it("has the labels of a posted alert as it was posted", function()
    local posted = host.read_alerts('[{"labels":{"b":"2","a":"\\u00e9\\n"},"annotations":{"x":""}}]', {}, 1780000000)[1]
    local one = written({ alert { labels = posted.labels, annotations = posted.annotations } }).alerts[1]
    assert.same({ { b = "2", a = "é\n" }, { x = "" } }, { one.labels, one.annotations })
  end)

  it("has evidence where it is wanted and there is any", function()
    local alerts = { alert { evidence = { expr = "up == 0" } }, alert() }
    assert.is_nil(written(alerts).alerts[1].evidence)
    assert.same({ expr = "up == 0" }, written(alerts, true).alerts[1].evidence)
    assert.is_nil(written(alerts, true).alerts[2].evidence)
  end)

  it("is none when something in it is no JSON, and says so", function()
    for _, broken in ipairs { alert { labels = { a = print } }, alert { evidence = print }, 1 } do
      local text, why = host.write_message({ version = "4" }, { alert(), broken }, true)
      assert.is_nil(text)
      assert.equal("this message cannot be written as JSON", why)
    end
    assert.is_nil((host.write_message({}, {}, false)))
    assert.is_nil((host.write_message({ print }, {}, false)))
    assert.same({}, written({}).alerts)
  end)
end)
