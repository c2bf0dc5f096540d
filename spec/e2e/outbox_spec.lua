--- outbox_spec.lua - the outbox of a real program: a storm becomes a digest, a fallback is told, tests and drills arrive.
local net = require "net"
local proc = require "proc"
local server = require "server"

local RULES = [[
receiver "chat" { webhook { url = "%s/chat" }, rate = { n = 2, per = "10m" }, digest_after = "30s", fallback = "phone", fallback_after = "1s" }
receiver "gone" { webhook { url = "%s/gone" }, fallback = "phone", fallback_after = "1s" }
receiver "phone" { webhook { url = "%s/phone" } }
route { receiver = "chat", group_by = { "alertname" }, group_wait = "0s", group_interval = "1s",
  routes = { { match = { to = "gone" }, receiver = "gone" } } }
drill "way" { to = "phone", within = "10s" }
]]

describe("the outbox of a real program", function()
  local sink, node

  setup(function()
    sink = net.sink(function(request)
      if request.path == "/gone" then return 503, {}, "away" end
      return 200, {}, "ok"
    end)
    node = server.start { rules = { ["notify.lua"] = RULES:format(sink.url, sink.url, sink.url) } }
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  -- What came to PATH so far.
  local function told(path)
    local out = {}
    for _, request in ipairs(sink:poll()) do
      if request.path == path then out[#out + 1] = request.json end
    end
    return out
  end

  -- Run a command while the sink goes on answering: its exit status and what it said.
  local function run(...)
    local words = { server.binary(), ... }
    for i, word in ipairs(words) do words[i] = "'" .. word .. "'" end
    local child = proc.spawn({ "sh", "-c", table.concat(words, " ") .. " --url " .. node.url .. "; echo exit $?" }, proc.scratch() .. "/log")
    local status
    proc.eventually(function()
      sink:poll()
      status = child:output():match "exit (%d+)%s*$"
      return status
    end, 40, "the command ends")
    return tonumber(status), child:output()
  end

  local function post(alerts) return net.post_json(node.url .. "/api/v2/alerts", alerts) end

  it("a storm that the rate would hold back comes as one message and one digest with counts", function()
    local alerts = {}
    for i = 1, 60 do alerts[i] = { labels = { alertname = ("A%02d"):format(i), severity = "warning" } } end
    assert.equal(200, (post(alerts)))
    proc.eventually(function() return #told "/chat" >= 2 end, 10, "the digest comes")
    local both = told "/chat"
    local digest = both[1].digest and both[1] or both[2] -- they left together
    assert.same({ 59, 59, 0 }, { digest.digest.groups, digest.digest.firing, digest.digest.resolved })
    assert.equal(59, #digest.alerts)
  end)

  it("what a receiver does not take is told to its fallback, which says why", function()
    assert.equal(200, (post { { labels = { alertname = "Down", severity = "page", to = "gone" } } }))
    proc.eventually(function() return #told "/phone" >= 1 end, 15, "the fallback is told")
    assert.is_truthy(told "/phone"[1].remark:find("because gone cannot be reached since", 1, true))
    local _, text = run "receivers"
    assert.is_truthy(text:find("told to phone instead", 1, true), text)
  end)

  it("a test message tells by its exit status whether it arrived", function()
    local status, text = run("notify", "phone", "--test")
    assert.equal(0, status, text)
    assert.is_truthy(text:find "webhook%s+sent")
    status, text = run("notify", "gone", "--test", "--json")
    assert.equal(1, status, text)
    local phoned = told "/phone"
    assert.is_true(phoned[#phoned].test)
    assert.equal(1, (run("notify", "nobody", "--test")))
  end)

  it("a drill goes the whole way", function()
    local status, text = run("drills", "run", "way")
    assert.equal(0, status, text)
    assert.is_truthy(text:find "phone%s+webhook%s+0%.%d s")
    proc.eventually(function()
      sink:poll()
      local _, metrics = node:get "/metrics"
      return metrics:find('moonwatch_drill_success{drill="way"} 1', 1, true)
    end, 40, "the metric of the drill is there")
    local _, list = run "drills"
    assert.is_truthy(list:find "way%s+ok%s+%S+%s+0%.%d s%s+0 of 1")
  end)

  it("counts what it does", function()
    local _, metrics = node:get "/metrics"
    assert.is_truthy(metrics:find('moonwatch_notifications_total{integration="webhook",receiver="chat",result="digested"} 59', 1, true), metrics:match "[^\n]*digested[^\n]*")
    assert.is_truthy(metrics:find 'moonwatch_notifications_latency_seconds_bucket{[^}]*le="300"')
    assert.is_truthy(metrics:find("moonwatch_notifications_fallback_total", 1, true))
  end)
end)
