--- reload_spec.lua - a real server changes its rules: planned first, without a gap, and whatever happens meanwhile.
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local server = require "server"

local function eventually(f, what) return proc.eventually(f, 15, what) end

-- The rule files of a number of services, as large as a test can bear.
local function many(n, hold)
  local files = {}
  for i = 1, n do
    local text = {}
    for k = 1, 10 do
      text[k] = ('alert "S%d_%d" { expr = "stage > %d", every = "3s", hold = "%s" }'):format(i, k, k < 10 and 100 + k or 1, hold)
    end
    files[("s%03d.lua"):format(i)] = table.concat(text, "\n")
  end
  return files
end

describe("a reload that is planned", function()
  local node, edited
  setup(function()
    local dir = proc.scratch()
    os.execute("mkdir -p " .. dir .. "/rules/lib")
    proc.write(dir .. "/rules/lib/limit.lua", "return 3")
    node = server.start { rules = {
      ["web.lua"] = 'alert "A" { expr = "stage > 1", every = "200ms" }\nalert "B" { expr = "stage > 1", every = "200ms" }',
      ["db.lua"] = 'local limit = require "lib.limit"\nalert "D" { expr = "stage > " .. limit, every = "200ms", labels = { team = "db" } }',
    }, dir = dir }
    node:push "stage 5\n"
    eventually(function() return node:state "A" == "firing" and node:state "B" == "firing" and node:state "D" == "firing" end, "all fire")
    edited = proc.scratch() .. "/rules"
    os.execute(("cp -r '%s/rules' '%s'"):format(node.dir, edited))
  end)
  teardown(function() node:stop() proc.cleanup() end)

  local function check(...)
    local status, output = proc.run { server.binary(), "check", "--against", node.url, ... }
    return status, output
  end

  it("is told by check --against, which changes nothing, and is what the reload then answers", function()
    proc.write(edited .. "/web.lua", 'alert "A" { expr = "stage > 7", every = "200ms" }\nrecord "r" { expr = "stage" }')
    proc.write(edited .. "/lib/limit.lua", "return 4")
    local status, output = check(edited)
    assert.equal(0, status, output)
    assert.truthy(output:find("3 rules: 1 added, 2 changed, 1 removed, 2 firing alerts will end", 1, true), output)
    assert.truthy(output:find("~ alert A (expr)", 1, true), output)
    assert.truthy(output:find("alert B {severity=warning} firing since", 1, true), output)
    status, output = check(edited, "--json")
    assert.equal(0, status, output)
    local plan = assert(json.decode(output))
    assert.equal("firing", node:state "B")
    os.execute(("cp -r '%s/.' '%s/rules'"):format(edited, node.dir))
    local done = node:reload()
    for _, r in ipairs(plan.resolves) do r.since = nil end
    for _, r in ipairs(done.resolves) do r.since = nil end
    assert.same(plan, done)
    eventually(function() return node:state "A" == "inactive" and node:state "B" == "inactive" end, "A and B end")
    assert.equal("firing", node:state "D")
  end)

  it("may be of one file alone", function()
    local alone = proc.scratch()
    proc.write(alone .. "/db.lua", 'alert "D2" { expr = "stage > 1" }')
    local status, output = check(alone .. "/db.lua")
    assert.equal(0, status, output)
    assert.truthy(output:find("+ alert D2", 1, true), output)
    assert.truthy(output:find("- alert D", 1, true), output)
    assert.falsy(output:find("- alert A", 1, true), output)
  end)

  it("names problems by the files that were sent, and refuses with 1", function()
    proc.write(edited .. "/bad.lua", 'alert "X" { expr = "up", exprr = "up" }')
    local status, output = check(edited)
    os.remove(edited .. "/bad.lua")
    assert.equal(1, status)
    assert.truthy(output:find(edited .. "/bad.lua:1:26: alert \"X\": unknown field \"exprr\"", 1, true), output)
  end)

  it("cannot be of a root file when the server has none, or of a server that is not there", function()
    local root = proc.scratch() .. "/moonwatch.lua"
    proc.write(root, "settings {}")
    local status, output = check(root)
    assert.equal(1, status)
    assert.truthy(output:find("runs without a root file", 1, true), output)
    status, output = proc.run { server.binary(), "check", edited, "--against", "http://127.0.0.1:1" }
    assert.equal(1, status)
    assert.truthy(output:find("127.0.0.1:1", 1, true), output)
  end)

  it("tells nobody what is in the environment of the server or on its disk", function()
    local alone = proc.scratch()
    proc.write(alone .. "/spy.lua", 'alert(env("PATH", "hidden")) { expr = "up" }')
    local status, output = check(alone .. "/spy.lua")
    assert.equal(0, status, output)
    assert.truthy(output:find("+ alert hidden", 1, true), output)
    local root = proc.scratch()
    proc.write(root .. "/moonwatch.lua", "settings {}")
    local other = server.start { config = "settings {}" }
    proc.write(root .. "/moonwatch.lua", 'settings {}\ninclude "/etc/passwd"')
    status, output = proc.run { server.binary(), "check", "--against", other.url, root .. "/moonwatch.lua" }
    assert.equal(1, status)
    assert.truthy(output:find("/etc/passwd is no file of the server", 1, true), output)
    assert.falsy(output:find("root:", 1, true))
    other:stop()
  end)

  it("of requests that make no sense is refused", function()
    for _, body in ipairs { "", "[]", "{}", '{"files":{}}', '{"files":{"a":1}}', '{"files":{"a":"x"},"what":[]}', '{"files":{"a":"x"},"what":[{"kind":"x","path":"a"}]}' } do
      assert.equal(400, (node:post("/api/mw/v1/plan", body)), body)
    end
    assert.equal(405, (node:get "/api/mw/v1/plan"))
  end)
end)

