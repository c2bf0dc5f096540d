--- story_spec.lua - the rules' half of "why": values around the times at which an alert was pending and fired, and what rules could have made it.
local story = require "moonwatch.api.story"
local testing = require "moonwatch.testing"

local RULE = [[
alert "A" { expr = "x", every = "15s", above = 5, hold = "1m", labels = { team = "web" } }
alert "Other" { expr = "y > 0", every = "15s", labels = { team = "db" } }
]]

local function ask(w, labels) return story.answer(w.engine, { labels = labels }, w.now) end

describe("the story of a rule", function()
  it("has the changes of an alert, with the values it had", function()
    local w = testing.world(RULE)
    w:set("x", 6):advance "30s"
    w:set("x", 8):advance "2m"
    w:set("x", 1):advance "1m"
    local alert = ask(w, { alertname = "A" }).alerts[1]
    local said = {}
    for i, c in ipairs(alert.changes) do said[i] = ("%s %s %g"):format(c.from or "-", c.to or "-", c.value) end
    assert.same({ "- pending 6", "pending firing 8", "firing inactive 1" }, said)
    assert.equal("web", alert.labels.team)
  end)

  it("has the samples from before it was pending until it fired", function()
    local w = testing.world(RULE)
    w:set("x", 1):advance "1m"
    w:set("x", 6):advance "2m"
    local values = {}
    for i, p in ipairs(ask(w, { alertname = "A" }).alerts[1].samples) do values[i] = p[2] end
    assert.equal(1, values[1])
    assert.equal(6, values[#values])
  end)

  it("knows of an alert that was only pending", function()
    local w = testing.world(RULE)
    w:set("x", 6):advance "30s"
    w:set("x", 1):advance "1m"
    local alert = ask(w, { alertname = "A" }).alerts[1]
    assert.equal("inactive", alert.state)
    assert.is_nil(alert.changes[2].to)
  end)

  it("outlives an edit of the rule", function()
    local w = testing.world(RULE)
    w:set("x", 6):advance "2m"
    w:reload((RULE:gsub("above = 5", "above = 4")))
    w:set("x", 1):advance "1m"
    assert.equal(3, #ask(w, { alertname = "A" }).alerts[1].changes)
  end)

  it("names the rules that would make such an alert, and the nearest name", function()
    local w = testing.world(RULE)
    w:advance "1m"
    local function names(labels)
      local out = {}
      for i, rule in ipairs(ask(w, labels).rules) do out[i] = rule.name .. " " .. rule.state end
      return out
    end
    assert.same({ "A inactive" }, names { alertname = "A", team = "web", pod = "p" })
    assert.same({ "Other inactive" }, names { team = "db" })
    assert.same({}, names { alertname = "A", team = "db" })
    assert.equal("Other", ask(w, { alertname = "Othr" }).near)
  end)

  it("keeps a bounded number of changes, however many there are", function()
    local changes = require "moonwatch.alert.changes"
    local runner, many = {}, {}
    for i = 1, 1000 do many[i] = { alert = { key = "k" .. i, labels = {}, value = i }, to = "pending" } end
    changes.note(runner, many, 1)
    changes.note(runner, { { alert = { key = "last", labels = {}, value = 0 }, to = "firing" } }, 2)
    local all = changes.of(runner, function() return true end)
    assert.equal(changes.MOST, #all)
    assert.equal("last", all[#all].key)
    assert.equal("k902", all[1].key)
  end)
end)
