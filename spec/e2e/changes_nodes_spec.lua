--- changes_nodes_spec.lua - marks, canaries and experiments of two nodes that share a Redis.
local peers = require "peers"
local proc = require "proc"
local server = require "server"

local RULES = [[
canary "shop" { baseline = { version = "1" }, candidate = { version = "2" }, lasts = "3s", every = "200ms", metrics = { { expr = "latency" } } }
experiment "file" {
  service = "shop", lasts = "1h", every = "200ms", recover = "1s", timeout = "5s", steady = { { expr = "vector(1)" } }, abort = { { expr = "vector(0) > 1" } },
  inject = { exec = { command = { "fault", "in", "%s/fault" } } }, rollback = { exec = { command = { "fault", "out", "%s/fault" } } },
}]]

describe("two nodes", function()
  local redis, nodes, dir
  local function start(name)
    return server.start { config = ('settings { programs = { "%s/bin" } }'):format(dir), args = { "--redis", redis.url, "--node", name }, rules = { ["x.lua"] = RULES:format(dir, dir) } }
  end
  local function fault()
    local file = io.open(dir .. "/fault")
    if file then file:close() end
    return file ~= nil
  end
  setup(function()
    redis, dir = peers.redis(), proc.scratch()
    os.execute(("mkdir -p '%s/bin'"):format(dir))
    proc.write(dir .. "/bin/fault", '#!/bin/sh\ncase $1 in in) : > "$2" ;; out) rm -f "$2" ;; esac\n')
    os.execute(("chmod 755 '%s/bin/fault'"):format(dir))
    nodes = { start "a", start "b" }
    proc.eventually(function()
      local n = nodes[1]:json("/api/mw/v1/nodes").nodes
      return n and #n == 2
    end, 20, "they know each other")
  end)
  teardown(function()
    for _, node in ipairs(nodes or {}) do node:stop() end
    proc.cleanup()
  end)

  it("have the same marks", function()
    local status, id = nodes[1]:cli("mark", "deploy", "--service", "shop")
    assert.equal(0, status, id)
    id = id:gsub("%s", "")
    proc.eventually(function() return nodes[2]:json("/api/mw/v1/marks/" .. id).service == "shop" end, 10, "the other has it")
    assert.equal(0, (nodes[2]:cli("mark", "remove", id)))
    proc.eventually(function() return (nodes[1]:get("/api/mw/v1/marks/" .. id)) == 404 end, 10, "it is gone on both")
  end)
  it("run a canary wherever it is started, and both know its verdict", function()
    for _, node in ipairs(nodes) do
      node:push 'latency{version="1"} 1\nlatency{version="2"} 1\n'
    end
    for i, node in ipairs(nodes) do
      proc.eventually(function()
        local status = node:post("/api/mw/v1/canaries/shop/start", "{}")
        return status == 200 or status == 202
      end, 20, "it starts")
      for _, other in ipairs(nodes) do
        proc.eventually(function() return #other:json("/api/mw/v1/canaries/shop").results == i and (other:get "/api/mw/v1/canaries/shop/gate") == 200 end, 20, "it passed")
      end
    end
  end)
  it("take a fault back when the one that let it in is gone", function()
    local status = nodes[1]:post("/api/mw/v1/experiments/file/start", '{"author":"ann"}')
    assert.truthy(status == 200 or status == 202)
    proc.eventually(fault, 20, "the fault is there")
    assert.truthy(proc.eventually(function()
      local a, b = nodes[1]:json "/api/mw/v1/experiments/file", nodes[2]:json "/api/mw/v1/experiments/file"
      return a.status == "running" and b.status == "running"
    end, 20, "both know of it"))
    -- Who answers that it runs already is the one that has it.
    local owner = nodes[1]:post("/api/mw/v1/experiments/file/start", "{}") == 409 and 1 or 2
    nodes[owner]:kill()
    local other = nodes[3 - owner]
    proc.eventually(function() return not fault() end, 40, "the fault is gone")
    local last = proc.eventually(function() return other:json("/api/mw/v1/experiments/file").last end, 20, "it is over")
    assert.same({ "aborted", "ann" }, { last.outcome, last.author })
    assert.matches("another node took over", last.reason)
  end)
end)
