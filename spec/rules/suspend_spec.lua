--- suspend_spec.lua - a rule that keeps failing is tried less often, says so itself, and comes back.
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end

local function runner(world, id) return assert(world.engine.by_id[id], id) end
local function figure(world, name) return world.host.instruments()[name] end

--- A figure of one rule.
local function of_rule(world, name, word, rule)
  return world.host.instruments()[('%s{rule="%s", word="%s"}'):format(name, rule, word)]
end

--- What the router knows of RuleSuspended for the rule NAME: its annotations, or nil when it is not firing.
local function said(world, name)
  for _, message in ipairs(world:sent()) do
    for _, alert in ipairs(message.note.alerts) do
      if alert.labels.alertname == "RuleSuspended" and alert.labels.rule == name then return alert, message end
    end
  end
end

--- Was it told that the suspension of NAME is over?
local function resolved(world, name)
  for _, message in ipairs(world:sent()) do
    for _, alert in ipairs(message.note.alerts) do
      if alert.labels.alertname == "RuleSuspended" and alert.labels.rule == name and alert.status == "resolved" then return true end
    end
  end
  return false
end

local ROUTES = lines('receiver "all" { webhook { url = "http://x/" } }', 'route { receiver = "all", group_wait = "1s", group_interval = "1s" }')

local FAILS = lines(ROUTES,
  'alert "Bad" { every = "10s", when = function(ctx)',
  '  ctx.state.tries = (ctx.state.tries or 0) + 1',
  '  if ctx:value "broken" == 1 then error "it is broken" end',
  '  return ctx:value "x > 5" end }',
  'alert "Good" { expr = "x > 5", every = "10s" }',
  'record "good" { expr = "x", every = "10s" }')

describe("a rule that keeps failing", function()
  local world
  before_each(function()
    world = testing.world(FAILS)
    world:set("x", 9):set("broken", 0):advance "30s"
    assert.same({ "Bad", "Good" }, world:firing())
  end)

  it("is suspended after five failures in a row, and its alerts stay as they are", function()
    world:set("broken", 1):advance "40s"
    assert.equal(nil, runner(world, "alert/Bad").suspended)
    world:set("x", 1):advance "10s"
    local s = runner(world, "alert/Bad").suspended
    assert.truthy(s)
    assert.truthy(s.reason:find("inline.lua:5: it is broken", 1, true), s.reason)
    world:advance "10m"
    assert.same({ "Bad" }, world:firing())
    assert.equal(1, of_rule(world, "moonwatch_rule_suspended", "alert", "Bad"))
  end)

  it("is tried again after growing intervals of a minute at most, while the others miss nothing", function()
    world:set("broken", 1):advance "50s"
    local before, failures = figure(world, 'moonwatch_rule_group_iterations_total{rule_group="inline.lua;inline"}'),
      of_rule(world, "moonwatch_rule_failures_total", "alert", "Bad")
    world:advance "10m"
    assert.equal(before + 60, figure(world, 'moonwatch_rule_group_iterations_total{rule_group="inline.lua;inline"}'))
    assert.equal(0, figure(world, 'moonwatch_rule_iterations_missed_total{rule_group="inline.lua;inline"}'))
    assert.equal(failures + 11, of_rule(world, "moonwatch_rule_failures_total", "alert", "Bad")) -- 20s, 40s, then each minute
    assert.equal(9, (world:value "good"))
  end)

  it("is told about by an alert of the engine's own, which resolves when the rule works again", function()
    world:set("broken", 1):advance "1m"
    local alert, message = said(world, "Bad")
    assert.truthy(alert)
    assert.equal("alert", alert.labels.word)
    assert.equal('alert "Bad" failed 5 times in a row and is tried less often', alert.annotations.summary)
    assert.truthy(alert.annotations.description:find("it is broken", 1, true))
    assert.equal("inline.lua:3", alert.annotations.file)
    assert.equal("firing", message.note.status)
    world:set("broken", 0):advance "10m"
    assert.equal(nil, runner(world, "alert/Bad").suspended)
    assert.equal(0, of_rule(world, "moonwatch_rule_suspended", "alert", "Bad"))
    assert.truthy(resolved(world, "Bad"))
  end)

  it("goes on being told about for as long as it lasts", function()
    world:set("broken", 1):advance "2h"
    assert.falsy(resolved(world, "Bad"))
  end)

  it("stays suspended over a reload that leaves it as it was, and is free after one that changes it", function()
    world:set("broken", 1):advance "50s"
    world:reload(FAILS)
    assert.truthy(runner(world, "alert/Bad").suspended)
    world:advance "2m"
    assert.truthy(runner(world, "alert/Bad").suspended)
    world:reload((FAILS:gsub("it is broken", "it is still broken")))
    assert.equal(nil, runner(world, "alert/Bad").suspended)
    world:advance "5s"
    assert.truthy(resolved(world, "Bad"))
    world:advance "1m"
    assert.truthy(runner(world, "alert/Bad").suspended)
  end)

  it("is gone with its alert when its file says nothing of it any more", function()
    world:set("broken", 1):advance "1m"
    world:reload(ROUTES)
    world:advance "5s"
    assert.truthy(resolved(world, "Bad"))
  end)
end)

