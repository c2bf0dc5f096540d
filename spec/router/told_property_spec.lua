--- told_property_spec.lua - whatever is muted, in whatever order: who was told that an alert fires is told that it is over.
local rounds = require "rounds"
local config = require "mixed_routes"
local world_of = require "router_world"

local NAMES, TEAMS = { "Down", "Slow", "Full" }, { "a", "b" }

local function pick(list) return list[math.random(#list)] end

-- What each receiver believes is firing, as it was told.
local function hear(world, believes)
  for _, entry in ipairs(world.notes) do
    local of = believes[entry.receiver]
    for _, alert in ipairs(entry.note.alerts) do
      if entry.heard then of[alert.fp] = alert.status == "firing" and entry.note.group_key or nil end
    end
  end
  world.notes = {}
end

local function silence(world)
  local matchers = { { name = "alertname", value = pick { "Down", "Slow|Full", ".+" }, isRegex = true } }
  if math.random() < 0.5 then matchers[2] = { name = "team", value = pick(TEAMS), isRegex = false } end
  local extra = pick { { }, { }, { receivers = { pick { "hook", "pager", "chat" } } }, { receivers = { "pager/webhook/1", "chat" } },
    { recurring = { times = "20:30-21:15,22:15-22:45" } }, { untilResolved = true } }
  local start = world.now + pick { 0, 0, 300 }
  local body = { matchers = matchers, startsAt = world.host.rfc3339(start), endsAt = world.host.rfc3339(start + pick { 200, 900, 7200 }),
    createdBy = "spec", comment = "" }
  for k, v in pairs(extra) do body[k] = v end
  local status, answer = world:http("POST", "/api/v2/silences", body)
  assert.equal(200, status)
  return answer.silenceID
end

local function run(seed, turns)
  math.randomseed(seed)
  local world, believes, ids, story = world_of.new(config()), { hook = {}, pager = {}, chat = {} }, {}, {}
  world.answers.chat = function() return math.random() < 0.2 and { retry = true, status = 500 } or { ok = true, status = 200 } end
  -- It answers late, and sometimes too late.
  world.answers.pager = function()
    local how = math.random()
    if how < 0.4 then return { late = 10, retry = true, unsure = true, after = pick { 1, 900 }, error = "no answer within 10 s" } end
    return { late = how < 0.7 and math.random(400) or nil, ok = true, status = 200 }
  end
  local acts = {
    function() world:fire(pick(NAMES), { team = pick(TEAMS) }); return "fire" end,
    function() world:resolve(pick(NAMES), { team = pick(TEAMS) }); return "resolve" end,
    function() world:resolve(pick(NAMES), { team = pick(TEAMS) }); return "resolve" end,
    function() ids[#ids + 1] = silence(world); return "silence" end,
    function() if #ids > 0 then world:http("DELETE", "/api/v2/silence/" .. pick(ids)) end return "expire" end,
    function() if math.random() < 0.3 then world:restart() end return "restart" end,
    function() if math.random() < 0.3 then world:reload(config()) end return "reload" end,
  }
  for i = 1, turns do
    story[i] = pick(acts)()
    world:advance(pick { 1, 20, 61, 240, 700 })
    hear(world, believes)
  end
  for _, name in ipairs(NAMES) do
    for _, team in ipairs(TEAMS) do world:resolve(name, { team = team }) end
  end
  world:advance "26h"
  hear(world, believes)
  return believes, story
end

describe("who was told that an alert fires", function()
  it("is told that it is over, whatever muted it meanwhile", function()
    for seed = 1, rounds(20) do
      local believes, story = run(seed, 60)
      assert.same({ hook = {}, pager = {}, chat = {} }, believes, ("seed %d: %s"):format(seed, table.concat(story, " ")))
    end
  end)
end)

describe("a silence of one receiver", function()
  local world
  local function of(receivers)
    local _, body = world:http("POST", "/api/v2/silences", { matchers = { { name = "alertname", value = "Down", isRegex = false } },
      receivers = receivers, startsAt = world.host.rfc3339(world.now), endsAt = world.host.rfc3339(world.now + 1800), createdBy = "spec", comment = "" })
    return body.silenceID
  end
  before_each(function()
    world = world_of.new { names = { "hook", "pager" }, routes = { { receiver = "hook", routes = {
      { receiver = "pager", continue = true }, { receiver = "hook" } } } } }
    world.host.on_ask.rules = function() return { status = 200, body = '{"data":{"groups":[]}}' } end
  end)

  it("mutes it alone, and says so", function()
    local id = of { "pager" }
    world:fire("Down"):advance "1m"
    assert.same({ "0:30 hook firing Down" }, world:told())
    local _, why = world:http("GET", "/api/mw/v1/why?alert=Down")
    local said = {}
    for _, route in ipairs(why.alerts[1].routes) do
      for _, d in ipairs(route.group.decisions) do said[d.receiver] = d.reason end
    end
    assert.equal("silenced for this receiver by " .. id, said["pager/webhook/1"])
    assert.equal("new", said["hook/webhook/1"])
    local _, alerts = world:http("GET", "/api/v2/alerts")
    assert.equal("active", alerts[1].status.state)
    world:advance "35m"
    assert.same({ "30:30 pager firing Down" }, world:told())
  end)

  it("holds a resolve back for it until the silence ends, over a restart", function()
    world:fire("Down"):advance "1m"
    of { "pager/webhook/1" }
    world:resolve("Down"):advance "20m"
    assert.same({ "0:30 hook firing Down", "0:30 pager firing Down", "5:30 hook resolved Down" }, world:told())
    world:restart():advance "20m"
    assert.same({ "35:30 pager resolved Down" }, world:told())
    world:advance "10h"
    assert.same({}, world:told())
  end)
end)
