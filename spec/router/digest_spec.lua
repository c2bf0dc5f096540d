--- digest_spec.lua - many messages at once become one with counts; pages stay themselves, and no end is missed.
local world_of = require "router_world"

-- A world whose receiver "hook" has RATE and takes one message for each alert's name; MORE goes to the receiver.
local function world_with(more, kind, route)
  local receiver = { name = "hook", targets = { { kind = kind or "webhook", url = "http://hook" } } }
  for k, v in pairs(more or {}) do receiver[k] = v end
  local root = { receiver = "hook", group_by = { "alertname" }, group_wait = 0 }
  for k, v in pairs(route or {}) do root[k] = v end
  return world_of.new { receivers = { receiver }, routes = { root } }
end

local function storm(world, n, severity)
  local alerts = {}
  for i = 1, n do
    alerts[i] = { labels = { alertname = ("A%03d"):format(i), severity = severity or "warning" }, starts_at = world.now,
      rule = "alert/A" .. i, updated_at = world.now }
  end
  world:handle { type = "alerts", alerts = alerts }
end

local function digests(world)
  local out = {}
  for _, entry in ipairs(world.notes) do
    if entry.note.digest then out[#out + 1] = entry.note end
  end
  return out
end

describe("a storm of tickets", function()
  it("that the rate would hold back for long is told at once, as one message with counts", function()
    local world = world_with { rate = { n = 2, per = 60 } }
    storm(world, 40)
    world:advance "1m"
    assert.equal(2, #world.notes)
    local note = digests(world)[1]
    assert.same({ 39, 39, 0 }, { note.digest.groups, note.digest.firing, note.digest.resolved })
    assert.equal(39, #note.alerts)
    assert.equal("A002", note.digest.names[1].name)
    assert.equal(20, #note.digest.names)
    assert.equal(19, note.digest.more)
  end)

  it("that is too long for the queue is one, too", function()
    local world = world_with { digest_over = 30 }
    world.answers.hook = function() return { ok = true, status = 200 } end
    storm(world, 100)
    world:advance "1m"
    assert.equal(1, #world.notes)
    assert.equal(100, world.notes[1].note.digest.groups)
  end)

  it("that waits for a receiver that is away is one when it is back, after a first message was taken", function()
    local world = world_with {}
    world.answers.hook = function() return { retry = true, status = 503, error = "answered 503" } end
    storm(world, 40)
    world:advance "20m"
    world.answers.hook, world.notes = nil, {}
    world:advance "2m"
    assert.equal(1, #digests(world))
    local told = {}
    for _, entry in ipairs(world.notes) do
      for _, alert in ipairs(entry.note.alerts) do
        assert.is_nil(told[alert.fp], "told twice")
        told[alert.fp] = true
      end
    end
    local n = 0
    for _ in pairs(told) do n = n + 1 end
    assert.equal(40, n)
  end)

  it("is not lost in an outage of days: what fires is told in the end, what ended meanwhile is not", function()
    local world = world_with {}
    world.answers.hook = function() return { retry = true, status = 503, error = "answered 503" } end
    storm(world, 30)
    world:advance "2d"
    for i = 1, 10 do world:resolve(("A%03d"):format(i), { severity = "warning" }) end
    world:advance("6h"):restart():advance "6h"
    world.answers.hook, world.notes = nil, {}
    world:advance "5m"
    local told = {}
    for _, entry in ipairs(world.notes) do
      for _, alert in ipairs(entry.note.alerts) do told[alert.labels.alertname] = alert.status end
    end
    for i = 1, 30 do
      local expected = i > 10 and "firing" or nil
      assert.equal(expected, told[("A%03d"):format(i)])
    end
    assert.is_true(#world.notes <= 5, #world.notes .. " messages")
  end)

  it("is told to the end: those that a digest named as firing are ended by the messages after it", function()
    local world = world_with { rate = { n = 2, per = 60 } }
    storm(world, 40)
    world:advance "10m"
    world.notes = {}
    for i = 1, 40 do world:resolve(("A%03d"):format(i), { severity = "warning" }) end
    world:advance "30m"
    local ended = {}
    for _, entry in ipairs(world.notes) do
      for _, alert in ipairs(entry.note.alerts) do
        assert.equal("resolved", alert.status)
        ended[alert.fp] = true
      end
    end
    local n = 0
    for _ in pairs(ended) do n = n + 1 end
    assert.equal(40, n)
  end)

  it("is not repeated before its time", function()
    local world = world_with({ rate = { n = 2, per = 60 } })
    storm(world, 40)
    world:advance "3h"
    assert.equal(2, #world.notes)
  end)

  it("comes one by one where digests are not wanted", function()
    local world = world_with { rate = { n = 2, per = 60 }, digest = false }
    storm(world, 10)
    world:advance "10m"
    assert.equal(10, #world.notes)
    assert.same({}, digests(world))
  end)

  it("comes one by one on routes that keep to Alertmanager, and to kinds with incidents", function()
    local world = world_with({ digest_over = 3 }, nil, { compat = "alertmanager" })
    storm(world, 20)
    world:advance "1m"
    assert.equal(20, #world.notes)
    world = world_with({ digest_over = 3 }, "pagerduty")
    storm(world, 20)
    world:advance "1m"
    assert.equal(20, #world.notes)
  end)

  it("that a receiver refuses as one is told one by one", function()
    local world = world_with { digest_over = 5 }
    world.answers.hook = function(note)
      if note.digest then return { retry = false, status = 413, error = "answered 413" } end
      return { ok = true, status = 200 }
    end
    storm(world, 20)
    world:advance "1m"
    assert.equal(21, #world.notes)
  end)

  it("is in the history: the digest, and in each message that it was told in it", function()
    local world = world_with { rate = { n = 1, per = 60 } }
    storm(world, 40)
    world:advance "1m"
    local _, body = world:http("GET", "/api/mw/v1/notifications?alert=A007")
    assert.equal(2, #body.notifications)
    local digest, single = body.notifications[1], body.notifications[2]
    assert.equal("sent", digest.result)
    assert.equal(40, digest.digest.groups)
    assert.equal("digested", single.result)
    assert.equal("told in the digest " .. digest.id, single.why)
  end)
end)

describe("pages", function()
  it("are not put into a digest with the tickets, and go before it", function()
    local world = world_with { rate = { n = 6, per = 60 } }
    storm(world, 40)
    world = world_with { rate = { n = 6, per = 60 } }
    local alerts = {}
    for i = 1, 45 do
      local severity = i > 40 and "page" or "warning"
      alerts[i] = { labels = { alertname = ("A%03d"):format(i), severity = severity }, starts_at = world.now, rule = "r" .. i, updated_at = world.now }
    end
    world:handle { type = "alerts", alerts = alerts }
    world:advance "1s"
    local order = {}
    for i, entry in ipairs(world.notes) do order[i] = entry.note.digest and "digest" or entry.note.alerts[1].labels.alertname end
    assert.same({ "A041", "A042", "A043", "A044", "A045", "digest" }, order)
  end)

  it("are told one by one even when there are many, up to the bound of the queue", function()
    local world = world_with { digest_over = 50 }
    storm(world, 50, "page")
    world:advance "1s"
    assert.equal(50, #world.notes)
    world = world_with { digest_over = 50 }
    storm(world, 200, "page")
    world:advance "1s"
    assert.equal(1, #world.notes)
    assert.equal(200, world.notes[1].note.digest.firing)
  end)

  it("have a reserve when the rate says so", function()
    local world = world_with { rate = { n = 1, per = 600, pages = 2 }, digest = false }
    world:fire("T", { severity = "warning" }):fire("T2", { severity = "warning" }):fire("P", { severity = "page" })
    world:fire("Q", { severity = "page" }):fire("R", { severity = "page" }):advance "1m"
    local names = {}
    for i, entry in ipairs(world.notes) do names[i] = entry.note.alerts[1].labels.alertname end
    assert.same({ "T", "P", "Q" }, names)
    world:advance "5m"
    assert.equal("R", world.notes[4].note.alerts[1].labels.alertname)
  end)
end)

describe("a digest as people read it", function()
  it("has a title with counts, a line for each name, and says how to see them", function()
    local world = world_with({ rate = { n = 1, per = 60 } }, "slack")
    storm(world, 30)
    world:advance "1m"
    local note = digests(world)[1]
    local text = require "moonwatch.to.text"
    assert.equal("[DIGEST] 30 groups, 30 firing", text.title(note))
    assert.equal(1, #note.alerts)
    assert.is_truthy(note.alerts[1].annotations.description:find("A001: 1 firing\n", 1, true))
    assert.is_truthy(note.alerts[1].annotations.description:find("and 10 names more\n", 1, true))
    assert.is_truthy(note.alerts[1].annotations.description:find("`moonwatch alerts`", 1, true))
    local body = world.host.json.decode(require("moonwatch.to.slack").build(note, { url = "x", title = "mine", text = "mine" }, world.host).body)
    assert.equal("[DIGEST] 30 groups, 30 firing", body.text)
    assert.is_truthy(body.attachments[1].text:find "A001: 1 firing")
  end)

  it("is a webhook body with the alerts and their counts", function()
    local world = world_with { rate = { n = 1, per = 60 } }
    storm(world, 30)
    world:advance "1m"
    local body = world.host.json.decode(require("moonwatch.to.webhook").body(digests(world)[1], {}, world.host))
    assert.equal(30, #body.alerts)
    assert.same({ 30, 30, 0, 10 }, { body.digest.groups, body.digest.firing, body.digest.resolved, body.digest.moreNames })
  end)
end)