describe("a rule that goes beyond its budget", function()
  it("is left alone for ten minutes, and nobody is told that its alerts were over", function()
    local world = testing.world(lines(ROUTES, 'alert "Spins" { every = "10s", when = function(ctx)',
      '  while ctx:value "broken" == 1 do local x = 0 for i = 1, 1e5 do x = x + i end end', '  return ctx:value "x > 5" end }'))
    world:set("x", 9):set("broken", 0):advance "1m"
    world:set("broken", 1):advance "1h"
    local s = runner(world, "alert/Spins").suspended
    assert.equal(600, s.step)
    for _, message in ipairs(world:sent()) do
      for _, alert in ipairs(message.note.alerts) do assert.equal("firing", alert.status, alert.labels.alertname) end
    end
    world:set("broken", 0):set("x", 1):advance "15m"
    local over = 0
    for _, message in ipairs(world:sent()) do
      for _, alert in ipairs(message.note.alerts) do
        if alert.labels.alertname == "Spins" and alert.status == "resolved" then over = over + 1 end
      end
    end
    assert.equal(1, over)
  end)
end)

describe("what is no fault of a rule", function()
  it("suspends nobody: finding nothing, samples the store has already, a check that says no with an error", function()
    local world = testing.world(lines(
      'alert "Nothing" { expr = "nobody > 1", every = "10s" }',
      'record "x" { expr = "y", every = "10s" }',
      'check "no" { run = function(ctx) error "not well" end, every = "10s" }'))
    world:set("x", 2):set("y", 3):advance "5m"
    assert.same({}, world.engine.suspended)
    assert.equal("not well", runner(world, "check/no").message:match "not well")
    assert.truthy(of_rule(world, "moonwatch_rule_failures_total", "check", "no") > 20)
    assert.truthy(runner(world, "check/no").traceback:find("inline.lua:3", 1, true))
  end)
end)

describe("the alert on a suspended rule", function()
  local function failing(every)
    return lines(ROUTES, ('alert "Bad" { every = "%s", when = function(ctx) error "it is broken" end }'):format(every))
  end

  it("comes for rules of any interval", function()
    for _, every in ipairs { "10s", "30s", "45s", "1m", "5m" } do
      local world = testing.world(failing(every))
      world:advance "31m"
      assert.truthy(runner(world, "alert/Bad").suspended, every)
      assert.truthy(said(world, "Bad"), every)
    end
  end)

  it("goes with the rule when another node has it from now on", function()
    local world = testing.world(failing "10s")
    local function lease(held)
      for slot = 0, 15 do world.engine:handle({ type = "lease", slot = "rules/" .. slot, held = held, fence = 1 }, world.now) end
    end
    lease(true)
    world:advance "2m"
    assert.truthy(said(world, "Bad"))
    lease(false)
    world:advance "5s"
    assert.truthy(resolved(world, "Bad"))
    assert.equal(0, of_rule(world, "moonwatch_rule_suspended", "alert", "Bad"))
    lease(true)
    world:advance "30s"
    assert.equal(nil, runner(world, "alert/Bad").suspended, "whoever gets it begins anew")
  end)

  it("says why it fails now, when that is another reason than at first", function()
    local world = testing.world(lines(ROUTES:gsub('group_interval', 'repeat_interval = "2m", group_interval'),
      'alert "Bad" { every = "10s", when = function(ctx) error("as " .. tostring(ctx:value "why")) end }'))
    world:set("why", 1):advance "2m"
    assert.truthy(said(world, "Bad").annotations.description:find("as 1", 1, true))
    world:set("why", 2):advance "10m"
    local messages, last = world:sent(), nil
    for _, message in ipairs(messages) do
      for _, alert in ipairs(message.note.alerts) do last = alert.labels.alertname == "RuleSuspended" and alert or last end
    end
    assert.truthy(last.annotations.description:find("as 2", 1, true))
    assert.truthy(last.annotations.summary:find "failed 1%d times")
  end)
end)
