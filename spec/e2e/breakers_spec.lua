--- breakers_spec.lua - requests of rules through a breaker, in a running server.
local net = require "net"
local proc = require "proc"
local server = require "server"

describe("a breaker of a running server", function()
  local node, sink, status

  setup(function()
    status = 500
    sink = net.sink(function() return status end)
    node = server.start { rules = { ["shop.lua"] = ([[
breaker "shop" { failures = 2, open = "1s", window = "10m" }
every("1s", function(ctx) ctx.http.get("%s/health", { breaker = "shop" }) end, { name = "ask" })
receiver "hook" { webhook { url = "%s/hook" } }
route { receiver = "hook" }
]]):format(sink.url, sink.url) } }
  end)
  teardown(function()
    node:stop()
    sink:close()
    proc.cleanup()
  end)

  local function shop()
    sink:poll()
    return node:json "/api/mw/v1/breakers/shop"
  end

  local function moonwatch(...)
    local command = { server.binary(), ... }
    command[#command + 1] = "--url=" .. node.url
    return proc.run(command)
  end

  it("opens, is tried again, and closes when what it protects is well", function()
    proc.eventually(function() return shop().turned.open >= 2 end, 20, "it opened twice")
    status = 200
    proc.eventually(function() return shop().state == "closed" end, 20, "it closed")
    proc.eventually(function()
      sink:poll()
      local _, page = node:get "/metrics"
      return page:find('moonwatch_breaker_transitions_total{breaker="shop",to="closed"} 1', 1, true) and page:find('moonwatch_breaker_state{breaker="shop"} 0', 1, true)
    end, 20, "the figures say so")
  end)

  it("is forced by hand from the command line, also that of a receiver", function()
    local code, out = moonwatch("breakers", "open", "shop", "--reason", "maintenance")
    assert.equal(0, code, out)
    assert.truthy(out:find "shop%s+forced open %(closed by itself%)", out)
    proc.eventually(function() return shop().refused >= 1 end, 20, "nobody asks any more")
    assert.truthy(select(2, moonwatch("audit", "--what", "breaker")):find("maintenance", 1, true))
    code, out = moonwatch("breakers", "free", "shop")
    assert.equal(0, code, out)
    assert.is_nil(shop().forced)
    code, out = moonwatch("breakers", "open", "receiver/hook", "--reason", "they sleep")
    assert.truthy(code == 0 and out:find "receiver/hook %(webhook%)%s+forced open", out)
    assert.truthy(select(2, moonwatch "audit"):find("they sleep", 1, true))
    moonwatch("breakers", "free", "receiver/hook")
    code, out = moonwatch("breakers", "open", "nobody")
    assert.truthy(code == 1 and out:find('no breaker "nobody"', 1, true), out)
    assert.equal(2, (moonwatch("breakers", "shut", "shop")))
  end)
end)
