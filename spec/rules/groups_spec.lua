--- groups_spec.lua - rules of one group: in order, at one moment, each turn counted, and their series ended.
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end

--- The newest sample of EXPR before now: its value and time.
local function sample(world, expr)
  local rows = assert(world.host.query("timestamp(" .. expr .. ")", world.now))
  return world:value(expr), rows[1] and rows[1].value
end

local function figure(world, name) return world.host.instruments()[name] end

describe("the rules of a group", function()
  it("run in the order of their file, and each sees what the one before it wrote at the same moment", function()
    local world = testing.world(lines(
      'alert "A" { expr = "b > 30" }',
      'record "a" { expr = "x * 10" }',
      'record "b" { expr = "a + 1" }',
      'alert "B" { expr = "b > 30" }'))
    world:set("x", 1):advance "30s"
    world:set("x", 3)
    local stop = world.now + 15
    while world:value "a" ~= 30 do world:advance "1s" end
    assert.truthy(world.now <= stop)
    local a, at = sample(world, "a")
    local b, bt = sample(world, "b")
    assert.same({ 30, 31 }, { a, b })
    assert.equal(at, bt)
    assert.same({ "B" }, world:firing(), "A stands before the record it reads: it looks at the value of the turn before")
    world:advance "15s"
    assert.same({ "A", "B" }, world:firing())
  end)

  it("form groups by file and interval, by name when they have one, and by the interval once more", function()
    local world = testing.world(lines(
      'record "a" { expr = "1" }',
      'record "b" { expr = "1", every = "1m" }',
      'record "c" { expr = "1", group = "other" }',
      'record "d" { expr = "1", group = "other", every = "30s" }',
      'alert "E" { expr = "vector(1)" }'))
    local names = {}
    for i, group in ipairs(world.engine.groups) do
      local members = {}
      for k, runner in ipairs(group.members) do members[k] = runner.rule.name end
      names[i] = group.name .. "=" .. table.concat(members, ",")
    end
    assert.same({ "inline=a,E", "inline 1m=b", "other=c", "other 30s=d" }, names)
    assert.equal("inline.lua;inline 1m", world.engine.groups[2].key)
  end)

  it("look at an earlier time when they are told to, and write there", function()
    local world = testing.world(lines(
      'settings { query_offset = "1m" }',
      'record "late" { expr = "x" }',
      'record "prompt" { expr = "x", query_offset = "0s" }',
      'alert "Late" { expr = "x > 5" }'))
    world:series("x", "1x2 9x20"):advance "1m"
    assert.equal(nil, world:value "late > 5")
    assert.equal(9, world:value "prompt")
    assert.same({}, world:firing())
    world:advance "1m"
    assert.same({ "Late" }, world:firing())
    local value, at = sample(world, "late")
    assert.equal(9, value)
    assert.truthy(world.now - at >= 60)
    assert.equal(1, world:value 'ALERTS{alertname="Late"}')
  end)

  it("are worked off in pieces, others in between, with the time they began with", function()
    local texts = {}
    for i = 1, 120 do texts[i] = ('record "r%d" { expr = "x", group = "long" }'):format(i) end
    texts[121] = 'record "short" { expr = "x", group = "short" }'
    local world = testing.world(table.concat(texts, "\n"))
    world:set("x", 7)
    world.now = world.engine.schedule:next_time()
    world.host.set_clock(world.now)
    world:set("x", 7)
    local again = world.engine:tick(world.now)
    assert.equal(world.now, again, "there is more to do at once")
    assert.equal(7, world:value "short", "the short group has had its turn")
    assert.equal(nil, world:value "r120")
    world.engine:tick(world.now + 2)
    assert.equal(7, world:value "r120")
    local _, at = sample(world, "r120")
    assert.equal(world.now, at)
  end)
end)

