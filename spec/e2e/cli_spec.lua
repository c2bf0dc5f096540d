--- cli_spec.lua - what a person types, and what comes back.
local peers = require "peers"
local proc = require "proc"
local server = require "server"

describe("the command line", function()
  local node
  setup(function()
    node = server.start { rules = { ["a.lua"] = 'alert "Busy" { expr = "stage > 5", every = "200ms", summary = "stage is ${value}" }\n'
      .. 'slo "web" { good = "sum(rate(good_total[$window]))", total = "sum(rate(all_total[$window]))", objective = 0.99 }' } }
    node:push "stage 9\n"
    proc.eventually(function() return node:state "Busy" == "firing" end, 10, "Busy fires")
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  local function says(expected, status, ...)
    local got, output = node:cli(...)
    assert.equal(status, got, output)
    assert.is_truthy(output:find(expected, 1, true), output)
  end

  it("queries", function()
    says("9", 0, "query", "stage")
    says('"9"', 0, "query", "stage", "-o", "json")
  end)
  it("explains a query, shows how it is written and what queries cost", function()
    says("selector, 1 matcher: 1 series", 0, "query", "--explain", "sum(stage)")
    says("! this selector has no equality matcher", 0, "query", "--explain", "--plan", '{__name__=~"st.+"}')
    says("sum by (job) (stage)", 0, "query", "--format", "sum(stage)by(job)")
    says("sum(stage)", 0, "query", "--top", "--by", "count", "--limit", "1000")
    says("stage", 0, "query", "--cardinality")
    says("no query 4000000000 runs", 1, "query", "--cancel", "4000000000")
    says("parse error", 1, "query", "--explain", "sum(")
  end)
  it("says no with status 1 when a query is wrong", function() says("parse error", 1, "query", "sum(") end)
  it("lists alerts", function() says("Busy", 0, "alerts") end)
  it("silences, lists silences and ends them", function()
    local status, id = node:cli("silence", "add", "alertname=Busy", "--for", "1h", "--comment", "spec")
    assert.equal(0, status, id)
    says("spec", 0, "silence", "list")
    id = assert(id:match "%x+%-%x+%-%x+%-%x+%-%x+")
    says("", 0, "silence", "expire", id)
  end)
  it("acknowledges", function() says("", 0, "ack", "Busy", "--comment", "mine") end)
  it("shows SLOs, health and targets", function()
    says("web", 0, "slo")
    says("", 0, "health")
    says("", 0, "targets")
  end)
  it("explains a word", function() says("hold", 0, "help", "alert") end)
  it("explains a command that is asked for --help, without doing anything", function()
    says("moonwatch alerts [--json]", 0, "alerts", "--help")
    says("Exit status: 0 something would have fired", 0, "backtest", "rules", "--help")
    says("moonwatch test [PATH...]", 0, "test", "--help")
    says("moonwatch help [COMMAND", 0, "help", "--help")
  end)
  it("says usage with status 2 for what it does not know", function() says("usage", 2, "no-such-command") end)

  it("does not start with a rules folder that is not there", function()
    local status, output = proc.run { server.binary(), "run", "--listen", "127.0.0.1:0", "--data", proc.scratch(), "--rules", "/no/such/folder" }
    assert.equal(1, status)
    assert.is_truthy(output:find("/no/such/folder", 1, true), output)
  end)

  it("checks rule files and names every problem by file, line and nearest spelling", function()
    local dir = proc.scratch()
    proc.write(dir .. "/bad.lua", 'alert "X" { exprr = "up" }\nalert "Y" { expr = "sum(", hold = "soon" }\n')
    local status, output = proc.run { server.binary(), "check", dir .. "/bad.lua" }
    assert.equal(1, status, output)
    assert.is_truthy(output:find('bad.lua:1', 1, true), output)
    assert.is_truthy(output:find('did you mean "expr"', 1, true), output)
    assert.is_truthy(output:find('bad.lua:2', 1, true), output)
    proc.write(dir .. "/good.lua", 'alert "X" { expr = "up == 0" }\n')
    assert.equal(0, (proc.run { server.binary(), "check", dir .. "/good.lua" }))
  end)

  it("names a file that is not there, once and without a place in it", function()
    local status, output = proc.run { server.binary(), "check", "no/such.lua" }
    assert.equal(1, status)
    assert.equal("no/such.lua: cannot read: No such file or directory\n", output)
    status, output = proc.run { server.binary(), "check", "--json", "no/such.lua" }
    assert.equal(1, status)
    assert.same({ file = "no/such.lua", message = "cannot read: No such file or directory" }, require("moonwatch.host").json.decode(output).problems[1])
  end)

  it("completes commands, flags and words in a shell", function()
    local status, output = proc.run { "bash", "-c", ([[
source <(%s completion bash)
t() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _moonwatch; echo "${COMPREPLY[@]}"; }
t moonwatch che; t moonwatch check --ag; t moonwatch help alert]]):format(server.binary()) }
    assert.equal(0, status, output)
    assert.equal("check\n--against\nalerts alert\n", output)
  end)

  it("runs specs of rules in simulated time", function()
    local dir = proc.scratch()
    proc.write(dir .. "/web.lua", 'alert "Down" { expr = "up == 0", every = "15s", hold = "5m" }\n')
    proc.write(dir .. "/web_spec.lua", ([[
local testing = require "moonwatch.testing"
describe("web.lua", function()
  it("fires once a target was down for five minutes", function()
    local world = testing.world "%s/web.lua"
    world:series('up{job="web"}', "0x40", { every = "15s" })
    world:advance "4m"
    assert.same({}, world:firing())
    world:advance "2m"
    assert.same({ "Down" }, world:firing())
  end)
end)
]]):format(dir))
    local status, output = proc.run { server.binary(), "test", dir .. "/web_spec.lua" }
    assert.equal(0, status, output)
    assert.is_truthy(output:find("1 passed, 0 failed", 1, true), output)
  end)

  it("finds nothing wrong with the quickstart and the rules that ship", function()
    for _, path in ipairs { "examples/quickstart/moonwatch.lua", "rules" } do
      local status, output = proc.run { server.binary(), "check", path }
      assert.equal(0, status, output)
    end
  end)
end)

