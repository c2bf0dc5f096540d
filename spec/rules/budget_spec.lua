--- budget_spec.lua - what one evaluation may use: said, checked, kept, counted.
local testing = require "moonwatch.testing"
local api = require "moonwatch.api.rules"

local function lines(...) return table.concat({ ... }, "\n") end

--- A figure of one rule.
local function of_rule(world, name, word, rule)
  return world.host.instruments()[('%s{rule="%s", word="%s"}'):format(name, rule, word)]
end

--- What /api/mw/v1/rules says of the rule NAME.
local function rule(world, name)
  local answer = api["/api/mw/v1/rules/**"](world.engine, {}, world.now, name)
  return world.host.json.decode(answer.body).rules[1]
end

local function refused(text, with)
  local ok, why = pcall(testing.world, text)
  assert.falsy(ok)
  assert.truthy(why:find(with, 1, true), why)
end

describe("a budget", function()
  it("stops a function at its instructions, names the line, and leaves the alert as it was", function()
    local world = testing.world(lines(
      'alert "Spin" { every = "10s", budget = { instructions = 50000 }, when = function(ctx)',
      '  local n = ctx:value "x"',
      '  while n > 5 do end',
      '  return n > 3',
      'end }'))
    world:set("x", 4):advance "20s"
    assert.same({ "Spin" }, world:firing())
    world:set("x", 9):advance "10s"
    local row = rule(world, "Spin")
    assert.equal("inline.lua:3: stopped: used up its 50000 instructions", row.lastError)
    assert.truthy(row.traceback:find("inline.lua:3", 1, true), row.traceback)
    assert.equal(50000, row.usage.last.instructions)
    assert.equal(50000, row.usage.limits.instructions)
    assert.same({ "Spin" }, world:firing())
  end)

  it("stops a function at its memory", function()
    local world = testing.world(lines(
      'alert "Eat" { every = "10s", budget = { memory = "1MB" }, when = function(ctx)',
      '  local t = {}',
      '  for i = 1, 1e6 do t[i] = { i } end',
      'end }'))
    world:advance "10s"
    local row = rule(world, "Eat")
    assert.truthy(row.lastError:find("stopped: used up its 1048576 bytes of memory", 1, true), row.lastError)
    assert.truthy(row.lastError:find("inline.lua:", 1, true), row.lastError)
  end)

  it("stops what a rule emits: alerts, measurements, log lines, samples", function()
    local world = testing.world(lines(
      'alert "Talk" { every = "10s", budget = { emissions = 10 }, when = function(ctx)',
      '  for i = 1, 4 do ctx:fire { labels = { i = tostring(i) } } end',
      '  for i = 1, 4 do ctx.metrics.counter("talk_total").add(1) end',
      '  for i = 1, 3 do pcall(ctx.log.debug, "line") end',
      '  ctx.log.debug "once more"',
      'end }',
      'record "many" { expr = "x", every = "10s", budget = { emissions = 2 } }'))
    world:set('x{a="1"}', 1):set('x{a="2"}', 1):set('x{a="3"}', 1):advance "10s"
    assert.equal("inline.lua:5: used up its 10 emissions", rule(world, "Talk").lastError)
    assert.equal("used up its 2 emissions", rule(world, "many").lastError)
    assert.equal(nil, world:value "many")
  end)

  it("is shared by all queries of one evaluation, and is whole again at the next", function()
    local world = testing.world(lines(
      'alert "Ask" { every = "10s", budget = { query_samples = 50 }, when = function(ctx)',
      '  for i = 1, ctx:value "n" do ctx:query "x" end',
      '  return true',
      'end }'))
    world:set("x", 1):set("n", 100):advance "10s"
    assert.equal("inline.lua:2: x: its queries used up their 50 samples", rule(world, "Ask").lastError)
    world:set("n", 3):advance "10s"
    assert.same({ "Ask" }, world:firing())
    assert.equal("ok", rule(world, "Ask").health)
  end)

  it("of a plain rule is what its query may read", function()
    local world = testing.world(lines(
      'settings { limits = { rule_query_samples = 3 } }',
      'alert "Wide" { expr = "x > 1", every = "10s" }', 'alert "Narrow" { expr = "x{a=\'1\'} > 1", every = "10s" }',
      'slo "s" { good = "x", total = "x", objective = 0.9 }'))
    for i = 1, 5 do world:set(('x{a="%d"}'):format(i), 0) end
    world:advance "1m"
    assert.equal("its queries used up their 3 samples", rule(world, "Wide").lastError)
    assert.equal("ok", rule(world, "Narrow").health)
    assert.equal("its queries used up their 3 samples", rule(world, "s").lastError)
  end)

  it("is not more than the settings allow", function()
    refused('alert "A" { expr = "x", budget = { query_seconds = "40s" } }',
            "inline.lua:1:36: alert \"A\": budget.query_seconds: more than settings.limits.rule_query_seconds, which is 30")
    refused(lines('settings { limits = { rule_emissions = 5 } }', 'record "a" { expr = "x", budget = { emissions = 6 } }'),
            "budget.emissions: more than settings.limits.rule_emissions, which is 5")
    refused('record "a" { expr = "x", budget = { instructions = 6 } }', 'unknown field "budget.instructions"')
    testing.world(lines('settings { limits = { rule_query_seconds = "1m" } }', 'alert "A" { expr = "x", budget = { query_seconds = "40s" } }'))
  end)
end)

describe("what rules used", function()
  it("is a series of its own only for programs, for rules with a budget and for those that went beyond", function()
    local text = { 'settings { limits = { rule_query_samples = 100 } }',
                   'alert "Program" { when = function(ctx) return ctx:value "x" == 2 end }',
                   'alert "Named" { expr = "x > 5", budget = { query_samples = 99 } }',
                   'alert "Beyond" { expr = "sum_over_time(x[5m]) > 1e9" }',
                   'every("15s", function(ctx) ctx.log.debug "here" end, { budget = { emissions = 5 } })' }
    for i = 1, 50 do text[#text + 1] = ('alert "Plain%d" { expr = "x > 5" }'):format(i) end
    local world = testing.world(table.concat(text, "\n"))
    world:set("x", 1)
    world:series('x{many="1"}', "1x400", { every = "1s" })
    world:advance "3m"
    local found = {}
    for name in pairs(world.host.instruments()) do
      local id = name:match '^moonwatch_rule_query_samples_total{.*rule="([^"]*)"'
      if id then found[#found + 1] = id end
    end
    table.sort(found)
    assert.same({ "Beyond", "Named", "Program", "inline.lua:5" }, found)
    assert.truthy(of_rule(world, "moonwatch_rule_instructions_total", "alert", "Program") > 50)
    assert.truthy(of_rule(world, "moonwatch_rule_memory_bytes", "alert", "Program") > 10000)
    assert.truthy(of_rule(world, "moonwatch_rule_emissions_total", "every", "inline.lua:5") >= 11)
    assert.truthy(rule(world, "Plain1").usage.total.queries >= 1)
  end)
end)
