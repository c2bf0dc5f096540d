--- turns_spec.lua - a rule whose query is slow: its turn ends later, and the others of its group have theirs.
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end
local function runner(world, id) return assert(world.engine.by_id[id], id) end

--- From now on FUNCTION of WORLD's host is slow, as in the server: it yields a wait out of its turn.  Gives a function that lets
-- the oldest of those that wait have its answer.
local function slow(world, name, is_slow)
  local plain, waiting = world.host[name], {}
  world.host[name] = function(...)
    if not is_slow(...) then return plain(...) end
    local args = { ... }
    return coroutine.yield {
      when = function(f) waiting[#waiting + 1] = f end,
      take = function() return plain(unpack(args)) end,
    }
  end
  return function()
    table.remove(waiting, 1)()
    world.engine:tick(world.now)
  end, waiting
end

describe("a rule whose query is slow", function()
  local world, answer, waiting
  local on = true
  before_each(function()
    on = true
    world = testing.world(lines(
      'record "slow" { expr = "x" }', 'record "other" { expr = "x * 2" }', 'record "after" { expr = "slow + 1" }',
      'alert "Deep" { expr = "after > 5" }', 'alert "Quick" { expr = "other > 5" }', 'alert "Slowly" { expr = "slower > 5" }'))
    answer, waiting = slow(world, "record", function(handle) return on and handle == runner(world, "record/slow").handle end)
    world:set("x", 9):advance "15s"
  end)

  it("lets the others of its group go on, but for those that read what it writes", function()
    assert.equal(1, #waiting)
    assert.equal(18, (world:value "other"))
    assert.same({ "Quick" }, world:firing())
    assert.equal(nil, (world:value "after"))
    answer()
    assert.same({ 9, 10 }, { world:value "slow", world:value "after" })
    assert.same({ "Deep", "Quick" }, world:firing())
  end)

  it("has no other turn meanwhile, which is counted, and the group none too few", function()
    world:advance "45s"
    assert.equal(1, #waiting)
    local figures = world.host.instruments()
    assert.equal(3, figures['moonwatch_rule_turns_missed_total{rule="slow", word="record"}'])
    assert.equal(0, figures['moonwatch_rule_iterations_missed_total{rule_group="inline.lua;inline"}'])
    local rows = world.host.query("timestamp(other)", world.now)
    assert.truthy(world.now - rows[1].value < 15)
    answer()
    on = false
    world:advance "15s"
    rows = world.host.query("timestamp(slow)", world.now)
    assert.truthy(world.now - rows[1].value < 15)
  end)

  it("is not waited for after a reload, and its late answer changes nothing", function()
    on = false
    world:set("x", 1):reload 'record "slow" { expr = "x + 100" }'
    world:advance "15s"
    assert.equal(101, (world:value "slow"))
    answer()
    world:advance "1s"
    assert.equal(101, (world:value "slow"))
    assert.same({}, world.engine.turns)
  end)
end)

describe("a turn that waits while another set is loaded", function()
  local RULES = lines('record "slow" { expr = "x" }', 'record "after" { expr = "slow + 1" }', 'alert "Quick" { expr = "x > %d" }')
  local world, answer, waiting
  before_each(function()
    world = testing.world(RULES:format(5))
    local times = 0 -- only the first time
    answer, waiting = slow(world, "record", function(handle)
      if handle ~= runner(world, "record/slow").handle then return false end
      times = times + 1
      return times == 1
    end)
    world:set("x", 9):advance "15s"
    assert.equal(1, #waiting)
  end)

  it("goes on, and those behind it, when their rules stay the same", function()
    local at = runner(world, "record/slow").turn.t
    world:reload(RULES:format(7)):reload(RULES:format(8))
    world:advance "2s"
    answer()
    assert.same({ 9, 10 }, { world:value "slow", world:value "after" })
    local rows = world.host.query("timestamp(slow)", world.now)
    assert.equal(at, rows[1].value)
  end)

  it("is counted as under way as long as it waits", function()
    world:reload(RULES:format(7))
    world:advance "15s"
    assert.equal(1, world.host.instruments()['moonwatch_rule_turns_missed_total{rule="slow", word="record"}'])
  end)
end)

describe("an alert whose query is slow", function()
  it("is left alone when its node holds it no longer", function()
    local world = testing.world 'alert "A" { expr = "x > 5" }'
    local answer = slow(world, "query", function(query) return type(query) == "userdata" end)
    world:set("x", 9):advance "15s"
    world.engine.owns = function() return false end
    answer()
    world.engine.owns = nil
    assert.same({}, world:firing())
    assert.same({}, world.engine.turns)
    world:advance "15s"
    answer()
    assert.same({ "A" }, world:firing())
  end)

  it("fails like any other when the answer is that there is none", function()
    local world = testing.world 'alert "A" { expr = "x > 5" }'
    world.host.query = function()
      return coroutine.yield { when = function(f) world.go = f end, take = function() return nil, "its queries used up their 3 seconds" end }
    end
    world:set("x", 9):advance "15s"
    world.go()
    world.engine:tick(world.now)
    assert.equal("its queries used up their 3 seconds", runner(world, "alert/A").last_error)
  end)

  it("has an error of ours counted as a failure of the rule, and nobody else's", function()
    local world = testing.world 'alert "A" { expr = "x > 5" }\nalert "B" { expr = "x > 6" }'
    runner(world, "alert/A").evaluate = function() error "a bug" end
    world:set("x", 9):advance "15s"
    assert.truthy(runner(world, "alert/A").last_error:find("a bug", 1, true))
    assert.same({ "B" }, world:firing())
  end)
end)
