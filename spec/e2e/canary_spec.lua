--- canary_spec.lua - marks and canaries of a real server: over HTTP, on the command line, on the page.
local browser = require "browser"
local proc = require "proc"
local server = require "server"

local RULE = [[
canary "shop" {
  baseline = { version = "1.1" }, candidate = { version = "1.2" }, lasts = "4s", every = "200ms", labels = { service = "shop" },
  metrics = { { name = "latency", critical = true, expr = 'latency{job="shop"}' } },
}]]

-- Values of a version, four each second, from a minute ago for four minutes.
local function push(node, version, middle)
  local lines, seed, now = {}, 7 + middle * 1000, os.time()
  for i = 0, 4 * 240 do
    seed = (seed * 16807) % 2147483647
    lines[#lines + 1] = ('latency{job="shop",version="%s"} %.6f %d'):format(version, middle + 0.2 * seed / 2147483647, (now - 60) * 1000 + i * 250)
  end
  node:push(table.concat(lines, "\n") .. "\n")
end

describe("marks and canaries of a server", function()
  local node, json
  setup(function()
    json = require("moonwatch.host").json
    node = server.start { rules = { ["canary.lua"] = RULE } }
  end)
  teardown(function()
    if node then node:stop() end
    proc.cleanup()
  end)

  it("keep marks over a crash, and show them on the plot", function()
    local status, id = node:cli("mark", "deploy", "--service", "shop", "--version", "1.2", "--at", "-1m", "--label", "team=web", "<b id=evil>blue</b>", "half")
    assert.equal(0, status, id)
    id = id:gsub("%s", "")
    assert.equal(0, (node:cli("mark", "note", "--at", "-3m", "--until", "-2m", "tide")))
    node:kill()
    node = server.start { dir = node.dir, port = node.port }
    local mark = node:json("/api/mw/v1/marks/" .. id)
    assert.same({ "deploy", "shop", "1.2", "<b id=evil>blue</b> half", { team = "web" } }, { mark.kind, mark.service, mark.version, mark.text, mark.labels })
    assert.equal(0, (node:cli("mark", "end", id)))
    status, id = node:cli("mark", "list", "--service", "shop")
    assert.equal(0, status)
    assert.matches("deploy shop 1%.2: <b id=evil>blue</b> half", id)
    assert.matches("note: tide", id)
    assert.equal(2, (node:cli("mark", "deploy", "--at", "soon")))
    assert.equal(1, (node:cli("mark", "two words")))
    if not browser.is_there() then return pending "no browser is installed" end
    local lines = {}
    for i = 0, 50 do lines[#lines + 1] = ("stage %d %d"):format(i, (os.time() - 500 + i * 10) * 1000) end
    node:push(table.concat(lines, "\n") .. "\n")
    local page = browser.start()
    finally(function() page:stop() end)
    page:go(node.url .. "/#explore?q=stage")
    page:wait "document.querySelectorAll('.u-over .mark').length === 2"
    assert.equal("note: tide", page:value("document.querySelector('.mark-note').dataset.text"):match "note: tide")
    local text = page:value "document.querySelector('.mark-deploy.mark-span').getAttribute('aria-label')"
    assert.truthy(text:find("deploy shop 1.2: <b id=evil>blue</b> half", 1, true), text)
    assert.is_false(page:value "!!document.getElementById('evil')")
  end)

  it("compare two versions that run, and open or close the gate of a pipeline", function()
    push(node, "1.1", 1)
    push(node, "1.2", 1.001)
    local status, text = node:cli("canary", "gate", "shop")
    assert.equal(1, status)
    assert.matches("idle: it never ran", text)
    status, text = node:cli("canary", "start", "shop", "--author", "ann")
    assert.equal(0, status, text)
    assert.equal(1, (node:cli("canary", "gate", "shop")))
    assert.equal(409, (node:post("/api/mw/v1/canaries/shop/start", "{}")))
    status, text = node:cli("canary", "gate", "shop", "--wait", "60s")
    assert.equal(0, status, text)
    assert.matches("pass: 1 of 1 metrics are no worse", text)
    assert.equal(200, (node:get "/api/mw/v1/canaries/shop/gate"))
    status, text = node:cli("canary", "status", "shop")
    assert.equal(0, status)
    assert.matches("PASS, score 100", text)
    assert.matches("latency %(critical%) +pass", text)
    assert.matches("shop +pass +100", (select(2, node:cli "canary")))
  end)

  it("know what passed after a crash, and fail what is worse", function()
    node:kill()
    node = server.start { dir = node.dir, port = node.port }
    assert.equal(200, (node:get "/api/mw/v1/canaries/shop/gate"))
    push(node, "1.3", 2)
    assert.equal(0, (node:cli("canary", "start", "shop", "--candidate", "version=1.3")))
    local status, text = node:cli("canary", "gate", "shop", "--wait", "60s")
    assert.equal(1, status)
    assert.matches("fail: .*critical latency: higher", text)
    local times = ("%d,%d"):format(os.time() - 30, os.time())
    status, text = node:cli("canary", "judge", "shop", "--baseline-times", times, "--candidate-times", times, "--candidate", "version=1.3", "--json")
    assert.equal(1, status)
    assert.equal("fail", json.decode(text).verdict)
    assert.equal(2, (node:cli("canary", "judge", "shop")))
    assert.equal(1, (node:cli("canary", "status", "no")))
    local marks = node:json("/api/mw/v1/marks?kind=canary").marks
    assert.equal(2, #marks)
    assert.matches("^canary shop 1%.3: fail", marks[2].title)
  end)
end)
