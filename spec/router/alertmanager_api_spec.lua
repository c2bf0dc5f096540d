--- alertmanager_api_spec.lua - Alertmanager's API v2 as its clients of several versions know it.
local world_of = require "router_world"

local function compat(more)
  local root = { receiver = "hook", compat = "alertmanager" }
  for k, v in pairs(more or {}) do root[k] = v end
  return { root }
end

local function keys(t)
  local out = {}
  for k in pairs(t) do out[#out + 1] = k end
  table.sort(out)
  return table.concat(out, " ")
end

describe("the API of Alertmanager", function()
  it("is that of 0.34 for a tree of ours, with everything that clients of that version require", function()
    local world = world_of.new {}
    world:fire("Down"):advance "31s"
    local _, status = world:http("GET", "/api/v2/status")
    assert.equal("0.34.0", status.versionInfo.version)
    local _, alerts = world:http("GET", "/api/v2/alerts")
    assert.equal("inhibitedBy mutedBy silencedBy state", keys(alerts[1].status))
    local _, groups = world:http("GET", "/api/v2/alerts/groups")
    assert.equal("alerts labels receiver routeLabels", keys(groups[1]))
    local _, receivers = world:http("GET", "/api/v2/receivers")
    assert.equal("labels name", keys(receivers[1]))
    world:silence("Down", "1h")
    local _, silences = world:http("GET", "/api/v2/silences")
    assert.same({}, silences[1].annotations)
  end)

  it("is that of 0.25 for an imported tree: no field that strict clients do not know, and narrow names", function()
    local world = world_of.new { routes = compat() }
    world:fire("Down"):advance "31s"
    local _, status = world:http("GET", "/api/v2/status")
    assert.equal("0.25.0", status.versionInfo.version)
    local _, alerts = world:http("GET", "/api/v2/alerts")
    assert.equal("inhibitedBy silencedBy state", keys(alerts[1].status))
    local _, groups = world:http("GET", "/api/v2/alerts/groups")
    assert.equal("alerts labels receiver", keys(groups[1]))
    local _, receivers = world:http("GET", "/api/v2/receivers")
    assert.equal("name", keys(receivers[1]))
    local id = world:silence("Down", "1h")
    world:http("DELETE", "/api/v2/silence/" .. id)
    local _, silence = world:http("GET", "/api/v2/silence/" .. id)
    assert.equal("comment createdBy endsAt id matchers startsAt status updatedAt", keys(silence))
    assert.equal(400, (world:http("POST", "/api/v2/alerts", { { labels = { ["service.name"] = "x" } } })))
  end)

  it("is the newer one for an imported tree that says so", function()
    local world = world_of.new { routes = compat { speaks = "0.34" } }
    local _, status = world:http("GET", "/api/v2/status")
    assert.equal("0.34.0", status.versionInfo.version)
    assert.equal(200, (world:http("POST", "/api/v2/alerts", { { labels = { ["service.name"] = "x", ["größe"] = "y" } } })))
    local _, alerts = world:http("GET", "/api/v2/alerts?filter=" .. "%22service.name%22=x")
    assert.same({ ["service.name"] = "x", ["größe"] = "y" }, alerts[1].labels)
  end)

  it("takes of a flag that is said twice the last, and one that says nothing for one that is not there", function()
    local world = world_of.new {}
    world:fire("Down"):advance "31s"
    local function found(query)
      local _, alerts = world:http("GET", "/api/v2/alerts?" .. query)
      return #alerts
    end
    assert.equal(0, found "active=false")
    assert.equal(1, found "active=")
    assert.equal(1, found "active=false&active=true")
    assert.equal(0, found "active=true&active=false")
    assert.equal(0, found "receiver=hook&receiver=other")
  end)

  it("refuses a filter whose pattern is none, of alerts and of silences", function()
    local world = world_of.new {}
    for _, path in ipairs { "alerts", "alerts/groups", "silences" } do
      assert.equal(400, (world:http("GET", "/api/v2/" .. path .. "?filter=a=~%22(%22")))
    end
  end)

  it("knows an alert by the fingerprint that Alertmanager gives it", function()
    local real = require "moonwatch.host"
    assert.equal("543bb2437176c7a1", real.fingerprint { alertname = "HA" })
    -- What is hashed is each name and value in the order of the names, each with a byte behind it that no text has.
    assert.are_not.equal(real.fingerprint { a = "b", c = "d" }, real.fingerprint { a = "bc", d = "" })
  end)

  it("takes a matcher of a silence that does not say isEqual for one that is equal, and silences without a comment", function()
    local world = world_of.new {}
    local status, body = world:http("POST", "/api/v2/silences", { matchers = { { name = "alertname", value = "Down", isRegex = false } },
      startsAt = world.host.rfc3339(world.now), endsAt = world.host.rfc3339(world.now + 3600), createdBy = "", comment = "" })
    assert.equal(200, status)
    world:fire("Down"):fire("Slow"):advance "1m"
    assert.same({ "0:30 hook firing Slow" }, world:told())
    local _, silence = world:http("GET", "/api/v2/silence/" .. body.silenceID)
    assert.is_true(silence.matchers[1].isEqual)
  end)

  it("says which windows keep a group quiet, and leaves such groups out where that is asked for", function()
    local world = world_of.new { windows = { { name = "always", times = "00:00-24:00" }, { name = "never", years = "1999" } }, routes = { { receiver = "hook",
      routes = { { match = 'alertname="A"', mute = { "always" } }, { match = 'alertname="B"', active = { "never" } } } } } }
    world:fire("A"):fire("B"):fire("C"):advance "31s"
    local _, groups = world:http("GET", "/api/v2/alerts/groups")
    local muted = {}
    for _, group in ipairs(groups) do
      local alert = group.alerts[1]
      muted[alert.labels.alertname] = alert.status.state .. " " .. table.concat(alert.status.mutedBy, ",")
    end
    assert.same({ A = "suppressed always", B = "suppressed never", C = "active " }, muted)
    _, groups = world:http("GET", "/api/v2/alerts/groups?muted=false")
    assert.equal(1, #groups)
    assert.equal("C", groups[1].alerts[1].labels.alertname)
    local _, alerts = world:http("GET", "/api/v2/alerts")
    assert.equal("active", alerts[1].status.state)
  end)

  it("lists groups by their labels and receivers, and those of each alert by name", function()
    local world = world_of.new { names = { "a", "b" }, routes = { { receiver = "a", group_by = { "x" }, routes = {
      { match = 'y="1"', receiver = "b", continue = true }, { match = 'y="1"', receiver = "a", group_by = {} } } } } }
    world:fire("A", { x = "2", y = "1" }):fire("B", { x = "1" }):advance "1s"
    local _, groups = world:http("GET", "/api/v2/alerts/groups")
    local out = {}
    for i, group in ipairs(groups) do
      local names = {}
      for k, r in ipairs(group.alerts[1].receivers) do names[k] = r.name end
      out[i] = ("%s x=%s of %s"):format(group.receiver.name, group.labels.x or "", table.concat(names, "+"))
    end
    assert.same({ "a x= of a+b", "a x=1 of a", "b x=2 of a+b" }, out)
    _, groups = world:http("GET", "/api/v2/alerts/groups?receiver=b")
    assert.equal(1, #groups)
    assert.same({ { name = "b" } }, groups[1].alerts[1].receivers)
  end)

  it("knows receivers by their labels", function()
    local world = world_of.new { receivers = { { name = "a", labels = { owner = "x" }, targets = {} }, { name = "b", labels = { owner = "y" }, targets = {} } },
      routes = { { receiver = "a", routes = { { match = 'alertname="B"', receiver = "b" } } } } }
    world:fire("A"):fire("B"):advance "1s"
    local query = "?receiver_matchers=owner%3Dy"
    local _, receivers = world:http("GET", "/api/v2/receivers" .. query)
    assert.same({ { name = "b", labels = { owner = "y" } } }, receivers)
    local _, alerts = world:http("GET", "/api/v2/alerts" .. query)
    assert.equal(1, #alerts)
    assert.equal("B", alerts[1].labels.alertname)
    local _, groups = world:http("GET", "/api/v2/alerts/groups" .. query)
    assert.equal(1, #groups)
    assert.equal(400, (world:http("GET", "/api/v2/receivers?receiver_matchers=owner")))
  end)
end)

describe("labels of a route", function()
  it("come down the tree, are filled in, and are told with the message and shown with the group", function()
    local world = world_of.new { routes = { { receiver = "hook", labels = { owner = "team ${labels.team}", runbook = "r" },
      routes = { { match = 'alertname="Down"', group_by = { "alertname" }, labels = { runbook = "down" } } } } } }
    world:fire("Down", { team = "db" }):fire("Down", { team = "db", instance = "2" }):advance "31s"
    local expected = { owner = "team db", runbook = "down" }
    assert.same(expected, world.notes[1].note.route_labels)
    assert.same(expected, world.host.json.decode(require("moonwatch.to.webhook").body(world.notes[1].note, {}, world.host)).routeLabels)
    local _, groups = world:http("GET", "/api/v2/alerts/groups")
    assert.same(expected, groups[1].routeLabels)
  end)
end)

describe("a webhook", function()
  it("is told the reason, in Alertmanager's words", function()
    local webhook = require "moonwatch.to.webhook"
    local world = world_of.new {}
    world:fire("A"):advance("31s"):fire("B"):advance("5m"):resolve("B"):advance("5m"):advance("4h"):resolve("A"):advance("5m"):fire("A"):advance "5m"
    local reasons = {}
    for i, entry in ipairs(world.notes) do reasons[i] = world.host.json.decode(webhook.body(entry.note, {}, world.host)).notification_reason end
    assert.same({ "first notification", "new alerts added", "some alerts resolved", "repeat interval elapsed", "all alerts resolved", "first notification" }, reasons)
  end)
end)
