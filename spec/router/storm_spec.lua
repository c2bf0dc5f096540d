--- storm_spec.lua - what makes storms cheap: groups that wait are not asked, places are remembered, orders are found at once.
local Agenda = require "moonwatch.engine.router.agenda"
local Places = require "moonwatch.engine.router.places"
local Tree = require "moonwatch.route.tree"
local fake = require "fake_host"

-- What is due at NOW, in the order in which it comes.
local function ids(agenda, now)
  local out, group = {}, agenda:take(now)
  while group do
    out[#out + 1] = group.id
    group = agenda:take(now)
  end
  return out
end

describe("the agenda of groups", function()
  local agenda, a, b, c
  before_each(function()
    agenda = Agenda.new(function(group) return group.next end)
    a, b, c = { id = "a", next = 30 }, { id = "b", next = 10 }, { id = "c", next = 20 }
    for _, group in ipairs { a, b, c } do agenda:put(group) end
  end)

  it("gives those whose time has come, in the order of their times and ids, and says when the next one's has", function()
    assert.equal(10, agenda:first())
    assert.same({}, ids(agenda, 9))
    agenda:put { id = "d", next = 10 }
    agenda:put { id = "aa", next = 10 }
    assert.same({ "aa", "b", "d", "c", "a" }, ids(agenda, 30))
    assert.is_nil(agenda:first())
  end)

  it("hears that one is due sooner", function()
    a.next = 5
    agenda:put(a)
    assert.equal(5, agenda:first())
    assert.same({ "a" }, ids(agenda, 5))
  end)

  it("finds out by itself that one is due later", function()
    b.next = 40
    assert.same({}, ids(agenda, 15))
    assert.equal(20, agenda:first())
    assert.same({ "c", "a" }, ids(agenda, 39))
    assert.same({ "b" }, ids(agenda, 40))
  end)

  it("forgets one that is no more", function()
    agenda:remove(b)
    agenda:remove(b)
    assert.equal(20, agenda:first())
  end)
end)

describe("many groups that are due at once", function()
  it("are looked at in several turns, and the first are told before the last were looked at", function()
    local world = require("router_world").new { routes = { { receiver = "hook", group_by = { "alertname" } } } }
    for i = 1, 30 do
      for k = 1, 60 do world:fire("Down" .. i, { k = "" .. k }) end
    end
    world.now = world.now + 31
    local turns, told = 0, 0
    repeat
      local before = told
      world.next = world.router:tick(world.now)
      told, turns = told + #world:told(), turns + 1
      assert.is_true(told > before)
    until world.next > world.now
    assert.equal(30, told)
    assert.equal(2, turns)
  end)
end)

describe("news that is posted in pieces", function()
  local world, started
  before_each(function()
    world = require("router_world").new { gathers = true, routes = { { receiver = "hook", group_by = { "alertname" }, group_wait = 1, group_interval = 300 } } }
    started = world.host.rfc3339(world.now - 60)
  end)

  local function post(k)
    assert.equal(200, (world:http("POST", "/api/v2/alerts", { { labels = { alertname = "Down", k = tostring(k) }, startsAt = started } })))
  end

  it("is told in one message, a moment after the last piece", function()
    for k = 1, 3 do
      post(k)
      world:advance(0.09)
    end
    assert.same({}, world:told())
    world:advance(0.02)
    assert.same({ "0:00 hook firing Down+Down+Down" }, world:told())
  end)

  it("keeps nobody waiting for more than a second, however long it goes on", function()
    for k = 1, 30 do
      post(k)
      world:advance(0.05)
    end
    assert.equal(1, #world.notes)
    assert.near(1, world.notes[1].at, 0.051)
  end)

  it("makes nothing later that is said again", function()
    post(1)
    world:advance(0.06)
    post(1)
    world:advance(0.05)
    assert.same({ "0:00 hook firing Down" }, world:told())
  end)
end)

describe("the place of a group", function()
  local function places(group_by)
    local tree = Tree.new({ { receiver = "hook", group_by = group_by } }, fake.new())
    return Places.new(tree), tree.root
  end

  it("is found by the values of the labels that its route groups by, a missing one among them", function()
    local p, node = places { "team", "job" }
    local both = { id = "1", node = node, labels = { team = "web", job = "api" } }
    local one = { id = "2", node = node, labels = { team = "web" } }
    p:put(both)
    p:put(one)
    assert.equal(both, p:find(node, { team = "web", job = "api", instance = "x" }))
    assert.equal(one, p:find(node, { team = "web", instance = "x" }))
    assert.is_nil(p:find(node, { job = "api" }))
    p:remove(both)
    assert.is_nil(p:find(node, { team = "web", job = "api" }))
    assert.equal(one, p:find(node, { team = "web" }))
    p:remove(one)
    assert.same({}, p.drawers)
  end)

  it("is the only one of a route that does not group", function()
    local p, node = places {}
    local all = { id = "1", node = node, labels = {} }
    assert.is_nil(p:find(node, { job = "api" }))
    p:put(all)
    assert.equal(all, p:find(node, { job = "api" }))
    p:remove(all)
    assert.is_nil(p:find(node, { job = "api" }))
  end)

  it("is that of all labels where a route groups by all of them", function()
    local p, node = places "all"
    local group = { id = node.uid .. ':{job="api"}', node = node, labels = { job = "api" } }
    p:put(group)
    assert.equal(group, p:find(node, { job = "api" }))
    assert.is_nil(p:find(node, { job = "api", instance = "x" }))
    p:remove(group)
    assert.is_nil(p:find(node, { job = "api" }))
  end)

  it("asks the tree once for the routes of an alert", function()
    local tree = Tree.new({ { receiver = "hook", routes = { { match = { job = "none" } } } } }, fake.new())
    local p, node = Places.new(tree), tree.root
    local asked = 0
    local match = p.tree.match
    p.tree.match = function(...)
      asked = asked + 1
      return match(...)
    end
    local alert = { fp = "f", labels = { job = "api" } }
    assert.same({ node }, p:of(alert))
    assert.equal(p:of(alert), p:of { fp = "g", labels = { job = "db" } })
    assert.equal(2, asked)
    p:of(alert)
    assert.equal(2, asked)
    p:forget "f"
    p:of(alert)
    assert.equal(3, asked)
  end)
end)

describe("the order of alerts in a message", function()
  local labels = require "moonwatch.route.labels"

  it("is by job, then by instance, what has none last, then by all labels", function()
    local list = {}
    for _, set in ipairs { { job = "b", instance = "1" }, { instance = "1" }, { job = "a" }, { job = "a", instance = "2" }, { job = "a", instance = "1", x = "1" },
      { job = "a", instance = "1" }, { job = "ab", instance = "0" }, { x = "2" }, { x = "1" } } do list[#list + 1] = { labels = set } end
    local out = {}
    for i, thing in ipairs(labels.put_in_order(list)) do out[i] = labels.text(thing.labels) end
    assert.same({ '{instance="1", job="a"}', '{instance="1", job="a", x="1"}', '{instance="2", job="a"}', '{job="a"}', '{instance="0", job="ab"}',
      '{instance="1", job="b"}', '{instance="1"}', '{x="1"}', '{x="2"}' }, out)
  end)

  it("and what they have in common is what all have", function()
    assert.same({ a = "1" }, labels.common { { a = "1", b = "2", c = "3" }, { a = "1", b = "3", c = "3" }, { a = "1", b = "2" } })
    assert.same({}, labels.common { { a = "1" }, {} })
    assert.same({}, labels.common {})
    -- As in Alertmanager, an annotation that is empty is one that is not there.
    assert.same({ a = "1", c = "" }, labels.common { { a = "1", c = "" }, { a = "1" }, { a = "1", c = "", d = "" } })
    assert.same({}, labels.common { { a = "1" }, { c = "" } })
    local one = { a = "1", b = "2" }
    assert.same(one, labels.common { one, one, one })
    assert.same({ a = "1", b = "2" }, one)
  end)
end)
