--- memo_spec.lua - what a receiver answered is remembered for the next message of the group.
local world_of = require "router_world"

local SLACK = { name = "hook", targets = { { kind = "slack", token = "x", channel = "#ops" } } }

describe("the memo of a message", function()
  local world, memos
  before_each(function()
    world, memos = world_of.new { receivers = { SLACK }, routes = { { receiver = "hook", group_by = { "alertname" }, repeat_interval = 14400 } } }, {}
    world.answers.hook = function(note, nth)
      memos[#memos + 1] = note.memo and note.memo.ts or "none"
      return { ok = true, status = 200, memo = { ts = note.memo and note.memo.ts or tostring(nth), channel = "C" } }
    end
  end)

  it("is known to the next message of the group, over a restart, until all of it resolved", function()
    world:fire("Down", { job = "a" }):advance "31s"
    world:fire("Down", { job = "b" }):advance "6m"
    world:restart():fire("Down", { job = "c" }):advance "6m"
    world:resolve("Down", { job = "a" }):resolve("Down", { job = "b" }):resolve("Down", { job = "c" }):advance "6m"
    assert.same({ "none", "1", "1", "1" }, memos)
    world:fire("Down", { job = "a" }):advance "6m"
    assert.equal("none", memos[5])
  end)
  it("is kept while a message is tried again, and is that of its own group", function()
    world:fire("Down"):fire("Slow"):advance "31s"
    world.answers.hook = function(note) memos[#memos + 1] = note.memo.ts; return { ok = #memos > 3, retry = true, memo = note.memo } end
    world:fire("Slow", { job = "b" }):advance "6m"
    assert.same({ "none", "none", memos[3], memos[3] }, memos)
    assert.is_truthy(memos[3] == "1" or memos[3] == "2")
  end)
  it("lets somebody who acknowledges be named where the alert is told", function()
    world:fire("Down"):advance "31s"
    world:told()
    assert.equal(200, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ana" })))
    world:advance "1s"
    local last = world.notes[#world.notes].note
    assert.same({ "acknowledged", "ana", "1" }, { last.status, last.ack.author, last.memo.ts })
  end)
end)

describe("a channel of a chat program", function()
  it("is spoken to one message at a time", function()
    local world = world_of.new { receivers = { SLACK }, routes = { { receiver = "hook", group_by = { "alertname" } } } }
    world.answers.hook = function() return { never = true } end
    world:fire("A"):fire("B"):advance "1m"
    assert.equal(1, #world:told())
  end)
  it("hears nothing twice and loses nothing when it answers badly", function()
    local world = world_of.new { receivers = { SLACK }, routes = { { receiver = "hook", group_by = { "alertname" } } } }
    local bad = { { retry = true, status = 429, after = 3 }, { retry = true, status = 500 }, { retry = true, error = "no answer" } }
    world.answers.hook = function(_, nth) return bad[nth] or { ok = true, status = 200 } end
    world:fire("A"):advance "1s"
    world:fire("B"):advance "3m"
    local told, ok = world:told(), {}
    for _, line in ipairs(told) do if not line:find "refused" then ok[#ok + 1] = line:match "firing (.*)$" end end
    table.sort(ok)
    assert.same({ "A", "B" }, ok)
    assert.equal(5, #told)
  end)
end)
