--- jitter_spec.lua - probes that do not come at the same place of every interval.
local testing = require "moonwatch.testing"

local function times(fields, duration)
  local world, out = testing.world(('check "web" { tcp = "127.0.0.1:1", every = "10s", %s }'):format(fields)), {}
  world:probe("tcp", function()
    out[#out + 1] = world.now - world.start
    return { seconds = 0.01 }
  end):advance(duration)
  return out
end

describe("the jitter of a check", function()
  it("moves each probe by less than it, another time each time, and misses none", function()
    local at = times('jitter = "4s"', "200s")
    assert.is_true(#at >= 20 and #at <= 21, #at)
    local moved = {}
    for i = 2, #at do
      local late = at[i] % 10
      assert.is_true(late < 4, late)
      moved[("%.1f"):format(late)] = true
    end
    local n = 0
    for _ in pairs(moved) do n = n + 1 end
    assert.is_true(n > 10, n)
  end)

  it("is the same on every node", function()
    assert.same(times('jitter = "4s"', "100s"), times('jitter = "4s"', "100s"))
  end)

  it("is none unless asked for", function()
    assert.same({ 0, 10, 20, 30 }, times("", "30s"))
  end)

  it("is shorter than the interval", function()
    local ok, why = pcall(times, 'jitter = "10s"', "1s")
    assert.is_false(ok)
    assert.truthy(tostring(why):find("jitter must be shorter than every", 1, true), why)
  end)
end)
