--- alive_spec.lua - an Alertmanager is told again before what fires would end there, whatever is quiet here.
local World = require "router_world"

local function world(more)
  local config = { receivers = { { name = "am", targets = { { kind = "alertmanager", url = "http://am" } } } },
    routes = { { receiver = "am", group_by = { "alertname" }, group_wait = 10, group_interval = 300, repeat_interval = 14400 } } }
  for k, v in pairs(more or {}) do config[k] = v end
  return World.new(config)
end

-- Times of the messages so far that say NAME fires, and of those that say it resolved.
local function times(w, name)
  local out = { firing = {}, resolved = {} }
  for _, entry in ipairs(w.notes) do
    for _, alert in ipairs(entry.note.alerts) do
      if alert.labels.alertname == name then table.insert(out[alert.status], entry.at) end
    end
  end
  return out
end

local function widest_gap(list, from, to)
  local widest, last = 0, from
  for _, at in ipairs(list) do widest, last = math.max(widest, at - last), at end
  return math.max(widest, to - last)
end

describe("an alert that fires, at an Alertmanager", function()
  it("is told again each minute or so, far more often than repeat_interval", function()
    local w = world():fire("Down"):advance "1h"
    assert.is_true(widest_gap(times(w, "Down").firing, 10, 3600) <= 80)
  end)
  it("goes on there while it is silenced here, and while somebody has acknowledged it", function()
    local w = world():fire("Down"):advance "5m"
    w:silence("Down", "30m")
    w:advance "20m"
    w.router:ack({ labels = { alertname = "Down" }, author = "ann" }, w.now)
    w:advance "35m"
    assert.is_true(widest_gap(times(w, "Down").firing, 10, 3600) <= 80)
  end)
  it("is never told of one that was silenced from the start", function()
    local w = world()
    w:silence("Down", "1h")
    w:fire("Down"):advance "50m"
    assert.same({}, w:told())
  end)
  it("is not raised again once it resolved, also when a round was on its way", function()
    local w = world():fire("Down"):advance "10m"
    w:resolve("Down"):advance "10m"
    local t = times(w, "Down")
    assert.equal(1, #t.resolved)
    assert.is_true(t.firing[#t.firing] < t.resolved[1])
  end)
  it("is told to one target after the other, so that an old round never comes after news", function()
    local held = {}
    local w = world()
    w.fire(w, "Down"):advance "30s"
    w.receive = function(self, _, note, now, done) held[#held + 1] = { note = note, done = done, at = now - self.start } end
    w:advance "2m"
    assert.equal(1, #held)
    assert.equal("alive", held[1].note.reason)
    w:resolve("Down"):advance "6m"
    assert.equal(1, #held)
    held[1].done({ retry = true, error = "timeout" }, w.now)
    w:handle { type = "alerts", alerts = {} }
    w:advance "2m"
    assert.equal("resolved", held[2].note.status)
    held[2].done({ ok = true }, w.now)
    w:handle { type = "alerts", alerts = {} }
    w:advance "10m"
    assert.equal(2, #held)
  end)
  it("is told again soon after a restart", function()
    local w = world():fire("Down"):advance "5m"
    local snapshot = w.router:snapshot()
    w:advance "0s"
    w.notes = {}
    w.now = w.now + 150
    w:restart(snapshot):advance "20s"
    assert.is_true(#times(w, "Down").firing >= 1)
  end)
  it("is told by nobody who does not hold the lease", function()
    local w = world():fire("Down"):advance "5m"
    w:handle { type = "lease", slot = "router", held = false }
    w:told()
    w:advance "10m"
    assert.same({}, w:told())
  end)
  it("leaves no trace in the history, in which people look for what they were told", function()
    local w = world():fire("Down"):advance "30m"
    local _, body = w:http("GET", "/api/mw/v1/notifications")
    local reasons = {}
    for _, entry in ipairs(body.notifications or body) do reasons[entry.reason] = true end
    assert.same({ new = true }, reasons)
  end)
  it("counts only the rounds of such receivers: another beside it is told once", function()
    local w = world { receivers = { { name = "am", targets = { { kind = "webhook", url = "http://w" } } } } }
    assert.equal(1, #w:fire("Down"):advance("1h"):told())
  end)
end)
