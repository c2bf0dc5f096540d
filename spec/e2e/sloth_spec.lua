--- sloth_spec.lua - Sloth's rules in Debian's Prometheus, and the same objective here: burn rates and alerts on the same data.
--
-- Four days and six hours of requests go to both by remote write, to Prometheus with promtool's evaluation of the recording rules.
-- Ours is imported from Sloth's own file: once in a world whose time is told, for the burn rates at each moment, and once as a
-- backtest on a server with that data.
local net = require "net"
local proc = require "proc"
local remote = require "remote"
local server = require "server"
local sloth = require "sloth_rules"
local testing = require "moonwatch.testing"

local DAY, HOUR, EVERY = 86400, 3600, 15
local FROM = 1770000000 - 1770000000 % DAY -- midnight
local SECONDS = 4 * DAY + 6 * HOUR

-- -- the requests ------------------------------------------------------------------------------

-- How many requests a quarter of a minute has: six a second by night, a hundred by day.
local function traffic(t) return math.floor(15 * (53 - 47 * math.cos(2 * math.pi * (t % DAY) / DAY)) + 0.5) end

local INCIDENTS = {
  { from = 1 * DAY + 14 * HOUR, to = 1 * DAY + 14 * HOUR + 600, share = 1 }, -- everything, for ten minutes
  { from = 2 * DAY + 9 * HOUR, to = 2 * DAY + 13 * HOUR, share = 0.008 }, -- a slow leak
  { from = 3 * DAY - HOUR, to = 3 * DAY + 2 * HOUR, share = 0.05 }, -- a twentieth, in a night with little traffic
  { from = 3 * DAY + 12 * HOUR, to = 3 * DAY + 12 * HOUR + 180, share = 0.3 },
}

local function failing(t)
  local share = 0.0002
  for _, i in ipairs(INCIDENTS) do
    if t >= i.from and t < i.to then share = i.share end
  end
  return math.floor(traffic(t) * share + 0.5)
end

