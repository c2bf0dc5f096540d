--- prometheus_alerting_spec.lua - Debian's Prometheus finds, we tell: its alerts come to us as to an Alertmanager.
local net = require "net"
local proc = require "proc"
local server = require "server"

local RULES = [[
receiver "team" { webhook { url = "%s/hook" } }
receiver "nobody" {}
route { receiver = "nobody", group_by = { "alertname" }, group_wait = "0s", group_interval = "1s",
  routes = { { match = { severity = "page", site = "home" }, receiver = "team" } } }
]]

local CONFIG = [[
global: { scrape_interval: 1s, evaluation_interval: 1s, external_labels: { site: home, replica: a } }
rule_files: [ alerts.yml ]
scrape_configs: [ { job_name: tank, static_configs: [ { targets: [ '127.0.0.1:%d' ] } ] } ]
alerting:
  alert_relabel_configs: [ { action: labeldrop, regex: replica } ]
  alertmanagers: [ { static_configs: [ { targets: [ '127.0.0.1:%d' ] } ], path_prefix: '/', timeout: 5s } ]
]]

local ALERTS = [[
groups:
  - name: tanks
    rules:
      - alert: TankFull
        expr: level > 90
        labels: { severity: page }
        annotations: { summary: 'tank {{ $labels.tank }} is at {{ $value }}', town: "it's \"ünï\"" }
]]

describe("Debian's Prometheus with us as its Alertmanager", function()
  local sink, s, prometheus, url
  local levels = { north = 10, south = 10 }

  -- The page it scrapes, or a receiver: by its path.
  local function answer(request)
    if request.path ~= "/metrics" then return 200 end
    local lines = {}
    for tank, level in pairs(levels) do lines[#lines + 1] = ('level{tank="%s"} %d\n'):format(tank, level) end
    return 200, { ["Content-Type"] = "text/plain; version=0.0.4" }, table.concat(lines)
  end

  local function start()
    local port = proc.free_port()
    url = "http://127.0.0.1:" .. port
    prometheus = proc.spawn({ "prometheus", "--config.file=" .. s.dir .. "/prometheus.yml", "--storage.tsdb.path=" .. s.dir .. "/tsdb",
      "--web.listen-address=127.0.0.1:" .. port, "--rules.alert.resend-delay=2s", "--log.level=warn" }, s.dir .. "/prometheus.log")
    proc.eventually(function()
      assert(prometheus:alive(), "Prometheus ended: " .. prometheus:output())
      return net.request(url .. "/-/ready") == 200
    end, 30, "Prometheus is ready")
  end

  setup(function()
    sink = net.sink(answer)
    s = server.start { rules = { ["routes.lua"] = RULES:format(sink.url) } }
    proc.write(s.dir .. "/prometheus.yml", CONFIG:format(sink.port, s.port))
    proc.write(s.dir .. "/alerts.yml", ALERTS)
    start()
  end)
  teardown(function()
    if prometheus then prometheus:kill() end
    if s then s:stop() end
    sink:close()
    proc.cleanup()
  end)

  -- The first message, beginning with number FROM, in which TANK has this STATUS.
  local function told(tank, status, from, seconds)
    local found, at
    proc.eventually(function()
      local requests = sink:poll()
      for i = from or 1, #requests do
        for _, alert in ipairs(requests[i].path == "/hook" and requests[i].json.alerts or {}) do
          if alert.labels.tank == tank and alert.status == status then found, at = alert, i end
        end
      end
      return found
    end, seconds or 30, ("%s is told as %s"):format(tank, status))
    return found, at
  end

  local function ours() return s:json "/api/v2/alerts" end

  it("is told so by Prometheus: we are active, and none is dropped", function()
    proc.eventually(function()
      sink:poll()
      local answered = net.json(url .. "/api/v1/alertmanagers")
      return answered.data.activeAlertmanagers[1]
    end, 20, "Prometheus has an Alertmanager")
    local data = net.json(url .. "/api/v1/alertmanagers").data
    assert.same({ { url = s.url .. "/api/v2/alerts" } }, data.activeAlertmanagers)
    assert.equal(0, #data.droppedAlertmanagers)
  end)

  it("tells what fires, with everything that Prometheus says of it", function()
    levels.north = 95
    local alert = told("north", "firing")
    assert.same({ alertname = "TankFull", severity = "page", site = "home", tank = "north", job = "tank", instance = "127.0.0.1:" .. sink.port }, alert.labels)
    assert.same({ summary = "tank north is at 95", town = 'it\'s "ünï"' }, alert.annotations)
    assert.truthy(alert.generatorURL:find "/graph%?g0%.expr=level")
    local there = ours()
    assert.equal(1, #there)
    assert.equal("active", there[1].status.state)
    assert.same({ { name = "team" } }, there[1].receivers)
    assert.truthy(there[1].endsAt > there[1].updatedAt)
  end)

  it("hears it again and again, and tells it once", function()
    local before = #sink:poll()
    local first = ours()[1].updatedAt
    proc.eventually(function()
      sink:poll()
      return ours()[1].updatedAt > first
    end, 20, "Prometheus has posted it again")
    for i = before + 1, #sink:poll() do assert.are_not.equal("/hook", sink.requests[i].path) end
  end)

  it("tells the end of one while the other one fires", function()
    levels.south = 91
    told("south", "firing")
    local from = #sink.requests
    levels.north = 10
    local alert = told("north", "resolved", from)
    assert.truthy(alert.endsAt > alert.startsAt)
    proc.eventually(function()
      sink:poll()
      local there = ours()
      return #there == 1 and there[1].labels.tank == "south"
    end, 20, "only one is left")
  end)

  it("knows them after a restart, and is posted to again", function()
    s:stop()
    s = server.start { dir = s.dir, port = s.port }
    local there = ours()
    assert.equal("south", there[1].labels.tank)
    local updated = there[1].updatedAt
    proc.eventually(function()
      sink:poll()
      return ours()[1].updatedAt > updated
    end, 30, "Prometheus posts to the new one")
  end)

  it("tells the end of what a Prometheus that died had posted, when its time is up", function()
    local from = #sink:poll()
    prometheus:kill()
    prometheus = nil
    told("south", "resolved", from + 1, 40)
    assert.equal(0, #ours())
  end)
end)
