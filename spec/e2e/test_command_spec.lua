--- test_command_spec.lua - `moonwatch test` from outside: alone in a folder, and beside promtool.
local proc = require "proc"
local server = require "server"

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  local _, out = proc.run { "pwd" }
  return out:gsub("%s+$", "") .. "/" .. path:gsub("^%./", "")
end

local BINARY = absolute(server.binary())

local function in_folder(dir, ...)
  local words = { "env", "-C", dir, BINARY, "test", ... }
  return proc.run(words)
end

describe("moonwatch test in a folder of its own", function()
  local dir
  setup(function()
    dir = proc.scratch()
    assert(os.execute(("mkdir -p '%s/rules' '%s/spec'"):format(dir, dir)) == 0)
    proc.write(dir .. "/rules/web.lua", 'alert "Down" { expr = "up == 0", hold = "5m", summary = "${labels.job} is down" }\n')
    proc.write(dir .. "/spec/web_spec.lua", [[
local testing = require "moonwatch.testing"
it("fires", function()
  local world = testing.world("rules/web.lua"):series('up{job="web"}', "0x40"):advance "6m"
  assert.fires(world, "Down", { job = "web" })
end)
it("does not look outside", function() io.popen "true" end)
it("does not look outside and hide it", function() pcall(require("socket").tcp) end)
]])
    proc.write(dir .. "/spec/outside_spec.lua", 'require("moonwatch.testing").allow_network()\nit("may", function() io.popen("true"):close() end)\n')
    proc.write(dir .. "/spec/web_test.yml", [[
rule_files: [../rules/web.lua]
tests:
  - name: down
    input_series: [{series: 'up{job="web"}', values: 0x10}]
    alert_rule_test:
      - {eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {job: web, severity: warning}, exp_annotations: {summary: web is down}}]}
      - {eval_time: 4m, alertname: Down}
]])
  end)
  teardown(proc.cleanup)

  it("runs specs and promtool files, and a test that touches the outside fails", function()
    local status, out = in_folder(dir)
    assert.equal(1, status, out)
    assert.truthy(out:find("4 passed, 2 failed\n$"), out)
    assert.truthy(out:find("io.popen was called", 1, true) and out:find("socket.tcp was called", 1, true), out)
    assert.truthy(out:find("spec/web_spec.lua:7: does not look outside and hide it", 1, true), out)
  end)
  it("may be told to let them", function()
    local status, out = in_folder(dir, "--allow-network")
    assert.equal(0, status, out)
    assert.truthy(out:find("6 passed, 0 failed\n$"), out)
  end)
  it("chooses tests by their names and writes JUnit", function()
    local status, out = in_folder(dir, "--filter", "fires", "--junit", "report.xml")
    assert.equal(0, status, out)
    assert.truthy(out:find("1 passed, 0 failed\n$"), out)
    assert.truthy(proc.read(dir .. "/report.xml"):find('<testsuite name="spec/web_spec.lua" tests="1" failures="0">', 1, true))
    status, out = in_folder(dir, "--run", "^do.n$")
    assert.equal(0, status, out)
    assert.truthy(out:find("2 passed, 0 failed\n$"), out)
  end)
end)

describe("the example of tests", function()
  teardown(proc.cleanup)
  it("passes, from its own folder and from elsewhere", function()
    local status, out = in_folder("examples/testing")
    assert.equal(0, status, out)
    assert.truthy(out:find("8 passed, 0 failed\n$"), out)
    status, out = proc.run { BINARY, "test", "examples/testing" }
    assert.equal(0, status, out)
  end)
end)

describe("promtool and moonwatch", function()
  teardown(proc.cleanup)

  -- What is changed in the file, one at a time: both have to say the same of each.
  local CHANGES = {
    { "severity: page", "severity: ticket" }, { "value: 90", "value: 91" }, { "eval_time: 8m", "eval_time: 6m" }, { "37.5%%", "37%%" },
    { "eval_time: 6m\n", "eval_time: 7m\n" }, { "0%+60x30", "0+61x30" }, { "_ 1 stale", "_ 0 stale" }, { "how: absent", "how: present" },
    { "here http", "there http" }, { "%[rates, alerts%]", "[alerts, rates]" }, { "site: here", "site: there" }, { "interval: 15s", "interval: 1s" },
    { "%[rates, alerts%]", "[rates, rates]" }, { "alertname: Nobody", "alert: Nobody" }, { "vector%(1%)", "vector(3)" }, { "1x10 0", "1x9 0 0" },
    { "values: 0%+600x30", "values: 0+600y30" }, { "job: shop, instance: b", "instance: b" }, { "window: 5m, *", "" }, { 'pending: "1"', 'pending: "2"' },
  }

  it("say the same of a file and of its mistakes", function()
    local dir = proc.scratch()
    local text = proc.read "spec/testing/promtool/shop_test.yml"
    proc.write(dir .. "/shop_rules.yml", proc.read "spec/testing/promtool/shop_rules.yml")
    local path, failing = dir .. "/shop_test.yml", 0
    table.insert(CHANGES, 1, { "$", "" })
    for _, change in ipairs(CHANGES) do
      proc.write(path, (text:gsub(change[1], change[2], 1)))
      local theirs, why = proc.run { "promtool", "test", "rules", path }
      local ours, out = in_folder(dir, "--closed-ranges", path)
      assert.equal(theirs == 0, ours == 0, ("%s -> %s\n%s\n%s"):format(change[1], change[2], why, out))
      if theirs ~= 0 then failing = failing + 1 end
    end
    assert.truthy(failing >= 15, failing)
  end)
end)
