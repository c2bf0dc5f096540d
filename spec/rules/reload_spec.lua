--- reload_spec.lua - the set changes between two evaluations: nothing is missed, nothing is done twice, what waits ends well.
local load = require "moonwatch.config.load"
local testing = require "moonwatch.testing"

-- A world whose rule files are in a table: world.files[path] = text; world:again() loads them.
local function world_of(files, settings)
  local world = testing.world "settings {}"
  local host, read, glob = world.host, world.host.read_file, world.host.glob
  world.files = files
  host.read_file = function(path)
    if files[path] ~= nil then return files[path] or nil, "gone" end
    return read(path)
  end
  host.glob = function(pattern)
    if pattern ~= "rules/*.lua" then return glob(pattern) end
    local out = {}
    for path in pairs(files) do
      if path:find "^rules/[^/]*%.lua$" then out[#out + 1] = path end
    end
    table.sort(out)
    return out
  end
  function world:load()
    return load.load { host = host, config = "moonwatch.lua", source = settings or "settings {}", rules = { "rules" }, before = self.engine.set,
                       kept = self.kept }
  end
  function world:again()
    local set, problems = self:load()
    if set then self.engine:load(set, self.now) end
    local texts = {}
    for i, p in ipairs(problems) do texts[i] = p.text end
    return set, texts
  end
  world:again()
  return world
end

describe("a file of which nothing changed", function()
  it("is not run again, and one whose text, module or budget changed is", function()
    local files = {
      ["rules/a.lua"] = 'local m = require "lib.m"\nalert "A" { expr = "x > " .. m.limit }',
      ["rules/b.lua"] = 'alert "B" { expr = "x > 1" }',
      ["rules/lib/m.lua"] = "return { limit = 1 }",
    }
    local world = world_of(files)
    local function fresh(change)
      change()
      local set = assert(world:again())
      local out = {}
      for path in pairs(set.fresh) do out[#out + 1] = path end
      table.sort(out)
      return out
    end
    assert.same({}, fresh(function() end))
    assert.same({ "rules/b.lua" }, fresh(function() files["rules/b.lua"] = 'alert "B" { expr = "x > 2" }' end))
    assert.same({ "rules/a.lua" }, fresh(function() files["rules/lib/m.lua"] = "return { limit = 5 }" end))
    assert.equal("x > 5", world.engine.by_id["alert/A"].rule.expr)
    assert.same({ "rules/c.lua" }, fresh(function() files["rules/c.lua"] = 'alert "C" { expr = "x > 1" }' end))
    assert.same({}, fresh(function() files["rules/c.lua"] = nil end))
    assert.same({ 3, 0 }, { world.engine.guests:count() })
  end)

  it("goes on calling its own functions after others came and went", function()
    local files = { ["rules/a.lua"] = 'local n = 0\nalert "A" { when = function() n = n + 1; return n > 4 end }' }
    local world = world_of(files)
    world:advance "50s"
    files["rules/b.lua"] = 'alert "B" { when = function() return true end }'
    world:again()
    world:advance "30s"
    assert.same({ "A", "B" }, world:firing())
  end)
end)

describe("a reload", function()
  it("in the middle of a group goes on where the group was, at its time", function()
    local texts = {}
    for i = 1, 120 do texts[i] = ('record "r%d" { expr = "x" }'):format(i) end
    local world = testing.world(table.concat(texts, "\n"))
    world:set("x", 7)
    world.now = world.engine.schedule:next_time()
    world.host.set_clock(world.now)
    world:set("x", 7)
    world.engine:tick(world.now)
    assert.equal(100, world:value "count({__name__=~\"r.*\"})")
    local t = world.now
    texts[121] = 'record "r121" { expr = "x" }'
    texts[50] = 'record "r50" { expr = "x + 1" }'
    world:reload(table.concat(texts, "\n"))
    local evaluated = world.host.instruments()['moonwatch_rule_evaluations_total{rule_group="inline.lua;inline"}']
    world.engine:tick(world.now + 1)
    world.engine:tick(world.now + 1)
    assert.equal(121, world:value "count({__name__=~\"r.*\"})")
    assert.equal(7, world:value "r50")
    assert.equal(t, assert(world.host.query("timestamp(r121)", world.now))[1].value)
    assert.equal(0, world.host.instruments()['moonwatch_rule_iterations_missed_total{rule_group="inline.lua;inline"}'])
    assert.truthy(evaluated)
    world:advance "15s"
    assert.equal(8, world:value "r50")
  end)

  it("with another hold keeps the alerts; those that have not held so long are pending again", function()
    local world = testing.world 'alert "A" { expr = "x > 1", hold = "30s" }'
    world:set("x", 2):advance "1m"
    assert.same({ "A" }, world:firing())
    local since = world:alerts("firing")[1].active_at
    world:reload 'alert "A" { expr = "x > 0.5", hold = "30s" }'
    world:advance "15s"
    assert.equal(since, world:alerts("firing")[1].active_at)
    world:reload 'alert "A" { expr = "x > 0.5", hold = "5m" }'
    world:advance "15s"
    assert.same({}, world:firing())
    assert.equal(since, world:alerts("pending")[1].active_at)
  end)
end)

describe("a call that waits while its file is replaced", function()
  -- A guest's ctx.http goes to the world outside through C, so here a guest that waits stands in.
  it("ends in the rule that has its place now, and its file is closed then", function()
    local guests = require("moonwatch.engine.rules.guests").new()
    local done, closed, got
    local unit = { path = "a.lua", stamp = "1", items = {},
                   guest = { call = function(_, _, _, _, f) done = f end, close = function() closed = true end } }
    guests:swap({ ["a.lua"] = unit }, 0)
    guests:call({ ["@fn"] = 1, guest = "a.lua", stamp = "1" }, {}, {}, function(result) got = result end)
    guests:swap({}, 10)
    guests:tick(20)
    assert.falsy(closed)
    done { ok = true }
    assert.same({ ok = true }, got)
    guests:tick(21)
    assert.truthy(closed)
    assert.equal(nil, next(guests.old))
  end)

  it("that never ends is given up after a while", function()
    local guests = require("moonwatch.engine.rules.guests").new()
    local closed
    local unit = { path = "a.lua", stamp = "1", items = {}, guest = { call = function() end, close = function() closed = true end } }
    guests:swap({ ["a.lua"] = unit }, 0)
    guests:call({ ["@fn"] = 1, guest = "a.lua", stamp = "1" }, {}, {}, function() end)
    guests:swap({}, 10)
    guests:tick(129)
    assert.falsy(closed)
    guests:tick(130)
    assert.truthy(closed)
  end)

  it("is never taken for the function of that number in the new file", function()
    local guests = require("moonwatch.engine.rules.guests").new()
    local function unit(stamp, word)
      return { path = "a.lua", stamp = stamp, items = { { word = word } },
               guest = { call = function(_, _, _, _, f) f { ok = true, values = { stamp } } end, close = function() end } }
    end
    local function ask(stamp)
      local got
      guests:call({ ["@fn"] = 1, guest = "a.lua", stamp = stamp }, {}, {}, function(result) got = result end)
      return got.ok and got.values[1] or got.error
    end
    guests:swap({ ["a.lua"] = unit("1", "alert") }, 0)
    guests:swap({ ["a.lua"] = unit("2", "receiver") }, 1)
    assert.equal("its file is not loaded any more", ask "1")
    guests:swap({ ["a.lua"] = unit("3", "alert") }, 2)
    assert.equal("2", ask "2") -- a message on its way
    assert.equal("3", ask "3")
    guests:tick(700)
    assert.equal("its file is not loaded any more", ask "2")
  end)

  it("of a job brings its state into the job of the new file, which was not started twice", function()
    local world = testing.world 'every("10s", function(ctx) ctx.state.n = (ctx.state.n or 0) + 1 end)'
    world:advance "10s"
    local runner = world.engine.runners[1]
    local call, done = world.engine.call_guest, nil
    world.engine.call_guest = function(_, _, _, _, f) done = f end
    world:advance "10s"
    world.engine.call_guest = call
    world:reload '\n\nevery("10s", function(ctx) ctx.state.n = (ctx.state.n or 0) + 10 end)'
    local after = world.engine.runners[1]
    assert.are_not.equal(runner, after)
    assert.same({ n = 1 }, after.state)
    world:advance "10s"
    assert.same({ n = 1 }, after.state) -- the first is still at it
    done { ok = true, state = { n = 2 } }
    world:advance "10s"
    assert.same({ n = 12 }, after.state)
    assert.truthy(world.engine:snapshot(world.now):find('"n":12', 1, true))
  end)
end)

describe("with settings{strict=false} a bad file", function()
  local LOOSE = "settings { strict = false }"
  it("is left out alone; its version before goes on with its state, when there was one", function()
    local files = { ["rules/a.lua"] = 'alert "A" { expr = "x > 1", hold = "1m" }', ["rules/b.lua"] = 'alert "B" { expr = "x > 1" }' }
    local world = world_of(files, LOOSE)
    world:set("x", 2):advance "90s"
    assert.same({ "A", "B" }, world:firing())
    files["rules/a.lua"] = 'alert "A" { exprr = "x > 1" }'
    files["rules/c.lua"] = "nonsense("
    files["rules/d.lua"] = 'alert "D" { expr = "x > 1" }'
    local set, problems = world:again()
    assert.equal(2, #problems, table.concat(problems, "\n"))
    assert.same({ ["rules/a.lua"] = { running = true }, ["rules/c.lua"] = { running = false } }, set.quarantined)
    world:advance "15s"
    assert.same({ "A", "B", "D" }, world:firing())
    files["rules/a.lua"], files["rules/c.lua"] = 'alert "A" { expr = "x > 1.5", hold = "1m" }', nil
    set, problems = world:again()
    assert.same({}, problems)
    assert.same({}, set.quarantined)
    assert.equal("x > 1.5", world.engine.by_id["alert/A"].rule.expr)
    assert.same({ "A", "B", "D" }, world:firing())
    assert.same({ 4, 0 }, { world.engine.guests:count() })
  end)

  it("that is the root refuses the whole load", function()
    local world = world_of({ ["rules/a.lua"] = 'alert "A" { expr = "x > 1" }' }, LOOSE)
    local set, problems = load.load { host = world.host, config = "moonwatch.lua", source = LOOSE .. "\nbad = 1", rules = { "rules" },
                                      before = world.engine.set }
    assert.equal(nil, set)
    assert.equal(1, #problems)
    world:set("x", 2):advance "15s"
    assert.same({ "A" }, world:firing())
  end)

  it("by a module that is bad takes along who asks for it, each with its version before", function()
    local files = {
      ["rules/a.lua"] = 'alert "A" { expr = "x > " .. require "lib.m" }', ["rules/b.lua"] = 'alert "B" { expr = "x > 1" }',
      ["rules/lib/m.lua"] = 'return "1"',
    }
    local world = world_of(files, LOOSE)
    files["rules/lib/m.lua"] = "return +"
    local set, problems = world:again()
    assert.equal(1, #problems)
    assert.truthy(problems[1]:find("^rules/lib/m.lua:1"), problems[1])
    assert.same({ ["rules/a.lua"] = { running = true } }, set.quarantined)
    world:set("x", 2):advance "15s"
    assert.same({ "A", "B" }, world:firing())
  end)

  it("by a rule that another file has is the one that changed", function()
    local files = { ["rules/a.lua"] = 'alert "A" { expr = "x > 1" }', ["rules/b.lua"] = 'alert "B" { expr = "x > 1" }' }
    local world = world_of(files, LOOSE)
    files["rules/a.lua"] = 'alert "A" { expr = "x > 1" }\nalert "B" { expr = "x > 5" }'
    local set, problems = world:again()
    assert.same({ 'rules/a.lua:2:1: alert "B": this name is already taken at rules/b.lua:1' }, problems)
    assert.same({ ["rules/a.lua"] = { running = true } }, set.quarantined)
    world:set("x", 2):advance "15s"
    assert.same({ "A", "B" }, world:firing())
  end)

  it("whose version before says what a good file says now is left out whole", function()
    local files = { ["rules/a.lua"] = 'alert "A" { expr = "x > 1" }', ["rules/b.lua"] = 'alert "B" { expr = "x > 1" }' }
    local world = world_of(files, LOOSE)
    files["rules/a.lua"], files["rules/c.lua"] = "nonsense(", 'alert "A" { expr = "x > 1.5" }'
    local set = world:again()
    -- the version before has the older right to the name: the new file is at fault
    assert.same({ ["rules/a.lua"] = { running = true }, ["rules/c.lua"] = { running = false } }, set.quarantined)
    files["rules/a.lua"] = nil
    set = world:again()
    assert.same({}, set.quarantined)
    assert.equal("x > 1.5", world.engine.by_id["alert/A"].rule.expr)
  end)

  it("is known after a restart by the text that was kept of it", function()
    local world = world_of({ ["rules/a.lua"] = "nonsense(" }, LOOSE)
    world.kept = { ["rules/a.lua"] = { source = 'alert "A" { expr = "x > " .. require "lib.m" }', seen = { ["rules/lib/m.lua"] = 'return "1"' } } }
    local set, problems = world:again()
    assert.equal(1, #problems)
    assert.same({ ["rules/a.lua"] = { running = true } }, set.quarantined)
    world:set("x", 2):advance "15s"
    assert.same({ "A" }, world:firing())
    set = world:again()
    assert.same({ ["rules/a.lua"] = { running = true } }, set.quarantined)
    assert.same({}, set.fresh)
  end)
end)

describe("hundreds of reloads", function()
  it("leave nothing behind: no open file, no memory", function()
    local files = {}
    for i = 1, 20 do files[("rules/f%d.lua"):format(i)] = ('alert "A%d" { when = function(ctx) return false end }\nrecord "r%d" { expr = "x" }'):format(i, i) end
    local world = world_of(files)
    local function round(n)
      files["rules/f1.lua"] = ('alert "A1" { when = function(ctx) return false end, hold = "%ds" }\nalert "N%d" { expr = "x" }'):format(n, n)
      assert(world:again())
    end
    local function used()
      collectgarbage() collectgarbage()
      return collectgarbage "count"
    end
    for i = 1, 50 do round(i) end
    local before = used()
    for i = 51, 350 do round(i) end
    assert.same({ 21, 0 }, { world.engine.guests:count() })
    local grown = used() - before
    -- One set that was left behind is hundreds of kilobytes; tables that grew and traces of the JIT are some dozens.
    assert.truthy(grown < 300, ("%.0f KB more after 300 reloads"):format(grown))
  end)
end)

describe("an alert of the engine's own", function()
  it("is told when it begins, every minute while it fires, and when it ends", function()
    local told = {}
    local own = require("moonwatch.engine.rules.own").new(function(alerts, now)
      for _, a in ipairs(alerts) do told[#told + 1] = ("%d %s %s"):format(now, a.labels.file, a.resolved and "ended" or "fires since " .. a.starts_at) end
    end, function() return { dc = "x" } end)
    local function file(name) return { labels = { file = name } } end
    own:set("Bad", { file "a", file "b" }, 10)
    own:tick(69)
    own:set("Bad", { file "b" }, 70)
    own:tick(100)
    own:tick(130)
    own:set("Other", {}, 131)
    own:set("Bad", {}, 140)
    own:tick(1000)
    assert.same({ "10 a fires since 10", "10 b fires since 10", "70 a ended", "70 b fires since 10", "130 b fires since 10", "140 b ended" }, told)
  end)
end)
