--- plan_spec.lua - what a reload would do is known before it does it.
local load = require "moonwatch.config.load"
local plan = require "moonwatch.engine.rules.plan"
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end

local function planned(world, text)
  local set, problems = load.load { host = world.host, config = "inline.lua", source = text, before = world.engine.set }
  assert(set, problems[1] and problems[1].text)
  local out = plan.of(world.engine, set, world.now)
  load.discard(set)
  return out
end

describe("a plan", function()
  it("names what is added, changed with its fields, and removed", function()
    local world = testing.world(lines('alert "A" { expr = "x > 1" }', 'alert "B" { expr = "x > 1" }', 'record "r" { expr = "x" }'))
    local p = planned(world, lines('alert "A" { expr = "x > 2", hold = "1m" }', 'record "r" { expr = "x" }', 'check "c" { tcp = "a:1" }'))
    assert.same({ "check c" }, p.added)
    assert.same({ "alert A" }, p.changed)
    assert.same({ ["alert A"] = { "expr", "hold" } }, p.fields)
    assert.same({ "alert B" }, p.removed)
    assert.equal("3 rules: 1 added, 1 changed, 1 removed", plan.summary(p))
  end)

  it("names fields as they are written, not what checking makes of them", function()
    local world = testing.world 'alert "A" { expr = "x", above = { warning = 1, page = 5 }, hold = { 2, of = 3 } }'
    local p = planned(world, 'alert "A" { expr = "x", above = { warning = 2, page = 5 }, hold = { 4, of = 5 } }')
    assert.same({ ["alert A"] = { "above", "hold" } }, p.fields)
  end)

  it("says which alerts would end: of rules that go, and of conditions that give them no longer", function()
    local world = testing.world(lines('alert "Gone" { expr = "x > 1" }', 'alert "Less" { expr = "x > 1" }', 'alert "Same" { expr = "x > 1" }',
      'alert "Held" { expr = "x > 1", hold = "10s" }', 'alert "Wait" { expr = "x > 1", hold = "1h" }', 'alert "Fn" { when = function() return true end }'))
    world:set('x{i="1"}', 2):set('x{i="2"}', 8):advance "1m"
    local p = planned(world, lines('alert "Less" { expr = "x > 5" }', 'alert "Same" { expr = "x > 1.5" }', 'alert "Held" { expr = "x > 1", hold = "1h" }',
                                   'alert "Fn" { when = function() return false end }'))
    local seen = {}
    for _, r in ipairs(p.resolves) do seen[#seen + 1] = ("%s %s %s -> %s: %s"):format(r.rule, r.labels.i or "-", r.state, r.becomes, r.why) end
    assert.same({
      "alert Gone 1 firing -> resolved: the rule is removed", "alert Gone 2 firing -> resolved: the rule is removed",
      "alert Held 1 firing -> pending: it has not held as long as the new hold",
      "alert Held 2 firing -> pending: it has not held as long as the new hold",
      "alert Less 1 firing -> resolved: the condition no longer gives it",
      "alert Wait 1 pending -> resolved: the rule is removed", "alert Wait 2 pending -> resolved: the rule is removed",
    }, seen)
    assert.truthy(plan.summary(p):find("5 firing alerts will end", 1, true), plan.summary(p))
    assert.equal(9, #world:alerts "firing")
  end)

  it("asks conditions only for a moment, since rules that are due wait meanwhile", function()
    local function rules(bound)
      local out = {}
      for i = 1, 9 do out[i] = ('alert "R%d" { expr = "x > %d" }'):format(i, bound) end
      return table.concat(out, "\n")
    end
    local world, t = testing.world(rules(1)), 0
    world:set("x", 2):advance "1m"
    world.engine.clock = function() t = t + 0.1 return t end
    assert.equal(2, #planned(world, rules(5)).resolves)
  end)

  it("says which expectations would end while what they wait for is missing", function()
    local world = testing.world(lines('expect "backup" { every = "1m" }', 'expect "dump" { every = "1m" }', 'expect "kept" { every = "1m" }'))
    world:advance "3m"
    local p = planned(world, lines('expect "kept" { every = "1m" }', 'expect "saved" { every = "1m", migrate_from = "dump" }'))
    local seen = {}
    for i, r in ipairs(p.resolves) do seen[i] = ("%s -> %s: %s"):format(r.rule, r.becomes, r.why) end
    assert.same({ "expect backup -> resolved: the rule is removed", "expect dump -> another alert: it goes on as expect saved" }, seen)
  end)

  it("knows alerts of objectives, alerts that are renamed, and targets", function()
    local world = testing.world(lines('slo "shop" { good = "sum(rate(ok[$window]))", total = "sum(rate(all[$window]))", objective = 99 }',
      'alert "Old" { expr = "x > 1" }', 'scrape "a" { targets = { "h:1", "h:2" } }'))
    world:set("x", 2):advance "1m"
    local p = planned(world, lines('alert "New" { expr = "x > 1", migrate_from = "Old" }', 'scrape "a" { targets = { { targets = { "h:2", "h:3" } } } }'))
    assert.equal(1, #p.resolves)
    assert.same({ "another alert", "it goes on as alert New" }, { p.resolves[1].becomes, p.resolves[1].why })
    assert.same({ added = { "a h:3" }, removed = { "a h:1" } }, p.targets)
    assert.same({ "alert New" }, p.migrated)
  end)
end)
