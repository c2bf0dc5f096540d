--- line_spec.lua - groups that are due at once: who was quick comes before who takes long, also when he is due a little later.
local testing = require "moonwatch.testing"

local RULES = table.concat({
  'record "long1" { expr = "x", group = "long1", every = "10s" }', 'record "long2" { expr = "x", group = "long2", every = "10s" }',
  'record "long3" { expr = "x", group = "long3", every = "10s" }', 'record "quick" { expr = "x", group = "quick", every = "5s" }',
}, "\n")

describe("groups in line for the thread", function()
  local world, order, seconds
  before_each(function()
    world, order, seconds = testing.world(RULES), {}, 0
    world.engine.clock = function() return seconds end
    local plain = world.host.record
    world.host.record = function(handle, t)
      for _, name in ipairs { "long1", "long2", "long3", "quick" } do
        if handle == world.engine.by_id["record/" .. name].handle then
          seconds, order[#order + 1] = seconds + (name == "quick" and 0.001 or 0.05), name
        end
      end
      return plain(handle, t)
    end
    world:advance "20s"
    order = {}
  end)

  local function tick()
    local again = world.engine:tick(world.now)
    local had = order
    order = {}
    return had, again
  end

  it("have one long evaluation between two looks at who is due", function()
    world.now = world.now + 11
    world.host.set_clock(world.now)
    local had, again = tick()
    assert.same("quick", had[1])
    assert.equal(2, #had)
    assert.equal(world.now, again)
    world.now = world.now + 5
    world.host.set_clock(world.now)
    had = tick()
    assert.same("quick", had[1])
    assert.equal(2, #had)
    assert.equal(1, #tick())
  end)
end)
