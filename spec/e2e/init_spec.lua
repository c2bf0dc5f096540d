--- init_spec.lua - the folder that `moonwatch init` writes is one that works.
local proc = require "proc"
local server = require "server"

local function run(dir, command)
  local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1; echo \"status $?\""):format(dir, command)))
  local text = pipe:read "*a"
  pipe:close()
  return tonumber(text:match "status (%d+)%s*$"), text
end

local function absolute(path) return path:sub(1, 1) == "/" and path or io.popen("pwd"):read "*l" .. "/" .. path end

describe("moonwatch init", function()
  local dir
  local moonwatch = absolute(server.binary())
  setup(function()
    dir = proc.scratch()
    assert.equal(0, (run(dir, moonwatch .. " init here")))
  end)

  it("writes rules that load, a spec that passes, and files that luacheck likes", function()
    local status, text = run(dir .. "/here", moonwatch .. " check moonwatch.lua")
    assert.equal(0, status, text)
    status, text = run(dir .. "/here", moonwatch .. " test")
    assert.equal(0, status, text)
    assert.truthy(text:find "2 passed, 0 failed")
    status, text = run(dir .. "/here", "luacheck --no-color .")
    assert.equal(0, status, text)
  end)
  it("writes the description of the words for editors", function()
    local annotations = require "moonwatch.words.annotations"
    for name, text in pairs { moonwatch = annotations.library(), objects = annotations.objects() } do
      assert.truthy(proc.read(("%s/here/.moonwatch/library/%s.lua"):format(dir, name)) == text, name)
    end
    assert.truthy(assert(io.open(dir .. "/here/.luarc.json")):read "*a":find('"workspace.library": [".moonwatch/library"]', 1, true))
  end)
  it("leaves alone what is there", function()
    proc.write(dir .. "/here/rules/first.lua", "-- mine\n")
    local status, text = run(dir, moonwatch .. " init here")
    assert.equal(0, status)
    assert.truthy(text:find "kept +rules/first.lua")
    assert.equal("-- mine\n", assert(io.open(dir .. "/here/rules/first.lua")):read "*a")
  end)
  it("says what stands in its way", function()
    proc.write(dir .. "/file", "")
    local status, text = run(dir, moonwatch .. " init file")
    assert.equal(1, status)
    assert.truthy(text:find("moonwatch: file/moonwatch.lua: ", 1, true), text)
  end)
end)
