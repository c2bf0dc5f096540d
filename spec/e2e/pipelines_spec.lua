--- pipelines_spec.lua - personal data is replaced before anything is stored: a real server, logs and spans, and a reload.
local json = require "dkjson"
local net = require "net"
local server = require "server"

local PII = [[
pipeline "pii" {
  redact = { fields = { "user.email", "password" }, patterns = { "email", "card", "ipv4", "token" } },
}
pipeline "noise" { of = "logs", match = '{service="api"}', drop = '{message=~"GET /health.*"}' }
]]

local function now_ns() return ("%d000000000"):format(os.time()) end

local function push(s, line, fields)
  local status, body = s:post("/loki/api/v1/push", ('{"streams":[{"stream":{"service":"api","owner":"bob@corp.io"},"values":[["%s",%s%s]]}]}')
    :format(now_ns(), json.encode(line), fields and "," .. json.encode(fields) or ""))
  assert(status < 300, body)
end

local function records(s)
  local out = {}
  for i, r in ipairs(s:json("/api/mw/v1/logs?limit=50&selector=" .. net.escape '{service="api"}').records) do out[i] = r end
  return out
end

local function own(s, name)
  local _, page = s:get "/metrics"
  return tonumber(page:match("\n" .. name:gsub("[%(%)%.%%%+%-%*%?%[%]%^%$]", "%%%0") .. " (%S+)"))
end

describe("pipelines", function()
  local s
  before_each(function() s = server.start { rules = { ["pii.lua"] = PII } } end)
  after_each(function() s:stop() end)

  it("leave nothing of personal data in log records, their fields and their labels", function()
    push(s, '{"user":{"email":"x"},"msg":"card 4111 1111 1111 1111 of ana@example.com at 10.1.2.3"}', { password = "hunter2", n = "1" })
    push(s, "GET /healthz")
    local list = records(s)
    assert.equal(1, #list)
    assert.equal('{"user":{"email":"***"},"msg":"card *** of *** at ***"}', list[1].message)
    assert.same({ password = "***", n = "1" }, list[1].fields)
    assert.same({ service = "api", owner = "***" }, list[1].stream)
    assert.equal(1, own(s, 'moonwatch_pipeline_redactions_total{kind="card",pipeline="pii"}'))
    assert.equal(1, own(s, 'moonwatch_pipeline_dropped_total{of="logs",pipeline="noise"}'))
    local _, values = s:get "/loki/api/v1/label/owner/values"
    assert.is_nil(values:find("bob", 1, true))
  end)

  it("redact spans with their events and their resource", function()
    local t = now_ns()
    local status, body = s:post("/v1/traces", ([[{"resourceSpans":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"shop"}},{"key":"owner","value":{"stringValue":"bob@corp.io"}}]},
      "scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"GET /u/ana@example.com",
        "startTimeUnixNano":"%s","endTimeUnixNano":"%s",
        "attributes":[{"key":"user.email","value":{"stringValue":"q"}},{"key":"client","value":{"stringValue":"10.9.8.7"}}],
        "events":[{"timeUnixNano":"%s","name":"exception","attributes":[{"key":"m","value":{"stringValue":"no ana@example.com"}}]}]}]}]}]}]])
      :format(t, t, t))
    assert(status < 300, body)
    local _, trace = s:get "/api/mw/v1/traces/0af7651916cd43dd8448eb211c80319c"
    for _, secret in ipairs { "ana@", "bob@", "10.9.8.7", '"q"' } do assert.is_nil(trace:find(secret, 1, true), secret) end
    assert.is_truthy(trace:find("GET /u/***", 1, true))
  end)

  it("change with a reload, at once, and moonwatch's own log passes them, too", function()
    push(s, "to ana@example.com")
    s:write("pii.lua", 'pipeline "pii" { redact = { patterns = { "email" }, hash = "a salt", with = "-" } }')
    assert.is_true(s:reload().ok)
    push(s, "to ana@example.com and 10.1.2.3")
    push(s, "to ana@example.com")
    local seen = {}
    for _, r in ipairs(records(s)) do seen[r.message:gsub("%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x", "H")] = true end
    assert.same({ ["to ***"] = true, ["to email:H and 10.1.2.3"] = true, ["to email:H"] = true }, seen)
    s:write("pii.lua", 'pipeline "pii" { redact = { patterns = { "emial" } } }')
    local answer = s:reload()
    assert.is_false(answer.ok)
    assert.match('"emial" is no pattern.*did you mean "email"', answer.problems[1])
    push(s, "still bea@example.com")
    assert.match("^still email:", records(s)[1].message)
  end)

  it("are passed by moonwatch's own log lines, too", function()
    s:write("pii.lua", 'pipeline "own" { of = "logs", match = \'{service="moonwatch"}\', redact = { regex = "rules lo[a-z]+" } }')
    assert.is_true(s:reload().ok)
    local list = s:json("/api/mw/v1/logs?limit=1&contains=" .. net.escape 'reason="POST' .. "&selector=" .. net.escape '{service="moonwatch"}').records
    assert.match("info  %*%*%*: ", list[1].message)
  end)
end)