-- Counters at FROM + 7, 22, 37, ...: no sample lies where a window begins.
local OFFSET = 7
local function counters()
  local ok, bad, a, b = {}, {}, 1000, 10
  for t = 0, SECONDS, EVERY do
    local fails = failing(t)
    a, b = a + traffic(t) - fails, b + fails
    ok[#ok + 1], bad[#bad + 1] = a, b
  end
  return ok, bad
end

local function labels(code) return { __name__ = "http_requests_total", job = "shop", code = code } end

-- -- to both -----------------------------------------------------------------------------------

-- Snappy without compressing anything.
local function snappy(text)
  local length, n = {}, #text
  repeat
    local byte = n % 128
    n = (n - byte) / 128
    length[#length + 1] = string.char(n > 0 and byte + 128 or byte)
  until n == 0
  local out = { table.concat(length) }
  for i = 1, #text, 65536 do
    local piece = text:sub(i, i + 65535)
    out[#out + 1] = string.char(61 * 4, (#piece - 1) % 256, math.floor((#piece - 1) / 256)) .. piece
  end
  return table.concat(out)
end

local function push(url, ok, bad)
  for first = 1, #ok, 2000 do
    local a, b = { labels = labels "200" }, { labels = labels "500" }
    for i = first, math.min(first + 1999, #ok) do
      local ms = (FROM + OFFSET + (i - 1) * EVERY) * 1000
      a[#a + 1], b[#b + 1] = remote.sample(ms, ok[i]), remote.sample(ms, bad[i])
    end
    local status, text = net.request(url .. "/api/v1/write", { method = "POST", body = snappy(remote.body { a, b }),
      headers = { ["content-type"] = "application/x-protobuf", ["content-encoding"] = "snappy", ["x-prometheus-remote-write-version"] = "0.1.0" } })
    assert(status == 200 or status == 204, ("%s: %s %s"):format(url, status, tostring(text)))
  end
end

local function start_prometheus(dir)
  local port = proc.free_port()
  local p = proc.spawn({ "prometheus", "--config.file=" .. dir .. "/prometheus.yml", "--storage.tsdb.path=" .. dir .. "/data", "--storage.tsdb.retention.time=10y",
    "--web.listen-address=127.0.0.1:" .. port, "--web.enable-remote-write-receiver", "--log.level=warn" }, dir .. "/log")
  local url = "http://127.0.0.1:" .. port
  proc.eventually(function()
    assert(p:alive(), "Prometheus ended: " .. p:output())
    return net.request(url .. "/-/ready") == 200
  end, 30, "Prometheus is ready")
  return p, url
end

-- A Prometheus that has the requests, and one that has what Sloth's recording rules make of them each 30 seconds.
local function start_both(ok, bad)
  local dir, recorded = proc.scratch(), proc.scratch()
  proc.write(dir .. "/prometheus.yml", "global: { scrape_interval: 15s }\n")
  proc.write(dir .. "/rules.yml", sloth.recording())
  local p, url = start_prometheus(dir)
  push(url, ok, bad)
  local status, output = proc.run({ "promtool", "tsdb", "create-blocks-from", "rules", "--start=" .. FROM, "--end=" .. FROM + SECONDS, "--eval-interval=30s",
    "--output-dir=" .. recorded .. "/data", "--url=" .. url, dir .. "/rules.yml" }, 120)
  assert(status == 0, output)
  proc.write(recorded .. "/prometheus.yml", "global: { scrape_interval: 15s }\n")
  return p, url, start_prometheus(recorded)
end

-- EXPR at each half minute of all days, as text of the moment -> value.
local function range(url, expr, from, to)
  local out = {}
  for first = from, to, 10000 * 30 do
    local answer = net.json(("%s/api/v1/query_range?query=%s&start=%d&end=%d&step=30"):format(url, net.escape(expr), first, math.min(first + 9999 * 30, to)))
    assert(answer.status == "success", answer.error)
    for _, row in ipairs(answer.data.result) do
      for _, point in ipairs(row.values) do out[point[1]] = tonumber(point[2]) end
    end
  end
  return out
end

-- The moments at which what is in POINTS begins and ends: { { from, to }, ... }.
local function stretches(points, from, to)
  local out, since = {}, nil
  for t = from, to + 30, 30 do
    if points[t] and not since then since = t
    elseif since and not points[t] then
      out[#out + 1] = { since - FROM, t - FROM }
      since = nil
    end
  end
  return out
end

-- -- the comparison ----------------------------------------------------------------------------

describe("an objective of Sloth, in Prometheus and here", function()
  local ok, bad, prometheus, url, recorder, recorded, rules, world, node
  local END = FROM + SECONDS - 60

  setup(function()
    ok, bad = counters()
    prometheus, url, recorder, recorded = start_both(ok, bad)
    local dir = proc.scratch()
    proc.write(dir .. "/slo.yml", sloth.SPEC)
    local status, output = proc.run({ server.binary(), "import", "sloth", dir .. "/slo.yml", "-o", dir .. "/rules" }, 30)
    assert(status == 0, output)
    rules = proc.read(dir .. "/rules/slo.lua")
    world = testing.world(rules, { at = FROM })
    world:advance(OFFSET)
    world:series('http_requests_total{job="shop",code="200"}', table.concat(ok, " ")):series('http_requests_total{job="shop",code="500"}', table.concat(bad, " "))
    world:advance(SECONDS - 60 - OFFSET)
    node = server.start { rules = { ["slo.lua"] = rules }, config = 'settings { retention = { metrics = "3650d" }, out_of_order = "all" }\n' }
    push(node.url, ok, bad)
  end)
  teardown(function()
    if prometheus then prometheus:kill() end
    if recorder then recorder:kill() end
    if node then node:stop() end
    proc.cleanup()
  end)

  -- The ratio of WINDOW at each half minute, as the world stored it.
  local function ours(window)
    local out = {}
    for _, row in ipairs(world.host.range(('slo:sli_error:ratio_rate%s{slo="shop-requests"}'):format(window), FROM, END, 30)) do
      for _, p in ipairs(row.points) do out[p[1]] = p[2] end
    end
    return out
  end

  it("has the same burn rates at each moment", function()
    local seconds = { ["5m"] = 300, ["30m"] = 1800, ["1h"] = HOUR, ["2h"] = 2 * HOUR, ["6h"] = 6 * HOUR, ["1d"] = DAY, ["3d"] = 3 * DAY }
    for _, window in ipairs(sloth.WINDOWS) do
      local theirs, mine = range(url, sloth.ratio(window), FROM, END), ours(window)
      local n, worst, sum, peak = 0, 0, 0, 0
      for t = FROM + seconds[window] + 60, END, 30 do
        assert.is_truthy(theirs[t] and mine[t], ("%s at %d: %s and %s"):format(window, t - FROM, tostring(theirs[t]), tostring(mine[t])))
        local off = math.abs(theirs[t] - mine[t])
        n, worst, sum, peak = n + 1, math.max(worst, off), sum + off, math.max(peak, theirs[t])
      end
      if os.getenv "SHOW" then print(("%s: %d moments, peak %.4f, off by %.6f at most, %.7f on average"):format(window, n, peak, worst, sum / n)) end
      -- Prometheus leaves out what falls between the start of the window and its first sample: one interval, in which all may fail.
      -- From two hours on the beginning of a window is known to half a minute here, and from eight hours on to two and a half.
      local edge = seconds[window] > 7 * HOUR and 150 or seconds[window] > HOUR and 30 or 0
      assert.is_true(worst <= (EVERY + edge) / seconds[window] * 1.1, ("%s differs by %g of %g"):format(window, worst, peak))
      assert.is_true(sum / n <= 0.002 * peak, ("%s differs by %g on average"):format(window, sum / n))
    end
  end)

  local function shown(list)
    local out = {}
    for i, s in ipairs(list) do out[i] = ("%d-%d"):format(s[1], s[2]) end
    return table.concat(out, " ")
  end

  -- Both lists of stretches, which may begin and end two evaluations apart: theirs is told at whole half minutes, ours is not, and promtool chooses a moment of each half minute by chance.
  local function agree(theirs, mine, what)
    if os.getenv "SHOW" then print(what, shown(theirs), "|", shown(mine)) end
    assert.equal(#theirs, #mine, ("%s: %s but %s"):format(what, shown(theirs), shown(mine)))
    for i, s in ipairs(theirs) do
      assert.is_true(math.abs(s[1] - mine[i][1]) <= 60 and math.abs(s[2] - mine[i][2]) <= 60, ("%s: %s but %s"):format(what, shown(theirs), shown(mine)))
    end
  end

  local function fired(severity, list)
    local out = {}
    for _, e in ipairs(list) do
      if e.severity == severity and e.to == "firing" then out[#out + 1] = { e.at, SECONDS } end
      if e.severity == severity and e.from == "firing" then out[#out][2] = e.at end
    end
    return out
  end

  it("alerts at the same times", function()
    for severity, expr in pairs(sloth.ALERTS) do
      local theirs = stretches(range(recorded, expr, FROM, END), FROM, END)
      assert.is_true(#theirs >= 2, severity)
      local list = {}
      for i, e in ipairs(world:timeline "ShopErrors") do list[i] = { at = e.at, severity = e.labels.severity, from = e.from, to = e.to } end
      agree(theirs, fired(severity, list), severity)
    end
  end)

  it("alerts when Pyrra's rules would, which wait before they fire", function()
    local rows = {}
    for i, r in ipairs(sloth.PYRRA) do
      rows[i] = ('{ burn = %d, short = "%s", long = "%s", severity = "%s", hold = %d }'):format(r[3], r[1], r[2], r[4], r[5])
    end
    local pyrra = testing.world(([[slo "shop" { bad = 'http_requests_total{job="shop",code=~"5.."}', total = 'http_requests_total{job="shop"}', objective = 99.9,
      window = "28d", alerts = { %s } }]]):format(table.concat(rows, ", ")), { at = FROM })
    pyrra:advance(OFFSET)
    pyrra:series('http_requests_total{job="shop",code="200"}', table.concat(ok, " ")):series('http_requests_total{job="shop",code="500"}', table.concat(bad, " "))
    pyrra:advance(SECONDS - 60 - OFFSET)
    for _, r in ipairs(sloth.PYRRA) do
      local theirs, mine = {}, {}
      for _, s in ipairs(stretches(range(url, sloth.pyrra(r), FROM, END), FROM, END)) do
        if s[2] - s[1] > r[5] then theirs[#theirs + 1] = { s[1] + r[5], s[2] } end
      end
      for _, e in ipairs(pyrra:timeline "SLOErrorBudgetBurn") do
        if e.labels.burn_window == r[2] then mine[#mine + 1] = { at = e.at, severity = r[4], from = e.from, to = e.to } end
      end
      agree(theirs, fired(r[4], mine), "Pyrra's " .. r[2])
    end
  end)

  it("would have alerted at the same times, says a backtest on a server with that data", function()
    local status, output = proc.run({ server.binary(), "backtest", node.dir .. "/rules", "--from", tostring(FROM), "--to", tostring(END), "--json", "--url", node.url }, 300)
    assert(status <= 1, output)
    local report = require("moonwatch.host").json.decode(output:match "({.*})")
    for severity, expr in pairs(sloth.ALERTS) do
      local list = {}
      for _, e in ipairs(report.alerts) do
        if e.labels.alertname == "ShopErrors" then list[#list + 1] = { at = e.at - FROM, severity = e.labels.severity, from = e.from, to = e.to } end
      end
      agree(stretches(range(recorded, expr, FROM, END), FROM, END), fired(severity, list), severity .. " in the backtest")
    end
  end)

  it("weighs the period by traffic, which Sloth's mean of ratios does not", function()
    local total, failed = ok[#ok] - ok[1] + bad[#bad] - bad[1], bad[#bad] - bad[1]
    local truth = failed / total
    local mine = world:value 'slo:sli_error:ratio_rate30d{slo="shop-requests"}'
    local theirs = range(recorded, sloth.period "5d", END, END)[END]
    if os.getenv "SHOW" then
      print(("period: %d of %d failed, %.6f; here %.6f, off by %.3f %%; Sloth %.6f, off by %.1f %%"):format(failed, total, truth, mine, (mine / truth - 1) * 100, theirs, (theirs / truth - 1) * 100))
    end
    assert.near(truth, mine, truth * 0.002)
    assert.is_true(math.abs(theirs - truth) > truth * 0.1, "the mean of ratios happens to be right")
  end)
end)
