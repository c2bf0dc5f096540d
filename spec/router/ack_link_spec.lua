--- ack_link_spec.lua - links in messages that acknowledge and silence: what they show, when they work, who used them.
local ack_world = require "ack_world"

local firing, last_note, new, path_of, raw = ack_world.firing, ack_world.last_note, ack_world.new, ack_world.path_of, ack_world.raw

describe("a link in a message", function()
  it("shows who opens it what it would do, and does it only when the form is sent", function()
    local world = new()
    local links = firing(world)
    local status, page, answer = raw(world, "GET", path_of(links.ack))
    assert.equal(200, status)
    assert.truthy(page:find("Down", 1, true) and page:find("job=api", 1, true) and page:find('method="post"', 1, true))
    assert.equal("no-store", answer.headers["cache-control"])
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
    status, page = raw(world, "POST", path_of(links.ack), "author=Ann+B%26&comment=on+it&for=")
    assert.equal(200, status)
    assert.truthy(page:find("Ann B&amp; is on it until it resolves", 1, true))
    _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal("Ann B&", acks.acks[1].author)
    assert.equal("link", acks.acks[1].way)
    world:told()
    world:advance "5h"
    assert.same({}, world:told())
  end)

  it("shows what is very long by its beginning", function()
    local world = new()
    world:fire("Down", { long = ("<ü>"):rep(100000) }):advance "1m"
    local _, page = raw(world, "GET", path_of(last_note(world).links.ack))
    assert.truthy(page:find("long=&lt;ü&gt;", 1, true))
    assert.is_true(#page < 20000)
  end)

  it("works once, and says who used it", function()
    local world = new()
    local link = path_of(firing(world).ack)
    raw(world, "POST", link, "author=ann")
    local status, page = raw(world, "POST", link, "author=eve")
    assert.equal(409, status)
    assert.truthy(page:find("ann used it", 1, true))
    assert.equal(409, (raw(world, "GET", link)))
    world:restart()
    assert.equal(409, (raw(world, "GET", link)))
  end)

  it("is refused when it was changed, cut short, of another server, or too old", function()
    local world, other = new(), new { settings = { external_url = "https://moon.example/m", ack = { secret = "another" } } }
    local link = path_of(firing(world).ack)
    local foreign = path_of(firing(other).ack)
    for _, path in ipairs { (link:gsub("1%.ack", "1.silence")), link:sub(1, -2), link .. "0", foreign, "/api/mw/v1/ack/link/", "/api/mw/v1/ack/link/" .. ("a"):rep(5000),
      (link:gsub("%.(%d+)%.(%d+)%.", function(a, b) return ("." .. a .. "." .. (b + 1) .. ".") end)) } do
      local status, page = raw(world, "POST", path, "author=eve")
      assert.equal(403, status)
      assert.truthy(page:find("not written by this server", 1, true))
    end
    world:advance "25h"
    local status, page = raw(world, "POST", link, "author=ann")
    assert.equal(410, status)
    assert.truthy(page:find("too old", 1, true))
  end)

  it("covers what its message told of, not what came since", function()
    local world = new()
    local links = firing(world)
    world:advance("10s"):fire("Down", { job = "db" })
    raw(world, "POST", path_of(links.ack), "author=ann")
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks[1].alerts)
    world:told()
    world:advance "20m"
    assert.truthy(#world:told() > 0)
  end)

  it("says that it is over when nothing of it fires any more", function()
    local world = new()
    local links = firing(world)
    world:resolve("Down", { job = "api" }):advance "10m"
    assert.equal(410, (raw(world, "POST", path_of(links.ack), "author=ann")))
    world:fire("Down", { job = "api" })
    assert.equal(410, (raw(world, "POST", path_of(links.ack), "author=ann")))
  end)

  it("asks again when the form says nobody, or no time for a silence", function()
    local world = new()
    local links = firing(world)
    local status, page = raw(world, "POST", path_of(links.ack), "author=++")
    assert.equal(400, status)
    assert.truthy(page:find("Say who you are", 1, true))
    assert.equal(400, (raw(world, "POST", path_of(links.silence), "author=ann&for=never")))
    assert.equal(400, (raw(world, "POST", path_of(links.ack), ("a=1&"):rep(100))))
    assert.equal(400, (raw(world, "POST", path_of(links.ack), ("a"):rep(20000))))
    assert.equal(405, (raw(world, "DELETE", path_of(links.ack))))
  end)

  it("silences what the alerts of the message have in common", function()
    local world = new()
    local links = firing(world)
    assert.equal(200, (raw(world, "GET", path_of(links.silence))))
    assert.equal(200, (raw(world, "POST", path_of(links.silence), "author=ann&for=1h&comment=deploy")))
    local _, silences = world:http("GET", "/api/v2/silences")
    assert.equal("ann", silences[1].createdBy)
    assert.equal("deploy", silences[1].comment)
    assert.equal(2, #silences[1].matchers)
  end)

  it("shows hostile labels as text", function()
    local world = new()
    world:fire("Down", { job = "<script>alert(1)</script>\"'" }):advance "1m"
    local _, page = raw(world, "GET", path_of(last_note(world).links.ack))
    assert.falsy(page:find("<script", 1, true))
    assert.truthy(page:find("&lt;script&gt;", 1, true))
  end)

  it("is signed with a key of our own when nobody gives one, which outlives a restart", function()
    local world = new { settings = { external_url = "https://moon.example/m" } }
    local links = firing(world)
    world:restart()
    assert.equal(200, (raw(world, "GET", path_of(links.ack))))
  end)

  it("is not there without an address, when it is switched off, and about what resolved", function()
    local world = new { settings = {} }
    assert.is_nil(firing(world))
    world = new { settings = { external_url = "https://moon.example/m", ack = { links = false } } }
    local links = firing(world)
    assert.is_nil(links.ack)
    assert.truthy(links.why:find("alertname=Down", 1, true))
    world = new()
    firing(world)
    world:resolve("Down", { job = "api" }):advance "10m"
    assert.is_nil(last_note(world).links.ack)
  end)
end)
