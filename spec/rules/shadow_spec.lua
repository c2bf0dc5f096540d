--- shadow_spec.lua - a new version of a rule runs silently beside the live one, until it is promoted.
local answer = require "moonwatch.api.shadow"
local load = require "moonwatch.config.load"
local promoted = require "moonwatch.engine.rules.promoted"
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end

local LIVE = 'alert "Slow" { expr = "x > 5", every = "15s" }'
local SHADOW = 'alert "Slow" { expr = "x > 1", every = "15s", shadow = true }'

local function shown(world)
  local body = world.host.json.decode(answer["/api/mw/v1/shadow"](world.engine).body)
  return body.shadows
end

local function differences(list)
  local out = {}
  for i, d in ipairs(list) do out[i] = d.what .. " " .. (d.labels.i or d.labels.__name__ or "-") end
  table.sort(out)
  return out
end

describe("a shadow", function()
  it("may share its identity with one live rule, not with another shadow", function()
    local world = testing.world(lines(LIVE, SHADOW))
    assert.truthy(world.engine.by_id["shadow/alert/Slow"])
    local _, problems = load.load { host = world.host, config = "w.lua", source = lines(LIVE, SHADOW, SHADOW) }
    assert.equal('w.lua:3:1: alert "Slow": this name is already taken at w.lua:2', problems[1].text)
  end)

  it("is evaluated, heard by nobody, and its difference is known", function()
    for _, order in ipairs { { LIVE, SHADOW }, { SHADOW, LIVE } } do
      local world = testing.world(lines('receiver "r" { function() end }', 'route { receiver = "r", group_wait = "0s" }', unpack(order)))
      world:set('x{i="a"}', 3):set('x{i="b"}', 9):advance "1m"
      assert.same({ "Slow" }, world:firing())
      assert.equal(1, world:value "count(ALERTS)")
      for _, m in ipairs(world:sent()) do
        for _, a in ipairs(m.note.alerts) do assert.equal("b", a.labels.i) end
      end
      local s = shown(world)[1]
      assert.equal("alert/Slow", s.id)
      assert.same({ "would fire a" }, differences(s.now))
      assert.equal(4, s.compared)
      assert.equal(4, s.differing)
      world:set('x{i="a"}', 0):set('x{i="b"}', 9):advance "30s"
      s = shown(world)[1]
      assert.same({}, differences(s.now))
      assert.same({ "would fire a" }, differences(s.history))
      assert.same({ 6, 4 }, { s.compared, s.differing })
    end
  end)

  it("that would not fire is told too", function()
    local world = testing.world(lines(LIVE, 'alert "Slow" { expr = "x > 50", shadow = true }'))
    world:set("x", 9):advance "30s"
    assert.same({ "would not fire -" }, differences(shown(world)[1].now))
  end)

  it("without a live rule differs in all that it finds", function()
    local world = testing.world 'alert "New" { expr = "x > 1", shadow = true }'
    world:set('x{i="a"}', 3):advance "30s"
    assert.same({}, world:firing())
    assert.same({ "would fire a" }, differences(shown(world)[1].now))
    assert.equal(nil, shown(world)[1].live)
  end)

  it("of a recording rule writes nothing and shows other values", function()
    local world = testing.world(lines('record "r" { expr = "x" }', 'record "r" { expr = "x * 2", shadow = true }', 'record "n" { expr = "x", shadow = true }'))
    world:set('x{i="a"}', 3):advance "30s"
    assert.equal(3, world:value "r")
    assert.equal(nil, world:value "n")
    local n, r = unpack(shown(world))
    assert.same({ "other value a" }, differences(r.now))
    assert.same({ 6, 3 }, { r.now[1].value, r.now[1].live_value })
    assert.same({ "would be there a" }, differences(n.now))
  end)

  it("keeps its own hold and state over reloads and restarts, and its count while its text is the same", function()
    local text = lines('alert "Slow" { expr = "x > 5", hold = "5m" }', 'alert "Slow" { expr = "x > 5", hold = "1m", shadow = true }')
    local world = testing.world(text)
    world:set("x", 9):advance "90s"
    assert.same({ "would fire -" }, differences(shown(world)[1].now))
    world:reload(lines('alert "Other" { expr = "x" }', text))
    assert.same({ "would fire -" }, differences(shown(world)[1].now))
    world:restart(text)
    world:advance "15s"
    assert.same({ "would fire -" }, differences(shown(world)[1].now))
    world:reload(text:gsub("1m", "2m"))
    assert.equal(0, shown(world)[1].compared)
  end)

  local COUNT = 'alert "Slow" { when = function(ctx) ctx.state.n = (ctx.state.n or 0) + 1 end }'
  local COUNT_2 = COUNT:gsub(" }$", ", version = 2, migrate = function(old, v) return { n = old.n * 100, was = v } end, shadow = true }")

  it("begins with the state of the live rule, through migrate when it is of another version", function()
    local world = testing.world(COUNT)
    world:advance "30s"
    world:reload(lines(COUNT, COUNT_2))
    assert.same({ n = 200, was = 1 }, world.engine.by_id["shadow/alert/Slow"].state)
    assert.same({ n = 2 }, world.engine.by_id["alert/Slow"].state)
    world:advance "15s"
    world:reload(lines("", COUNT, COUNT_2))
    assert.same({ n = 201, was = 1 }, world.engine.by_id["shadow/alert/Slow"].state, "once")
    world:restart(lines(COUNT, COUNT_2))
    assert.same({ n = 201, was = 1 }, world.engine.by_id["shadow/alert/Slow"].state)
    assert.same({ n = 3 }, world.engine.by_id["alert/Slow"].state)
    promoted.set(world.engine, "Slow", false, world.now)
    assert.same({ n = 201, was = 1 }, world.engine.by_id["alert/Slow"].state)
  end)

  it("that came while nobody ran begins with what the live rule had saved; one that had nothing goes on with nothing", function()
    local world = testing.world(COUNT)
    world:advance "30s"
    world:restart(lines(COUNT, COUNT_2))
    assert.same({ n = 200, was = 1 }, world.engine.by_id["shadow/alert/Slow"].state)
    world = testing.world(lines(LIVE, 'alert "Slow" { expr = "x > 50", shadow = true, keep = "1h" }'))
    world:set("x", 9):advance "30s"
    world:restart(lines(LIVE, 'alert "Slow" { expr = "x > 50", shadow = true, keep = "1h" }'))
    assert.same({}, world.engine.by_id["shadow/alert/Slow"].alerts)
  end)

  it("whose migrate fails is refused like any other rule, and a promotion asks it no more", function()
    local world = testing.world(COUNT)
    world:advance "30s"
    local set = assert(load.load { host = world.host, config = "w.lua",
      source = lines(COUNT, (COUNT_2:gsub("old.n %* 100", "old.n .. nil"))) })
    local plan = require("moonwatch.engine.rules.plan").of(world.engine, set, world.now)
    assert.equal(1, #plan.problems)
    assert.truthy(plan.problems[1].message:find "^migrate: ")
    local once = COUNT_2:gsub("return {", 'if old.n > 2 then error "once" end return {')
    world:reload(lines(COUNT, once))
    world:advance "30s"
    assert(promoted.set(world.engine, "Slow", false, world.now))
    assert.same({ n = 202, was = 1 }, world.engine.by_id["alert/Slow"].state)
  end)

  it("begins with the alerts of the live rule, as a reload would go on with them", function()
    local world = testing.world 'alert "Slow" { expr = "x > 5", hold = "5m" }'
    world:set("x", 9):advance "6m"
    world:reload(lines('alert "Slow" { expr = "x > 5", hold = "5m" }', 'alert "Slow" { expr = "x > 6", hold = "5m", shadow = true }'))
    world:advance "15s"
    assert.same({}, differences(shown(world)[1].now))
    world:set("x", 6):advance "15s"
    assert.same({ "would not fire -" }, differences(shown(world)[1].now))
    assert.same({ "Slow" }, world:firing())
  end)

  it("does not count for those that depend on the name", function()
    local world = testing.world(lines(SHADOW, LIVE, 'alert "Child" { expr = "y > 1", depends_on = { "Slow" } }'))
    world:set("x", 3):set("y", 3):advance "30s"
    assert.same({ "Child" }, world:firing())
  end)
end)

describe("a promoted shadow", function()
  it("is live with what it knows: what fires goes on, what fired only before ends, nothing starts again", function()
    local world = testing.world(lines(LIVE, 'alert "Slow" { expr = "x > 1 and x < 8", shadow = true }'))
    world:set('x{i="a"}', 3):set('x{i="b"}', 7):set('x{i="c"}', 9):advance "1m"
    local fired = {}
    for _, a in ipairs(world:alerts "firing") do fired[a.labels.i] = a.fired_at end
    assert.truthy(fired.b and fired.c and not fired.a)
    local result = assert(promoted.set(world.engine, "Slow", false, world.now))
    assert.truthy(result.message:find("inline.lua:2 is live until it is edited; to keep it so take `shadow = true` out of it, and the alert at inline.lua:1 away", 1, true),
                  result.message)
    world:advance "15s"
    local after = {}
    for _, a in ipairs(world:alerts "firing") do after[a.labels.i] = a.fired_at end
    assert.equal(fired.b, after.b)
    assert.truthy(after.a)
    assert.equal(nil, after.c)
    assert.equal(2, world:value 'count(ALERTS{alertstate="firing"})')
    assert.is_true(shown(world)[1].promoted)
    assert.same({ nil, "shadow of alert Slow is live already" }, { promoted.set(world.engine, "Slow", false, world.now) })
  end)

  it("stays live over reloads of the same texts and restarts, until one of the two is edited", function()
    local world = testing.world(lines(LIVE, SHADOW))
    world:set("x", 3):advance "30s"
    promoted.set(world.engine, "alert/Slow", false, world.now)
    world:advance "15s"
    assert.same({ "Slow" }, world:firing())
    world:reload(lines("", 'alert "Other" { expr = "y" }', LIVE, SHADOW))
    assert.same({ "Slow" }, world:firing())
    local before = world.engine.promoted
    world:restart(lines(LIVE, SHADOW)) -- a new engine knows of no promotion until it is told, as the actor does
    world.engine.promoted = before
    world:reload(lines(LIVE, SHADOW))
    world:advance "15s"
    assert.same({ "Slow" }, world:firing())
    world:reload(lines(LIVE:gsub("x > 5", "x > 6"), SHADOW))
    assert.same({}, world.engine.promoted)
    world:advance "15s"
    assert.same({}, world:firing())
  end)

  it("that becomes the only rule of its name is the same alert", function()
    local world = testing.world(lines(LIVE, SHADOW))
    world:set("x", 3):advance "30s"
    promoted.set(world.engine, "Slow", false, world.now)
    world:advance "15s"
    local fired = world:alerts("firing")[1].fired_at
    world:reload 'alert "Slow" { expr = "x > 1" }'
    world:advance "15s"
    assert.equal(fired, world:alerts("firing")[1].fired_at)
  end)

  it("is a shadow again after undo", function()
    local world = testing.world(lines(LIVE, SHADOW))
    world:set("x", 3):advance "30s"
    promoted.set(world.engine, "Slow", false, world.now)
    world:advance "15s"
    promoted.set(world.engine, "Slow", true, world.now)
    world:advance "15s"
    assert.same({}, world:firing())
    assert.same({ nil, 'there is no shadow "Nope"' }, { promoted.set(world.engine, "Nope", false, world.now) })
  end)

  it("of a recording rule writes its series without a gap", function()
    local world = testing.world(lines('record "r" { expr = "x" }', 'record "r" { expr = "x * 2", shadow = true }'))
    world:set('x', 3):advance "30s"
    promoted.set(world.engine, "r", false, world.now)
    assert.equal(3, world:value "r")
    world:advance "15s"
    assert.equal(6, world:value "r")
    assert.equal(1, world:value "count(r)")
  end)

  it("is promoted on every node whose files are the same", function()
    local world = testing.world(lines(LIVE, SHADOW))
    world:set("x", 3):advance "30s"
    local told
    local call = world.host.call
    world.host.call = function(op, arg, done)
      if op == "cluster.put" then told = arg else return call(op, arg, done) end
    end
    promoted.set(world.engine, "Slow", false, world.now)
    assert.equal("promotion", told.kind)
    local other = testing.world(lines(SHADOW, LIVE))
    other.engine:handle({ type = "shared", kind = "promotion", id = told.id, value = { text = "of other files" } }, other.now)
    assert.same({}, other.engine.promoted)
    other.engine:handle({ type = "shared", kind = "promotion", id = told.id, value = told.value }, other.now)
    other:set("x", 3):advance "15s"
    assert.same({ "Slow" }, other:firing())
  end)
end)
