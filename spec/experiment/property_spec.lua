--- property_spec.lua - whatever happens, no fault stays: random lives of an experiment, among crashes, reloads, moves and failing requests.
local api = require "moonwatch.api.experiments"
local testing = require "moonwatch.testing"

local URL = "http://chaos.example/"
local function text(lasts)
  return ([[
experiment "x" { service = "shop", lasts = "%s", every = "5s", recover = "10s", timeout = "10s",
  steady = { { expr = "errors", below = 0.05 } }, abort = { { expr = "orders", below = 1 } },
  inject = { http = { url = "http://chaos.example/in" } },
  rollback = function(ctx) local a = ctx.http.post("http://chaos.example/out") return a.status == 200, a.error end }]]):format(lasts)
end

-- A life of STEPS, by SEED; gives the world at its end, and what happened.
local function life(seed, steps)
  local function chance(n)
    seed = (seed * 16807) % 2147483647
    return seed % n
  end
  local there, story = false, {} -- is the fault in the world?
  local world = testing.world(text "1m")
  local function tell(method, what)
    return api["/api/mw/v1/experiments/*/*"](world.engine, { method = method, body = "", headers = {}, query = {} }, world.now, "x", what)
  end
  world:answer(function(request)
    local way = request.url:sub(#URL + 1)
    local n = chance(5)
    -- One in five fails, with or without having done it; some take their time.
    local answer = n == 0 and { error = "reset" } or { status = 200, after = chance(3) == 0 and ("%ds"):format(chance(25)) or nil }
    if n ~= 0 or chance(2) == 0 then there = way == "in" end
    story[#story + 1] = way .. (n == 0 and "!" or "")
    return answer
  end)
  world:set("errors", 0.01):set("orders", 5)
  local events = {
    function() tell("POST", "start") end, function() tell("POST", "start") end, function() tell("POST", "stop") end,
    function() world:kill { down = ("%ds"):format(chance(60)) } end, function() world:restart() end, function() world:fail_over() end,
    function() world:reload(text(chance(2) == 0 and "1m" or "30s")) end,
    function() world:set("errors", chance(2) == 0 and 0.2 or 0.01) end, function() world:set("orders", chance(3) == 0 and 0 or 5) end,
  }
  for _ = 1, steps do
    local i = 1 + chance(#events)
    story[#story + 1] = "e" .. i
    events[i]()
    world:advance(("%dms"):format(100 + chance(20000)))
  end
  -- From now on all is well, and nobody starts anything.
  world:answer(function(request)
    there = request.url:sub(#URL + 1) == "in"
    return { status = 200 }
  end)
  world:set("errors", 0.01):set("orders", 5):advance "5m"
  return world, there, table.concat(story, " ")
end

describe("a fault that was let in", function()
  it("is gone when all is quiet again, and the run has an outcome", function()
    local outcomes, runs = {}, 0
    for seed = 1, 60 do
      local world, there, story = life(seed * 7919 + 13, 12)
      assert.is_false(there, story)
      local state = world.engine.by_id["experiment/x"].state
      assert.is_nil(state.run, story)
      for _, run in ipairs(state.history) do outcomes[run.outcome], runs = true, runs + 1 end
    end
    -- The lives were not all of one kind.
    assert.truthy(runs > 60)
    for _, name in ipairs { "held", "aborted", "not started" } do assert.is_true(outcomes[name], name) end
  end)
end)
