--- exec_spec.lua - what a program is given, and what its end means.
local exec = require "moonwatch.to.exec"
local fake = require "fake_host"
local note = require("notes").note
local alert = require("notes").alert
local to = require "moonwatch.to"

local host = fake.new()

describe("a program", function()
  it("reads the webhook body and finds what it is about in its environment", function()
    local r = exec.build(note { test = true }, { command = { "page", "now" }, env = { TOKEN = "t" }, dir = "/x" }, host)
    assert.same({ "4", "firing" }, { host.json.decode(r.stdin).version, host.json.decode(r.stdin).status })
    assert.same({ "firing", "r", "Busy", "critical", "a is busy", "1", "t" },
      { r.env.MOONWATCH_STATUS, r.env.MOONWATCH_RECEIVER, r.env.MOONWATCH_ALERTS, r.env.MOONWATCH_SEVERITY, r.env.MOONWATCH_SUMMARY, r.env.MOONWATCH_TEST, r.env.TOKEN })
    assert.same({ "/x", 30 }, { r.dir, r.timeout })
  end)
  it("is never given a variable that cannot be one", function()
    local long = alert { labels = { alertname = "a\0b" .. ("ü"):rep(5000) } }
    local r = exec.build(note { alerts = { long } }, { command = { "p" } }, host)
    assert.is_nil(r.env.MOONWATCH_ALERTS:find "%z")
    assert.is_true(#r.env.MOONWATCH_ALERTS <= 4096)
  end)
  it("took the message with 0, wants it again with 75, by a signal or out of time, and never else", function()
    local function says(reply)
      local o = exec.judge(reply)
      return (o.ok and "ok" or o.retry and "again" or "no") .. (o.error and " " .. o.error or "")
    end
    assert.equal("ok", says { code = 0, stderr = "noise" })
    assert.equal("again exit status 75: busy now", says { code = 75, stderr = "\nbusy\nnow\n" })
    assert.equal("no exit status 1", says { code = 1, stderr = "" })
    assert.equal("again ended by signal 9: x", says { signal = 9, stderr = "x" })
    assert.equal("again was still running", says { error = "was still running" })
    assert.equal("no no such program", says { error = "no such program", bad = true })
    assert.is_true(#exec.judge({ code = 1, stderr = ("ü"):rep(2000) }).error < 400)
  end)
  it("may say a secret, but nobody reads it", function()
    local world = fake.new { env = { TOKEN = "hunter2" } }
    world.on.exec = function(arg) return { code = 1, stderr = "bad token " .. arg.env.T } end
    to.send(world, function() return 0 end, { kind = "exec", fields = { command = { "p" }, env = { T = { ["@secret"] = "TOKEN" } } } }, note(), function(o)
      assert.equal("exit status 1: bad token ***", o.error)
    end)
  end)
end)