describe("a reload of a root file", function()
  it("is planned with what it includes", function()
    local dir = proc.scratch()
    os.execute("mkdir -p " .. dir .. "/here/conf " .. dir .. "/there/conf")
    for _, where in ipairs { "here", "there" } do
      proc.write(dir .. "/" .. where .. "/root.lua", 'settings { strict = true }\ninclude "conf/*.lua"')
      proc.write(dir .. "/" .. where .. "/conf/a.lua", 'alert "A" { expr = "up" }')
    end
    proc.write(dir .. "/there/conf/b.lua", 'alert "B" { expr = "up" }')
    local port = proc.free_port()
    local p = proc.spawn { server.binary(), "run", dir .. "/here/root.lua", "--listen", "127.0.0.1:" .. port, "--data", dir .. "/data" }
    eventually(function() return net.request(("http://127.0.0.1:%d/-/ready"):format(port)) == 200 end, "it is ready")
    local status, output = proc.run { server.binary(), "check", dir .. "/there/root.lua", "--against", "http://127.0.0.1:" .. port }
    assert.equal(0, status, output)
    assert.truthy(output:find("2 rules: 1 added, 0 changed, 0 removed", 1, true), output)
    p:stop()
    proc.cleanup()
  end)
end)

describe("with many rules", function()
  teardown(proc.cleanup)
  it("reloads miss no evaluation and keep every alert; kill -9 in the middle of one loses nothing", function()
    local files = many(100, "0s")
    local node = server.start { rules = files }
    node:push "stage 9\n"
    local function firing() return node:value 'count(ALERTS{alertstate="firing"})' end
    eventually(function() return firing() == 100 end, "a hundred alerts fire")
    local since = node:value 'min(ALERTS_FOR_STATE)'
    local latest = node:value 'max(ALERTS_FOR_STATE)'
    for round = 1, 5 do
      for name, text in pairs(many(100, round .. "ms")) do node:write(name, text) end
      local answer, status = node:reload()
      assert.equal(200, status)
      assert.truthy(answer.summary:find("1000 rules", 1, true), answer.summary)
    end
    local _, page = node:get "/metrics"
    local groups = 0
    for missed in page:gmatch "moonwatch_rule_iterations_missed_total{[^}]*} (%d+)" do
      assert.equal("0", missed)
      groups = groups + 1
    end
    assert.equal(100, groups)
    assert.same({ since, latest }, { node:value "min(ALERTS_FOR_STATE)", node:value "max(ALERTS_FOR_STATE)" })
    proc.eventually(function() -- the state is on disk
      local f = io.open(node.dir .. "/data/rules-state.json")
      local text = f and f:read "*a" or ""
      if f then f:close() end
      return select(2, text:gsub('"firing"', "")) >= 100
    end, 15, "the state is saved")
    for name, text in pairs(many(100, "7ms")) do node:write(name, text) end
    node.proc:signal "HUP"
    node:kill()
    local again = server.start { dir = node.dir }
    eventually(function() return firing and again:value 'count(ALERTS{alertstate="firing"})' == 100 end, "a hundred alerts fire again")
    assert.same({ since, latest }, { again:value "min(ALERTS_FOR_STATE)", again:value "max(ALERTS_FOR_STATE)" })
    again:stop()
  end)
end)

