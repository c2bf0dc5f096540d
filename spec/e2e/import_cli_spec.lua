--- import_cli_spec.lua - `moonwatch import` as a person uses it: what it prints, writes and answers.
require "peers" -- real programs
local proc = require "proc"
local server = require "server"

local GOOD = "groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]\n"

describe("moonwatch import", function()
  local dir
  before_each(function() dir = proc.scratch() end)
  after_each(function() proc.cleanup() end)

  local function write(name, text)
    proc.write(dir .. "/" .. name, text)
    return dir .. "/" .. name
  end
  local function import(...) return proc.run { server.binary(), "import", ... } end

  it("prints the Lua, and says 0 when everything was carried over", function()
    local status, out = import("prometheus", write("a.yml", GOOD))
    assert.equal(0, status)
    assert.truthy(out:find('alert "Down" { expr = "up == 0"', 1, true))
  end)

  it("writes a file that checks clean, and again the same one", function()
    local path = write("a.yml", GOOD)
    assert.equal(0, (import("prometheus", path, "-o", dir .. "/out")))
    local first = proc.read(dir .. "/out/a.lua")
    assert.equal(0, (proc.run { server.binary(), "check", dir .. "/out/a.lua" }))
    assert.equal(0, (import("prometheus", path, "-o", dir .. "/out")))
    assert.equal(first, proc.read(dir .. "/out/a.lua"))
  end)

  it("never overwrites what it did not write", function()
    local path, mine = write("a.yml", GOOD), write("a.lua", "-- mine\n")
    local status, out = import("prometheus", path, "-o", dir)
    assert.equal(1, status)
    assert.truthy(out:find("was not written by an import", 1, true))
    assert.equal("-- mine\n", proc.read(mine))
  end)

  it("says 1 and where, when something was not, and writes the rest", function()
    local status, out = import("prometheus", write("a.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up}\n  - {alert: B, expr: 'up ('}\n"), "-o", dir)
    assert.equal(1, status)
    assert.truthy(out:find("a.yml:5:%d+: bad PromQL"), out)
    assert.truthy(proc.read(dir .. "/a.lua"):find('alert "A"', 1, true))
  end)

  it("says 2 when it is asked the wrong way", function()
    local cases = { {}, { "prometheus" }, { "promtheus", "x" }, { "prometheus", "x", "--every", "soon" }, { "prometheus", "--nope", "x" } }
    for _, argv in ipairs(cases) do assert.equal(2, (import(unpack(argv)))) end
    assert.truthy(select(2, import("promtheus", "x")):find('did you mean "prometheus"', 1, true))
  end)

  it("tells of a file that is not there", function()
    local status, out = import("alertmanager", dir .. "/nothing.yml")
    assert.equal(1, status)
    assert.equal(dir .. "/nothing.yml: cannot read: No such file or directory\n", out)
  end)
end)
