--- check_stores_spec.lua - Redis with a replica, PostgreSQL with a standby, gRPC and programs, as checks see them.
local blackbox = require "blackbox"
local check_eyes = require "check_eyes"
local grpc_server = require "grpc_server"
local peers = require "peers"
local proc = require "proc"
local server = require "server"

local MODULES = [[
  grpc: { prober: grpc, timeout: 2s, grpc: { preferred_ip_protocol: ip4 } }
  down: { prober: grpc, timeout: 2s, grpc: { preferred_ip_protocol: ip4, service: down } }
  lost: { prober: grpc, timeout: 2s, grpc: { preferred_ip_protocol: ip4, service: lost } }
  secure: { prober: grpc, timeout: 2s, grpc: { preferred_ip_protocol: ip4, tls: true, tls_config: { ca_file: "DIR/ours.pem" } } }
]]

local RULES = [[
local function see(name, fields)
  fields.every, fields.fail_after, fields.pass_after = "300ms", 1, 1
  check(name)(fields)
end
see("master", { redis = { url = "MASTER", role = "master", replicas = 1, lag_above = "10s", memory_above = 0.9 } })
see("replica", { redis = { url = "REPLICA", role = "replica", lag_above = "1m" } })
see("not master", { redis = { url = "REPLICA", role = "master" } })
see("full", { redis = { url = "MASTER", memory_above = 0.001 } })
see("filling", { redis = "MASTER", degraded = { memory_above = 0.001 } })
see("pg", { postgres = { dsn = "PGDSN", role = "primary", lag_above = "10s", connections_above = 0.9 } })
see("pg replicas", { postgres = { dsn = "PGDSN", replicas = 2 } })
see("standby", { postgres = { dsn = "STANDBYDSN", role = "replica", lag_above = "10s" } })
see("not primary", { postgres = { dsn = "STANDBYDSN", role = "primary" } })
see("pg filling", { postgres = "PGDSN", degraded = { connections_above = 0.0001 } })
see("grpc", { grpc = "GRPC" })
see("up", { grpc = { address = "GRPC", service = "up" } })
see("down", { grpc = { address = "GRPC", service = "down" } })
see("lost", { grpc = { address = "GRPC", service = "lost" } })
see("slow", { grpc = { address = "GRPC", service = "slow" }, timeout = "500ms" })
see("secure", { grpc = { address = "SECURE", tls = { ca = "DIR/ours.pem" } }, degraded = { certificate_within = "30d" } })
see("stranger", { grpc = { address = "SECURE", tls = true } })
see("bare", { grpc = "BARE" })
see("no grpc", { grpc = "MASTERADDRESS", timeout = "1s" })
see("fine", { exec = { "BIN/plugin", "0" } })
see("warns", { exec = { "BIN/plugin", "1" } })
see("fails", { exec = { command = { "BIN/plugin", "2" }, env = { WHO = "ann" } } })
see("odd", { exec = { "BIN/plugin", "17" } })
see("shell", { exec = { "BIN/plugin", "0; echo", "$(id)" } })
see("endless", { exec = { "BIN/endless" }, timeout = "500ms" })
see("elsewhere", { exec = "/bin/true" })
]]

local PLUGIN = [[#!/bin/sh
printf '%s is here %s|load=0.5;1;2 "disk used"=3\nmore\n' "${WHO:-nobody}" "$2"
head -c 10000 /dev/zero | tr '\0' x
case $1 in *[!0-9]*) exit 0;; esac
exit "$1"
]]

