--- backtest_spec.lua - what `moonwatch backtest` says of rules that are asked for by name.
require("moonwatch.testing").allow_network() -- folders of its own are made and removed
local backtest = require "moonwatch.cli.backtest"
local host = require "moonwatch.host"

describe("moonwatch backtest --rule", function()
  local dir
  before_each(function()
    dir = os.tmpname()
    os.remove(dir)
    host.mkdir(dir .. "/data/metrics/blocks")
    host.mkdir(dir .. "/data/metrics/journal")
    host.write_file(dir .. "/a.lua", 'alert "Down" { expr = "up == 0" }\nexpect "backup" { every = "2h", timestamp = "backup_ts" }\n')
  end)
  after_each(function() require("os").execute("rm -rf " .. dir) end)

  local function run(name)
    local out, err = {}, {}
    local ctx = { host = host, out = function(text) out[#out + 1] = text end, err = function(text) err[#err + 1] = text end }
    local status = backtest.main(ctx, { dir .. "/a.lua", "--from", "-1h", "--data", dir .. "/data", "--rule", name })
    return status, table.concat(err), table.concat(out)
  end

  it("says that there is no such rule, not that it would not have fired", function()
    local status, err, out = run "Dwon"
    assert.equal(2, status, err)
    assert.matches("--rule Dwon: these rules have no alert of that name", err, 1, true)
    assert.not_matches("nothing would have fired", err, 1, true)
    assert.equal("", out)
  end)

  it("answers for a rule that is there", function()
    local status, err = run "Down"
    assert.equal(1, status, err)
    assert.matches("nothing would have fired", err, 1, true)
  end)

  it("knows an expect by its name", function()
    local status, err = run "backup"
    assert.equal(1, status, err)
  end)

  it("closes every bracket of its usage", function()
    local _, opened = backtest.usage:gsub("%[", "")
    local _, closed = backtest.usage:gsub("%]", "")
    assert.equal(opened, closed)
  end)
end)
