--- ingest_spec.lua - every door that data comes in by, knocked on by real clients and by vandals.
local json = require "dkjson"
local net = require "net"
local peers = require "peers"
local proc = require "proc"
local server = require "server"

local now = os.time()
local now_ns = ("%d000000000"):format(now)

local function attributes(map)
  local list = {}
  for k, v in pairs(map) do list[#list + 1] = { key = k, value = { stringValue = v } } end
  return list
end

local resource = { attributes = attributes { ["service.name"] = "cart" } }
local trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

describe("data comes in", function()
  local node
  setup(function() node = server.start() end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  it("by remote write from a real Prometheus", function()
    local exporter = peers.node_exporter()
    local prometheus = peers.prometheus(exporter.address, node.url .. "/api/v1/write")
    proc.eventually(function() return (node:value 'count({job="node"})' or 0) > 200 end, 30, "series arrive")
    proc.eventually(function() return node:value 'up{job="node"}' == 1 end, 10, "its own figures arrive too")
    prometheus.proc:stop()
    exporter.proc:stop()
  end)

  it("as OTLP spans in JSON, found again by trace id, service and duration", function()
    local status, body = node:post("/v1/traces", json.encode { resourceSpans = { { resource = resource, scopeSpans = { { spans = { {
      traceId = trace_id, spanId = span_id, name = "GET /cart", kind = 2, startTimeUnixNano = now_ns,
      endTimeUnixNano = ("%d250000000"):format(now), attributes = attributes { ["url.path"] = "/cart" },
      status = { code = 2, message = "boom" },
    } } } } } } })
    assert.equal(200, status, body)
    local trace = node:json("/api/mw/v1/traces/" .. trace_id)
    assert.equal("GET /cart", trace.spans[1].name)
    local found = node:json "/api/mw/v1/traces?service=cart&min=200ms&tag=url.path%3D%2Fcart"
    assert.equal(1, #found.traces)
    assert.equal(0, #node:json("/api/mw/v1/traces?service=cart&min=300ms").traces)
  end)

  it("as OTLP logs in JSON, found again by selector, substring, level and trace", function()
    local status, body = node:post("/v1/logs", json.encode { resourceLogs = { { resource = resource, scopeLogs = { { logRecords = { {
      timeUnixNano = now_ns, severityNumber = 17, severityText = "ERROR", body = { stringValue = "payment declined" },
      traceId = trace_id, spanId = span_id,
    } } } } } } })
    assert.equal(200, status, body)
    local function found(query) return #node:json("/api/mw/v1/logs?" .. query).records end
    assert.equal(1, found("selector=" .. net.escape '{service_name="cart"}'))
    assert.equal(1, found "contains=declined&level=error")
    assert.equal(1, found("trace=" .. trace_id))
    assert.equal(0, found "contains=nothing-like-it")
  end)

  it("as OTLP metrics in JSON, with Prometheus's names", function()
    local status, body = node:post("/v1/metrics", json.encode { resourceMetrics = { { resource = resource, scopeMetrics = { { metrics = { {
      name = "cart.items", unit = "1", sum = { aggregationTemporality = 2, isMonotonic = true, dataPoints = { { timeUnixNano = now_ns, asInt = "42" } } },
    } } } } } } })
    assert.equal(200, status, body)
    assert.equal(42, node:value 'cart_items_total{job="cart"}')
  end)

  it("as Loki push", function()
    local status, body = node:post("/loki/api/v1/push", json.encode { streams = { { stream = { app = "web" }, values = { { now_ns, "level=warn hello" } } } } })
    assert.equal(204, status, body)
    local records = node:json("/api/mw/v1/logs?selector=" .. net.escape '{app="web"}').records
    assert.equal("level=warn hello", records[1].message)
    assert.equal("warn", records[1].level)
  end)

  it("as pushed text", function()
    node:push 'jobs_done_total{kind="mail"} 7\n'
    assert.equal(7, node:value "jobs_done_total")
  end)
end)

describe("what is not data is refused with a reason, and disturbs nobody", function()
  local node
  setup(function() node = server.start { config = 'settings { limits = { body = 100000, labels = 3, label_bytes = 20 } }' } end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  local doors = {
    { "/api/v1/write", "application/x-protobuf" }, { "/v1/traces", "application/json" }, { "/v1/traces", "application/x-protobuf" },
    { "/v1/logs", "application/json" }, { "/v1/logs", "application/x-protobuf" }, { "/v1/metrics", "application/json" },
    { "/v1/metrics", "application/x-protobuf" }, { "/loki/api/v1/push", "application/json" }, { "/api/v1/import/prometheus", "text/plain" },
  }

  for _, door in ipairs(doors) do
    local path, kind = door[1], door[2]

    it(("garbage at %s as %s"):format(path, kind), function()
      local status, body = node:post(path, "\1\2\255 garbage }{", kind)
      assert.is_true(status >= 400 and status < 500, tostring(status))
      assert.is_true(#body > 0)
    end)

    it(("a body over the limit at %s as %s"):format(path, kind), function()
      local status = node:post(path, ("x"):rep(200000), kind)
      assert.equal(413, status)
    end)

    it(("gzip that is none at %s as %s"):format(path, kind), function()
      local status = node:post(path, "not gzip at all", kind, { ["content-encoding"] = "gzip" })
      assert.is_true(status >= 400 and status < 500, tostring(status))
    end)
  end

  it("a series of too many labels, and a label that is too long", function()
    local status, body = node:post("/api/v1/import/prometheus", 'x{a="1",b="2",c="3"} 1\n', "text/plain")
    assert.equal(422, status)
    assert.matches("4 labels", body)
    status, body = node:post("/api/v1/import/prometheus", ('x{a="%s"} 1\n'):format(("y"):rep(21)), "text/plain")
    assert.equal(422, status)
    assert.matches("21 bytes", body)
  end)

  it("a small gzip that would grow past the limit", function()
    local pipe = assert(io.popen("head -c 50000000 /dev/zero | gzip -9", "r"))
    local bomb = pipe:read "*a"
    pipe:close()
    local status = node:post("/v1/logs", bomb, "application/json", { ["content-encoding"] = "gzip" })
    assert.equal(413, status)
  end)

  it("and the server still answers", function()
    assert.equal(200, (node:get "/-/healthy"))
    node:push "still_here 1\n"
    assert.equal(1, node:value "still_here")
  end)
end)

describe("a query that cannot be answered", function()
  local node
  setup(function() node = server.start() end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  it("says where its mistake is", function()
    local answer, status = node:json("/api/v1/query?query=" .. net.escape "sum(rate(x[5m])")
    assert.equal(400, status)
    assert.equal("bad_data", answer.errorType)
    assert.is_truthy(answer.error:find("1:", 1, true))
  end)

  it("names the function that is not there", function()
    local answer, status = node:json("/api/v1/query?query=" .. net.escape "histogram_median(x)")
    assert.is_true(status == 422 or status == 400)
    assert.is_truthy(answer.error:find("histogram_median", 1, true))
  end)
end)
