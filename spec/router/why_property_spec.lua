--- why_property_spec.lua - whatever happens, the verdict about each alert and receiver is what was really sent.
local config = require "mixed_routes"
local world_of = require "router_world"

local NAMES, TEAMS, RECEIVERS = { "Down", "Slow", "Full" }, { "a", "b" }, { "hook", "pager", "chat" }

local function pick(list) return list[math.random(#list)] end

-- What each receiver was last told of each alert, by group and then by alert.
local function hear(world, told)
  for _, entry in ipairs(world.notes) do
    for _, alert in ipairs(entry.ok and entry.note.status ~= "acknowledged" and entry.note.alerts or {}) do
      local of = told[entry.receiver]
      of[alert.fp] = of[alert.fp] or {}
      of[alert.fp][entry.note.group_key] = alert.status == "firing"
    end
  end
  world.notes = {}
end

local function believes(told, name, fp)
  for _, firing in pairs(told[name][fp] or {}) do
    if firing then return true end
  end
  return false
end

local said = { [true] = 0, [false] = 0 }

local function check(world, told, what)
  local _, story = world:http("GET", "/api/mw/v1/why?label=x=")
  for _, alert in ipairs(story.alerts) do
    local seen = {}
    for _, v in ipairs(alert.verdict.receivers) do
      seen[v.receiver] = true
      local known = world.router.alerts:get(alert.fingerprint)
      if known then
        assert.equal(believes(told, v.receiver, alert.fingerprint), v.told, ("%s: %s of %s: %s"):format(what, v.receiver, alert.labels.alertname, v.text))
        assert.is_truthy(v.text ~= "" and v.code)
        said[v.told] = said[v.told] + 1
      end
    end
    for _, name in ipairs(RECEIVERS) do
      if world.router.alerts:get(alert.fingerprint) and not seen[name] then
        assert.is_false(believes(told, name, alert.fingerprint), what .. ": " .. name .. " was told and is not spoken of")
      end
    end
  end
end

local function run(seed, turns)
  math.randomseed(seed)
  local world, told, ids = world_of.new(config()), { hook = {}, pager = {}, chat = {} }, {}
  world.host.on_ask.rules = function() return { status = 200, body = '{"data":{"groups":[]}}' } end
  world.answers.chat = function() return math.random() < 0.3 and { retry = true, status = 500 } or { ok = true, status = 200 } end
  local acts = {
    function() world:fire(pick(NAMES), { team = pick(TEAMS) }) end,
    function() world:fire(pick(NAMES), { team = pick(TEAMS) }) end,
    function() world:resolve(pick(NAMES), { team = pick(TEAMS) }) end,
    function() ids[#ids + 1] = world:silence(pick(NAMES), pick { "5m", "1h" }) end,
    function() if #ids > 0 then world:http("DELETE", "/api/v2/silence/" .. pick(ids)) end end,
    function() world:http("POST", "/api/mw/v1/ack", '{"alert":"' .. pick(NAMES) .. '","author":"ana"}') end,
    function() if math.random() < 0.3 then world:restart() end end,
    function() if math.random() < 0.3 then world:reload(config()) end end,
  }
  for i = 1, turns do
    pick(acts)()
    world:advance(pick { 1, 20, 61, 240, 700 })
    hear(world, told)
    check(world, told, ("seed %d, turn %d"):format(seed, i))
  end
end

describe("the verdict", function()
  it("is what was really sent, for every alert and receiver, whatever happened", function()
    for seed = 1, 12 do run(seed, 40) end
    assert.is_true(said[true] > 1000 and said[false] > 1000)
  end)
end)
