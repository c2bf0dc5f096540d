--- func_spec.lua - what a function that is a receiver says of a message.
local fake = require "fake_host"
local func = require "moonwatch.to.func"
local note = require("notes").note

describe("a function as a receiver", function()
  local function outcome(answer)
    local out
    local host = fake.new()
    host.ask = function(_, msg, done)
      assert.equal("call", msg.type)
      done(answer)
    end
    func.send(note(), { fn = 1 }, host, function(o) out = o end)
    return out
  end
  it("took the message, whatever it returns but false", function()
    for _, values in ipairs { {}, { true }, { "x" }, { { status = 500 } } } do assert.is_true(outcome({ ok = true, values = values }).ok) end
    assert.is_true(outcome({ ok = true }).ok)
  end)
  it("says with false that it did not, why, and whether and when to try again", function()
    assert.same({ retry = false, error = "the function returned false" }, outcome { ok = true, values = { false } })
    assert.same({ retry = false, error = "no such pager" }, outcome { ok = true, values = { false, "no such\npager" } })
    assert.same({ retry = true, error = "busy" }, outcome { ok = true, values = { false, "busy", { retry = true } } })
    assert.same({ retry = true, after = 30, error = "busy" }, outcome { ok = true, values = { false, "busy", { after = 30 } } })
    assert.same({ retry = true, after = 3600, error = "busy" }, outcome { ok = true, values = { false, "busy", { retry = true, after = 1e9 } } })
    assert.is_true(#outcome({ ok = true, values = { false, ("ü"):rep(10000) } }).error < 700)
  end)
  it("that fails is not run again; that could not be run is", function()
    assert.same({ retry = false, error = "r.lua:1: boom" }, outcome { ok = false, error = "r.lua:1: boom" })
    assert.is_true(outcome({ error = "the rules are away" }).retry)
  end)
end)
