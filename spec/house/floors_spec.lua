--- floors_spec.lua - the house keeps its floors, and the map shows what is there.
require("moonwatch.testing.nonet").allow() -- looks at the tree with find

local function lines(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "*a"
  f:close()
  return text
end

-- Height of each folder; the same height twice means siblings, blind to each other.
local floors = { base = 0, model = 1, store = 2, metrics = 3, tsdb = 3, logs = 3, traces = 3, promql = 4, ingest = 5, script = 6,
  net = 7, http = 8, cluster = 9, main = 10 }

-- The one folder that may speak to a library.
local owners = { ["lua.h"] = "script", ["lauxlib.h"] = "script", ["lualib.h"] = "script", ["luajit.h"] = "script", ["h2o.h"] = "http",
  ["curl/curl.h"] = "net", ["libpq-fe.h"] = "net", ["hiredis/hiredis.h"] = "cluster", ["hiredis/async.h"] = "cluster" }

describe("the floors", function()
  it("never reach up or sideways", function()
    local problems = {}
    for _, path in ipairs(lines "find src -name '*.c' -o -name '*.h'") do
      local home = path:match "^src/(%w+)/"
      assert(floors[home], "a folder without a floor: " .. path)
      for include in read(path):gmatch '#include "([^"]+)"' do
        local floor = include:match "^(%w+)/"
        local fine = floor and floors[floor] and (floor == home or floors[floor] < floors[home])
        if not fine then problems[#problems + 1] = ("%s includes %s"):format(path, include) end
      end
    end
    assert.same({}, problems)
  end)

  it("keep each library to its one owner", function()
    local problems = {}
    for _, path in ipairs(lines "find src -name '*.c' -o -name '*.h'") do
      local home = path:match "^src/(%w+)/"
      for include in read(path):gmatch "#include <([^>]+)>" do
        if owners[include] and owners[include] ~= home then problems[#problems + 1] = ("%s includes <%s>"):format(path, include) end
      end
    end
    assert.same({}, problems)
  end)
end)

describe("the pieces of routing", function()
  it("know nothing of the router, which puts them together", function()
    local problems = {}
    for _, path in ipairs(lines "find lua/moonwatch/route -name '*.lua'") do
      for module in read(path):gmatch 'require "(moonwatch%.[%w_.]+)"' do
        if module:find "^moonwatch%.engine" or module:find "^moonwatch%.api" then problems[#problems + 1] = ("%s requires %s"):format(path, module) end
      end
    end
    assert.same({}, problems)
  end)
end)

describe("every file", function()
  it("stays below 800 lines and opens by saying what it is", function()
    local problems = {}
    for _, path in ipairs(lines "find src lua rules examples spec tests -name '*.c' -o -name '*.h' -o -name '*.lua'") do
      local text = read(path)
      local _, count = text:gsub("\n", "")
      local written = path:find "^lua/library/" -- by `make docs`, for editors
      if count > 800 and not written then problems[#problems + 1] = ("%s has %d lines"):format(path, count) end
      local name = path:match "([^/]+)$"
      if not path:find "^spec/hostile" and not text:sub(1, 200):find(name:gsub("%.%w+$", ""), 1, true) and name ~= "init.lua" then
        problems[#problems + 1] = path .. " does not name itself in its first line"
      end
    end
    assert.same({}, problems)
  end)
end)

describe("docs/tour.md", function()
  it("names only files and folders that exist", function()
    local missing = {}
    for path in read("docs/tour.md"):gmatch "`([%w_/.-]+/[%w_.-]*)`" do
      if not path:find "[*]" and #lines(("ls -d '%s' 2>/dev/null"):format(path)) == 0 then missing[#missing + 1] = path end
    end
    assert.same({}, missing)
  end)

  it("names every folder of src and lua/moonwatch", function()
    local tour, missing = read "docs/tour.md", {}
    for _, path in ipairs(lines "find src lua/moonwatch -mindepth 1 -maxdepth 1 -type d") do
      local has = #lines(("ls '%s'"):format(path)) > 0
      if has and not tour:find(path .. "/", 1, true) then missing[#missing + 1] = path end
    end
    assert.same({}, missing)
  end)
end)
