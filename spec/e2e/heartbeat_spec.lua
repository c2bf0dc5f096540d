--- heartbeat_spec.lua - heartbeats told over HTTP and by `moonwatch beat`.
local proc = require "proc"
local server = require "server"

describe("a heartbeat", function()
  local node

  setup(function()
    node = server.start { rules = { ["checks.lua"] = [[
check "backup" { heartbeat = "1h", every = "200ms" }
check "jobs/nightly" { heartbeat = { ttl = "1h", grace = "5m" }, every = "200ms" }
check "probed" { tcp = "127.0.0.1:1" }
]] } }
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  local function check(name) return (node:json("/api/mw/v1/checks/" .. name)) end

  it("is told by a POST without anything in it", function()
    assert.equal("unknown", check("backup").status)
    local row, status = node:json("/api/mw/v1/checks/backup/beat", { method = "POST", body = "" })
    assert.equal(200, status)
    assert.equal("healthy", row.status)
    assert.equal("healthy", check("backup").status)
  end)

  it("and by the parameters of one, or by JSON", function()
    node:json("/api/mw/v1/checks/jobs/nightly/beat?kind=fail&message=disk+full", { method = "POST", body = "" })
    local row = check "jobs/nightly"
    assert.equal("unhealthy", row.status)
    assert.equal("disk full", row.message)
    row = node:json("/api/mw/v1/checks/jobs/nightly/beat", { method = "POST", body = '{"kind":"ok","seconds":12.5}' })
    assert.equal("healthy", row.status)
    assert.equal(12.5, row.details.duration_seconds)
  end)

  it("says what is wrong with what it is told", function()
    local function refused(path, options)
      local body, status = node:json(path, options)
      return status, body.error.message
    end
    local POST = { method = "POST", body = "" }
    assert.same({ 400, '"late" is no kind of beat: ok, fail, start' }, { refused("/api/mw/v1/checks/backup/beat?kind=late", POST) })
    assert.same({ 400, "the body is no JSON object" }, { refused("/api/mw/v1/checks/backup/beat", { method = "POST", body = "well" }) })
    assert.same({ 404, 'there is no check "backups" (did you mean "backup"?)' }, { refused("/api/mw/v1/checks/backups/beat", POST) })
    assert.same({ 405, "POST says that it is well" }, { refused "/api/mw/v1/checks/backup/beat" })
    assert.same({ 409, 'check "probed" is probed: only one with `heartbeat` is told how it is' }, { refused("/api/mw/v1/checks/probed/beat", POST) })
  end)

  it("is told on the command line", function()
    assert.equal(0, (node:cli("beat", "backup", "--fail", "no space left")))
    assert.equal("no space left", check("backup").message)
    assert.equal(0, (node:cli("beat", "backup", "--seconds", "3")))
    assert.equal(3, check("backup").details.duration_seconds)
    assert.equal(1, (node:cli("beat", "nothing")))
    assert.equal(2, (node:cli("beat")))
  end)

  it("around a program, which ends as it would have", function()
    local function around(...) return proc.run { server.binary(), "beat", "backup", "--url", node.url, "--", ... } end
    local code, out = around("sh", "-c", "echo it\\'s done; sleep 0.2; exit 3")
    assert.equal(3, code)
    assert.truthy(out:find("it's done", 1, true), out)
    local row = check "backup"
    assert.equal("unhealthy", row.status)
    assert.equal("sh ended with status 3", row.message)
    assert.is_true(row.details.duration_seconds >= 0.2, row.details.duration_seconds)
    assert.equal(0, (around "true"))
    assert.equal("healthy", check("backup").status)
  end)

  it("is known after a kill", function()
    node:json("/api/mw/v1/checks/backup/beat", { method = "POST", body = '{"kind":"fail","message":"oh"}' })
    node:kill()
    node = server.start { dir = node.dir }
    proc.eventually(function() return check("backup").status == "unhealthy" end, 5, "the failure is known")
  end)
end)
