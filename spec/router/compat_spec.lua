--- compat_spec.lua - a route with compat="alertmanager" and a receiver that fails: what Alertmanager does then, we do there.
local world_of = require "router_world"

local function world_with(more, targets)
  local root = { receiver = "hook", compat = "alertmanager", group_wait = 1, group_interval = 6, repeat_interval = 3600 }
  for name, value in pairs(more or {}) do root[name] = value end
  return world_of.new { routes = { root }, receivers = { { name = "hook", targets = targets or { { kind = "webhook", url = "http://hook" } } } } }
end

-- The first N tries are answered with OUTCOME.
local function failing(n, outcome)
  return function(_, nth) return nth <= n and outcome or { ok = true, status = 200 } end
end

local function times(world)
  local out = {}
  for i, entry in ipairs(world.notes) do out[i] = entry.at end
  return out
end

local BROKEN = { retry = true, status = 500, error = "answered 500" }
local TOO_MANY = { retry = true, status = 429, after = 120, error = "answered 429" }

describe("a message of a route that keeps to Alertmanager", function()
  it("stays as it was until it is taken, and news is told right after it", function()
    local world = world_with()
    world.answers.hook = failing(5, BROKEN)
    world:fire("Down"):advance("2s"):fire("Slow"):advance "4s"
    world:told()
    -- Due at 7 s: that flush waits for the one before it.
    world:advance "20s"
    assert.same({ 7.59375, 7.59375 }, times(world))
    assert.same({ "0:07 hook firing Down", "0:07 hook firing Down+Slow" }, world:told())
    -- The one after it counts from there.
    world:fire("New"):advance "10s"
    assert.same({ 31.59375 }, times(world))
  end)

  it("is told although it ended meanwhile, and so is its end", function()
    local world = world_with()
    world.answers.hook = failing(5, BROKEN)
    world:fire("Down"):advance("3s"):resolve("Down"):advance "1m"
    local told = world:told()
    assert.same({ "0:07 hook firing Down", "0:07 hook resolved Down" }, { told[6], told[7] })
    assert.equal(7, #told)
  end)

  it("begins anew with what is true then when group_interval is over, ten seconds at least", function()
    local world = world_with()
    world.answers.hook = failing(7, BROKEN)
    world:fire("Down"):advance("4s"):fire("Slow"):advance "1m"
    assert.same({ 1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11, 11.5 }, times(world))
    assert.equal("0:11 hook firing Down+Slow", world:told()[8])
  end)

  it("says then what the alerts say then, although the same ones fire", function()
    local world = world_with()
    world.answers.hook = failing(7, BROKEN)
    world:fire("Down", nil, { annotations = { summary = "old" } }):advance("4s")
    world:fire("Down", nil, { annotations = { summary = "new" } }):advance "1m"
    assert.equal("new", world.notes[8].note.common_annotations.summary)
  end)

  it("is asked at its usual times again once another integration no longer fails", function()
    local world = world_with(nil, { { kind = "webhook", url = "http://a" }, { kind = "slack", url = "http://b" } })
    local tries = 0
    world.answers.hook = function(note)
      if note.integration == "webhook" then return { retry = false, status = 404, error = "answered 404" } end
      tries = tries + 1
      return tries <= 7 and BROKEN or { ok = true, status = 200 }
    end
    -- The flush at 1 s is given up at 11 s, the next one is through at 11.5 s: the one after that is due at 17 s.
    world:fire("Down"):advance "20s"
    local webhook = {}
    for _, entry in ipairs(world.notes) do
      if entry.note.integration == "webhook" then webhook[#webhook + 1] = entry.at end
    end
    assert.same({ 1, 11, 17 }, webhook)
  end)

  it("is waited for until its group is asked again, unless the receiver says for how long", function()
    local real = require "moonwatch.to"
    local function timeout(fields, more)
      local world = world_with(more)
      world:fire("Down"):advance "2s"
      local asked
      real.send({ call = function(_, request) asked = request end, json = world.host.json, write_message = world.host.write_message, rfc3339 = world.host.rfc3339, sha256 = world.host.sha256 }, function() return 0 end,
        { kind = "webhook", fields = fields }, world.notes[1].note, function() end)
      return asked.timeout
    end
    assert.equal(300, timeout({ url = "http://h" }, { group_interval = 300 }))
    assert.equal(10, timeout { url = "http://h" })
    assert.equal(7, timeout({ url = "http://h", timeout = 7 }, { group_interval = 300 }))
  end)

  it("is forgotten about what ended once it was taken, though the next flush waits already", function()
    local world = world_with()
    world.answers.hook = function(_, nth) return { ok = true, status = 200, late = nth == 2 and 8 or nil } end
    world:fire("Down"):advance("3s"):resolve("Down"):advance("2s"):fire("Slow"):advance("9s"):fire("New"):advance "20s"
    assert.same({ "0:01 hook firing Down", "0:07 hook firing Down (resolved)+Slow", "0:15 hook firing New+Slow" }, world:told())
  end)

  it("keeps the other integrations of its receiver waiting, and no other group", function()
    local world = world_with({ group_by = { "alertname" } }, { { kind = "webhook", url = "http://a" }, { kind = "slack", url = "http://b" } })
    local tries = 0
    world.answers.hook = function(note)
      if note.integration == "webhook" or note.group_labels.alertname ~= "Down" then return { ok = true, status = 200 } end
      tries = tries + 1
      return tries <= 5 and BROKEN or { ok = true, status = 200 }
    end
    world:fire("Down"):fire("Other"):advance("2s"):fire("Down", { n = "2" }):fire("Other", { n = "2" }):advance "4s"
    world:told()
    world:advance "20s"
    local heard = {}
    for i, entry in ipairs(world.notes) do
      heard[i] = ("%.1f %s: %d %s"):format(entry.at, entry.note.integration, #entry.note.alerts, entry.note.group_labels.alertname)
    end
    table.sort(heard)
    assert.same({ "7.0 slack: 2 Other", "7.0 webhook: 2 Other", "7.6 slack: 1 Down", "7.6 slack: 2 Down", "7.6 webhook: 2 Down" }, heard)
  end)

  it("is tried on and on, for there is no breaker but where the receiver says so", function()
    local world = world_with { group_interval = 300 }
    world.answers.hook = failing(9, BROKEN)
    world:fire("Down"):advance "1m"
    assert.equal(10, #world:told())
    world = world_of.new { routes = { { receiver = "hook", compat = "alertmanager", group_wait = 0 } },
      receivers = { { name = "hook", breaker = { failures = 2, open = 100 }, targets = { { kind = "webhook", url = "http://hook" } } } } }
    world.answers.hook = failing(2, BROKEN)
    world:fire("Down"):advance "99s"
    assert.equal(2, #world:told())
  end)

  it("is lost until the group is asked again when a webhook has had too many, and holds nothing else back", function()
    local world = world_with { group_by = { "alertname" } }
    world.answers.hook = failing(1, TOO_MANY)
    world:fire("Down"):advance("1s"):fire("Slow"):advance "20s"
    assert.same({ "0:01 hook firing Down refused", "0:02 hook firing Slow", "0:07 hook firing Down" }, world:told())
    world = world_with()
    world.answers.hook = failing(1, TOO_MANY)
    world:fire("Down"):advance("3s"):resolve("Down"):advance "1h"
    assert.same({ "0:01 hook firing Down refused" }, world:told())
  end)

  it("is tried again after 429 where Alertmanager does so: for incidents, without reading Retry-After", function()
    for _, kind in ipairs { "pagerduty", "opsgenie", "jira", "incidentio" } do
      local world = world_with(nil, { { kind = kind } })
      world.answers.hook = failing(1, TOO_MANY)
      world:fire("Down"):advance "5s"
      assert.same({ 1, 1.5 }, times(world), kind)
    end
  end)

  it("keeps no other group of its receiver waiting when that has had too many", function()
    local world = world_with({ group_by = { "alertname" } }, { { kind = "pagerduty" } })
    world.answers.hook = function(note) return note.group_labels.alertname == "Down" and world.now < world.start + 1.4 and TOO_MANY or { ok = true, status = 200 } end
    world:fire("Down"):advance("0.25s"):fire("Slow"):advance "3s"
    assert.same({ 1, 1.25, 1.5 }, times(world))
  end)

  it("goes on after a restart as it would have gone on", function()
    local world = world_with()
    world.answers.hook = failing(6, BROKEN)
    world:fire("Down"):advance("2s"):fire("Slow"):advance("1s"):restart():advance "30s"
    local told = world:told()
    assert.equal("hook firing Down+Slow", told[#told]:match " (.*)")
  end)
end)
