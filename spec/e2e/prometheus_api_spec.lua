--- prometheus_api_spec.lua - the HTTP API of Prometheus, as its own programs and Grafana use it.
local json = require "dkjson"
local net = require "net"
local peers = require "peers"
local proc = require "proc"
local remote = require "remote"
local server = require "server"

local now = os.time()
local start = now - 600

local config = [[
settings {
  external_labels = { region = "lisbon" }, cors = "https://(grafana|shop)[.]example",
  limits = { queries = 2 },
}
scrape "self" { targets = { "127.0.0.1:%d" }, every = "1s", labels = { team = "core" } }
]]

--- Ten minutes of two series, 15 s apart, one that ended, and one that is old.
local function fill(node)
  local lines = { "# HELP shop_orders_total Orders taken.", "# TYPE shop_orders_total counter" }
  for i = 0, 40 do
    local t = (start + i * 15) * 1000
    lines[#lines + 1] = ('shop_orders_total{job="shop",path="/a"} %d %d'):format(i * 3, t)
    lines[#lines + 1] = ('shop_orders_total{job="shop",path="/b"} %d %d'):format(i, t)
  end
  lines[#lines + 1] = ('shop_old{job="shop"} 1 %d'):format((now - 1200) * 1000)
  node:push(table.concat(lines, "\n") .. "\n")
  local status, body = remote.write(node, {
    { labels = { __name__ = "shop_ended", job = "shop" }, remote.sample((now - 20) * 1000, 1), remote.stale((now - 10) * 1000) },
    { labels = { __name__ = "shop.utf8", ["shop.door"] = "north" }, remote.sample((now - 20) * 1000, 7) },
    { labels = { __name__ = "shop_seconds", job = "shop" }, remote.histogram((now - 20) * 1000, { count = 6, sum = 5, schema = 0, first = 0, counts = { 1, 2, 3 } }) },
  })
  assert.is_true(status < 300, body)
end

local function form(fields)
  local parts = {}
  for _, f in ipairs(fields) do parts[#parts + 1] = net.escape(f[1]) .. "=" .. net.escape(f[2]) end
  return table.concat(parts, "&")
end

describe("the Prometheus API", function()
  local node
  setup(function()
    local port = proc.free_port()
    node = server.start { port = port, config = config:format(port) }
    fill(node)
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  local function get(path, fields)
    local answer, status = node:json(path .. (fields and "?" .. form(fields) or ""))
    return answer, status
  end
  local function post(path, fields)
    local status, body = node:post(path, form(fields), "application/x-www-form-urlencoded")
    return json.decode(body), status
  end

  describe("answers promtool", function()
    local function promtool(...)
      local status, text = proc.run { "promtool", ... }
      assert.equal(0, status, text)
      return text
    end

    it("an instant and a range query", function()
      assert.matches("shop_orders_total%b{} => 120 @", promtool("query", "instant", node.url, 'shop_orders_total{path="/a"}'))
      local text = promtool("query", "range", "--start=" .. start, "--end=" .. now, "--step=60s", node.url, "sum(shop_orders_total)")
      assert.matches("160 @%[", text)
    end)

    it("series and labels", function()
      local text = promtool("query", "series", "--match=shop_orders_total", "--start=" .. start, "--end=" .. now, node.url)
      assert.matches('path="/b"', text)
      assert.matches("/a\n/b\n", promtool("query", "labels", "--start=" .. start, "--end=" .. now, node.url, "path"))
    end)
  end)

  describe("is read by a real Prometheus", function()
    it("over remote read, with its external labels and nothing that does not match them", function()
      local other = peers.prometheus_with(('remote_read: [ { url: "%s/api/v1/read", read_recent: true } ]\n'):format(node.url))
      local function ask(query)
        local answer = net.json(other.url .. "/api/v1/query?" .. form { { "query", query }, { "time", tostring(now) } })
        assert(answer and answer.status == "success", answer and answer.error)
        return answer.data.result
      end
      proc.eventually(function() return #ask "shop_orders_total" == 2 end, 20, "the other one reads")
      local rows = ask 'sum by (path, region) (increase(shop_orders_total{region="lisbon"}[5m]))'
      assert.equal("lisbon", rows[1].metric.region)
      assert.is_true(tonumber(rows[1].value[2]) > 0)
      assert.equal(1, #ask 'shop_orders_total{path!="/a"}')
      assert.equal(1, #ask 'shop_orders_total{path=~"/b|/c"}')
      assert.equal(1, #ask 'shop_orders_total{path!~"/b|/c"}')
      assert.equal(0, #ask 'shop_orders_total{region="porto"}')
      local values = net.json(other.url .. "/api/v1/query_range?" .. form {
        { "query", "shop_orders_total" }, { "start", tostring(start) }, { "end", tostring(now) }, { "step", "15" } }).data.result
      local own = get("/api/v1/query_range", { { "query", "shop_orders_total" }, { "start", tostring(start) }, { "end", tostring(now) }, { "step", "15" } }).data.result
      assert.same(own[1].values, values[1].values)
      other.proc:stop()
    end)

    it("over federation, without what has ended or is old", function()
      local other = peers.prometheus_with(([[
global: { scrape_interval: 1s }
scrape_configs:
- job_name: federate
  honor_labels: true
  metrics_path: /federate
  params: { "match[]": [ '{job="shop"}', 'shop_orders_total{path="/a"}' ] }
  static_configs: [ { targets: [ "%s" ] } ]
]]):format(node.url:sub(8)))
      local function ask(query) return net.json(other.url .. "/api/v1/query?" .. form { { "query", query } }).data.result end
      proc.eventually(function() return #ask '{__name__=~"shop_.*"}' == 2 end, 20, "federated series arrive")
      local rows = ask 'shop_orders_total{path="/a"}'
      assert.equal("120", rows[1].value[2])
      assert.equal("lisbon", rows[1].metric.region)
      assert.equal("shop", rows[1].metric.job)
      assert.is_nil(rows[1].metric.instance)
      assert.equal("1", ask("up")[1].value[2])
      other.proc:stop()
    end)
  end)

  it("federates in text, sorted, each series once, with the time of its sample", function()
    local status, body, headers = node:get("/federate?" .. form { { "match[]", '{job="shop"}' }, { "match[]", "shop_orders_total" } })
    assert.equal(200, status)
    assert.matches("^text/plain; version=0.0.4", headers["content-type"])
    local at = (start + 600) * 1000
    assert.equal("# TYPE shop_orders_total untyped\n"
      .. ('shop_orders_total{job="shop",path="/a",instance="",region="lisbon"} 120 %d\n'):format(at)
      .. ('shop_orders_total{job="shop",path="/b",instance="",region="lisbon"} 40 %d\n'):format(at), body)
    local _, plain = node:get("/federate?" .. form { { "match[]", '{"shop.utf8"}' } })
    assert.matches('shop_utf8{shop_door="north",instance="",region="lisbon"} 7 %d+\n', plain)
    local _, utf8 = node:get("/federate?" .. form { { "match[]", '{"shop.utf8"}' } },
      { headers = { accept = "text/plain;version=1.0.0;escaping=allow-utf-8" } })
    assert.matches('{"shop.utf8","shop.door"="north",instance="",region="lisbon"} 7 %d+\n', utf8)
  end)

  -- What Grafana's Prometheus data source requests: POST forms for data, "Save & test", Explore, the query builder.
  describe("answers Grafana", function()
    it("when a data source is tested", function()
      local answer, status = post("/api/v1/query", { { "query", "1+1" }, { "time", tostring(now) } })
      assert.equal(200, status)
      assert.equal("2", answer.data.result[2])
      local build = get "/api/v1/status/buildinfo"
      assert.matches("^3%.", build.data.version)
      assert.equal("success", get("/api/v1/rules").status)
      local exemplars = get("/api/v1/query_exemplars", { { "query", "shop_orders_total" }, { "start", tostring(start) }, { "end", tostring(now) } })
      assert.same({}, exemplars.data)
    end)

    it("the queries of a panel", function()
      local answer = post("/api/v1/query_range", { { "query", "sum(rate(shop_orders_total[1m0s])) by (path)" },
        { "start", tostring(start) }, { "end", tostring(now) }, { "step", "15" } })
      assert.equal("matrix", answer.data.resultType)
      assert.equal(2, #answer.data.result)
      answer = post("/api/v1/query", { { "query", "shop_seconds" }, { "time", tostring(now) } })
      assert.equal("6", answer.data.result[1].histogram[2].count)
    end)

    it("what to complete", function()
      local range = { { "start", tostring(start) }, { "end", tostring(now) } }
      local function with(...) return { range[1], range[2], ... } end
      local names = post("/api/v1/labels", with({ "match[]", "shop_orders_total" })).data
      assert.same({ "__name__", "job", "path" }, names)
      assert.same({ "/a", "/b" }, get("/api/v1/label/path/values", with({ "match[]", 'shop_orders_total{job="shop"}' })).data)
      local limited = get("/api/v1/label/__name__/values", with({ "limit", "1" }))
      assert.equal(1, #limited.data)
      assert.same({ "results truncated due to limit" }, limited.warnings)
      assert.same({ "north" }, get("/api/v1/label/U__shop_2e_door/values", with()).data)
      local series = post("/api/v1/series", with({ "match[]", "shop_orders_total" }, { "limit", "1" }))
      assert.equal(1, #series.data)
      assert.same({ "results truncated due to limit" }, series.warnings)
      assert.equal("Orders taken.", get("/api/v1/metadata", { { "metric", "shop_orders_total" } }).data.shop_orders_total[1].help)
    end)

    it("only names that had samples in the time asked for", function()
      local long_ago = { { "start", tostring(now - 40 * 86400) }, { "end", tostring(now - 39 * 86400) } }
      assert.same({}, get("/api/v1/labels", long_ago).data)
      assert.same({}, get("/api/v1/label/path/values", long_ago).data)
      long_ago[3] = { "match[]", "shop_orders_total" }
      assert.same({}, get("/api/v1/series", long_ago).data)
    end)
  end)

  it("says what is scraped", function()
    proc.eventually(function()
      local t = get("/api/v1/targets", { { "state", "active" } }).data
      return t.activeTargets[1] and t.activeTargets[1].health == "up"
    end, 15, "the target is up")
    local dropped = get("/api/v1/targets", { { "state", "dropped" } }).data
    assert.same({}, dropped.activeTargets)
    assert.same({ self = 0 }, dropped.droppedTargetCounts)
    assert.same({}, get("/api/v1/targets", { { "scrapePool", "other" } }).data.activeTargets)
    assert.same({ "self" }, get("/api/v1/scrape_pools").data.scrapePools)
    assert.matches('job_name: "self"', get("/api/v1/status/config").data.yaml)
    assert.matches('region": "lisbon"', get("/api/v1/status/config").data.yaml)
    assert.matches("scrape_interval: 1s", get("/api/v1/scrape_pools/config", { { "scrapePool", "self" } }).data.yaml)
    local own = proc.eventually(function()
      local rows = get("/api/v1/targets/metadata", { { "match_target", '{team="core"}' }, { "metric", "moonwatch_scrapes" } }).data
      return rows[1]
    end, 15, "metadata of the target")
    assert.equal("counter", own.type)
    assert.equal("core", own.target.team)
    assert.is_nil(own.metric)
    local all = get("/api/v1/targets/metadata", { { "limit", "1" } }).data
    assert.is_string(all[1].metric)
    assert.same({}, get("/api/v1/targets/metadata", { { "match_target", '{team="other"}' } }).data)
  end)

  it("describes itself", function()
    assert.is_true(get("/api/v1/status/runtimeinfo").data.reloadConfigSuccess)
    assert.equal("15d", get("/api/v1/status/flags").data["storage.tsdb.retention.time"])
    assert.same({ min = 0, max = 100, current = 100 }, get("/api/v1/status/walreplay").data)
    assert.same({}, get("/api/v1/notifications").data)
    assert.is_true(get("/api/v1/features").data.promql_functions.rate)
    assert.matches("/api/v2/alerts$", get("/api/v1/alertmanagers").data.activeAlertmanagers[1].url)
    local pairs_of = get("/api/v1/status/tsdb", { { "limit", "3" } }).data.seriesCountByLabelValuePair
    assert.equal(3, #pairs_of)
    node:post "/api/v1/admin/tsdb/snapshot"
    local blocks = get("/api/v1/status/tsdb/blocks").data.blocks
    assert.equal(26, #blocks[1].ulid)
    assert.is_true(blocks[1].stats.numSamples > 80)
  end)

  it("tells browsers which pages may read", function()
    local function origin(o)
      local _, _, headers = node:get("/api/v1/labels", { headers = { origin = o } })
      return headers["access-control-allow-origin"], headers.vary
    end
    assert.equal("https://grafana.example", (origin "https://grafana.example"))
    assert.is_nil((origin "https://grafana.example.evil"))
    local status, _, headers = node:get("/api/v1/query", { method = "OPTIONS", headers = { origin = "https://shop.example" } })
    assert.equal(204, status)
    assert.equal("https://shop.example", headers["access-control-allow-origin"])
    assert.equal("GET, POST, OPTIONS", headers["access-control-allow-methods"])
  end)
end)