describe("checks of stores, gRPC and programs", function()
  local node, redis, replica, pg, standby, client, grpc, bare, exporter, eyes

  setup(function()
    local dir = proc.scratch()
    redis, replica, pg, grpc, bare = peers.redis(), peers.redis(), peers.postgres(), grpc_server.start(), grpc_server.start(true)
    proc.run { "redis-cli", "-p", tostring(redis.port), "config", "set", "maxmemory", "100mb" }
    proc.run { "redis-cli", "-p", tostring(replica.port), "replicaof", "127.0.0.1", tostring(redis.port) }
    standby = peers.postgres_standby(pg)
    client = proc.spawn { pg.bin .. "/psql", pg.dsn, "-c", "SELECT pg_sleep(600)" } -- one connection that stays
    os.execute(("mkdir -p '%s/bin'"):format(dir))
    proc.write(dir .. "/bin/plugin", PLUGIN)
    proc.write(dir .. "/bin/endless", "#!/bin/sh\nexec sleep 1000\n")
    os.execute(("chmod 755 '%s'/bin/*"):format(dir))
    exporter = blackbox.start((MODULES:gsub("DIR", grpc.dir)))
    local rules = RULES:gsub("MASTERADDRESS", "127.0.0.1:" .. redis.port):gsub("MASTER", redis.url):gsub("REPLICA", replica.url):gsub("PGDSN", pg.dsn):gsub("STANDBYDSN", standby.dsn)
      :gsub("GRPC", grpc.address):gsub("SECURE", grpc.secure):gsub("BARE", bare.address):gsub("DIR", grpc.dir):gsub("BIN", dir .. "/bin")
    node = server.start { config = ('settings { programs = { "%s/bin" } }\n'):format(dir), rules = { ["stores.lua"] = rules } }
    eyes = check_eyes.new(node, exporter)
  end)
  teardown(function()
    node:stop()
    exporter:stop()
    client:kill()
    for _, p in ipairs { redis, replica, standby, pg, grpc, bare } do p.proc:kill() end
    proc.cleanup()
  end)

  -- STATUS may take a moment: replication begins behind the first probes.
  local function becomes(status, name, message)
    proc.eventually(function()
      local c = eyes:check(name)
      return c.status == status and (not message or c.message:find(message)) or error(("%s is %s: %s"):format(name, c.status, c.message))
    end, 20, name .. " is " .. status)
    return eyes:check(name).details
  end

  it("Redis says what it is, how its replicas are, and how full", function()
    local d = becomes("healthy", "master")
    assert.same({ "master", 1, 104857600 }, { d.role, d.replicas, d.memory_max_bytes })
    assert.equal("up", becomes("healthy", "replica").link)
    becomes("unhealthy", "not master", "^it is a replica, expected a master$")
    becomes("unhealthy", "full", "^its memory in use is %S+%%, above 0.1%%$")
    becomes("degraded", "filling", "^its memory in use is %S+%%, above 0.1%%$")
    assert.equal(1, eyes:value("replica", "redis_master_link_up"))
    assert.is_true(eyes:value("master", "redis_memory_used_bytes") > 100000)
  end)

  it("a replica without its master fails", function()
    redis.proc:kill()
    becomes("unhealthy", "master", "connection refused")
    becomes("unhealthy", "replica", "^its link to its master is down$")
  end)

  it("PostgreSQL says what it is and how full", function()
    local d = becomes("healthy", "pg")
    assert.same({ "primary", 1, 100 }, { d.role, d.replicas, d.max_open })
    becomes("unhealthy", "pg replicas", "^1 replicas are streaming, expected at least 2$")
    becomes("degraded", "pg filling", "^the share of its connections is %S+%%, above 0.01%%$")
    assert.equal(0, becomes("healthy", "standby").lag_seconds)
    becomes("unhealthy", "not primary", "^it is a replica, expected a primary$")
    assert.equal(0, eyes:value("pg", "pg_replication_is_replica"))
    assert.equal(1, eyes:value("standby", "pg_replication_is_replica"))
    assert.equal(100, eyes:value("pg", "pg_settings_max_connections"))
    assert.truthy(eyes:value("pg", 'probe_postgres_duration_seconds{phase="query"}'))
  end)

  it("gRPC says how its services are", function()
    becomes("healthy", "grpc")
    becomes("healthy", "up")
    becomes("unhealthy", "down", "^NOT_SERVING$")
    becomes("unhealthy", "lost", '^the server does not know the service "lost"$')
    becomes("unhealthy", "slow", "timed out after 0.5 s")
    becomes("degraded", "secure", "^the certificate ends 2")
    becomes("unhealthy", "stranger", "certificate")
    becomes("unhealthy", "bare", "^the server has no grpc%.health%.v1%.Health$")
    becomes("unhealthy", "no grpc")
  end)

  it("gRPC, as the blackbox exporter sees it", function()
    local both = { "probe_success", "probe_grpc_status_code", "probe_ip_protocol", "probe_grpc_ssl", 'probe_grpc_healthcheck_response{serving_status="SERVING"}',
                   'probe_grpc_healthcheck_response{serving_status="NOT_SERVING"}' }
    local theirs = eyes:agree("grpc", "grpc", grpc.address, both)
    eyes:phases("grpc", "probe_grpc_duration_seconds", theirs, { "resolve", "check" })
    eyes:agree("down", "down", grpc.address, both)
    eyes:agree("lost", "lost", grpc.address, { "probe_success", "probe_grpc_status_code" })
    eyes:agree("secure", "secure", grpc.secure, { "probe_success", "probe_grpc_status_code", "probe_grpc_ssl", "probe_ssl_earliest_cert_expiry" })
  end)

  it("programs say it with their exit status", function()
    local d = becomes("healthy", "fine", "^nobody is here$")
    assert.equal(4096, #d.output)
    assert.equal(0, d.exit_status)
    assert.equal(0.5, eyes:value("fine", 'probe_exec_figure{figure="load"}'))
    becomes("degraded", "warns", "^nobody is here$")
    becomes("unhealthy", "fails", "^ann is here$")
    assert.equal(17, becomes("unhealthy", "odd").exit_status)
    becomes("healthy", "shell", "^nobody is here %$%(id%)$")
    becomes("unhealthy", "endless", "was still running after 0.5 s")
    becomes("unhealthy", "elsewhere", "is not in one of the folders of settings.programs")
  end)
end)
