--- identity_spec.lua - what a rule is known by: several of a name side by side, each with a state of its own.
local host = require "moonwatch.host"
local identity = require "moonwatch.config.identity"
local load = require "moonwatch.config.load"
local testing = require "moonwatch.testing"

local function lines(...) return table.concat({ ... }, "\n") end

local function problems(text)
  local set, list = load.load { host = host, config = "w.lua", source = text }
  local out = {}
  for i, p in ipairs(list) do out[i] = p.text end
  for _, guest in pairs(set and set.guests or {}) do guest:close() end
  return out
end

describe("the identity of a rule", function()
  it("is its word and name, and the labels it gives itself, in the order of their names", function()
    local function id(fields)
      fields.word, fields.name = fields.word or "alert", fields.name or "A"
      return identity.id(fields)
    end
    assert.equal("alert/A", id {})
    assert.equal("alert/A", id { severity = "warning", labels = {} })
    assert.equal('alert/A{severity="page"}', id { severity = "page" })
    assert.equal('alert/A{a="1",b="2",severity="page"}', id { severity = "page", labels = { b = "2", a = "1" } })
    assert.equal('alert/A{p="${labels.pod}",t="function"}', id { labels = { p = "${labels.pod}", t = { ["@fn"] = 7 } } })
    assert.equal('record/A{q="a\\"b\\\\c\\nd"}', id { word = "record", labels = { q = 'a"b\\c\nd' } })
    assert.equal("check/A", id { word = "check", labels = { team = "web" } })
  end)

  it("may share its name with others of other labels, for alerts and records", function()
    assert.same({}, problems(lines(
      'alert "A" { expr = "x > 1" }',
      'alert "A" { expr = "x > 2", severity = "page" }',
      'alert "A" { expr = "x > 3", severity = "page", labels = { team = "web" } }',
      'record "r" { expr = "x", labels = { quantile = "0.5" } }',
      'record "r" { expr = "y", labels = { quantile = "0.9" } }')))
  end)

  it("is refused when somebody has it, also when the other has further faults, and both places are named", function()
    assert.same({ 'w.lua:2:1: alert "A": this name is already taken at w.lua:1' }, problems(lines(
      'alert "A" { expr = "x > 1", severity = "page", labels = { a = "1", b = "2" } }',
      'alert "A" { expr = "x > 2", labels = { b = "2", a = "1" }, severity = "page" }')))
    assert.same({ 'w.lua:2:1: alert "A": this name is already taken at w.lua:1' }, problems(lines(
      'alert "A" { expr = "x > 1" }', 'alert "A" { expr = "x > 2", severity = "warning" }')))
    assert.same({ 'w.lua:2:1: record "r": this name is already taken at w.lua:1' }, problems(lines(
      'record "r" { expr = "x", labels = { q = "1" } }', 'record "r" { expr = "y", labels = { q = "1" } }')))
    assert.same({ 'w.lua:2:1: check "c": this name is already taken at w.lua:1' }, problems(lines(
      'check "c" { tcp = "a:1", labels = { a = "1" } }', 'check "c" { tcp = "a:1", labels = { a = "2" } }')))
  end)

  it("keeps what each of a name knows apart, over a reload and a restart", function()
    local text = lines(
      'alert "A" { expr = "x > 1", hold = "1m" }',
      'alert "A" { expr = "x > 5", hold = "1m", severity = "page" }')
    local world = testing.world(text)
    world:set("x", 3):advance "90s"
    assert.equal(1, #world:alerts "firing")
    assert.equal("warning", world:alerts("firing")[1].labels.severity)
    world:set("x", 9):advance "30s"
    local started = world:alerts("pending")[1].active_at
    world:reload(lines( -- the other way round in the file
      'alert "A" { expr = "x > 5", hold = "1m", severity = "page" }',
      'alert "A" { expr = "x > 1", hold = "1m" }'))
    assert.equal(1, #world:alerts "firing")
    assert.equal(started, world:alerts("pending")[1].active_at)
    world:restart(text)
    assert.equal(1, #world:alerts "firing")
    assert.equal("page", world:alerts("pending")[1].labels.severity)
    world:advance "45s"
    assert.equal(2, #world:alerts "firing")
    world:reload 'alert "A" { expr = "x > 1", hold = "1m" }'
    assert.equal(1, #world:alerts "firing")
    assert.equal(1, world:value 'count(ALERTS{alertname="A"})')
  end)

  it("was the name alone once: a state saved so is taken up by the only rule of that name", function()
    local world = testing.world 'alert "A" { expr = "x > 1", severity = "page", hold = "10m" }'
    world.engine:restore({ version = 1, at = world.now, rules = { ["alert/A"] = { alerts = {
      { labels = { alertname = "A", severity = "page" }, value = 3, state = "firing", active_at = world.now - 900, fired_at = world.now - 300 } } } } },
      world.now)
    assert.same({ "A" }, world:firing())
    assert.truthy(world.engine:snapshot(world.now):find('alert/A{severity', 1, true))
  end)
end)

describe("a dependency on a name", function()
  it("is on every rule that has it", function()
    local world = testing.world(lines(
      'alert "Down" { expr = "x > 1", severity = "info" }',
      'alert "Down" { expr = "y > 1", severity = "page" }',
      'alert "Slow" { expr = "z > 1", depends_on = { "Down" } }'))
    world:set("x", 0):set("y", 2):set("z", 2):advance "1m"
    assert.same({ "Down" }, world:firing())
    world:set("x", 2):set("y", 0):advance "1m"
    assert.same({ "Down" }, world:firing())
    world:set("x", 0):advance "1m"
    assert.same({ "Slow" }, world:firing())
  end)

  it("makes a circle through any of them", function()
    local list = problems(lines(
      'alert "A" { expr = "x" }', 'alert "A" { expr = "x", severity = "page", depends_on = { "B" } }',
      'alert "B" { expr = "x", depends_on = { "A" } }'))
    assert.equal(1, #list)
    assert.truthy(list[1]:find("depends on itself: A -> B -> A", 1, true), list[1])
  end)
end)

describe("what a reload changes", function()
  local change = require "moonwatch.engine.rules.change"
  local function set(text) return (load.load { host = host, config = "w.lua", source = text }) end

  it("is told by name, with labels where several have it, and by field", function()
    local diff = change.between(
      set(lines('alert "A" { expr = "x" }', 'alert "A" { expr = "x", severity = "page" }', 'alert "B" { expr = "x" }',
                'record "r" { expr = "x" }')),
      set(lines('alert "A" { expr = "x" }', 'alert "A" { expr = "y", hold = "1m", severity = "page" }',
                'record "r" { expr = "x" }', 'alert "C" { expr = "x", severity = "page" }')))
    assert.same({ "alert C" }, diff.added)
    assert.same({ 'alert A{severity="page"}' }, diff.changed)
    assert.same({ "expr", "hold" }, diff.fields['alert A{severity="page"}'])
    assert.same({ "alert B" }, diff.removed)
  end)
end)
