--- pipelines_spec.lua - a test of rules sees records as a server would store them: after its pipelines.
local testing = require "moonwatch.testing"

local RULES = [[
pipeline "pii" { redact = { patterns = { "email" }, fields = { "password" } } }
pipeline "noise" { of = "logs", drop = '{level="debug"}' }
]]

describe("pipelines in a test", function()
  local world
  before_each(function() world = testing.world(RULES) end)

  it("replace and drop what the rules say", function()
    world:logs { stream = { service = "api" }, message = "to ana@example.com", fields = { password = "x", n = 1 } }
    world:logs { stream = { service = "api" }, message = "zip", level = "debug" }
    local list = world:records { selector = '{service="api"}' }
    assert.equal(1, #list)
    assert.same({ "to ***", { password = "***", n = 1 } }, { list[1].message, list[1].fields })
  end)

  it("change with a reload", function()
    world:reload 'pipeline "pii" { redact = { patterns = { "ipv4" } } }'
    world:logs { stream = { service = "api" }, message = "ana@example.com at 10.1.2.3" }
    assert.equal("ana@example.com at ***", world:records()[1].message)
  end)
end)