describe("rule bundles in Redis", function()
  local redis, nodes
  setup(function()
    redis = peers.redis()
    nodes = {}
    for i, name in ipairs { "a", "b" } do nodes[i] = server.start { args = { "--redis", redis.url, "--node", name } } end
    for _, node in ipairs(nodes) do node:push "stage 9\n" end
  end)
  teardown(proc.cleanup)

  local function bundle(name)
    local dir = proc.scratch()
    proc.write(dir .. "/one.lua", ('alert "%s" { expr = "stage > 5", every = "200ms" }\n'):format(name))
    return dir
  end
  local function both(name)
    proc.eventually(function() return nodes[1]:state(name) == "firing" and nodes[2]:state(name) == "firing" end, 10, "both know " .. name)
  end

  it("are loaded by every node once pushed", function()
    local status, output = nodes[1]:cli("push", bundle "First")
    assert.equal(0, status, output)
    both "First"
  end)

  it("replace each other, and an older one comes back by rollback", function()
    assert.equal(0, (nodes[2]:cli("push", bundle "Second")))
    both "Second"
    local status, output = nodes[1]:cli "versions"
    assert.equal(0, status, output)
    assert.equal(0, (nodes[1]:cli("rollback", "1")))
    both "First"
  end)

  it("with a mistake are refused before anybody loads them", function()
    local dir = proc.scratch()
    proc.write(dir .. "/bad.lua", 'alert "X" { exprr = "up" }\n')
    local status, output = nodes[1]:cli("push", dir)
    assert.equal(1, status, output)
    assert.is_truthy(output:find("exprr", 1, true), output)
    both "First"
  end)

  it("stay when Redis goes away, and nodes find it again when it is back", function()
    redis.proc:kill()
    proc.eventually(function() return nodes[1]:log():lower():find "redis" end, 10, "the log says that Redis is gone")
    both "First"
    peers.redis(redis.port)
    assert.equal(200, (nodes[1]:get "/-/healthy"))
    proc.eventually(function() return nodes[1]:json("/api/mw/v1/nodes").connected end, 20, "connected again")
  end)
end)
