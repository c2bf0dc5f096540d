--- peers.lua - the real programs that end-to-end specs talk to, each on a free port.
require("moonwatch.testing.nonet").allow() -- real programs
local net = require "net"
local proc = require "proc"
local ffi = require "ffi"

local M = {}

function M.redis(port)
  local dir = proc.scratch()
  port = port or proc.free_port()
  local p = proc.spawn({ "redis-server", "--port", tostring(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir }, dir .. "/log")
  p:listens(port)
  return { proc = p, port = port, url = "redis://127.0.0.1:" .. port }
end

function M.node_exporter()
  local port = proc.free_port()
  local p = proc.spawn { "prometheus-node-exporter", "--web.listen-address=127.0.0.1:" .. port }
  proc.eventually(function() return net.request(("http://127.0.0.1:%d/metrics"):format(port)) == 200 end, 10, "node_exporter answers")
  return { proc = p, port = port, address = "127.0.0.1:" .. port }
end

--- A real Prometheus with this configuration.
function M.prometheus_with(config)
  local dir, port = proc.scratch(), proc.free_port()
  proc.write(dir .. "/prometheus.yml", config)
  local p = proc.spawn({ "prometheus", "--config.file=" .. dir .. "/prometheus.yml", "--storage.tsdb.path=" .. dir .. "/data",
    "--web.listen-address=127.0.0.1:" .. port }, dir .. "/log")
  return { proc = p, port = port, url = "http://127.0.0.1:" .. port }
end

--- One that scrapes TARGET every second and writes what it got to URL.
function M.prometheus(target, url)
  return M.prometheus_with(([[
global: { scrape_interval: 1s }
scrape_configs: [ { job_name: node, static_configs: [ { targets: ["%s"] } ] } ]
remote_write: [ { url: "%s", queue_config: { batch_send_deadline: 1s } } ]
]]):format(target, url))
end

--- A real Prometheus that evaluates the rule file TEXT and scrapes nothing.
function M.prometheus_rules(text)
  local dir, port = proc.scratch(), proc.free_port()
  proc.write(dir .. "/rules.yml", text)
  proc.write(dir .. "/prometheus.yml", "rule_files: [ rules.yml ]\n")
  local p = proc.spawn({ "prometheus", "--config.file=" .. dir .. "/prometheus.yml", "--storage.tsdb.path=" .. dir .. "/data",
    "--web.listen-address=127.0.0.1:" .. port }, dir .. "/log")
  local url = "http://127.0.0.1:" .. port
  proc.eventually(function() return net.request(url .. "/-/ready") == 200 end, 20, "Prometheus is ready")
  return { proc = p, port = port, url = url }
end

-- PostgreSQL refuses to run as root: there, it runs as the user that its package made.
local function as_postgres(command)
  if ffi.C.geteuid() ~= 0 then return command end
  local argv = { "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups" }
  for _, word in ipairs(command) do argv[#argv + 1] = word end
  return argv
end

function M.postgres()
  local dir, port = proc.scratch(), proc.free_port()
  local pipe = assert(io.popen "ls -d /usr/lib/postgresql/*/bin | tail -n 1")
  local bin = pipe:read "*l"
  pipe:close()
  if ffi.C.geteuid() == 0 then os.execute(("chown postgres '%s'"):format(dir)) end
  local status, text = proc.run(as_postgres { bin .. "/initdb", "-D", dir .. "/db", "-U", "watch", "-A", "trust", "-N" }, 60)
  assert(status == 0, text)
  local p = proc.spawn(as_postgres { bin .. "/postgres", "-D", dir .. "/db", "-p", tostring(port), "-h", "127.0.0.1", "-k", dir })
  local dsn = ("host=127.0.0.1 port=%d user=watch dbname=postgres"):format(port)
  proc.eventually(function()
    return proc.run { bin .. "/pg_isready", "-q", "-h", "127.0.0.1", "-p", tostring(port) } == 0
  end, 20, "PostgreSQL answers")
  return { proc = p, port = port, dsn = dsn, bin = bin }
end

--- One that replays what PRIMARY writes.
function M.postgres_standby(primary)
  local dir, port = proc.scratch(), proc.free_port()
  if ffi.C.geteuid() == 0 then os.execute(("chown postgres '%s'"):format(dir)) end
  local status, text = proc.run(as_postgres { primary.bin .. "/pg_basebackup", "-R", "-X", "stream", "-D", dir .. "/db", "-h", "127.0.0.1", "-p",
    tostring(primary.port), "-U", "watch", "-c", "fast" }, 60)
  assert(status == 0, text)
  local p = proc.spawn(as_postgres { primary.bin .. "/postgres", "-D", dir .. "/db", "-p", tostring(port), "-h", "127.0.0.1", "-k", dir })
  proc.eventually(function()
    return proc.run { primary.bin .. "/pg_isready", "-q", "-h", "127.0.0.1", "-p", tostring(port) } == 0
  end, 20, "the standby answers")
  return { proc = p, port = port, dsn = ("host=127.0.0.1 port=%d user=watch dbname=postgres"):format(port) }
end

return M
