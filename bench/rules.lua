--- rules.lua - what rules cost: one evaluation, one rule in memory, one active alert.
--
--     ./moonwatch lua bench/rules.lua
--
-- The engine of the server in this process, over a store in memory, with the clock in our hands and the JIT off as it is in
-- the server.  Processor time of the whole process; memory is what the process holds more than before.
local load = require "moonwatch.config.load"
local rules = require "moonwatch.engine.rules"

local START, EVERY, PODS = 1760000000, 15, 1000

local function resident()
  collectgarbage()
  collectgarbage()
  local text = io.open("/proc/self/status"):read "*a"
  return tonumber(text:match "VmRSS:%s*(%d+)") * 1024
end

local function pods(host, t)
  local rows = {}
  for i = 1, PODS do
    local pod = ("pod-%d"):format(i)
    rows[#rows + 1] = { labels = { __name__ = "up", pod = pod, job = "web" }, t = t, value = 1 }
    rows[#rows + 1] = { labels = { __name__ = "requests_total", pod = pod, job = "web", code = "200" }, t = t, value = (t - START) * 10 }
    rows[#rows + 1] = { labels = { __name__ = "requests_total", pod = pod, job = "web", code = "500" }, t = t, value = (t - START) / 100 }
    rows[#rows + 1] = { labels = { __name__ = "open_files", pod = pod, job = "web" }, t = t, value = 100 + i % 50 }
  end
  host.append(rows)
end

-- A world with ten minutes of samples.
local function world()
  local host = require("moonwatch.host").world()
  for t = START, START + 600, EVERY do pods(host, t) end
  return host, START + 600
end

local function load_rules(host, files)
  local set, problems = load.load { host = host, bundle = files }
  if not set then error(problems[1].text) end
  return set
end

local function engine_of(host)
  return rules.new { host = host, spread = false, clock = host.monotonic, emit = function() end }
end

-- N rules in files of 100, each the text that RULE makes of its number.
local function files_of(n, rule)
  local files = {}
  for first = 1, n, 100 do
    local out = {}
    for i = first, math.min(first + 99, n) do out[#out + 1] = rule(i) end
    files[("r%05d.lua"):format(first)] = table.concat(out, "\n")
  end
  return files
end

local function turn(engine, host, t)
  host.set_clock(t)
  pods(host, t)
  local before = os.clock()
  repeat local again = engine:tick(t) until not again or again > t
  return os.clock() - before
end

local function row(what, ...) print(("%-34s"):format(what) .. ("%16s"):rep(select("#", ...)):format(...)) end

-- -- many rules --------------------------------------------------------------------------------

local function measure(name, n, rule)
  local host, t = world()
  local before = resident()
  local clock = os.clock()
  local set = load_rules(host, files_of(n, rule))
  local loading = os.clock() - clock
  local engine = engine_of(host)
  engine:load(set, t)
  local spent = math.huge
  for _ = 1, 5 do
    t = t + EVERY
    spent = math.min(spent, turn(engine, host, t))
  end
  row(name, ("%.2f us"):format(spent / n * 1e6), ("%d"):format(n / spent), ("%.0f B"):format((resident() - before) / n),
      ("%.0f us"):format(loading / n * 1e6))
end

local KINDS = {
  { "alert, threshold, quiet", 10000, function(i) return ('alert "R%d" { expr = \'up{pod="pod-%d"} == 0\' }'):format(i, i % PODS + 1) end },
  { "alert, rate, quiet", 10000, function(i)
    return ('alert "R%d" { expr = \'rate(requests_total{pod="pod-%d",code="500"}[5m])\', above = 1 }'):format(i, i % PODS + 1)
  end },
  { "alert, ratio of sums, quiet", 10000, function(i)
    local m = ('pod="pod-%d"'):format(i % PODS + 1)
    return ('alert "R%d" { expr = \'sum by (pod) (rate(requests_total{%s,code="500"}[5m])) / sum by (pod) (rate(requests_total{%s}[5m]))\', above = 0.05 }')
      :format(i, m, m)
  end },
  { "alert, firing", 5000, function(i)
    return ('alert "R%d" { expr = \'open_files{pod="pod-%d"} > 1\', summary = "${labels.pod} has ${value}" }'):format(i, i % PODS + 1)
  end },
  { "record", 5000, function(i) return ('record "r:%d" { expr = \'rate(requests_total{pod="pod-%d"}[5m])\' }'):format(i, i % PODS + 1) end },
  { "alert, when, nothing asked", 2000, function(i) return ('alert "R%d" { when = function(ctx) return false end }'):format(i) end },
  { "alert, when, one ctx:value", 2000, function(i)
    return ('alert "R%d" { when = function(ctx) return ctx:value(\'up{pod="pod-%d"}\') == 0 end }'):format(i, i % PODS + 1)
  end },
}

-- -- many alerts of one rule -------------------------------------------------------------------

local function active(n)
  local host = require("moonwatch.host").world()
  local t = START
  host.set_clock(t)
  local engine = engine_of(host)
  local rows = {}
  for i = 1, n do rows[i] = { labels = { __name__ = "down", pod = ("pod-%d"):format(i), job = "web" }, t = t, value = 1 } end
  host.append(rows)
  local before = resident()
  engine:load(load_rules(host, { ["one.lua"] = 'alert "Down" { expr = "down == 1", summary = "${labels.pod} is down" }' }), t)
  local spent = math.huge
  for _ = 1, 4 do
    t = t + EVERY
    host.set_clock(t)
    local clock = os.clock()
    engine:tick(t)
    spent = math.min(spent, os.clock() - clock)
  end
  row(("%d alerts of one rule"):format(n), ("%.2f us"):format(spent / n * 1e6), ("%d"):format(n / spent),
      ("%.0f B"):format((resident() - before) / n), "")
end

-- Each in a process of its own, so that none finds the memory of another.
local only = tonumber((arg or {})[1])
if only and KINDS[only] then
  measure(unpack(KINDS[only]))
elseif only then
  active(20000)
else
  row("", "an evaluation", "a core-second", "memory of one", "loading one")
  for i = 1, #KINDS + 1 do
    io.stdout:flush()
    os.execute(("/proc/%s/exe lua %s %d"):format(io.open("/proc/self/stat"):read "*n", arg[0], i))
  end
end
