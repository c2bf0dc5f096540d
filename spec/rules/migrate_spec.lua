--- migrate_spec.lua - state that goes over into another version of a rule, or into one of another name.
local load = require "moonwatch.config.load"
local plan_of = require("moonwatch.engine.rules.plan").of
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end

local function planned(world, text)
  local set, problems = load.load { host = world.host, config = "inline.lua", source = text, before = world.engine.set }
  assert(set, problems[1] and problems[1].text)
  local plan, moves = plan_of(world.engine, set, world.now)
  return plan, moves, set
end

local COUNTS = 'alert "Counts" { when = function(ctx) ctx.state.n = (ctx.state.n or 0) + 1 end%s }'
local function state_of(world, id) return world.engine.by_id[id].state end

describe("the state of a rule", function()
  it("goes by its id and stays when the rule is another in everything else", function()
    local world = testing.world(COUNTS:format "")
    world:advance "30s"
    assert.same({ n = 2 }, state_of(world, "alert/Counts"))
    world:reload 'local by = 10\nalert "Counts" { when = function(ctx) ctx.state.n = ctx.state.n + by end, hold = "1m" }'
    assert.same({ n = 2 }, state_of(world, "alert/Counts"))
    world:advance "15s"
    assert.same({ n = 12 }, state_of(world, "alert/Counts"))
  end)

  local V2 = COUNTS:format ", version = 2, migrate = function(old, version) return { n = old.n * 100, was = version } end"
  it("of another version goes through migrate, once", function()
    local world = testing.world(COUNTS:format "")
    world:advance "30s"
    local plan = planned(world, V2)
    assert.same({ "alert Counts" }, plan.migrated)
    assert.same({}, plan.lost)
    assert.same({ n = 2 }, state_of(world, "alert/Counts"), "a plan changes nothing")
    world:reload(V2)
    assert.same({ n = 200, was = 1 }, state_of(world, "alert/Counts"))
    world:advance "15s"
    world:reload(V2 .. "\n")
    assert.same({ n = 201, was = 1 }, state_of(world, "alert/Counts"))
    assert.same({}, planned(world, V2).migrated)
    world:restart(V2)
    assert.same({ n = 201, was = 1 }, state_of(world, "alert/Counts"))
  end)

  it("of another version is migrated after a restart too", function()
    local world = testing.world(COUNTS:format "")
    world:advance "30s"
    world:restart(V2)
    assert.same({ n = 200, was = 1 }, state_of(world, "alert/Counts"))
  end)

  it("of another version is dropped when there is no migrate, and the plan says so", function()
    local world = testing.world(COUNTS:format "")
    world:advance "30s"
    local text = COUNTS:format ", version = 2"
    assert.same({ { rule = "alert Counts", why = "version changed, and there is no migrate" } }, planned(world, text).lost)
    world:reload(text)
    assert.same({}, state_of(world, "alert/Counts"))
  end)

  it("of a rule that is removed is told as lost", function()
    local world = testing.world(lines(COUNTS:format "", 'every("10s", function(ctx) ctx.state.a = 1 end, { name = "job" })'))
    world:advance "30s"
    assert.same({ { rule = "alert Counts", why = "the rule is removed" }, { rule = "every job", why = "the rule is removed" } },
                planned(world, 'alert "X" { expr = "x" }').lost)
  end)

  it("stays as it was when migrate fails: the load is refused, with the place", function()
    local world = testing.world(COUNTS:format "")
    world:advance "30s"
    for _, bad in ipairs { 'error "no way"', "return 7", "return old.n.m", "while true do end" } do
      local text = COUNTS:format((", version = 2, migrate = function(old) %s end"):format(bad))
      local plan, _, set = planned(world, text)
      assert.equal(1, #plan.problems, bad)
      assert.truthy(plan.problems[1].message:find "^migrate: ", plan.problems[1].message)
      assert.equal(1, plan.problems[1].rule.line)
      load.discard(set)
    end
    assert.error_matches(function() world:reload(COUNTS:format ", version = 2, migrate = function(old) return 7 end") end,
                         'alert "Counts": migrate: expected a table, got a number', 1, true)
    assert.same({ n = 2 }, state_of(world, "alert/Counts"))
  end)

  it("is held as it was when migrate fails after a restart, until a version can read it", function()
    local world = testing.world(COUNTS:format "")
    world:advance "30s"
    world:restart(COUNTS:format ", version = 2, migrate = function(old) return old.n.m.k end")
    assert.same({}, state_of(world, "alert/Counts") or {})
    world:advance "30s"
    world:restart(COUNTS:format ", version = 2, migrate = function(old) return old.n.m.k end")
    world:reload(V2)
    assert.same({ n = 200, was = 1 }, state_of(world, "alert/Counts"))
    world:advance "15s"
    world:restart(V2)
    assert.same({ n = 201, was = 1 }, state_of(world, "alert/Counts"))
  end)

  it("of a job goes by its name, or by its place among those of its file that have none", function()
    local job = 'every("10s", function(ctx) ctx.state.%s = (ctx.state.%s or 0) + 1 end%s)'
    local world = testing.world(lines(job:format("a", "a", ""), job:format("b", "b", ', { name = "b" }')))
    world:advance "20s"
    world:reload(lines("", "", job:format("b", "b", ', { name = "b" }'), "", job:format("a", "a", "")))
    assert.same({ b = 2 }, state_of(world, "every/b"))
    assert.same({ a = 2 }, state_of(world, "every/inline.lua#1"))
    world:reload(job:format("c", "c", ', { name = "c", migrate_from = "b", migrate = function(old) return { c = old.b } end }'))
    assert.same({ c = 2 }, state_of(world, "every/c"))
    assert.has_error(function() world:reload(lines(job:format("c", "c", ', { name = "c" }'), job:format("d", "d", ', { name = "c" }'))) end)
  end)

  it("of a check goes over too", function()
    local world = testing.world 'check "c" { run = function(ctx) ctx.state.n = (ctx.state.n or 0) + 1 return true end }'
    world:advance "30s"
    world:reload 'check "d" { run = function(ctx) return true end, migrate_from = "c", migrate = function(old) return { m = old.n } end }'
    assert.same({ m = 4 }, state_of(world, "check/d"))
  end)
end)

describe("a rule that says what it was called before", function()
  local OLD = 'alert "Old" { expr = "x > 1", hold = "1m", labels = { team = "web" } }'
  local NEW = 'alert "New" { expr = "x > 1", hold = "1m", labels = { team = "shop" }, migrate_from = "Old" }'

  it("goes on with its alerts under its own name, and the old ones end", function()
    local world = testing.world(OLD)
    world:set("x{i=\"1\"}", 2):advance "45s"
    local since = world:alerts("pending")[1].active_at
    world:reload(NEW)
    local alert = world:alerts("pending")[1]
    assert.same({ alertname = "New", severity = "warning", team = "shop", i = "1" }, alert.labels)
    assert.equal(since, alert.active_at)
    world:advance "30s"
    assert.same({ "New" }, world:firing())
    assert.equal(nil, world:value 'ALERTS{alertname="Old"}')
  end)

  it("takes over once: what it knows itself counts from then on", function()
    local world = testing.world(lines(COUNTS:format "", 'alert "X" { expr = "x" }'))
    world:advance "30s"
    local text = 'alert "Named" { when = function(ctx) ctx.state.n = ctx.state.n + 1 end, migrate_from = "Counts" }'
    world:reload(text)
    assert.same({ n = 2 }, state_of(world, "alert/Named"))
    world:advance "15s"
    world:reload(text)
    assert.same({ n = 3 }, state_of(world, "alert/Named"))
  end)

  it("takes over after a restart too", function()
    local world = testing.world(OLD)
    world:set("x{i=\"1\"}", 2):advance "90s"
    local fired = world:alerts("firing")[1].fired_at
    world:restart(NEW)
    assert.same({ "New" }, world:firing())
    assert.equal(fired, world:alerts("firing")[1].fired_at)
    world:advance "5m"
    assert.equal(fired, world:alerts("firing")[1].fired_at)
    assert.equal(1, #world:alerts "firing")
  end)

  it("may be an expectation: what was seen counts, and what is missed goes on missing", function()
    for _, how in ipairs { "reload", "restart" } do
      local world = testing.world(lines('expect "backup" { every = "1h", grace = "5m" }', 'expect "dump" { by = "23:00" }'))
      world:advance "50m"
      world.engine:beat(world.engine.by_id["expect/backup"], world.now)
      world:advance "5m"
      assert.same({ "dump" }, world:firing())
      local since = world:alerts("firing")[1].fired_at
      world[how](world, lines('expect "saved" { every = "1h", grace = "5m", migrate_from = "backup" }',
                              'expect "dumped" { by = { "23:00", "11:00" }, migrate_from = "dump" }'))
      world:advance "30s"
      assert.same({ "dumped" }, world:firing())
      assert.equal(since, world:alerts("firing")[1].fired_at)
      if how == "reload" then assert.equal(nil, world:value 'ALERTS{alertname="dump"}') end
      world:advance "55m"
      assert.same({ "dumped" }, world:firing())
      world:advance "6m"
      assert.same({ "dumped", "saved" }, world:firing())
    end
  end)

  it("is refused while the other is still there", function()
    local world = testing.world(OLD)
    assert.has_error(function() world:reload(lines(OLD, NEW)) end)
    local _, problems = load.load { host = world.host, config = "inline.lua", source = lines(OLD, NEW) }
    assert.equal('inline.lua:2:72: alert "New": alert "Old" is still there, at inline.lua:1, and keeps what it knows', problems[1].text)
  end)

  it("may have had the same name with other labels", function()
    local world = testing.world 'alert "A" { expr = "x > 1", hold = "1m" }'
    world:set("x", 2):advance "90s"
    world:reload 'alert "A" { expr = "x > 1", hold = "1m", severity = "page", migrate_from = "A" }'
    assert.equal("page", world:alerts("firing")[1].labels.severity)
  end)
end)