describe("the turns of a group", function()
  local key = '{rule_group="inline.lua;inline"}'
  it("are counted, those that were missed too, and nothing is made up for", function()
    local world = testing.world 'record "a" { expr = "x" }\nalert "A" { expr = "x > 1" }'
    world:set("x", 1):advance "1m"
    assert.equal(4, figure(world, "moonwatch_rule_group_iterations_total" .. key))
    assert.equal(0, figure(world, "moonwatch_rule_iterations_missed_total" .. key))
    assert.equal(8, figure(world, "moonwatch_rule_evaluations_total" .. key))
    world.now = world.now + 100 -- nobody came
    world.host.set_clock(world.now)
    world:set("x", 2):advance "1s"
    assert.equal(6, figure(world, "moonwatch_rule_iterations_missed_total" .. key))
    assert.equal(11, figure(world, "moonwatch_rule_group_iterations_total" .. key))
    assert.equal(10, figure(world, "moonwatch_rule_evaluations_total" .. key))
    assert.equal(2, figure(world, "moonwatch_rule_group_rules" .. key))
    assert.equal(15, figure(world, "moonwatch_rule_group_interval_seconds" .. key))
    local _, at = sample(world, "a")
    assert.equal(at, figure(world, "moonwatch_rule_group_last_evaluation_timestamp_seconds" .. key))
  end)

  it("are at the same places of the clock before and after a reload, none twice", function()
    local world = testing.world 'record "a" { expr = "x" }'
    world:set("x", 1):advance "22s"
    local _, first = sample(world, "a")
    world:reload 'record "a" { expr = "x + 1" }'
    world:advance "1s"
    assert.equal(1, (world:value "a"))
    world:advance "15s"
    local value, second = sample(world, "a")
    assert.same({ 2, first + 15 }, { value, second })
  end)

  it("lie at a place of their own in the interval, which their name decides", function()
    local rules = require "moonwatch.engine.rules"
    local load = require "moonwatch.config.load"
    local world = testing.world 'record "a" { expr = "x" }'
    local places = {}
    for i = 1, 2 do
      local engine = rules.new { host = world.host, emit = function() end }
      local set = load.load { host = world.host, config = "inline.lua",
        source = 'record "a" { expr = "x", group = "one" }\nrecord "b" { expr = "x", group = "two" }\nrecord "c" { expr = "x", group = "one" }' }
      engine:load(set, world.now)
      places[i] = {}
      for k, group in ipairs(engine.groups) do places[i][k] = group.entry.next - world.now end
    end
    assert.same(places[1], places[2])
    assert.equal(2, #places[1])
    assert.are_not.equal(places[1][1], places[1][2])
    for _, wait in ipairs(places[1]) do assert.truthy(wait > 0 and wait <= 15) end
  end)
end)

describe("series of a recording rule", function()
  it("end when the expression no longer gives them", function()
    local world = testing.world 'record "a" { expr = "x", labels = { k = "v" } }'
    world:set('x{i="1"}', 1):set('x{i="2"}', 2):advance "30s"
    assert.equal(2, world:value 'count(a{k="v"})')
    world:set('x{i="2"}', nil):advance "15s"
    assert.equal(1, world:value "count(a)")
  end)

  it("end when the rule is removed, renamed or gets other labels, and go on when it is kept", function()
    local world = testing.world 'record "a" { expr = "x" }\nrecord "b" { expr = "x" }\nrecord "c" { expr = "x" }'
    world:set("x", 1):advance "30s"
    world:reload 'record "a" { expr = "x" }\nrecord "c" { expr = "x", labels = { k = "v" } }'
    assert.equal(1, world:value "a")
    assert.equal(nil, world:value "b")
    assert.equal(1, world:value "c")
    world:advance "15s"
    assert.equal(1, world:value 'c{k="v"}')
    assert.equal(nil, world:value 'c{k=""}')
    assert.equal(1, world:value "count(a)")
  end)

  it("go on over a restart without a marker, and are ended afterwards all the same", function()
    local rules = 'record "a" { expr = "x" }\nrecord "b" { expr = "y" }'
    local world = testing.world(rules)
    world:set("x", 1):set("y", 1):advance "30s"
    world:restart(rules)
    assert.equal(1, world:value "a")
    world:advance "15s"
    world:set("x", nil):advance "15s"
    assert.equal(nil, world:value "a")
    world:reload 'record "a" { expr = "x" }'
    assert.equal(nil, world:value "b")
  end)

  it("are not written when two would be the same or there are too many, and the rule says so", function()
    local world = testing.world(lines(
      'record "same" { expr = \'{__name__=~"x|y"}\' }',
      'record "many" { expr = "z", limit = 1 }',
      'alert "Same" { expr = \'{__name__=~"x|y"} > 0\' }'))
    world:set("x", 1):set("y", 2):set('z{i="1"}', 1):set('z{i="2"}', 1):advance "30s"
    local error_of = {}
    for _, runner in ipairs(world.engine.runners) do error_of[runner.rule.name] = runner.last_error end
    assert.equal("vector contains metrics with the same labelset after applying rule labels: same", error_of.same)
    assert.equal("exceeded limit of 1 with 2 series", error_of.many)
    assert.truthy(error_of.Same:find("vector contains metrics with the same labelset after applying alert labels", 1, true))
    assert.equal(nil, world:value "same")
    assert.equal(nil, world:value "many")
    world:set('z{i="2"}', nil):set("y", nil):advance "15s"
    assert.equal(1, world:value "many")
    assert.equal(1, world:value "same")
    for _, runner in ipairs(world.engine.runners) do assert.equal("ok", runner.health) end
  end)

  it("that another rule writes with another value are counted as refused", function()
    local world = testing.world 'record "a" { expr = "x", labels = { k = "1" } }\nrecord "b" { expr = "x" }'
    world:set("x", 1):advance "20s"
    world.host.append { { labels = { __name__ = "b" }, t = world.engine.groups[1].entry.next, value = 99 } }
    world:advance "15s"
    local b = world.engine.by_id["record/b"]
    assert.equal("err", b.health)
    assert.equal("samples not taken: 1 duplicate", b.last_error)
    assert.equal(1, figure(world, 'moonwatch_rule_samples_refused_total{reason="duplicate", rule_group="inline.lua;inline"}'))
  end)
end)

describe("series of an alert", function()
  it("say its state, and end with it or with its rule", function()
    local rules = 'alert "A" { expr = "x > 1", hold = "30s" }'
    local world = testing.world(rules)
    world:set("x", 2):advance "20s"
    assert.equal(1, world:value 'ALERTS{alertname="A",alertstate="pending"}')
    world:advance "30s"
    assert.equal(1, world:value 'ALERTS{alertname="A",alertstate="firing"}')
    assert.equal(1, world:value "count(ALERTS)")
    assert.truthy(world:value 'ALERTS_FOR_STATE{alertname="A"}' < world.now - 30)
    world:reload(rules)
    assert.equal(1, world:value "count(ALERTS)")
    world:reload 'alert "B" { expr = "x > 1", hold = "30s" }'
    assert.equal(nil, world:value "ALERTS")
    assert.equal(nil, world:value "ALERTS_FOR_STATE")
    assert.equal(1, figure(world, 'moonwatch_rule_group_rules{rule_group="inline.lua;inline"}'))
    world:reload 'record "r" { expr = "x", group = "g" }'
    assert.equal(0, figure(world, 'moonwatch_rule_group_rules{rule_group="inline.lua;inline"}'))
  end)
end)

describe("an alert that has nothing to tell", function()
  it("is noticed as soon as it has, and shown as evaluated in between", function()
    local world = testing.world(lines(
      'alert "Expr" { expr = "x > 5" }',
      'alert "Above" { expr = "x", above = 5 }',
      'alert "Below" { expr = "x", below = -5 }',
      'alert "Unless" { expr = "x > 5", unless = "quiet == 1" }'))
    world:set("x", 1):set("quiet", 1):advance "5m"
    for _, runner in ipairs(world.engine.runners) do
      runner:refresh()
      assert.truthy(world.now - runner.last_evaluation < 15)
      assert.equal("inactive", runner:status())
    end
    world:set("x", 6):advance "15s"
    assert.same({ "Above", "Expr" }, world:firing())
    world:set("quiet", 0):advance "15s"
    assert.same({ "Above", "Expr", "Unless" }, world:firing())
    world:set("x", -6):advance "30s"
    assert.same({ "Below" }, world:firing())
    world:set("x", 1):advance "20m"
    world:set("x", 6):advance "15s"
    assert.same({ "Above", "Expr", "Unless" }, world:firing())
  end)

  it("is noticed when its expression begins to fail", function()
    local world = testing.world 'alert "A" { expr = "x * on () y > 5" }'
    world:set("x", 1):set("y", 1):advance "1m"
    local rule = world.engine.by_id["alert/A"]
    assert.equal("ok", rule.health)
    world:set('x{i="2"}', 1):set('y{i="2"}', 1):advance "15s"
    assert.equal("err", rule.health)
    world:set('x{i="2"}', nil):set('y{i="2"}', nil):advance "15s"
    assert.equal("ok", rule.health)
  end)
end)
