--- assertions_spec.lua - what a failed assertion says is enough to see what did happen.
local testing = require "moonwatch.testing"

local rules = [[
alert "Down" { expr = "up == 0", every = "15s", hold = "1m" }
receiver "hook" { webhook { url = "http://hook/" } }
route { receiver = "hook", group_wait = "10s" }
]]

local function message(fn, ...)
  local ok, why = pcall(fn, ...)
  assert.falsy(ok)
  return type(why) == "table" and tostring(why.message or why[1] or why) or tostring(why)
end

describe("an assertion about a world", function()
  local world
  before_each(function()
    world = testing.world(rules):series('up{instance="a"}', "0x100"):series('up{instance="b"}', "1x10 0x90"):advance "4m"
  end)

  it("passes when it is so", function()
    assert.fires(world, "Down")
    assert.fires(world, "Down", { instance = "a" }, 0)
    assert.is_not.fires(world, "Down", { instance = "c" })
    assert.sent(world, { receiver = "hook" })
    assert.quiet(world, "Other")
    world:advance "10s"
    assert.quiet(testing.world(rules))
    assert.silent(testing.world(rules))
  end)
  it("tells what fires instead, since when and what was sent", function()
    local text = message(assert.fires, world, "Down", { instance = "c" })
    for _, part in ipairs { 'expected that Down{instance="c"} fires', "firing:", 'Down{instance="a"', "since 1m", "what happened:", "pending value 0",
                            "what was sent:", "hook by webhook, firing" } do
      assert.truthy(text:find(part, 1, true), part .. " is not in\n" .. text)
    end
  end)
  it("holds labels against the routes, and shows what decided when they go elsewhere", function()
    local w = testing.world(rules:gsub("route {", 'route { routes = { { match = { team = "db" }, receiver = "dba" } },') .. 'receiver "dba" { webhook { url = "http://dba/" } }')
    assert.routes(w, { team = "db" }, { "dba" })
    assert.routes(w, { alertname = "Down", team = "web" }, { "hook" })
    assert.is_not.routes(w, { team = "web" }, { "dba" })
    local text = message(assert.routes, w, { team = "web" }, { "dba" })
    for _, part in ipairs { 'expected that {team="web"} goes to {dba}, it goes to {hook}', 'not taken: team="db" says no (it is "web")' } do
      assert.truthy(text:find(part, 1, true), text)
    end
  end)
  it("counts messages", function()
    assert.truthy(message(assert.sent, world, { status = "resolved" }):find("expected a message with status=resolved, there were 0", 1, true))
    assert.truthy(message(assert.silent, world):find("expected no message, there were", 1, true))
  end)
  it("says that a quiet world is quiet", function()
    assert.truthy(message(assert.fires, testing.world(rules), "Down"):find("nothing is pending or firing", 1, true))
  end)
  it("wants a world", function() assert.has_error(function() assert.fires({}, "Down") end) end)
end)

describe("the story of an alert", function()
  it("has each of its changes at its time", function()
    local world = testing.world('alert "A" { expr = "x > 1", every = "15s", hold = "30s", keep = "30s" }', { at = "2026-01-01T00:00:00Z" })
    world:series("x", "0x3 5x6 0x20 5 0x20"):advance "10m"
    local out = {}
    for i, e in ipairs(world:timeline "A") do out[i] = ("%d %s"):format(e.at, e.to) end
    assert.same({ "60 pending", "90 firing", "195 resolved", "480 pending", "495 gone" }, out)
  end)
end)
