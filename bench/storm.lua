--- storm.lua - what a storm of alerts costs the router: bodies taken in, groups told, the same bodies again.
--
--     ./moonwatch lua bench/storm.lua [ALERTS] [GROUPS] [PROFILE]
--
-- The router's actor in this process, with the JIT off as it is in the server; the journal is written to nowhere and receivers take everything at
-- once.  Answers CPU microseconds for an alert.  PROFILE: what `jit.p` is to look at ("fl", "i4"), of the part that STORM_PART names.
local ALERTS, GROUPS, PROFILE = tonumber(arg and arg[1]) or 100000, tonumber(arg and arg[2]) or 1000, arg and arg[3]
local BATCH = 64

local real = require("moonwatch.host")
local START = 1760000000
local now, passed, answers, written = START, 0, {}, 0
local host = setmetatable({
  data_dir = "/nowhere",
  journal = function() return { append = function(_, text, more) written = written + #text + #(more or "") return true end, replay = function() return 0, 0 end, bytes = function() return 0 end } end,
  call = function(_, _, done) if done then answers[#answers + 1] = done end end, now = function() return now end,
  log = function() end,
}, { __index = real })

-- The clock gives milliseconds.
local function pass(seconds)
  passed = passed + seconds * 1000
  now = START + passed / 1000
end

local router = require "moonwatch.actor.router" { host = host }

local function alert(i)
  local pod = ("checkout-%d-x%dq"):format(i % 100, i)
  return { labels = { alertname = ("HighErrorRate%04d"):format(i % GROUPS), severity = i % 10 == 0 and "critical" or "warning",
      cluster = "eu-1", instance = ("10.%d.%d.%d:8080"):format(i / 65536, i / 256 % 256, i % 256), job = "app-" .. i % 100,
      namespace = "checkout", node = "node-" .. i % 400, pod = pod },
    annotations = { summary = "Error rate of " .. pod .. " is above 5% for 10 minutes", runbook = "https://runbooks.example/high-error-rate" },
    startsAt = real.rfc3339(now), generatorURL = "http://prometheus.example/graph?g0.expr=rate" }
end

local function bodies()
  local out, batch = {}, {}
  for i = 1, ALERTS do
    batch[#batch + 1] = alert(i)
    if #batch == BATCH or i == ALERTS then out[#out + 1], batch = real.json.encode(batch), {} end
  end
  return out
end

local function measure(name, each, f)
  local profiler = PROFILE and os.getenv "STORM_PART" == name and require "jit.p"
  if profiler then profiler.start(PROFILE .. "m1") end
  local before = os.clock()
  f()
  local took = os.clock() - before
  if profiler then profiler.stop() end
  print(("%-8s %6.2f us an alert, %5.2f s of CPU, %4.0f MiB of Lua, %3.0f MiB written"):format(name,
    took / each * 1e6, took, collectgarbage "count" / 1024, written / 2 ^ 20))
  written = 0
end

local function post(texts)
  for i, body in ipairs(texts) do
    local answer = router:handle({ type = "http", method = "POST", path = "/api/v2/alerts", query = {},
      headers = { ["content-type"] = "application/json" }, body = body }, now)
    assert(answer.status == 200, answer.body)
    router:tick(now)
    if i % 4 == 0 then pass(0.001) end
  end
end

-- Until nothing is due and on its way any more.
local function tell()
  local again = router:tick(now)
  while #answers > 0 or again and again <= now do
    local taken = answers
    answers = {}
    for _, done in ipairs(taken) do done { status = 200, seconds = 0.001, body = "", headers = {} } end
    again = router:tick(now)
  end
end

router:handle({ type = "config", config = { settings = {},
  routes = { { receiver = "sink", group_by = { "alertname" }, group_wait = 1, group_interval = 5, repeat_interval = 14400, compat = "alertmanager" } },
  receivers = { { name = "sink", targets = { { kind = "webhook", url = "http://127.0.0.1:9/" } } } } } }, now)

local texts = bodies()
collectgarbage()
measure("post", ALERTS, function() post(texts) end)
pass(2)
measure("tell", ALERTS, tell)
pass(10)
measure("quiet", ALERTS, tell)
measure("again", ALERTS, function() post(texts) end)
