--- ack_spec.lua - "I am on it", said from outside to a real server: by a link, by Slack, by PagerDuty, with signatures of openssl.
local json = require "dkjson"
local net = require "net"
local peers = require "peers"
local proc = require "proc"
local server = require "server"

local CONFIG = [[
settings { external_url = "%s", ack = { slack = secret "SLACK_SECRET_FILE", pagerduty = { secret "PD_OLD_FILE", secret "PD_NEW_FILE" } } }
]]

local RULES = [[
person "ann" { webhook { url = "%s/ann" }, also = { "Ann Example", "U1" } }
person "bob" { webhook { url = "%s/bob" } }
receiver "hook" { webhook { url = "%s/hook" } }
oncall "web" { people = { "ann", "bob" }, weekly = "mon 09:00", zone = "Europe/Lisbon", overrides = { { from = "2000-01-01", to = "2100-01-01", person = "ann" } } }
route { receiver = "hook", group_by = { "alertname" }, group_wait = "100ms", group_interval = "500ms", repeat_interval = "1h", escalate = "page" }
escalation "page" { { after = "1s", to = { "oncall:web" } } }
alert "Link" { expr = "stage", above = 5, every = "250ms", labels = { team = "web" } }
alert "Slack" { expr = "stage", above = 5, every = "250ms" }
alert "Pager" { expr = "stage", above = 5, every = "250ms" }
]]

-- What openssl says is the HMAC-SHA256 of TEXT.
local function openssl(dir, secret, text)
  proc.write(dir .. "/signed", text)
  local pipe = assert(io.popen(("openssl dgst -sha256 -hmac '%s' -hex '%s/signed'"):format(secret, dir)))
  local hex = pipe:read("*a"):match "(%x+)%s*$"
  pipe:close()
  return hex
end

