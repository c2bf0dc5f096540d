--- why_spec.lua - an alert says who was told of it and why, or why nobody was.
local world_of = require "router_world"

local function world_with(config)
  local world = world_of.new(config or {})
  world.host.on_ask.rules = function() return { status = 200, body = '{"data":{"groups":[]}}' } end
  return world
end

local function ask(world, query)
  local status, body = world:http("GET", "/api/mw/v1/why?" .. query)
  return body, status
end

local function has(text, ...)
  for _, part in ipairs { ... } do assert.truthy(text:find(part, 1, true), text .. "\n  lacks\n" .. part) end
end

-- The verdict about receiver NAME of the only alert.
local function of(story, name)
  for _, v in ipairs(story.alerts[1].verdict.receivers) do
    if v.receiver == name then return v end
  end
end

local function kinds(story)
  local out = {}
  for i, e in ipairs(story.alerts[1].timeline) do out[i] = e.kind end
  return table.concat(out, " ")
end

describe("an alert that was told", function()
  it("says whom and when, and how that was answered", function()
    local world = world_with()
    world:fire("Down", { team = "web" }):advance "1m"
    local story = ask(world, "alert=Down")
    has(story.verdict, "hook was told at 2026-05-28T20:27:10")
    assert.is_true(of(story, "hook").told)
    assert.equal("fired route group decision attempt", kinds(story))
    has(story.alerts[1].timeline[5].text, "hook/webhook took it (200)")
  end)

  it("counts a decision that is made again and again, and keeps one line of it", function()
    local world = world_with()
    world:fire("Down"):advance "1h"
    local last
    for _, e in ipairs(ask(world, "alert=Down").alerts[1].timeline) do
      if e.kind == "decision" then last = e end
    end
    has(last.text, "unchanged since it was last told")
    assert.equal(11, last.count)
  end)

  it("says that it is over, and who was told so", function()
    local world = world_with()
    world:fire("Down"):advance("1m"):resolve("Down"):advance "10m"
    local story = ask(world, "alert=Down")
    has(story.verdict, "hook was told at", "and that it is over since")
    assert.is_false(of(story, "hook").told)
  end)
end)

