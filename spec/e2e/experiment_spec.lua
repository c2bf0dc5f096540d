--- experiment_spec.lua - experiments of a real server: with real programs, over HTTP, on the command line, on the page, over a crash.
local browser = require "browser"
local proc = require "proc"
local server = require "server"

-- The fault is a file.
local RULE = [[
experiment "file" {
  service = "shop", lasts = "%s", every = "100ms", recover = "5s", timeout = "5s",
  steady = { { name = "errors <b id=evil>", expr = "errors", below = 0.05 } }, abort = { { name = "orders", expr = "orders", below = 1 } },
  inject = { exec = { command = { "fault", "in", "%s/fault" } } }, rollback = { exec = { command = { "fault", "out", "%s/fault" } } },
}]]

describe("the experiments of a server", function()
  local node, dir
  local function rule(lasts) return RULE:format(lasts, dir, dir) end
  local function fault()
    local file = io.open(dir .. "/fault")
    if file then file:close() end
    return file ~= nil
  end
  setup(function()
    dir = proc.scratch()
    os.execute(("mkdir -p '%s/bin'"):format(dir))
    proc.write(dir .. "/bin/fault", [[#!/bin/sh
case $1 in in) echo "$MOONWATCH_EXPERIMENT of $MOONWATCH_SERVICE" > "$2" ;; out) rm -f "$2" ;; esac
]])
    os.execute(("chmod 755 '%s/bin/fault'"):format(dir))
    node = server.start { config = ('settings { programs = { "%s/bin" } }'):format(dir), rules = { ["x.lua"] = rule "1s" } }
    node:push "errors 0.01\norders 5\n"
  end)
  teardown(function()
    if node then node:stop() end
    proc.cleanup()
  end)

  it("run, hold, and are a mark", function()
    local status, text = node:cli("experiment", "start", "file", "--wait", "--author", "ann")
    assert.equal(0, status, text)
    assert.matches("HELD: the steady state held for 1s", text)
    assert.is_false(fault())
    local e = node:json "/api/mw/v1/experiments/file"
    assert.same({ "held", "ann", 1 }, { e.status, e.last.author, #e.history })
    assert.matches("^experiment shop: file: held", node:json("/api/mw/v1/marks?kind=experiment").marks[1].title)
    assert.matches("file +shop +held", (select(2, node:cli "experiment")))
  end)

  it("take the fault back after a crash", function()
    node:write("x.lua", rule "1h")
    node:reload()
    assert.equal(0, (node:cli("experiment", "start", "file")))
    proc.eventually(fault, 10, "the fault is there")
    assert.equal("file of shop\n", proc.read(dir .. "/fault"))
    node:kill()
    assert.is_true(fault())
    node = server.start { dir = node.dir, port = node.port, config = ('settings { programs = { "%s/bin" } }'):format(dir) }
    proc.eventually(function() return not fault() end, 10, "the fault is gone")
    local last = proc.eventually(function()
      local e = node:json "/api/mw/v1/experiments/file"
      return #e.history == 2 and e.last
    end, 20, "it is over")
    assert.equal("held", node:json("/api/mw/v1/experiments/file").history[2].outcome)
    assert.matches("restarted", last.reason)
  end)

  it("end at once when something gets too bad, and the page says why", function()
    node:push "errors 0.01\norders 5\n"
    assert.equal(0, (node:cli("experiment", "start", "file")))
    proc.eventually(fault, 10, "the fault is there")
    assert.equal(409, (node:post("/api/mw/v1/experiments/file/start", "{}")))
    node:push "orders 0\n"
    local e = proc.eventually(function()
      local e = node:json "/api/mw/v1/experiments/file"
      return not e.run and e
    end, 20, "it is over")
    assert.same({ "aborted", "orders is 0, below 1" }, { e.last.outcome, e.last.reason })
    assert.is_false(fault())
    local status, text = node:cli("experiment", "status", "file")
    assert.equal(0, status)
    assert.matches("ABORT  orders is 0, below 1", text)
    if not browser.is_there() then return pending "no browser is installed" end
    local page = browser.start()
    finally(function() page:stop() end)
    page:go(node.url .. "/#changes")
    page:see "orders is 0, below 1"
    page:press "Evidence"
    page:see "errors <b id=evil>"
    page:see "No canary is defined"
    assert.is_false(page:value "!!document.getElementById('evil')")
  end)
end)
