--- backtest_spec.lua - what a server did live, and what a backtest of its own data says that it did.
local net = require "net"
local proc = require "proc"
local server = require "server"

local RULES = [[
record "stage:max" { expr = "max(stage)", every = "1s" }
alert "High" { expr = "stage > 5", every = "1s", hold = "2s", keep = "1s", severity = "page" }
alert "Recorded" { expr = "stage:max > 5", every = "1s", hold = "0s" }
receiver "ops" { webhook { url = "http://127.0.0.1:9/" } }
route { receiver = "ops", group_wait = "0s" }
]]

describe("a backtest beside a server", function()
  local node, from, to
  setup(function()
    node = server.start { rules = { ["a.lua"] = RULES } }
    -- Samples of the near future: what is evaluated live sees them as they come, to the millisecond.
    from = math.floor(os.time()) + 1
    local lines = {}
    for i, value in ipairs { 1, 1, 9, 9, 9, 9, 1, 1, 9, 1, 1 } do
      lines[i] = ('stage{job="a"} %d %d\n'):format(value, (from + i) * 1000 + 137)
    end
    node:push(table.concat(lines))
    to = from + 13
    proc.eventually(function() return os.time() > to + 1 end, 30, "the samples are past")
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  -- Of alert NAME, as the server stored it: when it began to be in STATE.
  local kept = {}
  local function stored(name, state)
    if kept[name .. state] then return kept[name .. state] end
    local expr = ('ALERTS{alertname="%s",alertstate="%s"}[%ds]'):format(name, state, to - from + 5)
    local answer = net.json(("%s/api/v1/query?time=%d&query=%s"):format(node.url, to, net.escape(expr)))
    local out, before = {}, nil
    for _, row in ipairs(answer.data.result) do
      for _, point in ipairs(row.values) do
        if not before or point[1] - before > 1.5 then out[#out + 1] = ("%.3f"):format(point[1]) end
        before = point[1]
      end
    end
    kept[name .. state] = out
    return out
  end

  local function decode(text) return require("moonwatch.host").json.decode(text) end

  local function run(...)
    local argv = { server.binary(), "backtest", node.dir .. "/rules", "--from", tostring(from), "--to", tostring(to), "--json", ... }
    local status, output = proc.run(argv, 60)
    local report = decode(output:match "({.*})" or "")
    assert.is_truthy(report, output)
    return report, status
  end

  local function replayed(report, name, state)
    local out = {}
    for _, e in ipairs(report.alerts) do
      if e.rule == name and e.to == state then out[#out + 1] = ("%.3f"):format(e.at) end
    end
    return out
  end

  local function same(report)
    for _, name in ipairs { "High", "Recorded" } do
      assert.is_true(#stored(name, "firing") > 0, name)
      assert.same(stored(name, "firing"), replayed(report, name, "firing"), name)
    end
    assert.same(stored("High", "pending"), replayed(report, "High", "pending"))
  end

  it("says on the server what the server did", function()
    local report, status = run("--url", node.url)
    assert.equal(0, status)
    same(report)
    assert.is_true(#report.messages > 0)
  end)

  it("does not read the folder of a server that runs, and says what to do", function()
    local status, output = proc.run({ server.binary(), "backtest", node.dir .. "/rules", "--from", "-1m", "--data", node.dir .. "/data" }, 60)
    assert.equal(1, status)
    assert.is_truthy(output:find("--url", 1, true), output)
  end)

  it("tells rules that do not load by file and line", function()
    proc.write(node.dir .. "/bad.lua", 'alert "X" { exprr = "up" }\n')
    local status, output = proc.run({ server.binary(), "backtest", node.dir .. "/bad.lua", "--from", "-1m", "--url", node.url }, 60)
    assert.equal(1, status)
    assert.is_truthy(output:find("bad.lua:1:", 1, true), output)
  end)

  it("refuses what makes no sense", function()
    local cases = { { 400, "{" }, { 400, '{"files":{},"load":{}}' }, { 400, '{"files":{"a":1},"load":{},"from":1,"to":2}' },
                    { 400, '{"files":{},"load":{},"from":1,"to":99999999999}' } }
    for _, case in ipairs(cases) do
      local status, body = node:post("/api/mw/v1/backtest", case[2])
      assert.equal(case[1], status, body)
    end
    assert.equal(404, (node:get "/api/mw/v1/backtest/none"))
    assert.equal(422, (node:post("/api/mw/v1/backtest", '{"files":{"a.lua":"alert ("},"load":{"paths":["a.lua"],"rules":[]},"from":1,"to":2}')))
  end)

  it("says the same out of the data folder when the server is down, and changes nothing there", function()
    node:stop()
    local function listing() return select(2, proc.run({ "find", node.dir .. "/data", "-type", "f", "-printf", "%p %s %T@\n" }, 10)) end
    local before = listing()
    same((run("--data", node.dir .. "/data")))
    assert.equal(before, listing())
  end)

  it("shows what other rules would have done otherwise", function()
    proc.write(node.dir .. "/other.lua", (RULES:gsub('hold = "2s"', 'hold = "0s"')))
    local status, output = proc.run({ server.binary(), "backtest", node.dir .. "/rules", "--diff", node.dir .. "/other.lua", "--from", tostring(from),
                                      "--to", tostring(to), "--data", node.dir .. "/data", "--round" }, 60)
    assert.equal(1, status, output)
    assert.is_truthy(output:find("2s earlier", 1, true), output)
  end)
end)