describe("a real server", function()
  local sink, node, told

  setup(function()
    sink, told = net.sink(), {}
    local dir = proc.scratch()
    local names = { SLACK_SECRET_FILE = "slack secret", PD_OLD_FILE = "old pd", PD_NEW_FILE = "new pd" }
    local port = proc.free_port()
    local config = CONFIG:format("http://127.0.0.1:" .. port)
    for name, secret in pairs(names) do
      proc.write(("%s/%s"):format(dir, name), secret .. "\n")
      config = config:gsub(name, ("%s/%s"):format(dir, name))
    end
    node = server.start { dir = dir, port = port, config = config, rules = { ["r.lua"] = RULES:format(sink.url, sink.url, sink.url) } }
    node:push "stage 9\n"
    proc.eventually(function()
      sink:poll()
      for _, request in ipairs(sink.requests) do
        if request.path == "/hook" and request.json.status == "firing" then told[request.json.groupLabels.alertname] = request.json end
      end
      return told.Link and told.Slack and told.Pager
    end, 15, "all three alerts are told")
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  local function acks(name)
    for _, a in ipairs(node:json("/api/mw/v1/ack").acks) do
      if a.labels and a.labels.alertname == name or a.way == name then return a end
    end
  end

  local function curl(...)
    local argv = { "curl", "-s", "-o", "-", "-w", "\n%{http_code}" }
    for _, arg in ipairs { ... } do argv[#argv + 1] = arg end
    local _, text = proc.run(argv, 20)
    local body, status = text:match "^(.*)\n(%d+)%s*$"
    return tonumber(status), body
  end

  it("shows the page of a link, and acts when its form is sent", function()
    local link = told.Link.links.ack
    local status, page = curl(link)
    assert.equal(200, status)
    assert.truthy(page:find("Acknowledge", 1, true))
    assert.is_nil(acks "Link")
    status, page = curl(link, "--data-urlencode", "author=Ann & Bob", "-d", "for=1h")
    assert.equal(200, status)
    assert.truthy(page:find("Ann &amp; Bob is on it until", 1, true))
    assert.equal("Ann & Bob", acks("Link").author)
    assert.equal(409, (curl(link, "-d", "author=eve")))
    assert.equal(403, (curl(link .. "0", "-d", "author=eve")))
  end)

  it("believes Slack's buttons, when Slack signed them", function()
    -- The token is the end of the link.
    local token = told.Slack.links.ack:match "/link/(.*)$"
    local body = "payload=" .. net.escape(json.encode { type = "block_actions", user = { id = "U1", username = "x" }, actions = { { value = token } } })
    local function post(stamp, signature)
      return node:post("/api/mw/v1/slack/actions", body, "application/x-www-form-urlencoded",
        { ["X-Slack-Request-Timestamp"] = tostring(stamp), ["X-Slack-Signature"] = signature })
    end
    local now = os.time()
    assert.equal(401, (post(now, "v0=" .. ("0"):rep(64))))
    assert.equal(401, (post(now - 400, "v0=" .. openssl(node.dir, "slack secret", ("v0:%d:%s"):format(now - 400, body)))))
    local status, answer = post(now, "v0=" .. openssl(node.dir, "slack secret", ("v0:%d:%s"):format(now, body)))
    assert.equal(200, status)
    assert.is_true(json.decode(answer).replace_original)
    assert.equal("ann", acks("Slack").author)
  end)

  it("believes PagerDuty's webhooks, when PagerDuty signed them", function()
    local function event(kind, at)
      return json.encode { event = { event_type = kind, occurred_at = at, agent = { id = "P1", summary = "Ann Example" },
        data = { incident_key = (function()
          proc.write(node.dir .. "/key", told.Pager.groupKey)
          local pipe = assert(io.popen(("openssl dgst -sha256 -hex '%s/key'"):format(node.dir)))
          local hex = pipe:read("*a"):match "(%x+)%s*$"
          pipe:close()
          return hex
        end)() } } }
    end
    local function post(body, secret)
      return node:post("/api/mw/v1/pagerduty/webhook", body, "application/json",
        { ["X-PagerDuty-Signature"] = "v1=" .. ("0"):rep(64) .. ",v1=" .. openssl(node.dir, secret, body) })
    end
    local body = event("incident.acknowledged", "2026-01-01T10:00:00Z")
    assert.equal(401, (post(body, "guess")))
    local status, answer = post(body, "new pd")
    assert.equal(200, status)
    assert.equal("acknowledged", json.decode(answer).result)
    assert.equal("ann", acks("pagerduty").author)
    assert.equal(200, (post(event("incident.unacknowledged", "2026-01-01T10:00:05Z"), "old pd")))
    assert.is_nil(acks "pagerduty")
  end)

  it("tells whoever is on call of what nobody is on, and shows who that is", function()
    proc.eventually(function()
      sink:poll()
      for _, request in ipairs(sink.requests) do
        if request.path == "/ann" and request.json.groupLabels.alertname == "Pager" then return true end
      end
    end, 15, "ann is told")
    local _, out = proc.run({ server.binary(), "oncall", "--url", node.url }, 20)
    assert.truthy(out:find "web%s+ann%s+override%s+")
    _, out = proc.run({ server.binary(), "ack", "Pager", "--to", "bob", "--author", "ann", "--url", node.url }, 20)
    assert.truthy(out:find("Pager acknowledged for bob", 1, true))
    proc.eventually(function()
      sink:poll()
      for _, request in ipairs(sink.requests) do
        if request.path == "/bob" then return request.json.remark == "ann hands this over to you" end
      end
    end, 15, "bob is told")
    _, out = proc.run({ server.binary(), "ack", "--url", node.url }, 20)
    assert.truthy(out:find "bob%s+Pager")
  end)

  it("remembers who is on what, and which links were used, over a restart", function()
    node:stop()
    -- The key that signs links is in it.
    local _, mode = proc.run { "stat", "-c", "%a", node.dir .. "/data/router" }
    assert.equal("700", (mode:gsub("%s", "")))
    node = server.start { dir = node.dir, port = node.port, config = proc.read(node.dir .. "/moonwatch.lua") }
    assert.equal("Ann & Bob", acks("Link").author)
    assert.equal(409, (curl(told.Link.links.ack)))
    assert.equal(200, (curl(told.Link.links.silence)))
  end)
end)

describe("two real servers", function()
  local sink, redis, nodes

  local function start(name)
    local port = proc.free_port()
    return server.start { port = port, config = 'settings { external_url = "http://127.0.0.1:' .. port .. '" }', args = { "--redis", redis.url, "--node", name },
      rules = { ["r.lua"] = ([[
receiver "slack" { webhook { url = "%s/slack" } }
person "ann" { webhook { url = "%s/ann" } }
person "bob" { webhook { url = "%s/bob" } }
oncall "web" { people = { "ann" } }
route { receiver = "slack", group_wait = "100ms", group_interval = "500ms", repeat_interval = "1h", escalate = "page" }
escalation "page" { { after = "8s", to = { "oncall:web" } }, { after = "14s", to = { "bob" } } }
alert "Down" { expr = "stage", above = 5, every = "250ms" }]]):format(sink.url, sink.url, sink.url) } }
  end

  local function first(path)
    sink:poll()
    for _, request in ipairs(sink.requests) do
      if request.path == path then return request.json end
    end
  end
  local function count(path)
    sink:poll()
    local n = 0
    for _, request in ipairs(sink.requests) do n = n + (request.path == path and 1 or 0) end
    return n
  end

  setup(function()
    sink, redis = net.sink(), peers.redis()
    nodes = { start "a", start "b" }
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  it("take each other's links; what nobody is on any more goes on at the node that is left", function()
    for _, node in ipairs(nodes) do node:push "stage 9\n" end
    local told = proc.eventually(function() return first "/slack" end, 15, "slack is told")
    local leader = nodes[1]:json("/api/mw/v1/nodes").leases.router.node
    local dead, alive = nodes[1], nodes[2]
    if leader == "b" then dead, alive = alive, dead end
    -- The link names the node that wrote it; the other one takes its token, too.
    local path = told.links.ack:match "^http://[^/]+(.*)$"
    proc.eventually(function() return (alive:get(path)) == 200 end, 10, "the other node knows the group and the key")
    assert.equal(200, (alive:post(path, "author=ann", "application/x-www-form-urlencoded")))
    proc.eventually(function() return #dead:json("/api/mw/v1/ack").acks == 1 end, 10, "both know who is on it")
    assert.equal(409, (dead:post(path, "author=eve", "application/x-www-form-urlencoded")))
    assert.equal(200, (dead:post("/api/mw/v1/ack/undo", '{"alert":"Down","author":"ann"}')))
    proc.eventually(function() return count "/ann" >= 1 end, 25, "whoever is on call is told")
    dead:kill()
    proc.eventually(function() return count "/bob" >= 1 end, 25, "the next step is taken by the node that is left")
    assert.equal(1, count "/ann")
    assert.equal(1, count "/bob")
    alive:push "stage 1\n"
    proc.eventually(function() return count "/bob" == 2 and count "/ann" == 2 end, 15, "both hear that it is over")
  end)
end)
