--- golden.lua - what it costs to know the golden signals of many services.
--
--   ./moonwatch lua bench/golden.lua [SERVICES]
--
-- Each has two instances, four routes, two statuses and eleven buckets: OpenTelemetry's HTTP metrics, a sample every 15 s for ten minutes.
local signals = require "moonwatch.golden.signals"

local N = tonumber(arg and arg[1]) or 500
local START, STEPS, EVERY = 1700000000, 40, 15
local BOUNDS = { "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf" }

local host = require("moonwatch.host").world()
local clock = require("moonwatch.host").monotonic
host.set_clock(START)
local series = 0

local values = {}
for k = 1, #BOUNDS do
  values[k] = {}
  for i = 0, STEPS do values[k][i + 1] = i * 10 * k end
end

local function put(name, labels, list)
  labels.__name__ = name
  host.series_append(labels, START, EVERY, list, 1, STEPS + 1)
  series = series + 1
end

for s = 1, N do
  for i = 1, 2 do
    local job, instance = "service-" .. s, ("10.0.%d.%d:80"):format(s % 250, i)
    for route = 1, 4 do
      for _, status in ipairs { "200", "500" } do
        local function labels(le)
          return { job = job, instance = instance, http_route = "/r" .. route, http_response_status_code = status, le = le }
        end
        for k, le in ipairs(BOUNDS) do put("http_server_request_duration_seconds_bucket", labels(le), values[k]) end
        put("http_server_request_duration_seconds_count", labels(), values[#BOUNDS])
      end
    end
    put("process_open_fds", { job = job, instance = instance }, values[1])
    put("process_max_fds", { job = job, instance = instance }, values[5])
  end
end
local now = START + STEPS * EVERY
host.set_clock(now)

local function timed(what, f)
  local best, n = math.huge, nil
  for _ = 1, 3 do
    local before = clock()
    n = f()
    best = math.min(best, clock() - before)
  end
  print(("%-44s %8.1f ms   %s"):format(what, best * 1000, n))
end

print(("%d services, %d series"):format(N, series))
local rows
timed("all services now", function()
  rows = assert(signals.all(host, now, "300s", 300))
  return #rows .. " services"
end)
timed("one service now", function() return signals.all(host, now, "300s", 300, "service-7")[1].service end)
timed("one service, ten minutes in 40 points", function()
  local range = signals.range(host, rows[1], now - 600, now, 15)
  return #range.p99 .. " points of p99"
end)
