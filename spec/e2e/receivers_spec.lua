--- receivers_spec.lua - in the real program: receivers that answer badly are tried again, and a real Alertmanager keeps what fires.
local net = require "net"
local proc = require "proc"
local server = require "server"

local RULE = [[
alert "Down" { expr = "broken", above = 0, every = "200ms", severity = "page", summary = "it is down — “really” 漢" }
]]

describe("a provider that answers badly", function()
  -- What each path answers to its requests, one after the other; then 202.  One more, and its circuit breaker would open.
  local BAD = {
    function() return 429, { ["Retry-After"] = "1" }, "slow down" end,
    function() return 500, {}, "<html>oops" end,
    function() return "\1\2garbage that is no HTTP\r\n\r\n" end,
    function() return "HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n{\"half\":" end,
    function() return false end,
  }
  local GOOD = { ["/po/messages.json"] = '{"status":1,"request":"r"}', ["/ji/rest/api/2/search"] = '{"issues":[]}',
    ["/sl"] = '{"ok":true,"ts":"1.2","channel":"C"}', ["/tg/botT/sendMessage"] = '{"ok":true,"result":{}}', ["/rc/api/v1/chat.postMessage"] = '{"success":true}', ["/mm"] = "ok" }
  local node, sink
  setup(function()
    local seen = {}
    sink = net.sink(function(request)
      seen[request.path] = (seen[request.path] or 0) + 1
      local bad = not request.path:find "/issue$" and BAD[seen[request.path]]
      if bad then return bad() end
      return 202, {}, GOOD[request.path] or "{}"
    end)
    node = server.start { rules = { ["r.lua"] = RULE .. ([[
receiver "all" {
  webhook { url = "URL/wh", body = function(n) return { said = n.alerts[1].annotations.summary } end, timeout = "500ms" },
  pagerduty { routing_key = "rk", url = "URL/pd", timeout = "500ms" },
  opsgenie { api_key = "gk", url = "URL/og", timeout = "500ms" },
  victorops { api_key = "vk", routing_key = "ops", url = "URL/vo", timeout = "500ms" },
  slack { token = "x", channel = "#ops", url = "URL/sl", timeout = "500ms" },
  teams { url = "URL/te", timeout = "500ms" },
  discord { url = "URL/di", timeout = "500ms" },
  telegram { token = "T", chat_id = "-1", url = "URL/tg", timeout = "500ms" },
  mattermost { url = "URL/mm", timeout = "500ms" },
  rocketchat { url = "URL/rc", token = "T", user_id = "U", channel = "#ops", timeout = "500ms" },
  webex { token = "T", room_id = "R", url = "URL/we", timeout = "500ms" },
  pushover { token = "t", user_key = "u", url = "URL/po", timeout = "500ms" },
  incidentio { token = "t", url = "URL/io", timeout = "500ms" },
  jira { url = "URL/ji/rest/api/2", project = "P", issue_type = "Bug", auth = { user = "a", password = "b" }, timeout = "500ms" },
}
route { receiver = "all", group_by = { "alertname" }, group_wait = "50ms", group_interval = "10m" }
]]):gsub("URL", sink.url) } }
  end)
  teardown(function()
    node:stop()
    sink:close()
    proc.cleanup()
  end)

  it("is told all the same, by every kind, no sooner than Retry-After says", function()
    node:push "broken 1\n"
    local last = { "/wh", "/pd", "/og/v2/alerts", "/vo/vk/ops", "/po/messages.json", "/io", "/ji/rest/api/2/search",
      "/sl", "/te", "/di?wait=true", "/tg/botT/sendMessage", "/mm", "/rc/api/v1/chat.postMessage", "/we" }
    local by
    proc.eventually(function()
      by = {}
      for _, request in ipairs(sink:poll()) do
        by[request.path] = by[request.path] or {}
        table.insert(by[request.path], request)
      end
      for _, path in ipairs(last) do
        if #(by[path] or {}) <= #BAD then return false end
      end
      return true
    end, 60, "every receiver took its message")

    for _, path in ipairs(last) do
      local list = by[path]
      assert.equal(#BAD + 1, #list, path)
      assert.is_true(list[2].time - list[1].time >= 1, path)
    end
    assert.same({ said = "it is down — “really” 漢" }, by["/wh"][#BAD + 1].json)
    assert.equal("it is down — “really” 漢", by["/pd"][1].json.payload.summary)
    proc.eventually(function()
      for _, request in ipairs(sink:poll()) do
        if request.path == "/ji/rest/api/2/issue" then return request.json.fields.issuetype.name == "Bug" end
      end
    end, 10, "the issue was made")
    assert.equal("GenieKey gk", by["/og/v2/alerts"][1].headers.authorization)
    local errors = {}
    for _, entry in ipairs(node:json("/api/mw/v1/notifications").notifications) do
      for _, attempt in ipairs(entry.attempts) do errors[attempt.error or ""] = true end
    end
    assert.is_true(errors["the answer is not HTTP"])
    proc.eventually(function()
      sink:poll()
      for _, entry in ipairs(node:json("/api/mw/v1/notifications").notifications) do
        if entry.result ~= "sent" then return false end
      end
      return true
    end, 10, "all are in the history as sent")
  end)
end)

describe("a real Alertmanager", function()
  local am, node, sink, url
  setup(function()
    sink = net.sink()
    local dir, port = proc.scratch(), proc.free_port()
    url = "http://127.0.0.1:" .. port
    proc.write(dir .. "/am.yml", ([[
route: { receiver: hook, group_wait: 100ms, group_interval: 300ms, group_by: [alertname] }
receivers: [ { name: hook, webhook_configs: [ { url: "%s/am" } ] } ]
]]):format(sink.url))
    am = proc.spawn({ "prometheus-alertmanager", "--config.file=" .. dir .. "/am.yml", "--storage.path=" .. dir .. "/data",
      "--web.listen-address=127.0.0.1:" .. port, "--cluster.listen-address=" }, dir .. "/log")
    proc.eventually(function() return net.request(url .. "/-/ready") == 200 end, 20, "the Alertmanager is ready")
    node = server.start { rules = { ["r.lua"] = RULE .. ([[
receiver "am" { alertmanager { urls = { "%s", "http://127.0.0.1:1" }, resend = "1s", labels = { dc = "x" } } }
route { receiver = "am", group_by = { "alertname" }, group_wait = "0s", group_interval = "300ms" }
]]):format(url) } }
  end)
  teardown(function()
    node:stop()
    am:stop()
    sink:close()
    proc.cleanup()
  end)

  local function alerts()
    sink:poll()
    return (net.json(url .. "/api/v2/alerts"))
  end
  local function seconds(text)
    local h, m, s = text:match "T(%d%d):(%d%d):([%d%.]+)"
    return h * 3600 + m * 60 + tonumber(s)
  end
  local function ends() return seconds(assert(alerts()[1]).endsAt) end
  -- The end lies so much later than FROM (times of day; midnight is no matter).
  local function moved(from) return (ends() - from) % 86400 end

  it("is told of what fires, which does not end there while it is silenced here, and ends when it resolves", function()
    node:push "broken 1\n"
    proc.eventually(function() return #alerts() == 1 end, 15, "the alert is there")
    local a = alerts()[1]
    assert.same({ alertname = "Down", severity = "page", dc = "x" }, a.labels)
    assert.equal("it is down — “really” 漢", a.annotations.summary)
    assert.equal("active", a.status.state)
    local first = ends()
    proc.eventually(function() return moved(first) > 5 and moved(first) < 3600 end, 30, "it outlived its first end")
    local status = net.post_json(node.url .. "/api/v2/silences", { matchers = { { name = "alertname", value = "Down", isRegex = false } },
      startsAt = "2020-01-01T00:00:00Z", endsAt = "2090-01-01T00:00:00Z", createdBy = "spec", comment = "quiet" })
    assert.equal(200, status)
    local silenced = ends()
    proc.eventually(function() return moved(silenced) > 5 and moved(silenced) < 3600 end, 30, "it outlived the silence here")
    for _, s in ipairs((node:json "/api/v2/silences")) do node:json("/api/v2/silence/" .. s.id, { method = "DELETE" }) end
    node:push "broken 0\n"
    proc.eventually(function() return #alerts() == 0 end, 20, "it ended")
    local told = {}
    proc.eventually(function()
      told = {}
      for i, request in ipairs(sink:poll()) do told[i] = request.json.status end
      return told[#told] == "resolved"
    end, 20, "its receiver heard of the end")
    assert.same({ "firing", "resolved" }, told)
  end)
end)
