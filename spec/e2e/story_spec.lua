--- story_spec.lua - the story of the product, told by real programs from start to finish.
local net = require "net"
local peers = require "peers"
local proc = require "proc"
local server = require "server"

local function watch(threshold)
  return ([[
scrape "node" { targets = { "%%s" }, every = "1s" }
alert "Busy" { expr = "stage", above = %s, every = "250ms", hold = "%%s", labels = { team = "web" }, summary = "stage is ${value}" }
]]):format(threshold)
end

local function notify(url)
  return ([[
receiver "hook" { webhook { url = "%s" } }
route { receiver = "hook", group_by = { "alertname" }, group_wait = "100ms", group_interval = "500ms", repeat_interval = "1h" }
]]):format(url)
end

--- Poll SINK until CONDITION holds.
local function until_told(sink, condition, what)
  return proc.eventually(function()
    sink:poll()
    return condition()
  end, 15, what)
end

local function count(sink, status)
  local n = 0
  for _, request in ipairs(sink.requests) do
    if request.json.status == status then n = n + 1 end
  end
  return n
end

describe("from a bad number to a person, and back", function()
  local sink, exporter, node

  setup(function()
    sink, exporter = net.sink(), peers.node_exporter()
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  it("starts, and a real node_exporter is scraped", function()
    node = server.start { rules = {
      ["watch.lua"] = watch(5):format(exporter.address, "1500ms"),
      ["notify.lua"] = notify(sink.url .. "/hook"),
    } }
    proc.eventually(function() return node:value 'up{job="node"}' == 1 end, 10, "the target is up")
    assert.is_true(node:value 'count({job="node"})' > 200)
    assert.is_true(node:value 'scrape_samples_scraped{job="node"}' > 200)
  end)

  it("keeps the time of hold over an edit of the rule file", function()
    node:push "stage 9\n"
    proc.eventually(function() return node:state "Busy" == "pending" end, 5, "the alert is pending")
    local before = node:json("/api/v1/alerts").data.alerts[1].activeAt
    node:write("watch.lua", watch(6):format(exporter.address, "1500ms"))
    assert.is_true(node:reload().ok)
    assert.equal(before, node:json("/api/v1/alerts").data.alerts[1].activeAt)
  end)

  it("fires after hold, and the webhook hears of it exactly once", function()
    until_told(sink, function() return count(sink, "firing") >= 1 end, "the webhook is told")
    local told = sink.requests[1].json
    assert.equal("4", told.version)
    assert.equal("hook", told.receiver)
    assert.equal("Busy", told.alerts[1].labels.alertname)
    assert.equal("stage is 9", told.alerts[1].annotations.summary)
    -- Two more group intervals pass without another word.
    local since = sink.requests[1].time
    until_told(sink, function() return require("socket").gettime() > since + 1.2 end)
    assert.equal(1, count(sink, "firing"))
  end)

  it("says why: the values, since when it was pending, the route, the try and its answer", function()
    local story = node:json "/api/mw/v1/why?alert=Busy&label=team=web"
    assert.truthy(story.verdict:find("^hook was told at "), story.verdict)
    local kinds, texts = {}, {}
    for _, e in ipairs(story.alerts[1].timeline) do kinds[e.kind], texts[#texts + 1] = true, e.text end
    for _, kind in ipairs { "sample", "pending", "fired", "route", "group", "decision", "attempt" } do
      assert.truthy(kinds[kind], kind .. " is missing in\n" .. table.concat(texts, "\n"))
    end
    local answer = node:json "/api/mw/v1/why?label=alertname=Bussy&label=team=web"
    assert.truthy(answer.verdict:find("no rule makes such an alert (did you mean Busy?)", 1, true), answer.verdict)
    assert.same({ "hook" }, node:json("/api/mw/v1/why/routes?label=team=web").receivers)
  end)

  it("tells that it is over once the number is good again", function()
    node:push "stage 1\n"
    until_told(sink, function() return count(sink, "resolved") >= 1 end, "the webhook is told that it is over")
    assert.equal(1, count(sink, "resolved"))
    assert.equal("inactive", node:state "Busy")
  end)

  it("stops cleanly", function()
    assert.equal(0, node:stop())
  end)
end)

describe("two nodes with one Redis", function()
  local sink, redis, nodes

  local function start(name)
    return server.start {
      rules = {
        ["watch.lua"] = 'alert "Busy" { expr = "stage > 5", every = "250ms", labels = { team = "web" } }',
        ["notify.lua"] = notify(sink.url .. "/hook"),
      },
      args = { "--redis", redis.url, "--node", name },
    }
  end

  setup(function()
    sink, redis = net.sink(), peers.redis()
    nodes = { start "a", start "b" }
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  it("see each other", function()
    for _, node in ipairs(nodes) do
      proc.eventually(function()
        local alive = 0
        for _, n in ipairs(node:json("/api/mw/v1/nodes").nodes) do alive = alive + (n.alive and 1 or 0) end
        return alive == 2
      end, 10, "both nodes are seen")
    end
  end)

  it("tell of one alert once, though both see it", function()
    for _, node in ipairs(nodes) do node:push "stage 9\n" end
    until_told(sink, function() return count(sink, "firing") >= 1 end, "somebody is told")
    local since = sink.requests[1].time
    until_told(sink, function() return require("socket").gettime() > since + 1.5 end)
    assert.equal(1, count(sink, "firing"))
  end)

  it("share a silence", function()
    local status, body = net.post_json(nodes[1].url .. "/api/v2/silences", {
      matchers = { { name = "alertname", value = "Other", isRegex = false } },
      startsAt = os.date "!%Y-%m-%dT%H:%M:%SZ", endsAt = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 600),
      createdBy = "spec", comment = "shared",
    })
    assert.equal(200, status, body)
    proc.eventually(function()
      local silences = nodes[2]:json "/api/v2/silences"
      return #silences == 1 and silences[1].comment == "shared"
    end, 5, "the other node has the silence")
  end)

  it("go on when one is killed: the other takes over within five seconds and repeats nothing", function()
    -- The one that leads the router is the one to lose.
    local leader
    proc.eventually(function()
      local lease = nodes[1]:json("/api/mw/v1/nodes").leases.router
      leader = lease and lease.node
      return leader
    end, 5, "somebody leads")
    local dead, alive = nodes[1], nodes[2]
    if leader == "b" then dead, alive = alive, dead end
    dead:kill()
    local killed = require("socket").gettime()
    proc.eventually(function()
      sink:poll()
      local leases = alive:json("/api/mw/v1/nodes").leases
      for slot = 0, 15 do
        local lease = leases["rules/" .. slot]
        if not lease or lease.node == leader then return false end
      end
      return leases.router.node ~= leader
    end, 10, "the other node holds every lease")
    assert.is_true(require("socket").gettime() - killed < 5)
    assert.equal(1, count(sink, "firing"))
    alive:push "stage 1\n"
    until_told(sink, function() return count(sink, "resolved") >= 1 end, "the survivor tells that it is over")
    assert.equal(1, count(sink, "firing"))
  end)
end)
