--- alert_power_spec.lua - in the real program: something expected, severities in one rule and evidence on the wire.
local net = require "net"
local proc = require "proc"
local server = require "server"

describe("a running server", function()
  local node, sink
  setup(function()
    sink = net.sink()
    node = server.start { rules = { ["r.lua"] = ([[
expect "tick" { every = "1s", severity = "page" }
alert "Stage" { expr = "stage", above = { warning = 5, page = 20 }, clear_below = 3, every = "200ms",
  evidence = { logs = '{app="shop"}' } }
receiver "hook" { webhook { url = "%s/hook" } }
route { receiver = "hook", group_by = { "alertname" }, group_wait = "50ms", group_interval = "300ms" }
]]):format(sink.url) } }
  end)
  teardown(function()
    node:stop()
    sink:close()
    proc.cleanup()
  end)

  local function state(name) return proc.eventually(function() return node:state(name) == "firing" end, 15, name .. " fires") end

  it("misses what is expected, and hears of it by a POST that survives a restart", function()
    state "tick"
    local answer = node:json "/api/mw/v1/expect/tick"
    assert.is_true(answer.missing)
    local status = node:post "/api/mw/v1/expect/tick"
    assert.equal(200, status)
    local seen = node:json("/api/mw/v1/expect/tick").last_seen
    assert.truthy(seen)
    assert.equal(404, (node:post "/api/mw/v1/expect/tack"))
    assert.equal(0, node:stop())
    node = server.start { dir = node.dir, port = node.port }
    assert.equal(seen, node:json("/api/mw/v1/expect/tick").last_seen)
    proc.eventually(function() return node:value 'expect_last_seen_timestamp_seconds{expect="tick"}' ~= nil end, 10, "the series is there")
  end)

  it("tells one story of an alert that gets worse, with what made it fire", function()
    node:post("/loki/api/v1/push", ('{"streams":[{"stream":{"app":"shop"},"values":[["%d000000000","it burns"]]}]}'):format(os.time()))
    node:push "stage 9\n"
    state "Stage"
    node:push "stage 30\n"
    proc.eventually(function()
      for _, alert in ipairs(node:json("/api/v1/alerts").data.alerts) do
        if alert.labels.alertname == "Stage" then return alert.labels.severity == "page" end
      end
    end, 10, "it is a page")
    local seen, evidence = {}, nil
    proc.eventually(function()
      for _, request in ipairs(sink:poll()) do
        for _, alert in ipairs(request.json and request.json.alerts or {}) do
          if alert.labels.alertname == "Stage" then
            seen[alert.labels.severity .. " " .. alert.status] = true
            evidence = evidence or alert.evidence
          end
        end
      end
      return seen["page firing"]
    end, 10, "the page is told")
    assert.is_nil(seen["warning resolved"])
    assert.equal("it burns", evidence.logs[1].message)
    assert.truthy(#evidence.samples > 0)
  end)
end)
