--- retry_spec.lua - probes come quicker while it is being decided how a check is.
local rounds = require "rounds"
local testing = require "moonwatch.testing"

describe("retry_every", function()
  local RULES = 'check "web" { tcp = "127.0.0.1:1", every = "1m", retry_every = "5s" %s }'
  local world, bad, at

  local function start(more)
    world, bad, at = testing.world(RULES:format(more or ""), { at = "2026-03-02T12:00:00Z" }), false, {}
    world:probe("tcp", function()
      at[#at + 1] = world.now - world.start
      return bad and { error = "refused" } or { seconds = 0.01 }
    end)
    world:advance "2m"
  end

  it("decides soon after the first failure, and goes on as usual then", function()
    start()
    bad = true
    world:advance "59s"
    assert.equal("healthy", (world:check "web"))
    world:advance "11s"
    assert.equal("unhealthy", (world:check "web"))
    world:advance "110s"
    assert.same({ 0, 60, 120, 180, 185, 190, 240, 300 }, at)
  end)

  it("and soon after the first success", function()
    start()
    bad = true
    world:advance "70s"
    bad = false
    world:advance "45s"
    assert.equal("unhealthy", (world:check "web"))
    world:advance "10s"
    assert.equal("healthy", (world:check "web"))
    world:advance "1m"
    assert.same({ 0, 60, 120, 180, 185, 190, 240, 245, 300 }, at)
  end)

  it("does so also when the answer takes a while", function()
    start()
    world:probe("tcp", function()
      at[#at + 1] = world.now - world.start
      return { error = "timed out after 2 s", after = "2s" }
    end)
    world:advance "73s"
    assert.same({ 0, 60, 120, 180, 185, 190 }, at)
    assert.equal("unhealthy", (world:check "web"))
  end)

  it("goes on over a reload", function()
    start()
    bad = true
    world:advance "61s"
    world:reload(RULES:format ", critical = false")
    world:advance "9s"
    world:advance "1m"
    assert.equal("unhealthy", (world:check "web"))
  end)

  it("is refused where it makes no sense", function()
    local function why(text) return tostring(select(2, pcall(testing.world, text))) end
    assert.truthy(why('check "a" { tcp = "h:1", every = "5s", retry_every = "10s" }'):find("retry_every must not be longer than every", 1, true))
    assert.truthy(why('check "a" { tcp = "h:1", retry_every = "1s", jitter = "2s" }'):find("jitter must be shorter than retry_every", 1, true))
    assert.truthy(why('check "a" { heartbeat = "1h", retry_every = "1s" }'):find("a heartbeat is not probed", 1, true))
  end)
end)

describe("the schedule", function()
  local schedule = require "moonwatch.engine.rules.schedule"

  it("gives everything in order, however paces change meanwhile", function()
    local s, entries, now = schedule.new(), {}, 0
    for i = 1, 200 do
      entries[i] = { every = 10 + i % 7, offset = i % 5, order = i, name = "e" .. i }
      s:add(entries[i], 0)
    end
    math.randomseed(7)
    for _ = 1, rounds(1000) do
      now = math.max(now, s:next_time())
      local entry, t = s:pop(now)
      assert.is_true(entry.next <= now and t <= now)
      for _, other in ipairs(s.heap) do assert(other.next >= entry.next or other.next > now - 30) end
      s:back(entry, t)
      s:pace(entries[math.random(200)], math.random(2, 20), now)
      for i, e in ipairs(s.heap) do
        assert(e.at == i)
        assert(i == 1 or s.heap[math.floor(i / 2)].next <= e.next)
      end
    end
    assert.equal(200, #s.heap)
  end)
end)
