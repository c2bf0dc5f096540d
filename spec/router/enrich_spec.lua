--- enrich_spec.lua - alerts of others get labels as they come in: by an inventory, by rule, in order.
local real = require "moonwatch.host"
local world_of = require "router_world"

local function world_with(enriches, routes)
  return world_of.new { names = { "hook", "db", "web" }, enriches = enriches, routes = routes or { { receiver = "hook", group_by = { "alertname" }, routes = {
    { match = { team = "db" }, receiver = "db" }, { match = { team = "web" }, receiver = "web" } } } } }
end

-- One that is posted, until AFTER from now.
local function post(world, labels, after, annotations)
  local status, why = world:http("POST", "/api/v2/alerts", { { labels = labels, annotations = annotations, endsAt = world.host.rfc3339(world.now + (after or 3600)),
    startsAt = world.host.rfc3339(world.now - 1) } })
  assert.equal(200, status, why)
end

local function labels_of(world)
  local _, alerts = world:http("GET", "/api/v2/alerts")
  return alerts[1].labels, alerts[1].annotations
end

local BY_HOST = { by = { "instance" }, from = { ["db-1:9100"] = { team = "db", tier = "1" }, ["web-1:9100"] = { team = "web" } } }

describe("an alert that is posted", function()
  it("goes where the inventory says, and so does its end", function()
    local world = world_with { BY_HOST }
    post(world, { alertname = "Down", instance = "db-1:9100" })
    world:advance "1m"
    assert.same({ "0:30 db firing Down" }, world:told())
    assert.same({ alertname = "Down", instance = "db-1:9100", team = "db", tier = "1" }, (labels_of(world)))
    post(world, { alertname = "Down", instance = "db-1:9100" }, 0)
    world:advance "10m"
    assert.same({ "5:30 db resolved Down" }, world:told())
  end)

  it("is read the short way all the same, and an end that is only a guess stays one", function()
    local world = world_with { BY_HOST }
    for _, name in ipairs { "json", "parse_time", "read_alerts", "fingerprint" } do world.host[name] = real[name] end
    local status = world:http("POST", "/api/v2/alerts", '[{"labels":{"alertname":"Down","instance":"db-1:9100"}},{"labels":{"alertname":"Down","instance":"x"}}]')
    assert.equal(200, status)
    world:advance "4m"
    assert.same({ "0:30 db firing Down", "0:30 hook firing Down" }, world:told())
    world:http("POST", "/api/v2/alerts", '[{"labels":{"alertname":"Down","instance":"db-1:9100"}}]')
    world:advance "4m"
    assert.same({ "5:30 hook resolved Down" }, world:told())
    world:advance "4m"
    assert.same({ "10:30 db resolved Down" }, world:told())
  end)

  it("keeps the labels that it has, unless it is said otherwise", function()
    local world = world_with { BY_HOST }
    post(world, { alertname = "Down", instance = "db-1:9100", team = "web" })
    assert.equal("web", labels_of(world).team)
    world = world_with { { by = BY_HOST.by, from = BY_HOST.from, over = true } }
    post(world, { alertname = "Down", instance = "db-1:9100", team = "web" })
    assert.equal("db", labels_of(world).team)
  end)

  it("is changed by one after the other, each of which sees what those before it made", function()
    local world = world_with { BY_HOST,
      { match = { team = "db" }, labels = { owner = "${labels.team}-crew", empty = "${labels.nothing}" }, annotations = { runbook = "http://wiki/${labels.alertname}" }, drop = { "instance" } },
      { match = { team = "other" }, labels = { wrong = "yes" } },
      { by = { "owner", "tier" }, from = { ["db-crew/1"] = { severity = "page" } } } }
    post(world, { alertname = "Down", instance = "db-1:9100" }, nil, { summary = "it is" })
    local labels, annotations = labels_of(world)
    assert.same({ alertname = "Down", team = "db", tier = "1", owner = "db-crew", severity = "page" }, labels)
    assert.same({ summary = "it is", runbook = "http://wiki/Down" }, annotations)
  end)

  it("that would have no label left keeps its own", function()
    local world = world_with { { drop = { "alertname" } } }
    post(world, { alertname = "Down" })
    assert.same({ alertname = "Down" }, (labels_of(world)))
  end)

  it("is kept as it was made, over a restart", function()
    local world = world_with { BY_HOST }
    post(world, { alertname = "Down", instance = "db-1:9100" })
    world:advance("1m"):restart():advance "10m"
    assert.same({ "0:30 db firing Down" }, world:told())
    assert.equal("db", labels_of(world).team)
  end)
end)

it("an alert of our own rules says itself what its labels are", function()
  local world = world_with { { labels = { team = "db" } } }
  world:fire("Down"):advance "1m"
  assert.same({ "0:30 hook firing Down" }, world:told())
end)
