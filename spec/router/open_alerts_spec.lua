--- open_alerts_spec.lua - what fires, at a glance: that of rules and that of others, and what keeps which of it quiet.
local world_of = require "router_world"

local CONFIG = { names = { "hook", "web" }, windows = { { name = "all", times = "00:00-24:00" } },
  inhibits = { { source = { severity = "critical" }, target = { severity = "warning" }, equal = { "host" } } },
  routes = { { receiver = "hook", routes = { { match = { a = "1" }, mute = { "all" }, continue = true }, { match = { b = "1" }, receiver = "web" } } } } }

local function seen(world, query)
  local status, body = world:http("GET", "/api/mw/v1/alerts" .. (query or ""))
  assert.equal(200, status)
  local out = {}
  for i, a in ipairs(body.alerts) do out[i] = a.labels.alertname .. " " .. a.state end
  return out, body
end

describe("what fires", function()
  it("is all of it, also what others posted, those that nobody keeps quiet first", function()
    local world = world_of.new(CONFIG)
    world:fire("Rule", {}):advance "1s"
    world:http("POST", "/api/v2/alerts", { { labels = { alertname = "Posted", severity = "info" } }, { labels = { alertname = "Crit", severity = "critical", host = "h" } },
      { labels = { alertname = "Warn", severity = "warning", host = "h" } }, { labels = { alertname = "Window", a = "1" } }, { labels = { alertname = "Part", a = "1", b = "1" } },
      { labels = { alertname = "Over" }, endsAt = world.host.rfc3339(world.now - 1) } })
    world:http("POST", "/api/mw/v1/ack", { alert = "Rule", author = "ann" })
    local list, body = seen(world)
    assert.same({ "Crit firing", "Part firing", "Posted firing", "Rule acknowledged", "Warn inhibited", "Window muted" }, list)
    assert.equal(6, body.total)
    assert.equal('alert Crit{host="h", severity="critical"} inhibits it', body.alerts[5].because)
    assert.truthy(body.alerts[6].because:find("it is inside the mute window all", 1, true))
    assert.equal("ann is on it until it is over", body.alerts[4].because)
  end)

  it("is the youngest of very many", function()
    local world = world_of.new {}
    local alerts = {}
    for i = 1, 2100 do alerts[i] = { labels = { alertname = ("N%04d"):format(i) }, startsAt = world.host.rfc3339(world.now - 3000 + (i < 2095 and 0 or i)) } end
    world:http("POST", "/api/v2/alerts", alerts)
    local list, body = seen(world, "?limit=7")
    assert.same({ 2100, 7 }, { body.total, #list })
    assert.same({ "N2100 firing", "N2095 firing" }, { list[1], list[6] })
    for _, odd in ipairs { "", "?limit=x", "?limit=nan", "?limit=-1" } do assert.equal(500, #seen(world, odd)) end
  end)
end)
