--- status_spec.lua - the status page of a real server, and incidents from the command line.
local proc = require "proc"
local server = require "server"

local CHECKS = 'check "web" { tcp = "127.0.0.1:%d", every = "200ms", display = "Web shop" }'

describe("/status", function()
  local node

  setup(function()
    local port = proc.free_port()
    node = server.start { port = port, rules = { ["checks.lua"] = CHECKS:format(port) },
      config = 'settings { status_page = { title = "Shop", groups = { { name = "All", checks = { "web" } } } } }' }
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  it("is a page, a document and a feed", function()
    proc.eventually(function() return node:json("/status.json").status == "operational" and node:json("/status.json").groups[1].checks[1].status == "operational" end,
      15, "the check is well")
    local status, html = node:get "/status"
    assert.equal(200, status)
    assert.truthy(html:find("Web shop", 1, true))
    local _, atom = node:get "/status.atom"
    assert.truthy(atom:find('<feed xmlns="http://www.w3.org/2005/Atom">', 1, true))
  end)

  it("shows incidents that are told of on the command line, and forgets none", function()
    local code, id = node:cli("incident", "open", "Payments fail", "--text", "We look into it.", "--author", "ann", "--checks", "web")
    assert.equal(0, code, id)
    id = id:gsub("%s", "")
    assert.truthy(select(2, node:get "/status"):find("Payments fail", 1, true))
    node:kill()
    node = server.start { dir = node.dir, port = node.port, config = 'settings { status_page = { title = "Shop", groups = { { name = "All", checks = { "web" } } } } }' }
    local _, out = node:cli("incident", "list")
    assert.truthy(out:find("investigating +down .* Payments fail +web +We look into it%."), out)
    code, out = node:cli("incident", "close", id, "--text", "The bank is back.")
    assert.equal(0, code, out)
    assert.equal("Payments fail: resolved\n", out)
    assert.equal(1, #node:json("/status.json").past_incidents)
    code, out = node:cli("incident", "update", "12", "--text", "x")
    assert.equal(1, code)
    assert.truthy(out:find('there is no incident "12"', 1, true), out)
    assert.equal(2, (node:cli("incident", "update", id)))
    assert.equal(0, (node:cli("incident", "remove", id)))
  end)

  it("is nothing where it was not asked for", function()
    local other = server.start { rules = { ["checks.lua"] = CHECKS:format(1) } }
    for _, path in ipairs { "/status", "/status.json", "/status.atom" } do assert.equal(404, (other:get(path))) end
    other:stop()
  end)
end)