describe("with strict = false", function()
  teardown(proc.cleanup)
  it("one bad file is left out alone, told everywhere, and its version before goes on, over a restart too", function()
    local node = server.start { config = "settings { strict = false }", rules = {
      ["a.lua"] = 'alert "A" { expr = "stage > 1", every = "200ms" }', ["b.lua"] = 'alert "B" { expr = "stage > 1", every = "200ms" }' } }
    node:push "stage 5\n"
    eventually(function() return node:state "A" == "firing" and node:state "B" == "firing" end, "both fire")
    node:write("a.lua", 'alert "A" { expr = "stage", hold = {} }')
    node:write("b.lua", 'alert "B" { expr = "stage > 1", every = "200ms" }\nalert "C" { expr = "stage > 1", every = "200ms" }')
    local answer, status = node:reload()
    assert.equal(200, status)
    assert.equal(1, #answer.problems)
    assert.same({ { file = node.dir .. "/rules/a.lua", running = true } }, answer.quarantined)
    eventually(function() return node:state "C" == "firing" end, "the good file is live")
    assert.equal("firing", node:state "A")
    local _, page = node:get "/metrics"
    assert.truthy(page:find("moonwatch_rule_files_quarantined 1", 1, true))
    local function told() return #node:json "/api/v2/alerts?filter=alertname=RuleFileQuarantined" end
    eventually(function() return told() == 1 end, "an alert says so")
    assert.truthy(node:log():find("a.lua is left out: its version before goes on running", 1, true))
    node:stop()
    local before = #node:log()
    local again = server.start { dir = node.dir, config = "settings { strict = false }" }
    local _, times = again:log():sub(before + 1):gsub(answer.problems[1]:gsub("%p", "%%%0"), "")
    assert.equal(1, times, "a start tells each problem once")
    eventually(function() return again:state "A" == "firing" end, "the kept version runs")
    again:write("a.lua", 'alert "A" { expr = "stage > 2", every = "200ms" }')
    assert.same({}, again:reload().quarantined)
    eventually(function() return #again:json "/api/v2/alerts?filter=alertname=RuleFileQuarantined" == 0 end, "the alert ends")
    _, page = again:get "/metrics"
    assert.truthy(page:find("moonwatch_rule_files_quarantined 0", 1, true))
    again:stop()
  end)
end)

describe("a shadow on a server", function()
  teardown(proc.cleanup)
  it("is shown by moonwatch shadow and becomes live by moonwatch promote, over a restart too", function()
    local text = 'alert "A" { expr = "stage > 7", every = "200ms" }\nalert "A" { expr = "stage > 1", every = "200ms", shadow = true }'
    local node = server.start { rules = { ["a.lua"] = text } }
    local status, output = node:cli("shadow")
    assert.equal(0, status)
    assert.truthy(output:find("alert/A: " .. node.dir .. "/rules/a.lua:2 beside " .. node.dir .. "/rules/a.lua:1", 1, true), output)
    node:push "stage 5\n"
    eventually(function()
      local _, shown = node:cli("shadow", "A")
      return shown:find("would fire {severity=warning} 5 since", 1, true)
    end, "the difference is shown")
    assert.equal("inactive", node:state "A")
    assert.equal(0, #node:json "/api/v2/alerts")
    assert.equal(1, (node:cli("promote", "B")))
    assert.equal(2, (node:cli("promote")))
    status, output = node:cli("promote", "A")
    assert.equal(0, status, output)
    assert.truthy(output:find("a.lua:2 is live until it is edited", 1, true), output)
    eventually(function() return node:state "A" == "firing" end, "it is live")
    node:kill()
    local again = server.start { dir = node.dir }
    eventually(function() return again:state "A" == "firing" end, "it is live after a restart")
    assert.truthy(select(2, again:cli("shadow")):find("promoted", 1, true))
    status, output = again:cli("promote", "A", "--undo")
    assert.equal(0, status, output)
    eventually(function() return again:state "A" == "inactive" end, "the rule before is live again")
    again:stop()
  end)
end)
