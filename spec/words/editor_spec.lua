--- editor_spec.lua - what editors are told is what the tables say, and what the sandbox has.
local annotations = require "moonwatch.words.annotations"
local doc = require "moonwatch.words.doc"
local host = require "moonwatch.host"
local objects = require "moonwatch.words.objects"
local words = require "moonwatch.words"

local function read(path)
  local f = assert(io.open(path))
  local text = f:read "*a"
  f:close()
  return text
end

describe("what make docs writes", function()
  it("is up to date: the library for editors", function()
    assert.truthy(read "lua/library/moonwatch.lua" == annotations.library(), "run make docs and commit lua/library/moonwatch.lua")
    assert.truthy(read "lua/library/objects.lua" == annotations.objects(), "run make docs and commit lua/library/objects.lua")
  end)
  it("is up to date: the manual of the words", function()
    assert.truthy(read "docs/rules.md" == doc.markdown(), "run make docs and commit docs/rules.md")
  end)
end)

describe("the library for editors", function()
  local library = annotations.library() .. annotations.objects()
  it("is Lua, and declares every word and kind with a class of its own", function()
    assert(loadstring(library))
    for _, def in ipairs(words.list) do
      if not def.absent then assert.truthy(library:find("\nfunction " .. def.word .. "(", 1, true), def.word) end
    end
    for name, kind in pairs(words.kinds) do
      if not kind.absent then assert.truthy(library:find("---@class moonwatch.kind." .. name .. "\n", 1, true), name) end
    end
  end)
  it("has every field of every word with its help", function()
    local function visit(fields, path, seen)
      if not fields or seen[fields] then return end
      seen[fields] = true
      for _, row in ipairs(fields) do
        if not row.absent then
          assert.truthy(library:find("---@field " .. row[1] .. (row.required and "" or "?") .. " ", 1, true), path .. row[1])
          visit(row.fields, path .. row[1] .. ".", seen)
          visit(row.items and row.items.fields, path .. row[1] .. "[].", seen)
        end
      end
    end
    for _, def in ipairs(words.list) do if not def.absent then visit(def.fields, def.word .. ".", {}) end end
  end)
  it("uses no class that it does not define", function()
    for class in library:gmatch "moonwatch%.[%w_%.]*[%w_]" do
      if class ~= "moonwatch.lua" and class ~= "moonwatch.objects" then
        assert.truthy(library:find("---@class " .. class .. "[\n:]") or library:find("---@alias " .. class .. " ", 1, true), class)
      end
    end
  end)
  it("writes a name before its fields as people do: alert \"Name\" { ... }", function()
    assert.truthy(library:find("---@return fun(fields: moonwatch.alert)\nfunction alert(name) end", 1, true))
    assert.truthy(library:find("---@field keep? moonwatch.duration ", 1, true))
    assert.truthy(library:find("---@field when? (fun(ctx: moonwatch.ctx): any) ", 1, true))
  end)
end)

describe("the words that luacheck is told", function()
  it("are all of them, here and in a new folder", function()
    local function globals(text)
      local env = { files = setmetatable({}, { __index = function(t, k) local v = {} rawset(t, k, v) return v end }), ipairs = ipairs }
      setfenv(assert(loadstring(text)), env)()
      local out = env.read_globals or env.files.rules.read_globals
      table.sort(out)
      return out
    end
    assert.same(annotations.globals(), globals(read ".luacheckrc"))
    assert.same(annotations.globals(), globals(annotations.luacheckrc()))
  end)
end)

describe("what functions of a file are given", function()
  -- What CODE, the body of a function that gets ctx, gives back in the sandbox.
  local function run(code)
    local guest, problems = host.guest { name = "g.lua", source = ("every(1, function(ctx) %s end)"):format(code),
      words = words.shapes(), kinds = words.kind_names() }
    assert(guest, problems and problems[1] and problems[1].message)
    local answer
    guest:call(guest:declarations()[1].args[2]["@fn"], {}, { kind = "every", now = 100, state = {}, rule = "r" }, function(a) answer = a end)
    guest:close()
    assert(answer.ok, answer.error)
    return answer.values[1]
  end
  it("is there, member by member", function()
    for _, name in ipairs { "ctx", "ctx.logs", "ctx.traces", "ctx.metrics", "ctx.log", "ctx.http", "ctx.share" } do
      for _, member in ipairs(objects.by_name[name].members) do
        local kind = run(("return type(%s.%s)"):format(name, member[1]))
        if member.args then assert.equal("function", kind, name .. "." .. member[1]) else assert.not_equal("nil", kind, name .. "." .. member[1]) end
      end
    end
    for kind, how in pairs { counter = "add", gauge = "set", histogram = "observe" } do
      assert.equal("function", run(("return type(ctx.metrics.%s('spec_%s').%s)"):format(kind, kind, how)))
    end
  end)
  it("and may call is described, function by function", function()
    for _, f in ipairs(objects.functions) do assert.equal("function", run("return type(" .. f[1] .. ")"), f[1]) end
  end)
end)

describe("help", function()
  it("has a page for every word, kind and object", function()
    for _, name in ipairs(doc.topics {}) do assert.truthy(doc.text(name), name) end
    assert.truthy(doc.text("ctx"):find("ctx:query(expr)", 1, true))
    assert.truthy(doc.text("n"):find("n.status", 1, true))
    assert.truthy(doc.text("alert"):find("expr  ", 1, true))
  end)
end)
