--- root_spec.lua - a folder of rules may bring its own root file.
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"

describe("a folder of rules with a moonwatch.lua in it", function()
  local dir
  before_each(function()
    dir = os.tmpname()
    os.remove(dir)
    host.mkdir(dir .. "/rules")
    host.write_file(dir .. "/moonwatch.lua", 'settings { external_labels = { dc = "x" } }\ninclude "rules/*.lua"\n')
    host.write_file(dir .. "/rules/a.lua", 'alert "A" { expr = "up == 0" }\n')
    host.write_file(dir .. "/b.lua", 'alert "B" { expr = "up == 0" }\n')
  end)
  after_each(function()
    for _, name in ipairs { "moonwatch.lua", "rules/a.lua", "b.lua", "other.lua" } do host.remove(dir .. "/" .. name) end
    host.remove(dir .. "/rules")
    host.remove(dir)
  end)

  local function names(options)
    options.host = host
    local set, problems = load.load(options)
    local out = {}
    for _, rule in ipairs(set and set.alerts or {}) do out[#out + 1] = rule.name end
    table.sort(out)
    return out, problems, set
  end

  it("takes it as the root file", function()
    local found, problems, set = names { rules = { dir } }
    assert.same({}, problems)
    assert.same({ "A", "B" }, found)
    assert.same({ dc = "x" }, set.settings.external_labels)
  end)
  it("takes it for a file of rules when another root file was named", function()
    host.write_file(dir .. "/other.lua", "")
    local _, problems = names { config = dir .. "/other.lua", rules = { dir } }
    assert.truthy(problems[1].text:find("moonwatch.lua:1:1: settings: belongs into the root file", 1, true))
  end)
end)
