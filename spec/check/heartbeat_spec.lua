--- heartbeat_spec.lua - checks that are told how it is: late, missing, failed, and fair about the time when nobody listened.
local testing = require "moonwatch.testing"

local HOURLY = 'check "backup" { heartbeat = { ttl = "1h", grace = "10m" } }'

describe("a heartbeat", function()
  local world
  before_each(function() world = testing.world(HOURLY) end)

  local function told_at(at, said)
    world.engine.by_id["check/backup"]:beat(assert(require("moonwatch.check.heartbeat").read(said)), at, world.now)
  end

  local function beat(said, name)
    local read = assert(require("moonwatch.check.heartbeat").read(said or {}))
    world.engine:check_beat(world.engine.by_id["check/" .. (name or "backup")], read, world.now)
  end

  it("is unknown until it was heard of, for as long as it may take", function()
    world:advance "1h"
    local status, message = world:check "backup"
    assert.equal("unknown", status)
    assert.equal("waiting for the first beat", message)
    assert.is_nil(world:value "check_up")
    world:advance "11m"
    status, message = world:check "backup"
    assert.equal("unhealthy", status)
    assert.equal("never heard of, waited for 1h 11m 0s", message)
  end)

  it("is healthy within its ttl, late after it, missing after the grace", function()
    world:advance "5m"
    beat()
    assert.equal("healthy", (world:check "backup"))
    local at = world.now
    world:advance "1h"
    assert.equal("healthy", (world:check "backup"))
    world:advance "10s"
    local status, message, details = world:check "backup"
    assert.equal("degraded", status)
    assert.equal("late: expected by " .. world.host.rfc3339(at + 3600), message)
    assert.same({ "late" }, details.reasons)
    assert.equal(world.host.rfc3339(at + 4200), details.due)
    world:advance "10m"
    status, message = world:check "backup"
    assert.equal("unhealthy", status)
    assert.equal("not heard of for 1h 10m 10s", message)
    assert.equal(0, world:value "check_up")
    beat()
    assert.equal("healthy", (world:check "backup"))
    world:advance "10s"
    assert.equal(1, world:value "check_up")
  end)

  it("may say that it failed, and why", function()
    beat { kind = "fail", message = "disk full" }
    local status, message = world:check "backup"
    assert.equal("unhealthy", status)
    assert.equal("disk full", message)
    beat()
    assert.equal("healthy", (world:check "backup"))
  end)

  it("counts failures in a row when told to", function()
    world:reload 'check "backup" { heartbeat = "1h", fail_after = 2, pass_after = 2 }'
    beat()
    world:advance "10s"
    beat { kind = "fail", message = "no" }
    world:advance "1m"
    assert.equal("healthy", (world:check "backup"))
    beat { kind = "fail", message = "no" }
    assert.equal("unhealthy", (world:check "backup"))
    world:advance "1m"
    beat()
    world:advance "1m"
    assert.equal("unhealthy", (world:check "backup"))
    beat()
    assert.equal("healthy", (world:check "backup"))
  end)

  it("measures the time from start to end", function()
    beat { kind = "start" }
    world:advance "95s"
    beat()
    local _, _, details = world:check "backup"
    assert.equal(95, details.duration_seconds)
    world:advance "10s"
    assert.equal(95, world:value "check_beat_duration_seconds")
  end)

  it("that started has to end in time, when it says in which", function()
    world:reload 'check "backup" { heartbeat = { ttl = "1d", finish_within = "30m" } }'
    beat()
    world:advance "1h"
    beat { kind = "start" }
    world:advance "30m"
    assert.equal("healthy", (world:check "backup"))
    world:advance "20s"
    local status, message = world:check "backup"
    assert.equal("unhealthy", status)
    assert.equal("started 30m 20s ago and did not end", message)
    beat()
    assert.equal("healthy", (world:check "backup"))
  end)

  it("survives a restart, and time in which nobody listened does not count", function()
    beat()
    world:advance "30m"
    world:restart { down = "2h" }
    world:advance "10s"
    assert.equal("healthy", (world:check "backup"))
    world:advance "30m"
    local status, _, details = world:check "backup"
    assert.equal("degraded", status)
    assert.equal(7200, details.away_seconds)
    world:advance "10m"
    local message
    status, message = world:check "backup"
    assert.equal("unhealthy", status)
    assert.equal("not heard of for 3h 10m 10s, 2h 0m 0s of which this server was down", message)
  end)

  it("is not forgotten when the server dies right after", function()
    world:advance "1h"
    beat()
    world:kill()
    world:advance "10s"
    local status, _, details = world:check "backup"
    assert.equal("healthy", status)
    assert.equal(world.host.rfc3339(world.start + 3600), details.last_beat)
  end)

  it("nor is a failure", function()
    beat()
    world:advance "10m"
    beat { kind = "fail", message = "disk full" }
    world:kill()
    world:advance "10s"
    assert.equal("unhealthy", (world:check "backup"))
  end)

  it("is heard of by every node", function()
    beat()
    world:advance "30m"
    beat()
    world:fail_over()
    world:advance "45m"
    assert.equal("healthy", (world:check "backup"))
  end)

  it("goes on over a reload that changes its ttl", function()
    beat()
    world:advance "30m"
    world:reload 'check "backup" { heartbeat = "20m" }'
    world:advance "10s"
    assert.equal("unhealthy", (world:check "backup"))
  end)

  it("has its time again when what it depends on is well again", function()
    local up = true
    world = testing.world [[
check "db" { tcp = "h:1" }
check "backup" { heartbeat = "1h", depends_on = { "db" } }]]
    world:probe("tcp", function() return up and { seconds = 0 } or { error = "refused" } end)
    world:advance "10s"
    beat()
    up = false
    world:advance "2h"
    assert.equal("unknown", (world:check "backup"))
    up = true
    world:advance "50m"
    assert.equal("unknown", (world:check "backup"))
    world:advance "11m"
    assert.equal("unhealthy", (world:check "backup"))
  end)

  it("is heard when a clock that was ahead has been put right", function()
    world:reload(HOURLY)
    told_at(world.now + 7200, {})
    assert.equal("healthy", (world:check "backup"))
    told_at(world.now, { kind = "fail", message = "disk full" })
    assert.equal("unhealthy", (world:check "backup"))
    beat()
    told_at(world.now - 5, { kind = "fail", message = "late news" })
    assert.equal("healthy", (world:check "backup"))
  end)
end)

describe("what is sent as a beat", function()
  local read = require("moonwatch.check.heartbeat").read

  it("is ok when it says nothing else", function() assert.equal("ok", read({}).kind) end)

  it("is refused when it makes no sense", function()
    assert.same('"late" is no kind of beat: ok, fail, start', select(2, read { kind = "late" }))
    assert.same("seconds: expected a number, zero or more", select(2, read { seconds = "soon" }))
    assert.same("seconds: expected a number, zero or more", select(2, read { seconds = -1 }))
    assert.same("message: expected a text", select(2, read { message = {} }))
  end)

  it("is cut when it is long", function() assert.equal(1000, #read({ message = ("x"):rep(5000) }).message) end)
end)
