--- grouping_spec.lua - when a group is spoken of.
local world_of = require "router_world"

describe("a group of alerts", function()
  local world
  before_each(function()
    world = world_of.new { routes = { { receiver = "hook", group_by = { "job" } } } }
  end)

  it("waits group_wait, so that what breaks together is told together", function()
    world:fire("Down", { job = "api" }):advance("10s"):fire("Slow", { job = "api" }):advance "19s"
    assert.same({}, world:told())
    world:advance "1s"
    assert.same({ "0:30 hook firing Down+Slow" }, world:told())
  end)

  it("has its own timer for each value of the labels it is grouped by", function()
    world:fire("Down", { job = "api" }):advance("10s"):fire("Down", { job = "db" }):advance "1m"
    assert.same({ "0:30 hook firing Down", "0:40 hook firing Down" }, world:told())
  end)

  it("is made by the labels of the parent when a child names none, in a tree of Alertmanager's; else by none", function()
    for compat, groups in pairs { alertmanager = 2, none = 1 } do
      local child = { match = { team = "web" }, group_by = {} }
      world = world_of.new { routes = { { receiver = "hook", group_by = { "job" }, compat = compat ~= "none" and compat or nil, routes = { child } } } }
      world:fire("Down", { job = "api", team = "web" }):fire("Down", { job = "db", team = "web" }):advance "1m"
      assert.equal(groups, #world:told(), compat)
    end
  end)

  it("tells nothing of what resolved before anybody was told", function()
    world:fire("Down"):advance("20s"):resolve("Down"):advance "1h"
    assert.same({}, world:told())
  end)

  it("tells a newcomer at the next group_interval, with those that are there", function()
    world:fire("Down"):advance("1m"):fire("Slow"):advance "10m"
    assert.same({ "0:30 hook firing Down", "5:30 hook firing Down+Slow" }, world:told())
  end)

  it("tells the resolve once and then forgets", function()
    world:fire("Down"):advance("1m"):resolve("Down"):advance "10h"
    assert.same({ "0:30 hook firing Down", "5:30 hook resolved Down" }, world:told())
    assert.is_true(next(world.router.groups) == nil)
  end)

  it("tells a partial resolve beside what still fires", function()
    world:fire("Down"):fire("Slow"):advance("1m"):resolve("Slow"):advance "6m"
    assert.same({ "0:30 hook firing Down+Slow", "5:30 hook firing Down+Slow (resolved)" }, world:told())
  end)

  it("repeats itself when repeat_interval is over, to the second", function()
    world:fire("Down"):advance "9h"
    assert.same({ "0:30 hook firing Down", "4:00:30 hook firing Down", "8:00:30 hook firing Down" }, world:told())
  end)

  it("repeats itself at the first group_interval after that, where it is Alertmanager's", function()
    world = world_of.new { routes = { { receiver = "hook", compat = "alertmanager" } } }
    world:fire("Down"):advance "9h"
    assert.same({ "0:30 hook firing Down", "4:05:30 hook firing Down", "8:10:30 hook firing Down" }, world:told())
  end)

  it("counts repeat_interval from the last message, whatever that was about", function()
    world = world_of.new { routes = { { receiver = "hook", group_by = { "job" }, repeat_interval = 3600 } } }
    world:fire("Down"):advance("58m"):fire("Slow"):advance "3h"
    assert.same({ "0:30 hook firing Down", "1:00:30 hook firing Down+Slow", "2:00:30 hook firing Down+Slow", "3:00:30 hook firing Down+Slow" }, world:told())
  end)

  it("repeats itself more often than group_interval where that is wanted", function()
    world = world_of.new { routes = { { receiver = "hook", repeat_interval = 60 } } }
    world:fire("Down"):advance "3m"
    assert.same({ "0:30 hook firing Down", "1:30 hook firing Down", "2:30 hook firing Down" }, world:told())
  end)

  it("repeats itself ever more seldom where that is wanted, and as often as at first once there is news, over a restart", function()
    world = world_of.new { routes = { { receiver = "hook", group_by = { "job" }, repeat_interval = 3600, repeat_factor = 2, repeat_most = 4 * 3600 } } }
    world:fire("Down"):advance("4h"):restart():advance "10h"
    assert.same({ "0:30 hook firing Down", "1:00:30 hook firing Down", "3:00:30 hook firing Down", "7:00:30 hook firing Down", "11:00:30 hook firing Down" }, world:told())
    world:fire("Slow"):advance "2h"
    assert.same({ "14:00:30 hook firing Down+Slow", "15:00:30 hook firing Down+Slow" }, world:told())
  end)

  it("is told anew after five days of a longer repeat_interval where it is Alertmanager's, and else keeps to it", function()
    local function days(compat)
      world = world_of.new { routes = { { receiver = "hook", repeat_interval = 30 * 86400, compat = compat } } }
      world:fire("Down"):advance "20d"
      local out = {}
      for i, entry in ipairs(world.notes) do out[i] = math.floor(entry.at / 86400) end
      return out
    end
    assert.same({ 0, 5, 10, 15 }, days "alertmanager")
    assert.same({ 0 }, days())
  end)

  it("does not make an alert wait that was firing long before it came here", function()
    world:fire("Down", nil, { starts_at = world.now - 3600 }):advance "0s"
    assert.same({ "0:00 hook firing Down" }, world:told())
  end)

  it("ends an alert of which nothing is heard any more", function()
    world:http("POST", "/api/v2/alerts", { { labels = { alertname = "Ext" } } })
    world:advance "20m"
    assert.same({ "0:30 hook firing Ext", "5:30 hook resolved Ext" }, world:told())
  end)

  it("keeps its timers over a reload", function()
    world:fire("Down"):advance "20s"
    assert.is_true(world:reload({ routes = { { receiver = "hook", group_by = { "job" } } } }).ok)
    world:advance "10s"
    assert.same({ "0:30 hook firing Down" }, world:told())
    world:advance "1m":reload { routes = { { receiver = "hook", group_by = { "job" } } } }
    world:advance "1h"
    assert.same({}, world:told())
  end)

  it("is told anew after a reload to whoever hears of it by another route or as another receiver, and to nobody else", function()
    -- Which integrations are told once CONFIG takes the place of a plain one.
    local function told_after(config)
      world = world_of.new {}
      world:fire("Down", { team = "a" }):advance "1m"
      world:told()
      assert.is_true(world:reload(config).ok)
      world:advance "1h"
      local out = {}
      for i, entry in ipairs(world.notes) do out[i] = entry.receiver .. "/" .. entry.note.integration end
      return out
    end
    assert.same({}, told_after { routes = { { receiver = "hook", group_wait = 60, repeat_interval = 7200, routes = { { match = { team = "b" } } } } } })
    assert.same({ "hook/slack" }, told_after { receivers = { { name = "hook", targets = { { kind = "slack", url = "http://x" }, { kind = "webhook", url = "http://hook" } } } } })
    assert.same({ "pager/webhook" }, told_after { names = { "pager" }, routes = { { receiver = "pager" } } })
    assert.same({ "hook/webhook" }, told_after { routes = { { receiver = "hook", routes = { { match = { team = "a" } } } } } })
  end)

  it("keeps the old configuration when the new one is wrong, and says what is wrong", function()
    local answer = world:reload { routes = { { receiver = "hook", match = 'job=~"("' } } }
    assert.is_false(answer.ok)
    assert.is_truthy(answer.error:find "job=~")
    world:fire("Down"):advance "30s"
    assert.same({ "0:30 hook firing Down" }, world:told())
  end)
end)

describe("without any route", function()
  it("alerts are kept and shown, nobody is told, and the log says so once", function()
    local world = world_of.new { routes = {}, receivers = {} }
    world:fire("Down"):fire("Slow"):advance "1h"
    assert.same({}, world:told())
    local status, alerts = world:http("GET", "/api/v2/alerts")
    assert.equal(200, status)
    assert.equal(2, #alerts)
    local said = 0
    for _, line in ipairs(world.host.logged) do
      if line.message:find "nobody is told" then said = said + 1 end
    end
    assert.equal(1, said)
  end)
end)

describe("several receivers", function()
  it("are each told, and one that fails does not keep the other waiting", function()
    local world = world_of.new { names = { "a", "b" }, routes = { { receiver = "a", routes = {
      { match = { team = "x" }, receiver = "b", continue = true }, { match = { team = "x" }, receiver = "a" } } } } }
    world.answers.b = function() return { retry = false, status = 404, error = "answered 404" } end
    world:fire("Down", { team = "x" }):advance "1m"
    local told = world:told()
    table.sort(told)
    assert.same({ "0:30 a firing Down", "0:30 b firing Down refused" }, told)
  end)

  it("that do not want resolves are told none, but are told when it fires again", function()
    local world = world_of.new { receivers = { { name = "hook", send_resolved = false, targets = { { kind = "webhook", url = "http://x" } } } } }
    world:fire("Down"):advance("1m"):resolve("Down"):advance("20m"):fire("Down"):advance "1m"
    assert.same({ "0:30 hook firing Down", "21:30 hook firing Down" }, world:told())
  end)
end)
