--- overlay_spec.lua - where files of somebody else would be on this server.
local overlay = require "moonwatch.config.overlay"

local DISK = { ["/etc/mw/rules/web.lua"] = "disk web", ["/etc/mw/rules/db.lua"] = "disk db", ["/etc/mw/rules/lib/m.lua"] = "disk m",
               ["/etc/mw/root.lua"] = "disk root", ["/etc/mw/targets.json"] = "[]" }
local host = {
  read_file = function(path) return DISK[path] end,
  glob = function(pattern)
    local out, lua = {}, "^" .. pattern:gsub("%.", "%%."):gsub("%*", "[^/]*") .. "$"
    for path in pairs(DISK) do
      if path:find(lua) then out[#out + 1] = path end
    end
    table.sort(out)
    return out
  end,
}
local RUNNING = { ["/etc/mw/rules/web.lua"] = true, ["/etc/mw/rules/db.lua"] = true }

local function over(files, what, place)
  return overlay.new(host, files, what, place or { rules = { "/etc/mw/rules" }, running = RUNNING })
end

describe("files of somebody else", function()
  it("of a folder replace all Lua files of the folder here, and nothing else", function()
    local o = assert(over({ ["my/rules/web.lua"] = "new web", ["my/rules/lib/n.lua"] = "new n" }, { { kind = "folder", path = "my/rules/" } }))
    assert.same({ "/etc/mw/rules/web.lua" }, o.host.glob "/etc/mw/rules/*.lua")
    assert.equal("new web", o.host.read_file "/etc/mw/rules/web.lua")
    assert.equal("new n", o.host.read_file "/etc/mw/rules/lib/n.lua")
    assert.equal(nil, (o.host.read_file "/etc/mw/rules/lib/m.lua"))
    assert.equal(nil, (o.host.read_file "/etc/mw/targets.json"), "what does not run here is nobody's business")
    assert.same({}, o.host.glob "/etc/mw/*.json")
    assert.equal("my/rules/web.lua", o:there "/etc/mw/rules/web.lua")
    assert.equal("/elsewhere.lua", o:there "/elsewhere.lua")
  end)

  it("alone take the place of the file that ends alike; others stay", function()
    local o = assert(over({ ["./web.lua"] = "new web" }, { { kind = "file", path = "web.lua" } }))
    assert.same({ "/etc/mw/rules/db.lua", "/etc/mw/rules/web.lua" }, o.host.glob "/etc/mw/rules/*.lua")
    assert.equal("new web", o.host.read_file "/etc/mw/rules/web.lua")
    o = assert(over({ ["x/new.lua"] = "new" }, { { kind = "file", path = "x/new.lua" } }))
    assert.same({ "/etc/mw/rules/db.lua", "/etc/mw/rules/new.lua", "/etc/mw/rules/web.lua" }, o.host.glob "/etc/mw/rules/*.lua")
  end)

  it("with a root file replace all that is beside the root file here", function()
    local o = assert(over({ ["moonwatch.lua"] = "new root", ["rules/a.lua"] = "a" }, { { kind = "config", path = "moonwatch.lua" } },
                          { config = "/etc/mw/root.lua", running = RUNNING }))
    assert.equal("new root", o.host.read_file "/etc/mw/root.lua")
    assert.same({ "/etc/mw/rules/a.lua" }, o.host.glob "/etc/mw/rules/*.lua")
  end)

  it("may be a folder with the root file in it", function()
    local o = assert(over({ ["watch/moonwatch.lua"] = "root", ["watch/rules/a.lua"] = "a" }, { { kind = "folder", path = "watch" } },
                          { config = "/etc/mw/moonwatch.lua", running = { ["/etc/mw/moonwatch.lua"] = true, ["/etc/mw/rules/a.lua"] = true } }))
    assert.equal("root", o.host.read_file "/etc/mw/moonwatch.lua")
    assert.equal("a", o.host.read_file "/etc/mw/rules/a.lua")
    o = assert(over({ ["moonwatch.lua"] = "root" }, { { kind = "folder", path = "." } }, { config = "moonwatch.lua" }))
    assert.equal("root", o.host.read_file "moonwatch.lua")
  end)

  it("may be a bundle", function()
    local o = assert(over({ ["rules/a.lua"] = "a" }, { { kind = "folder", path = "rules" } }, { bundle = { ["a.lua"] = "old", ["b.lua"] = "b" } }))
    assert.same({ ["a.lua"] = "a" }, o.bundle)
  end)

  it("have no place when nobody knows which, and that is said", function()
    local many = { rules = { "/a/rules", "/b/alerts" }, running = { ["/a/rules/x.lua"] = true, ["/b/alerts/x.lua"] = true } }
    local files = { ["here/x.lua"] = "x" }
    assert.same({ nil, "which folder of the server is here? it reads rules from /a/rules, /b/alerts" },
                { over(files, { { kind = "folder", path = "here" } }, many) })
    assert.same({ nil, "which file of the server is here/x.lua? several end like it" }, { over(files, { { kind = "file", path = "here/x.lua" } }, many) })
    assert.same({ nil, "new.yml is no file of the server, and would be none of its rules: those end in .lua" },
                { over({ ["new.yml"] = "x" }, { { kind = "file", path = "new.yml" } }, { rules = { "/a/rules" } }) })
    assert.truthy(over({ ["alerts/x.lua"] = "x" }, { { kind = "folder", path = "alerts" } }, many))
    assert.truthy(over({ ["alerts/x.lua"] = "x" }, { { kind = "file", path = "alerts/x.lua" } }, many))
    assert.same({ nil, "the server runs without a root file; check the folder of its rules" }, { over(files, { { kind = "config", path = "m.lua" } }) })
    assert.same({ nil, "the server reads rules from no folder" }, { over(files, { { kind = "folder", path = "here" } }, {}) })
  end)
end)
