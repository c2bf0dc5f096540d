--- api_spec.lua - promises of /api/mw/v1/nodes and /api/mw/v1/bundles.
local api = require "moonwatch.api.cluster"
local fake_host = require "fake_host"

describe("the cluster's paths", function()
  local host, engine, reply

  local function call(path, method, value)
    reply = nil
    local now = api[path](engine, {
      method = method, body = value and host.json.encode(value) or "", reply = function(a) reply = a end,
    })
    local a = now ~= host.later and now or reply
    return a.status, host.json.decode(a.body)
  end

  before_each(function()
    host = fake_host.new()
    local statuses = { a = { version = 2, ok = true } }
    engine = { host = host, bundles = { status = function(_, name) return statuses[name] end } }
  end)

  it("list the nodes with what they run", function()
    host.on["cluster.nodes"] = function()
      return { enabled = true, connected = true, self = "a",
               nodes = { { name = "a", alive = true }, { name = "b", alive = false } },
               leases = { router = { node = "a", fence = 3 } } }
    end
    local status, body = call("/api/mw/v1/nodes", "GET")
    assert.equal(200, status)
    assert.equal(2, body.nodes[1].bundle.version)
    assert.is_nil(body.nodes[2].bundle)
    assert.equal("a", body.leases.router.node)
    assert.equal(405, (call("/api/mw/v1/nodes", "POST")))
  end)

  it("push a bundle that this node could load", function()
    local pushed
    host.on["cluster.push"] = function(arg)
      pushed = arg
      return { version = 5, sha = "abc" }
    end
    local status, body = call("/api/mw/v1/bundles", "POST", { files = { ["a.lua"] = "" }, author = "me" })
    assert.equal(200, status)
    assert.equal(5, body.version)
    assert.equal("me", pushed.author)
  end)

  it("refuse a bundle with problems, naming each", function()
    engine.check_bundle = function() return { { text = "a.lua:1: no" }, { text = "a.lua:2: no" } } end
    local status, body = call("/api/mw/v1/bundles", "POST", { files = { ["a.lua"] = "" } })
    assert.equal(422, status)
    assert.same({ "a.lua:1: no", "a.lua:2: no" }, body.problems)
    assert.is_nil(reply)
  end)

  it("refuse bodies that are no bundle", function()
    for _, body in ipairs { { files = {} }, { files = 7 }, { files = { ["a.lua"] = 7 } }, {} } do
      assert.equal(400, (call("/api/mw/v1/bundles", "POST", body)))
    end
    assert.equal(400, (call("/api/mw/v1/bundles", "POST")))
    assert.equal(400, (call("/api/mw/v1/bundles/rollback", "POST", { version = "x" })))
    assert.equal(405, (call("/api/mw/v1/bundles/rollback", "GET")))
  end)

  it("say plainly that there is no Redis", function()
    host.on["cluster.versions"] = function() return { error = "Redis is away: connection refused" } end
    local status, body = call("/api/mw/v1/bundles", "GET")
    assert.equal(503, status)
    assert.equal("Redis is away: connection refused", body.error.message)
  end)
end)