describe("an alert that nobody was told of", function()
  it("waits for its group", function()
    local world = world_with()
    world:fire("Down"):advance "10s"
    has(ask(world, "alert=Down").verdict, "nobody was told because its group waits for others until 2026-05-28T20:27:10", "group_wait")
  end)

  it("was silenced, and it says by whom and until when", function()
    local world = world_with()
    local id = world:silence("Down", "1h")
    world:fire("Down"):advance "1m"
    local story = ask(world, "alert=Down")
    has(story.verdict, "nobody was told because silence " .. id .. " by spec mutes it until 2026-05-28T21:26:40", "(quiet)")
    assert.equal("silenced", of(story, "hook").code)
    assert.equal("spec", of(story, "hook").muted.by[1].author)
    has(kinds(story), "muted", "silence")
  end)

  it("was inhibited, and it says by which alert", function()
    local world = world_with { inhibits = { { source = { alertname = "Dead" }, target = { alertname = "Slow" }, equal = { "dc" } } },
      routes = { { receiver = "hook", group_by = { "alertname" } } } }
    world:fire("Dead", { dc = "a" }):fire("Slow", { dc = "a" }):advance "1m"
    has(ask(world, "alert=Slow").verdict, 'nobody was told because alert Dead{dc="a"} inhibits it')
  end)

  it("was in a mute window, and it says which and until when", function()
    local world = world_with { windows = { evening = { days = "thu", times = "20:00-21:00" } }, routes = { { receiver = "hook", routes = {
      { match = { team = "x" }, mute = { "evening" } } } } } }
    world:fire("Down", { team = "x" }):advance "1m"
    has(ask(world, "alert=Down").verdict, "it is inside the mute window evening until 2026-05-28T21:00:00")
  end)

  it("was outside of the active window", function()
    local world = world_with { windows = { office = { days = "mon-fri", times = "09:00-17:00" } }, routes = { { receiver = "hook", routes = {
      { match = { team = "x" }, active = { "office" } } } } } }
    world:fire("Down", { team = "x" }):advance "1m"
    has(ask(world, "alert=Down").verdict, "it is outside of the active window office until 2026-05-29T09:00:00")
  end)

  it("met a receiver that does not take it: tries, the last answer, the next try", function()
    local world = world_with()
    world.answers.hook = function() return { retry = true, status = 500, error = "boom" } end
    world:fire("Down"):advance "31s"
    local story = ask(world, "alert=Down")
    has(story.verdict, "the last of 2 tries was not taken (boom), the next is due")
    has(kinds(story), "attempt attempt")
  end)

  it("met an open circuit breaker", function()
    local world = world_with()
    world.answers.hook = function() return { retry = true, status = 500, error = "boom" } end
    world:fire("Down"):advance "3m"
    assert.equal("breaker", of(ask(world, "alert=Down"), "hook").code)
  end)

  it("met a receiver that refused it for good", function()
    local world = world_with()
    world.answers.hook = function() return { retry = false, status = 400, error = "bad request" } end
    world:fire("Down"):advance "1m"
    has(ask(world, "alert=Down").verdict, "was failed (bad request)")
  end)

  it("waits for a rate", function()
    local world = world_with { receivers = { { name = "hook", rate = { n = 1, per = 3600 }, targets = { { kind = "webhook", url = "http://hook" } } } },
      routes = { { receiver = "hook", group_by = { "alertname" } } } }
    world:fire("A"):fire("B"):advance "1m"
    local codes = of(ask(world, "alert=A"), "hook").code .. " " .. of(ask(world, "alert=B"), "hook").code
    assert.is_truthy(codes == "told rate" or codes == "rate told", codes)
  end)

  it("failed to take it, and how it did is said once", function()
    local world = world_with { routes = { { receiver = "hook" } } }
    world.answers.hook = function(_, nth)
      if nth == 1 then return { retry = true, error = "timed out after 10 s", seconds = 10 } end
      if nth == 2 then return { retry = true, status = 503, error = "answered 503: busy", seconds = 0.25 } end
      return { ok = true, status = 200, seconds = 0.5 }
    end
    world:fire("Down"):advance "2m"
    local tries = {}
    for _, e in ipairs(ask(world, "alert=Down").alerts[1].timeline) do
      if e.kind == "attempt" then tries[#tries + 1] = e.text:match "hook/webhook (.*)$" end
    end
    assert.same({ "did not take it: timed out after 10 s", "did not take it: answered 503: busy after 0.25 s", "took it (200) after 0.5 s" }, tries)
  end)

  it("has no route with a receiver", function()
    local world = world_with { routes = { { match = { team = "db" }, receiver = "hook" } } }
    world:fire("Down", { team = "web" }):advance "1m"
    has(ask(world, "alert=Down").verdict, "nobody is told: no route with a receiver takes these labels")
    local story = ask(world, "alert=Down&receiver=hook")
    has(story.verdict, "hook was not told because") -- what of others, it does not say
    local v = of(story, "hook")
    assert.equal("not-routed", v.code)
    has(v.text, 'team="db" says no (it is "web")')
  end)

  it("is another node's to tell", function()
    local world = world_with { holds = false }
    world:fire("Down"):advance "1m"
    assert.equal("other-node", of(ask(world, "alert=Down"), "hook").code)
  end)

  it("has a step of an escalation before it", function()
    local world = world_with { names = { "hook", "boss" }, escalations = { page = { { after = 0, to = { "hook" } }, { after = 1200, to = { "boss" } } } },
      routes = { { escalate = "page" } } }
    world:fire("Down"):advance "1m"
    local story = ask(world, "alert=Down")
    assert.is_true(of(story, "hook").told)
    has(of(story, "boss").text, "escalation page reaches it at step 2, due 2026-05-28T20:47:10")
    world:handle { type = "http", method = "POST", path = "/api/mw/v1/ack", query = {}, headers = {}, body = '{"alert":"Down","author":"ana"}' }
    has(of(ask(world, "alert=Down"), "boss").text, "ana acknowledged it")
    has(kinds(ask(world, "alert=Down")), "step", "ack")
  end)
end)

describe("a story", function()
  it("is kept over a restart", function()
    local world = world_with()
    world:silence("Down", "10m")
    world:fire("Down"):advance "20m"
    local before = kinds(ask(world, "alert=Down"))
    has(before, "muted", "unmuted")
    world:restart()
    has(kinds(ask(world, "alert=Down")), before)
  end)

  it("knows of alerts that are over for long", function()
    local world = world_with()
    world:fire("Down"):advance("1m"):resolve("Down"):advance "3h"
    assert.is_nil(next(world.router.alerts.by_fp))
    local story = ask(world, "label=alertname=Down")
    assert.equal("resolved", story.alerts[1].state)
    has(kinds(story), "fired", "attempt", "resolved")
  end)

  it("is told as of a time that is over", function()
    local world = world_with()
    local start = world.now
    world:silence("Down", "10m")
    world:fire("Down"):advance("20m"):resolve("Down"):advance "20m"
    local story = ask(world, "alert=Down&at=" .. start + 300)
    has(story.verdict, "it fired then", "was not told", "silence")
    story = ask(world, "alert=Down&at=" .. start + 1000)
    has(story.verdict, "it fired then", "hook was told that it is firing")
    assert.is_false(ask(world, "alert=Down&at=" .. start + 2000).alerts[1].verdict.firing)
  end)

  it("does not grow without end, whatever happens", function()
    local world = world_with()
    for _ = 1, 100 do world:fire("Flap"):advance("61s"):resolve("Flap"):advance "61s" end
    local Story = require "moonwatch.route.story"
    for _, book in pairs(world.router.story.books) do assert.is_true(#book.list <= Story.OF_BOOK) end
    local entries, books, bytes = world.router.story:size()
    assert.is_true(entries > 0 and books > 0 and bytes < 100000)
  end)

  it("gives the oldest books up when all of them are too many", function()
    local Story = require "moonwatch.route.story"
    local story = Story.new()
    for i = 1, Story.MOST + 10 do story:add("fp" .. i, {}, { kind = "resolved", time = i }) end
    assert.equal(Story.MOST, (story:size()))
    assert.same({}, story:of "fp1")
    assert.equal(1, #story:of("fp" .. Story.MOST + 10))
  end)

  it("has the beginning and the end of what was only heard of no more, when it comes again hours later", function()
    local world = world_with()
    local function post() world:http("POST", "/api/v2/alerts", { { labels = { alertname = "Down" } } }) end
    post()
    world:advance "2h"
    post()
    local said, words = ask(world, "alert=Down").alerts[1].timeline, {}
    for _, e in ipairs(said) do
      if e.kind == "fired" or e.kind == "resolved" then words[#words + 1] = e.kind .. " " .. e.time:sub(12, 19) end
    end
    assert.same({ "fired 20:26:40", "resolved 20:31:40", "fired 22:26:40" }, words)
  end)

  it("has an end after its beginning, whatever the end is said to be", function()
    local world = world_with()
    local function post(ends) world:http("POST", "/api/v2/alerts", { { labels = { alertname = "Down" }, endsAt = ends } }) end
    post()
    world:advance "1m"
    post "2026-05-28T20:00:00Z"
    world:advance "1m"
    local said = kinds((ask(world, "alert=Down")))
    assert.truthy(said:find "^fired .* resolved", said)
  end)
end)

describe("somebody who was not told of labels", function()
  it("hears that there is no such alert, what is like it, and what would happen", function()
    local world = world_with { routes = { { receiver = "hook" } } }
    world:fire("Down", { team = "db" }):advance "1m"
    world:silence("Lost", "1h")
    local story, status = ask(world, "label=alertname=Lost&label=team=db")
    assert.equal(200, status)
    has(story.verdict, "no such alert is known here", "no rule makes such an alert")
    assert.same({ "hook" }, story.nothing.would.first)
    has(story.nothing.would.muted[1].text, "by spec mutes it until")
    assert.equal("Down", story.near[1].labels.alertname)
  end)

  it("hears that its rule finds something, and what it waits for", function()
    local world = world_with()
    world.host.on_ask.rules = function()
      return { status = 200, body = '{"data":{"groups":[{"rules":[{"name":"Orders","state":"inactive","heldBack":[{"by":"db","alerts":2}]}]}]}}' }
    end
    has(ask(world, "alert=Orders").verdict, "the rule Orders finds 2 and begins no alert while db fails, which it depends on")
  end)

  it("is told what is wrong with the question", function()
    local world = world_with()
    assert.equal(400, select(2, ask(world, "label=oops")))
    assert.equal(400, select(2, ask(world, "")))
    assert.equal(400, select(2, ask(world, "alert=Down&at=yesterday")))
    assert.equal(400, select(2, ask(world, "alert=Down&receiver=nobody")))
    assert.equal(404, select(2, ask(world, "alert=Down")))
    local body = ask(world:fire "Down", "alert=Dow")
    has(body.error.message, 'no rule and no alert is called "Dow" (did you mean Down?)')
  end)
end)

describe("a test of routes", function()
  local config = { names = { "hook", "web", "db" }, routes = { { receiver = "hook", routes = {
    { match = { team = "web" }, receiver = "web", continue = true }, { match = { severity = "page" }, receiver = "db" },
    { match = { team = "web" }, receiver = "hook" } } } } }

  it("says which receivers are told, and what decided at each route", function()
    local world = world_with(config)
    local status, body = world:http("GET", "/api/mw/v1/why/routes?label=team=web&label=severity=page")
    assert.equal(200, status)
    assert.same({ "web", "db" }, body.receivers)
    local said = {}
    for i, row in ipairs(body.routes) do said[i] = row.state end
    assert.same({ "passed on", "taken", "taken", "not asked" }, said)
    body = select(2, world:http("GET", "/api/mw/v1/why/routes?label=team=db"))
    assert.same({ "hook" }, body.receivers)
    has(body.routes[2].text, 'not taken: team="web" says no (it is "db")')
    has(body.routes[3].text, 'severity="page" says no (it is missing)')
  end)

  it("leaves routes of fire drills to fire drills", function()
    local world = world_with { names = { "hook" }, routes = { { receiver = "hook" } },
      drills = { { name = "way", to = { "hook" }, every = 86400, within = 120, severity = "info" } } }
    assert.equal(1, #select(2, world:http("GET", "/api/mw/v1/why/routes?label=team=web")).routes)
    local _, body = world:http("GET", "/api/mw/v1/why/routes?label=alertname=MoonwatchDrill&label=drill=way&label=receiver=hook")
    assert.equal("taken", body.routes[2].state)
  end)
end)
