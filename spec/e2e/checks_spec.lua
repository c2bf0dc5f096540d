--- checks_spec.lua - health checks against the real things.
local net = require "net"
local peers = require "peers"
local proc = require "proc"
local server = require "server"

describe("/health", function()
  local node, redis, postgres, sink

  setup(function()
    redis, postgres, sink = peers.redis(), peers.postgres(), net.sink()
    node = server.start { rules = { ["checks.lua"] = ([[
check "web" { http = { url = "%s/ok" }, every = "200ms", fail_after = 1, pass_after = 1 }
check "port" { tcp = "127.0.0.1:%d", every = "200ms", fail_after = 1, pass_after = 1 }
check "cache" { redis = "%s", every = "200ms", fail_after = 1, pass_after = 1 }
check "db" { postgres = "%s", every = "200ms", fail_after = 1, pass_after = 1 }
check "own" { run = function(ctx) return "degraded", "as said" end, every = "200ms", fail_after = 1, critical = false }
]]):format(sink.url, redis.port, redis.url, postgres.dsn) } }
  end)
  teardown(function()
    node:stop()
    sink:close()
    proc.cleanup()
  end)

  local function health()
    sink:poll()
    local body, status = node:json "/health"
    return body, status
  end

  it("is healthy when http, tcp, redis and postgres answer", function()
    proc.eventually(function()
      local h = health()
      for _, name in ipairs { "web", "port", "cache", "db" } do
        if h.checks[name].status ~= "healthy" then return false end
      end
      return true
    end, 15, "all four are healthy")
    local h = health()
    assert.equal("degraded", h.checks.own.status)
    assert.equal("as said", h.checks.own.message)
    assert.is_truthy(h.timestamp:match "^%d%d%d%d%-%d%d%-%d%dT")
  end)

  it("shows the pool of the database", function()
    local details = health().checks.db.details
    assert.equal(100, details.max_open) -- PostgreSQL's own default
    assert.equal(details.open, details.in_use + details.idle)
    assert.is_true((node:value "db_connections_active" or -1) >= 0)
  end)

  it("shows the history of one on the command line", function()
    local code, out = node:cli("health", "web")
    assert.equal(0, code)
    assert.truthy(out:find("web: healthy: ok", 1, true), out)
    assert.truthy(out:find "\nphases +connect [%d.]+[mu]?s, ", out)
    assert.truthy(out:find "1h +100 %%", out)
    assert.truthy(out:find "LATENCY +P50 +P90 +P99 +MAX\n1h +[%d.]+", out)
    code, out = node:cli("health", "wob")
    assert.equal(1, code)
    assert.truthy(out:find('there is no check "wob" (did you mean "web"?)', 1, true), out)
  end)

  it("answers 503 when one of them is gone, and tells which", function()
    redis.proc:kill()
    proc.eventually(function()
      local h, status = health()
      return status == 503 and h.status == "unhealthy" and h.checks.cache.status == "unhealthy" and h.checks.db.status == "healthy"
    end, 15, "/health is 503")
    local _, status = node:json "/health/cache"
    assert.equal(503, status)
    assert.equal(200, (node:get "/health/db"))
  end)

  it("and a server that never answers delays no other check", function()
    redis.proc = peers.redis(redis.port).proc
    postgres.proc:signal "STOP"
    proc.eventually(function()
      local h = health()
      return h.checks.db.status == "unhealthy" and h.checks.cache.status == "healthy" and h.checks.web.status == "healthy"
    end, 20, "only the hanging one is unhealthy")
    postgres.proc:signal "CONT"
  end)
end)
