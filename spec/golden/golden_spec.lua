--- golden_spec.lua - services are found by how they measure their requests, and nobody has to say anything.
local golden_api = require "moonwatch.api.golden"
local golden = require "moonwatch.guest.golden"
local host = require "moonwatch.host"
local testing = require "moonwatch.testing"

local EVERY = { every = "15s" }
local N = 60

-- A world in which everything of WHAT (selector -> per second, or {value}) has gone on for a quarter of an hour.
local function world_of(what)
  local world = testing.world "-- nothing {\n"
  for selector, v in pairs(what) do
    world:series(selector, type(v) == "table" and ("%gx%d"):format(v[1], N) or ("0+%gx%d"):format(v * 15, N), EVERY)
  end
  return world:advance "14m"
end

local function ask(world, service, query)
  local values = {}
  for k, v in pairs(query or {}) do values[k] = { v } end
  local f = golden_api[service and "/api/mw/v1/golden/**" or "/api/mw/v1/golden"]
  local answer = f(world.engine, { method = "GET", query = values, headers = {} }, world.now, service)
  return host.json.decode(answer.body), answer.status
end

local function by_name(world)
  local out = {}
  for _, s in ipairs(ask(world).services) do out[s.service] = s end
  return out
end

-- Counters of a histogram NAME: of 20 requests a second 10 take up to 0.1, 19 up to 0.5 (times SCALE), all up to 1.
local function histogram(name, labels, scale)
  local out = {}
  for le, n in pairs { [0.1] = 10, [0.5] = 19, [1] = 20 } do out[("%s_bucket{%s,le=%q}"):format(name, labels, ("%g"):format(le * scale))] = n end
  out[("%s_bucket{%s,le=\"+Inf\"}"):format(name, labels)] = 20
  return out
end

local function with(...)
  local out = {}
  for _, map in ipairs { ... } do
    for k, v in pairs(map) do out[k] = v end
  end
  return out
end

