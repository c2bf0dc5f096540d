--- budget_spec.lua - texts of alerts that are functions: of a thousand alerts none may use up a budget of its own.
local testing = require "moonwatch.testing"

-- A world in which N alerts of one rule with FIELDS fire; and how often its functions were called.
local function world_of(fields, n)
  local w = testing.world(('alert "A" { expr = "x > 0", every = "10s", %s }\n'):format(fields))
  local calls = 0
  local call = w.engine.call_guest
  function w.engine.call_guest(...)
    calls = calls + 1
    return call(...)
  end
  for i = 1, n do w:set(('x{n="%d"}'):format(i), 1) end
  return w, function() return calls end
end

local SPINS = "function() while true do end end"

describe("a text that is a function and never ends", function()
  it("is called once in an evaluation, however many alerts there are", function()
    local w, calls = world_of("summary = " .. SPINS, 20)
    w:advance "10s"
    assert.equal(20, #w:alerts "firing")
    assert.equal(1, calls())
    assert.truthy(w:alerts("firing")[7].annotations.summary:find("<error expanding template: ", 1, true))
  end)
  it("is likewise in labels and in what evidence is looked for", function()
    local w, calls = world_of(("labels = { team = %s }, evidence = { logs = %s }"):format(SPINS, SPINS), 1)
    w:advance "10s"
    assert.equal(1, calls())
  end)
  it("counts as a failure of its rule, which is suspended in the end, while its alerts fire", function()
    local w = world_of("summary = " .. SPINS, 3)
    w:advance "10s"
    local runner = w.engine.by_id["alert/A"]
    assert.equal("err", runner.health)
    assert.truthy(runner.last_error:find("used up", 1, true), runner.last_error)
    w:advance "60s"
    assert.truthy(runner.suspended)
    assert.equal(3, #w:alerts("firing", "A"))
  end)
  it("does not stop one that only fails", function()
    local w, calls = world_of('summary = function() error "no" end', 5)
    w:advance "10s"
    assert.equal(5, calls())
    assert.equal("ok", w.engine.by_id["alert/A"].health)
  end)
end)

describe("evidence", function()
  it("may be looked for by a function", function()
    local w = world_of([[evidence = { logs = function(alert) return '{app="' .. alert.labels.n .. '"}' end, contains = function() return "disk" end }]], 1)
    w:logs { { stream = { app = "1" }, message = "disk full" }, { stream = { app = "1" }, message = "other" } }
    w:advance "10s"
    local logs = w:alerts("firing")[1].evidence.logs
    assert.equal(1, #logs)
    assert.equal("disk full", logs[1].message)
  end)
  it("that a function looks for in vain is none", function()
    local w = world_of([[evidence = { logs = function() return "{{" end }]], 1)
    w:advance "10s"
    assert.is_nil(w:alerts("firing")[1].evidence.logs)
  end)
end)
