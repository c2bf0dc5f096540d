--- silences.lua - a thousand silences over ten thousand alerts: what it costs to take them in, to flush, and to ask.
--
--     ./moonwatch lua bench/silences.lua URL PID
--
-- URL answers Alertmanager's API, ours or the original's, and PID is its process; both with one route that groups by `g`, group_wait
-- 1s and group_interval 5s.  A tenth of the silences is of patterns that match nothing, the others name an alert and, half of them by
-- a pattern, an instance: about a tenth of the alerts is silenced.
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local json = require("moonwatch.host").json

local URL, PID = assert(arg[1], "URL PID"), assert(arg[2], "URL PID")
local SILENCES, ALERTS, BATCH = 1000, 10000, 500

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function cpu()
  local fields = {}
  for field in read(("/proc/%s/stat"):format(PID)):match "%) (.*)":gmatch "%S+" do fields[#fields + 1] = field end
  return (fields[12] + fields[13]) / 100
end

local function resident() return tonumber(read(("/proc/%s/status"):format(PID)):match "VmRSS:%s*(%d+)") / 1024 end

local function ask(method, path, body)
  local text, out = body and json.encode(body), {}
  local _, status = http.request { url = URL .. path, method = method, sink = ltn12.sink.table(out), source = text and ltn12.source.string(text),
    headers = { ["content-type"] = "application/json", ["content-length"] = text and tostring(#text) } }
  assert(status == 200, ("%s %s: %s %s"):format(method, path, tostring(status), table.concat(out)))
  return table.concat(out)
end

local function step(name, run)
  local began, used = socket.gettime(), cpu()
  local said = run()
  print(("%-28s %7.2f s  %6.2f CPU-s  %4d MiB  %s"):format(name, socket.gettime() - began, cpu() - used, resident(), said or ""))
end

local function matcher(name, value, pattern) return { name = name, value = value, isRegex = pattern or false } end

local function silence(i, now)
  local matchers = i % 10 == 0 and { matcher("job", ("job%d|other%d"):format(i, i), true) }
    or { matcher("alertname", "A" .. i % 100), i % 2 == 1 and matcher("instance", ("host-%d.*"):format(i), true) or matcher("instance", ("host-%d:9100"):format(i)) }
  return { matchers = matchers, startsAt = os.date("!%Y-%m-%dT%H:%M:%SZ", now), endsAt = os.date("!%Y-%m-%dT%H:%M:%SZ", now + 10800),
    createdBy = "bench", comment = "quiet" }
end

local function post_alerts()
  for from = 0, ALERTS - 1, BATCH do
    local list = {}
    for i = from, from + BATCH - 1 do
      list[#list + 1] = { labels = { alertname = "A" .. i % 100, instance = ("host-%d:9100"):format(i), g = "g" .. i % 100, job = "node" } }
    end
    ask("POST", "/api/v2/alerts", list)
  end
end

step("silences posted", function()
  local now = os.time()
  for i = 0, SILENCES - 1 do ask("POST", "/api/v2/silences", silence(i, now)) end
end)
step("alerts posted", post_alerts)
step("10 s of flushes", function() socket.sleep(10) end)
step("the same alerts again", post_alerts)
step("GET /api/v2/alerts", function()
  local silenced, list = 0, json.decode(ask("GET", "/api/v2/alerts"))
  for _, alert in ipairs(list) do silenced = silenced + (alert.status.state == "suppressed" and 1 or 0) end
  return ("%d alerts, %d silenced"):format(#list, silenced)
end)
step("GET /api/v2/alerts/groups", function() ask("GET", "/api/v2/alerts/groups") end)
step("GET /api/v2/silences", function() ask("GET", "/api/v2/silences") end)
step("30 s of flushes", function() socket.sleep(30) end)