describe("golden signals", function()
  it("are those of OpenTelemetry's HTTP metrics", function()
    local m = "http_server_request_duration_seconds"
    local s = by_name(world_of(with(histogram(m, 'job="shop",http_response_status_code="200"', 1), {
      [m .. '_count{job="shop",http_response_status_code="200"}'] = 19, [m .. '_count{job="shop",http_response_status_code="503"}'] = 1,
      ['process_open_fds{job="shop",instance="a"}'] = { 10 }, ['process_max_fds{job="shop",instance="a"}'] = { 100 },
      ['process_open_fds{job="shop",instance="b"}'] = { 90 }, ['process_max_fds{job="shop",instance="b"}'] = { 100 },
      ['db_connections_active{job="shop"}'] = { 3 }, ['db_connections_idle{job="shop"}'] = { 7 } }))).shop
    assert.near(20, s.traffic, 1e-6)
    assert.near(0.05, s.errors, 1e-9)
    assert.near(0.1, s.latency.p50, 1e-9)
    assert.near(0.5, s.latency.p95, 1e-9)
    assert.near(0.9, s.latency.p99, 1e-9)
    assert.same({ 0.9, "files" }, { s.saturation.value, s.saturation.name })
    assert.same({ 0.9, 0.3 }, { s.saturation.parts[1].value, s.saturation.parts[2].value })
    assert.same({ "otel-http", "metrics" }, { s.convention, s.from })
    assert.truthy(s.expressions.p99:find('histogram_quantile(0.99, sum by (le)(rate(http_server_request_duration_seconds_bucket{job="shop"}[300s])))', 1, true)
                  or s.expressions.p99:find('histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket{job="shop"}[300s])))', 1, true), s.expressions.p99)
  end)
  it("are those of every other convention, in seconds, whatever the label of a status is called", function()
    for _, c in ipairs(golden.conventions) do
      for _, status in ipairs(c.status) do
        local bad = c.failed:match '^="(.*)"$' or ({ ['=~"5.."'] = "500", ['=~"5..|0"'] = "502" })[c.failed] or c.failed:match '^=~"(%w+)|'
        local own = c.service .. '="s"' .. (c.only and "," .. (c.only:gsub('=~"([^|"]*)[^"]*"', '="%1"')) or "")
        local count = golden.count_of(c)
        local s = by_name(world_of(with(c.histogram and histogram(c.histogram, own, 1 / c.unit) or {}, {
          [("%s{%s,%s=%q}"):format(count, own, status, "200")] = 18, [("%s{%s,%s=%q}"):format(count, own, status, bad)] = 2 }))).s
        local name = c.name .. " " .. status
        assert.truthy(s, name)
        assert.near(20, s.traffic, 1e-6, name)
        assert.near(0.1, s.errors, 1e-9, name)
        if c.histogram then assert.near(0.1, s.latency.p50, 1e-9, name) end
      end
    end
  end)
  it("are read out of native histograms", function()
    local world = testing.world "-- nothing {\n"
    local one = "{{schema:0 sum:%d count:20 buckets:[10 10]}}"
    for status, sum in pairs { ["200"] = 10, ["500"] = 20 } do
      world:series(('http_server_request_duration_seconds{job="s",http_response_status_code="%s"}'):format(status), one:format(sum) .. "+" .. one:format(sum) .. "x60", EVERY)
    end
    local s = by_name(world:advance "14m").s
    assert.near(40 / 15, s.traffic, 1e-6)
    assert.near(0.5, s.errors, 1e-9)
    assert.near(1, s.latency.p50, 1e-6)
    assert.truthy(s.latency.p99 > 1.9 and s.latency.p99 < 2)
  end)
  it("are the mean where summaries, or histograms without buckets, know no more", function()
    local m = "http_server_requests_seconds"
    local s = by_name(world_of { [m .. '_count{job="plain",status="200"}'] = 20, [m .. '_sum{job="plain",status="200"}'] = 5,
      ['http_requests_total{job="go",code="200"}'] = 10, ['http_request_duration_seconds{job="go",quantile="0.5"}'] = { 3 },
      ['http_request_duration_seconds_count{job="go"}'] = 10, ['http_request_duration_seconds_sum{job="go"}'] = 1 })
    assert.near(0.25, s.plain.latency.mean, 1e-9)
    assert.near(0.1, s.go.latency.mean, 1e-9)
    assert.is_nil(s.go.latency.p50)
    assert.near(10, s.go.traffic, 1e-6)
  end)
  it("are full as much as their fullest part", function()
    for _, row in ipairs(golden.saturation) do
      local function of(metric, only) return ("%s{job=\"s\"%s}"):format(metric, only and "," .. only or "") end
      local what = { ['http_requests_total{job="s",code="200"}'] = 1, [of(row.used, row.only)] = { 40 } }
      if row.most then what[of(row.most, row.most_only)] = { 80 } elseif row.rest then what[of(row.rest)] = { 40 }
      elseif not row.scale then what[of(row.used, row.only)] = { 0.5 } else what[of(row.used, row.only)] = { 50 } end
      local s = by_name(world_of(what)).s
      assert.near(0.5, s.saturation.value, 1e-9, row.name)
    end
  end)
  it("have no errors where nothing fails, and say nothing of what is not measured", function()
    local s = by_name(world_of { ['http_requests_total{job="quiet",code="200"}'] = 5, ['http_requests_total{job="mute"}'] = 5 })
    assert.same({ 0 }, { s.quiet.errors })
    assert.is_nil(s.mute.errors)
    assert.same({}, s.mute.latency)
    assert.is_nil(s.mute.saturation.value)
    assert.near(5, s.mute.traffic, 1e-6)
  end)
  it("are told once of a service that measures in several ways", function()
    local rows = ask(world_of(with(histogram("http_request_duration_seconds", 'job="a"', 1), { ['http_request_duration_seconds_count{job="a",code="200"}'] = 20,
      ['http_requests_total{job="a",code="200"}'] = 20, ['http_requests_total{job="b",code="500"}'] = 1 }))).services
    assert.equal(2, #rows)
    assert.same({ "a", "http-requests", "b" }, { rows[1].service, rows[1].convention, rows[2].service })
    assert.equal(1, rows[2].errors)
  end)
  it("come from spans where there are no metrics", function()
    local world = world_of { ['http_requests_total{job="shop/cart",code="200"}'] = 5 }
    for i = 1, 100 do
      world:span { service = "pay", name = "POST /pay", trace = ("%032x"):format(i), span = ("%016x"):format(i), start = world.now - i, duration = i / 1000, error = i > 90 }
      world:span { service = "cart", name = "GET /", trace = ("%032x"):format(i + 1000), span = ("%016x"):format(i + 1000), start = world.now - i, duration = 1 }
    end
    local s = by_name(world)
    assert.is_nil(s.cart) -- it is shop/cart, which has metrics
    assert.near(100 / 300, s.pay.traffic, 1e-9)
    assert.near(0.1, s.pay.errors, 1e-9)
    assert.near(0.05, s.pay.latency.p50, 0.004)
    assert.near(0.095, s.pay.latency.p95, 0.006)
    assert.equal("spans", s.pay.from)
    local one = ask(world, "pay", { from = tostring(world.now - 100), step = "20s" })
    assert.equal(5, #one.range.traffic)
    assert.near(1, one.range.traffic[2][2], 0.06)
  end)
  it("are there over a time for one service", function()
    local one, status = ask(world_of { ['http_requests_total{job="shop",code="200"}'] = 19, ['http_requests_total{job="shop",code="500"}'] = 1,
      ['cpu_usage_percent{job="shop"}'] = { 42 } }, "shop", { from = "1700000300", to = "1700000600", step = "60" })
    assert.equal(200, status)
    assert.equal(6, #one.range.traffic)
    assert.near(20, one.range.traffic[3][2], 1e-6)
    assert.near(0.05, one.range.errors[3][2], 1e-9)
    assert.near(0.42, one.range["saturation cpu"][1][2], 1e-9)
  end)
  it("are refused with what is wrong", function()
    local world = world_of { ['http_requests_total{job="shop"}'] = 1 }
    local function refused(status, pattern, service, query)
      local body, got = ask(world, service, query)
      assert.equal(status, got)
      assert.matches(pattern, body.error.message)
    end
    refused(404, 'there is no service "shpo" %(did you mean "shop"%?%)', "shpo")
    refused(400, "window", nil, { window = "wide" })
    refused(400, "longer than a year", nil, { window = "9999d" })
    refused(400, "from: ", "shop", { from = "then" })
    refused(400, "from must be before to", "shop", { from = "1800000000" })
    refused(400, "more than 400 points", "shop", { step = "1" })
    refused(400, "step", "shop", { step = "x" })
  end)
end)

describe("rules/golden.lua", function()
  local m = "http_server_request_duration_seconds"
  local function with_errors(bad)
    local world = testing.world "rules/golden.lua"
    world:series(m .. '_count{job="shop",http_response_status_code="200"}', ("0+%gx400"):format(100 - bad), EVERY)
    world:series(m .. '_count{job="shop",http_response_status_code="500"}', ("0+%gx400"):format(bad), EVERY)
    return world
  end
  it("fires for a service of which too many requests fail, and no other", function()
    assert.same({}, with_errors(2):advance("20m"):firing())
    local world = with_errors(10):advance "20m"
    assert.same({ "ErrorsHigh" }, world:firing())
    assert.equal("shop: 10% of its requests fail", world:alerts("firing")[1].annotations.summary)
  end)
  it("fires for slow requests, once where a service measures in several ways", function()
    local world = testing.world "rules/golden.lua"
    for le, n in pairs { ["1"] = 50, ["5"] = 100, ["+Inf"] = 100 } do
      world:series(('http_request_duration_seconds_bucket{job="shop",le="%s"}'):format(le), ("0+%dx100"):format(n), EVERY)
    end
    world:series('http_request_duration_seconds_count{job="shop",code="200"}', "0+100x100", EVERY):series('http_requests_total{job="shop",code="200"}', "0+100x100", EVERY)
    world:advance "15m"
    assert.same({ "LatencyHigh" }, world:firing())
  end)
  it("fires when requests stop coming", function()
    local world = testing.world "rules/golden.lua"
    world:series('http_requests_total{job="shop",code="200"}', "0+100x100 10000+1x100", EVERY):advance "26m"
    assert.same({}, world:firing())
    world:advance "12m"
    assert.same({ "TrafficGone" }, world:firing())
  end)
  it("fires when a service is gone with its metrics", function()
    local world = testing.world "rules/golden.lua"
    world:series('http_requests_total{job="shop",code="200"}', "0+100x100 stale", EVERY):advance "26m"
    assert.same({}, world:firing())
    world:advance "12m"
    assert.same({ "TrafficGone" }, world:firing())
  end)
  it("says nothing of one failure among few requests", function()
    local world = testing.world "rules/golden.lua"
    world:series('http_requests_total{job="cron",code="200"}', "0x200", EVERY):series('http_requests_total{job="cron",code="500"}', "0x4 1x196", EVERY)
    for _ = 1, 15 do assert.same({}, world:advance("1m"):firing()) end
  end)
  it("fires for what is nearly full", function()
    local world = testing.world "rules/golden.lua"
    world:set('process_open_fds{job="shop"}', 95):set('process_max_fds{job="shop"}', 100):advance "11m"
    assert.same({ "NearlyFull" }, world:firing())
  end)
end)
