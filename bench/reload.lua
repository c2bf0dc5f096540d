--- reload.lua - what a reload of many rules costs: from nothing, with nothing changed, one file changed, all changed; and what it leaves behind.
--
--     ./moonwatch lua bench/reload.lua [FILES] [RULES in each] [RELOADS of the long run]
--
-- The loader and the engine of the server in this process, with the JIT off as it is there.  Files are texts in memory.
local load = require "moonwatch.config.load"
local plan_of = require("moonwatch.engine.rules.plan").of
local rules = require "moonwatch.engine.rules"

local FILES, RULES, RELOADS = tonumber(arg and arg[1]) or 1000, tonumber(arg and arg[2]) or 10, tonumber(arg and arg[3]) or 10000
local START = 1760000000

local function text_of(i, hold)
  local out = {}
  for k = 1, RULES do
    if k % 5 == 0 then
      out[k] = ('record "svc%d:requests:rate%d" { expr = "sum by (job) (rate(http_requests_total{svc=\\"%d\\"}[5m]))" }'):format(i, k, i)
    else
      out[k] = ([[alert "Svc%dErrors%d" {
  expr = 'sum by (job) (rate(http_requests_total{svc="%d",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="%d"}[5m]))',
  above = 0.0%d, hold = "%ds", labels = { team = "team-%d" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}]]):format(i, k, i, i, k, hold, i % 20)
    end
  end
  return table.concat(out, "\n")
end

local function world(files)
  local host = require("moonwatch.host").world()
  host.set_clock(START)
  local read = host.read_file
  host.read_file = function(path)
    if files[path] then return files[path] end
    return read(path)
  end
  host.glob = function()
    local out = {}
    for path in pairs(files) do out[#out + 1] = path end
    table.sort(out)
    return out
  end
  return host
end

local function seconds(f, ...)
  local before = os.clock()
  local a, b = f(...)
  return os.clock() - before, a, b
end

local function begin_load(host, engine)
  local run = load.begin { host = host, rules = { "rules" }, before = engine.set }
  local longest = 0
  repeat
    local t, more = seconds(load.step, run)
    longest = math.max(longest, t)
  until not more
  return run, longest
end

local function reload(host, engine, now)
  local whole = os.clock()
  local run = begin_load(host, engine)
  local read = os.clock() - whole
  local link, set, problems = seconds(load.finish, run)
  if not set then error(problems[1].text) end
  local planned, plan, moves = seconds(plan_of, engine, set, now)
  local swap = seconds(engine.load, engine, set, now, moves)
  return { whole = os.clock() - whole, read = read, link = link, plan = planned, swap = swap, changed = #plan.changed, added = #plan.added }
end

local function show(what, r)
  print(("%-28s %5d added %5d changed: %6.0f ms (read %.0f, link %.0f, plan %.0f, swap %.0f)"):format(what, r.added, r.changed,
    r.whole * 1000, r.read * 1000, r.link * 1000, r.plan * 1000, r.swap * 1000))
end

local function used()
  collectgarbage() collectgarbage()
  return collectgarbage "count", tonumber(io.open("/proc/self/statm"):read("*a"):match "^%d+ (%d+)") * 4
end

local function speeds(files)
  local host = world(files)
  local engine = rules.new { host = host, emit = function() end, clock = host.monotonic }
  print(("%d files, %d rules"):format(FILES, FILES * RULES))
  show("from nothing", reload(host, engine, START))
  show("nothing changed", reload(host, engine, START + 1))
  files["rules/f0001.lua"] = text_of(1, 77)
  show("one file changed", reload(host, engine, START + 2))
  for i = 1, FILES do files[("rules/f%04d.lua"):format(i)] = text_of(i, 99) end
  show("every file changed", reload(host, engine, START + 3))
end

local function leaks()
  local files = {}
  for i = 1, 20 do files[("rules/f%04d.lua"):format(i)] = text_of(i, 1) end
  local host = world(files)
  local engine = rules.new { host = host, emit = function() end, clock = host.monotonic }
  local function round(n)
    files[("rules/f%04d.lua"):format(n % 20 + 1)] = text_of(n % 20 + 1, n)
    reload(host, engine, START + n)
  end
  for n = 1, 200 do round(n) end
  local lua, whole = used()
  local spent = seconds(function() for n = 201, 200 + RELOADS do round(n) end end)
  local lua2, whole2 = used()
  print(("%d reloads, one of 20 files changed each: %.2f ms each, Lua %+.0f KB, process %+.0f KB, open files %d + %d"):format(
    RELOADS, spent / RELOADS * 1000, lua2 - lua, whole2 - whole, engine.guests:count()))
end

local files = {}
for i = 1, FILES do files[("rules/f%04d.lua"):format(i)] = text_of(i, 60) end
speeds(files)
if RELOADS > 0 then leaks() end
