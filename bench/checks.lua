--- checks.lua - what ten thousand checks cost a server, and whether they come in time.
--
--     ./moonwatch lua bench/checks.lua [CHECKS] [KINDS] [SECONDS]
--
-- CHECKS (10000) of KINDS ("tcp,http"; "hang": one in ten does not answer) every 10 s, all of a second moonwatch on this machine, which answers.  Answers the share of a core that the
-- server took for SECONDS (60), user and system time of all its threads, how late turns began, how many were missed, and what
-- it has in memory.
local host = require "moonwatch.host"

local CHECKS, KINDS, SECONDS = tonumber(arg and arg[1]) or 10000, arg and arg[2] or "tcp,http", tonumber(arg and arg[3]) or 60
local TICKS = 100 -- of the kernel, a second

local function read(path)
  local f = assert(io.open(path))
  local text = f:read "*a"
  f:close()
  return text
end

local function shell(line)
  local p = io.popen(line)
  local out = p:read "*a"
  p:close()
  return (out:gsub("%s+$", ""))
end

local dir = shell "mktemp -d"
local pids = {}

local function start(name, port, rules)
  host.mkdir(("%s/%s/rules"):format(dir, name))
  for i, text in ipairs(rules) do
    local f = assert(io.open(("%s/%s/rules/checks%03d.lua"):format(dir, name, i), "w"))
    f:write(text)
    f:close()
  end
  local pid = shell(("./moonwatch run --listen 127.0.0.1:%d --data %s/%s/data --rules %s/%s/rules >%s/%s/log 2>&1 & echo $!"):format(
    port, dir, name, dir, name, dir, name))
  pids[#pids + 1] = pid
  for _ = 1, 300 do
    local answer = host.call("http", { url = ("http://127.0.0.1:%d/-/ready"):format(port), timeout = 5 })
    if answer.status == 200 then return pid end
    shell "sleep 0.1"
  end
  error(name .. " does not start: " .. read(("%s/%s/log"):format(dir, name)))
end

local function cpu(pid)
  local fields = {}
  for word in read(("/proc/%s/stat"):format(pid)):match "%)%s(.*)$":gmatch "%S+" do fields[#fields + 1] = word end
  return tonumber(fields[12]) / TICKS, tonumber(fields[13]) / TICKS
end

local function memory(pid) return tonumber(read(("/proc/%s/status"):format(pid)):match "VmRSS:%s*(%d+)") / 1024 end

local function query(port, expr)
  local answer = host.call("http", { url = ("http://127.0.0.1:%d/api/v1/query"):format(port), method = "POST", timeout = 30,
    headers = { ["content-type"] = "application/x-www-form-urlencoded" },
    body = "query=" .. expr:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end) })
  local rows = host.json.decode(answer.body or "").data.result
  return rows[1] and tonumber(rows[1].value[2])
end

local function metrics(port)
  local out = {}
  local answer = host.call("http", { url = ("http://127.0.0.1:%d/metrics"):format(port), timeout = 60 })
  for name, value in answer.body:gmatch "\n([%w_:]+[^ \n]*) ([^ \n]+)" do out[name] = tonumber(value) end
  return out, #answer.body
end

-- One in ten of "hang" waits for words that never come, until its timeout of two seconds.
local CHECK = {
  hang = function(i, port)
    local waits = i % 10 == 0 and ', expect = "never"' or ""
    return ('check "hang-%d" { tcp = { address = "127.0.0.1:%d"%s }, every = "10s" }'):format(i, port, waits)
  end,
  tcp = function(i, port) return ('check "tcp-%d" { tcp = "127.0.0.1:%d", every = "10s" }'):format(i, port) end,
  http = function(i, port) return ('check "http-%d" { http = { url = "http://127.0.0.1:%d/-/healthy" }, every = "10s" }'):format(i, port) end,
}

local function rules(port)
  local kinds, out = {}, {}
  for kind in KINDS:gmatch "%w+" do kinds[#kinds + 1] = kind end
  for i = 1, CHECKS do
    local file = math.ceil(i / 1000)
    out[file] = (out[file] or "") .. CHECK[kinds[i % #kinds + 1]](i, port) .. "\n"
  end
  return out
end

local function late(before, after)
  local name = "moonwatch_rule_lateness_seconds"
  local n = (after[name .. "_count"] or 0) - (before[name .. "_count"] or 0)
  local out = {}
  for _, q in ipairs { 0.5, 0.99, 1 } do
    local best = math.huge
    for key, value in pairs(after) do
      local le = tonumber(key:match("^" .. name .. '_bucket{le="([%d.e+-]+)"}$') or nil)
      if le and value - (before[key] or 0) >= q * n then best = math.min(best, le) end
    end
    out[#out + 1] = ("p%g <= %g ms"):format(q * 100, best * 1000)
  end
  return n, table.concat(out, ", ")
end

local function run()
  local target, port = 21000 + host.monotonic() % 1000 * 10 % 10000, nil
  target = math.floor(target)
  port = target + 1
  start("target", target, {})
  local pid = start("server", port, rules(target))
  shell "sleep 20" -- everybody had a turn
  local u, s = cpu(pid)
  local before, clock = metrics(port), host.monotonic()
  shell("sleep " .. SECONDS)
  local u2, s2 = cpu(pid)
  local after, page = metrics(port)
  local took = host.monotonic() - clock
  local n, lateness = late(before, after)
  print(("%d checks (%s) every 10 s: %.3f of a core (user %.3f, system %.3f), %.0f us a probe"):format(CHECKS, KINDS,
    (u2 + s2 - u - s) / took, (u2 - u) / took, (s2 - s) / took, (u2 + s2 - u - s) / (n > 0 and n or 1) * 1e6))
  print(("%d turns in %.1f s, begun late by %s; missed %.0f"):format(n, took, lateness, query(port, "sum(increase(moonwatch_rule_iterations_missed_total[1m]))") or 0))
  print(("%.0f MiB resident, /metrics is %.1f KiB, %d of the checks are up"):format(memory(pid), page / 1024, query(port, "sum(check_up)") or 0))
end

local ok, why = pcall(run)
for _, pid in ipairs(pids) do shell("kill " .. pid) end
shell "sleep 1"
if ok then shell("rm -rf " .. dir) else print(why, "see " .. dir) end
