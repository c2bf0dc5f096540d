--- rules_spec.lua - what a rule file may do to the server: nothing bad.
local net = require "net"
local proc = require "proc"
local server = require "server"

local good = 'alert "Good" { expr = "stage > 5", every = "200ms" }'

describe("a running server", function()
  local node
  setup(function()
    node = server.start { rules = { ["good.lua"] = good } }
    node:push "stage 9\n"
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  local function fires(name)
    return proc.eventually(function() return node:state(name) == "firing" end, 10, name .. " fires")
  end

  local broken = {
    { "a syntax error", "alert 'X' {", "bad.lua:1" },
    { "an unknown word", "alrt 'X' { expr = 'up' }", "did you mean \"alert\"" },
    { "an unknown field", "alert 'X' { exprr = 'up' }", "did you mean \"expr\"" },
    { "bad PromQL", "alert 'X' { expr = 'sum(rate(x[5m])' }", "bad.lua:1" },
    { "a bad duration", "alert 'X' { expr = 'up', hold = 'soon' }", "hold" },
    { "a route to a receiver that is not there", "route { receiver = 'nobody' }", "nobody" },
    { "an endless loop while loading", "while true do end", "used up" },
    { "a memory bomb while loading", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "bad.lua" },
    { "bytecode", "\27LJ\2\0", "bad.lua" },
    { "a name that is taken", good, "Good" },
  }

  for _, row in ipairs(broken) do
    local what, text, says = row[1], row[2], row[3]
    it("refuses " .. what .. ", says why, and goes on with the old rules", function()
      node:write("bad.lua", text)
      local answer, status = node:reload()
      assert.equal(422, status)
      assert.is_false(answer.ok)
      assert.is_truthy(table.concat(answer.problems, "\n"):find(says, 1, true), table.concat(answer.problems, "\n"))
      os.remove(node.dir .. "/rules/bad.lua")
      fires "Good"
    end)
  end

  it("tells with `moonwatch why` since when and until when a failing rule is suspended, and where it failed", function()
    node:write("bad.lua", [[
local function inner(t) return t.x end
alert "Bad" { every = "100ms", when = function(ctx) return inner(nil) + 1 end }
every("100ms", function(ctx) error "not \27[31m today" end, { name = "job" })]])
    assert.is_true(node:reload().ok)
    for name, want in pairs { Bad = { "rule Bad is inactive", "bad%.lua:1: attempt to index local 't'", "bad%.lua:2>" },
                              job = { "every job is failing", "bad%.lua:3: not  %[31m today", "bad%.lua:3>" } } do
      local status, text
      proc.eventually(function()
        status, text = node:cli("why", name)
        return text:find "suspended since 2"
      end, 10, name .. " is suspended")
      assert.equal(0, status)
      assert.truthy(text:find(want[1], 1, true), text)
      assert.truthy(text:find "\n  suspended since 20%S+Z: it failed %d+ times in a row, and is tried again at 20%S+Z\n", text)
      assert.truthy(text:find("\n  last error: %S*" .. want[2]), text)
      assert.truthy(text:find("stack traceback:\n.*" .. want[3]), text)
    end
    local _, text = node:cli("why", "RuleSuspended", "rule=Bad")
    assert.truthy(text:find('alert "Bad" failed 5 times in a row', 1, true), text)
  end)

  it("stops a rule that spins or eats memory, shows why, and runs the others on time", function()
    node:write("bad.lua", [[
alert "Spins" { when = function(ctx) while true do end end, every = "200ms" }
alert "Eats" { when = function(ctx) local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(100) .. i end end, every = "200ms" }
alert "Breaks" { when = function(ctx) return ctx.nothing.here end, every = "200ms" }
alert "Fine" { when = function(ctx) if ctx:value "stage" > 5 then ctx:fire { value = 1 } end end, every = "200ms" }
]])
    local answer, status = node:reload()
    assert.equal(200, status, answer and table.concat(answer.problems or {}, "\n"))
    fires "Fine"
    fires "Good"
    local health = {}
    proc.eventually(function()
      for _, group in ipairs(node:json("/api/v1/rules").data.groups) do
        for _, rule in ipairs(group.rules) do health[rule.name] = rule end
      end
      return health.Spins.health == "err" and health.Eats.health == "err" and health.Breaks.health == "err"
    end, 10, "the bad rules are shown as failing")
    assert.is_truthy(health.Spins.lastError:find("used up", 1, true))
    assert.is_truthy(health.Breaks.lastError:find("bad.lua:3", 1, true))
    assert.equal("ok", health.Fine.health)
    os.remove(node.dir .. "/rules/bad.lua")
    assert.is_true(node:reload().ok)
  end)

  it("reloads by itself when a file changes", function()
    node:write("more.lua", 'alert "More" { expr = "stage > 6", every = "200ms" }')
    fires "More"
  end)

  it("reloads on SIGHUP", function()
    node:write("more.lua", 'alert "Other" { expr = "stage > 7", every = "200ms" }')
    node.proc:signal "HUP"
    fires "Other"
  end)

  it("remembers firing alerts over an orderly restart", function()
    fires "Good"
    local since
    for _, alert in ipairs(node:json("/api/v1/alerts").data.alerts) do
      if alert.labels.alertname == "Good" then since = alert.activeAt end
    end
    assert.equal(0, node:stop())
    node = server.start { dir = node.dir, port = node.port }
    node:push "stage 9\n"
    fires "Good"
    for _, alert in ipairs(node:json("/api/v1/alerts").data.alerts) do
      if alert.labels.alertname == "Good" then assert.equal(since, alert.activeAt) end
    end
  end)
end)

describe("a receiver", function()
  local node, sink
  local function start(answer, more)
    sink = net.sink(answer)
    node = server.start { rules = { ["r.lua"] = ([[
alert "A" { expr = "stage > 5", every = "200ms" }
receiver "hook" { webhook { url = "%s/hook" } }
route { receiver = "hook", group_wait = "50ms", group_interval = "300ms" }
%s]]):format(sink.url, more or "") } }
    node:push "stage 9\n"
  end
  after_each(function()
    node:stop()
    sink:close()
    proc.cleanup()
  end)
  local function until_told(n)
    proc.eventually(function() return #sink:poll() >= n end, 15, n .. " requests arrive")
  end

  it("that answers 500 is tried again until it says yes", function()
    start(function(_, n) return n < 3 and 500 or 200 end)
    until_told(3)
  end)

  it("that says when to come back is obeyed", function()
    start(function(_, n)
      if n == 1 then return 429, { ["Retry-After"] = "2" } end
      return 200
    end)
    until_told(2)
    assert.is_true(sink.requests[2].time - sink.requests[1].time >= 1.9)
  end)

  it("that never answers holds nobody else up", function()
    local other = net.sink()
    start("hang", ([[
alert "B" { expr = "stage > 5", every = "200ms", labels = { to = "other" } }
receiver "other" { webhook { url = "%s/hook" } }
route { receiver = "other", match = { to = "other" }, group_wait = "50ms" }
]]):format(other.url))
    proc.eventually(function()
      sink:poll()
      return #other:poll() >= 1
    end, 15, "the other receiver is told")
    assert.equal(200, (node:get "/-/healthy"))
    other:close()
  end)
end)

describe("a scrape target that hangs", function()
  it("is down after its timeout, and the others are up", function()
    local hanging, fine = net.sink "hang", net.sink(function() return 200, {}, "fine 1\n" end)
    local node = server.start { rules = { ["s.lua"] = ([[
scrape "hangs" { targets = { "127.0.0.1:%d" }, every = "500ms", timeout = "300ms" }
scrape "fine" { targets = { "127.0.0.1:%d" }, every = "500ms", timeout = "300ms" }
]]):format(hanging.port, fine.port) } }
    proc.eventually(function()
      hanging:poll()
      fine:poll()
      if node:value 'up{job="hangs"}' ~= 0 or node:value 'up{job="fine"}' ~= 1 then return false end
      for _, target in ipairs(node:json("/api/v1/targets").data.activeTargets) do
        if target.scrapePool == "hangs" then return target.lastError:find "tim" ~= nil end
      end
    end, 15, "one is down because it took too long, and one is up")
    node:stop()
    hanging:close()
    fine:close()
    proc.cleanup()
  end)
end)
