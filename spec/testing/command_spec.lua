--- command_spec.lua - `moonwatch test` finds tests, and says what is missing.
local command = require "moonwatch.cli.test"
local files = require "moonwatch.testing.files"
local host = require "moonwatch.host"
local junit = require "moonwatch.testing.junit"

local function run(argv, stub)
  local out, err = {}, {}
  local loaded = package.loaded["busted.runner"]
  if stub then
    package.loaded["busted.runner"] = nil
    package.preload["busted.runner"] = stub
  end
  local status = command.main({ host = host, out = function(t) out[#out + 1] = t end, err = function(t) err[#err + 1] = t end }, argv)
  package.loaded["busted.runner"], package.preload["busted.runner"] = loaded, nil
  return status, table.concat(out), table.concat(err)
end

describe("the tests of a folder", function()
  it("are specs and promtool files by their names", function()
    local found = files.find(host, { "spec/testing" })
    local names = {}
    for _, list in pairs(found) do
      for _, path in ipairs(list) do names[path] = true end
    end
    assert.truthy(names["spec/testing/command_spec.lua"])
    assert.truthy(names["spec/testing/promtool/shop_test.yml"])
    assert.is_nil(names["spec/testing/promtool/shop_rules.yml"])
  end)
  it("are whatever is named", function()
    assert.same({ specs = {}, promtool = { "spec/testing/promtool/shop_rules.yml" } }, files.find(host, { "spec/testing/promtool/shop_rules.yml" }))
  end)
end)

describe("moonwatch test", function()
  it("says that busted is missing, and how to get it", function()
    local status, _, err = run({ "spec/testing/notation_spec.lua" }, function() error "no" end)
    assert.equal(1, status)
    assert.truthy(err:find("busted is not installed", 1, true) and err:find("lua-busted", 1, true), err)
  end)
  it("says what is not there, and what it takes", function()
    local status, _, err = run { "spec/nowhere" }
    assert.equal(2, status)
    assert.truthy(err:find("spec/nowhere: there is no such file or folder", 1, true) and err:find("usage: moonwatch test", 1, true), err)
    status, _, err = run { "--junit" }
    assert.equal(2, status)
    assert.truthy(err:find("--junit needs a value", 1, true), err)
    status, _, err = run { "--run", "(", "spec/testing/promtool" }
    assert.equal(2, status)
    assert.truthy(err:find("--run:", 1, true), err)
  end)
  it("says that a folder has no tests", function()
    local status, _, err = run { "docs" }
    assert.equal(1, status)
    assert.truthy(err:find("no tests in docs", 1, true), err)
  end)
end)

describe("JUnit's XML", function()
  it("has a suite for each file and no character that XML has not", function()
    local text = junit.text { { file = "a.yml", name = "one & two" }, { file = "a.yml", name = "three", text = "1 < 2\27" }, { file = "b", name = "x" } }
    assert.equal([[
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a.yml" tests="2" failures="1">
    <testcase name="one &amp; two" classname="a.yml"/>
    <testcase name="three" classname="a.yml"><failure>1 &lt; 2?</failure></testcase>
  </testsuite>
  <testsuite name="b" tests="1" failures="0">
    <testcase name="x" classname="b"/>
  </testsuite>
</testsuites>
]], text)
  end)
end)
