--- fallback_spec.lua - when a receiver takes nothing for long, somebody else hears of it, and how it ends.
local world_of = require "router_world"

local function down() return { retry = true, status = 503, error = "answered 503" } end

local function world_with(more)
  local a = { name = "chat", fallback = "phone", fallback_after = 300, targets = { { kind = "webhook" } } }
  for k, v in pairs(more or {}) do a[k] = v end
  return world_of.new { receivers = { a, { name = "phone", targets = { { kind = "webhook" } } } },
    routes = { { receiver = "chat", group_by = { "alertname" }, group_wait = 0, compat = more and more.compat } } }
end

-- What was told to the fallback since the last call.
local function phoned(world)
  local out = {}
  for _, line in ipairs(world:told()) do
    if line:find " phone " then out[#out + 1] = line end
  end
  return out
end

describe("a receiver that cannot be reached", function()
  it("has its messages told to its fallback after five minutes, and says why", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance "299s"
    assert.same({}, phoned(world))
    world:advance "1s"
    local note = world.notes[#world.notes].note
    assert.equal("because chat cannot be reached since 2026-05-28T20:26:40.000Z (answered 503)", note.remark)
    assert.equal("chat", note.fallback.of)
    assert.same({ "5:00 phone firing Down" }, phoned(world))
    world:advance "3h"
    assert.same({}, phoned(world))
  end)

  it("is not waited for again by each page when it has been away for long", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Old"):advance "20m"
    world:told()
    world:fire("Ticket", { severity = "warning" }):fire("Page", { severity = "page" }):advance "6m"
    assert.same({ "21:00 phone firing Page", "25:00 phone firing Ticket" }, phoned(world))
  end)

  it("lets the fallback hear the end of what it was told of, and nothing else once it is back", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance "6m"
    world.answers.chat = nil
    world:advance "2m"
    world:told()
    world:advance "9h"
    assert.same({}, phoned(world))
    world:resolve("Down"):advance "10m"
    local told = phoned(world)
    assert.equal(1, #told)
    assert.is_truthy(told[1]:find "phone resolved Down")
  end)

  it("lets the fallback hear the end also while it is still away", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance("6m"):resolve("Down"):advance "10m"
    local told = phoned(world)
    assert.equal(2, #told)
    assert.is_truthy(told[2]:find "phone resolved Down")
  end)

  it("lets the fallback hear what is new in a group it knows", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down", { pod = "a" }):advance("6m"):fire("Down", { pod = "b" }):advance "6m"
    local told = phoned(world)
    assert.equal(2, #told)
    assert.is_truthy(told[2]:find "Down%+Down")
  end)

  it("that is back in time keeps the fallback asleep", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance "4m"
    world.answers.chat = nil
    world:advance "1h"
    assert.same({}, phoned(world))
  end)

  it("keeps the fallback asleep for what ended meanwhile, and for reminders", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance("2m"):resolve("Down"):advance "1h"
    assert.same({}, phoned(world))
    world.answers.chat = nil
    world:fire("Long"):advance "1m"
    world.answers.chat = down
    world:advance "6h"
    assert.same({}, phoned(world))
  end)

  it("that refuses for good has its message told at once", function()
    local world = world_with()
    world.answers.chat = function() return { retry = false, status = 401, error = "answered 401" } end
    world:fire("Down"):advance "1s"
    assert.equal("because chat did not take this message (answered 401)", world.notes[2].note.remark)
    assert.same({ "0:00 phone firing Down" }, phoned(world))
    world:advance "30m"
    assert.same({}, phoned(world))
  end)

  it("remembers over a restart since when it is away, and who was told", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance("4m"):restart():advance "1m"
    assert.equal(1, #phoned(world))
    world:restart():advance "20m"
    assert.same({}, phoned(world))
    world:resolve("Down"):advance "10m"
    assert.equal(1, #phoned(world))
  end)

  it("is counted, and the list of receivers says that somebody else is told", function()
    local world = world_with()
    world.answers.chat = down
    world:fire("Down"):advance "6m"
    local n = 0
    for _, m in ipairs(world.host.metrics) do n = n + (m.name == "moonwatch_notifications_fallback_total" and m.value or 0) end
    assert.equal(1, n)
  end)

  it("falls back on a route that keeps to Alertmanager, too, and the end is told", function()
    local world = world_with { compat = "alertmanager" }
    world.answers.chat = down
    world:fire("Down"):advance "6m"
    assert.equal(1, #phoned(world))
    world:resolve("Down"):advance "10m"
    assert.equal(1, #phoned(world))
  end)
end)

describe("a chain of fallbacks", function()
  it("goes on while the next one is away, and ends", function()
    local function receiver(name, to) return { name = name, fallback = to, fallback_after = 60, targets = { { kind = "webhook" } } } end
    local world = world_of.new { receivers = { receiver("a", "b"), receiver("b", "c"), receiver("c", "a") },
      routes = { { receiver = "a", group_wait = 0 } } }
    for _, name in ipairs { "a", "b", "c" } do world.answers[name] = down end
    world:fire("Down"):advance "20m"
    local reached = {}
    for _, entry in ipairs(world.notes) do reached[entry.receiver] = (reached[entry.receiver] or 0) + 1 end
    assert.is_truthy(reached.b and reached.c)
    world.answers.c, world.notes = nil, {}
    world:advance "5m"
    local taken = {}
    for _, line in ipairs(world:told()) do if not line:find "refused" then taken[#taken + 1] = line end end
    assert.equal(1, #taken)
  end)
end)

describe("fallbacks are checked when rules are loaded:", function()
  local fake = require "fake_host"
  local load = require "moonwatch.config.load"
  local function problems(text)
    local _, list = load.load { host = fake.new(), config = "w.lua", source = text }
    local out = {}
    for i, p in ipairs(list or {}) do out[i] = p.message or tostring(p) end
    return table.concat(out, "\n")
  end
  it("an unknown name and a circle are refused", function()
    assert.is_truthy(problems([[receiver "a" { webhook { url = "http://x" }, fallback = "phon" }
receiver "phone" { webhook { url = "http://x" } }]]):find('there is no receiver "phon" (did you mean "phone"?)', 1, true))
    assert.is_truthy(problems([[receiver "a" { webhook { url = "http://x" }, fallback = "b" }
receiver "b" { webhook { url = "http://x" }, fallback = "a" }]]):find("falls back on itself: a -> b -> a", 1, true))
  end)
end)
