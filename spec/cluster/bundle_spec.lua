--- bundle_spec.lua - promises about pushed rules on one node.
local bundle = require "moonwatch.cluster.bundle"
local fake_host = require "fake_host"

describe("a pushed bundle", function()
  local host, applied, verdict

  local function new()
    return bundle.new {
      host = host,
      apply = function(files)
        applied[#applied + 1] = files
        return verdict == nil, verdict and { { text = verdict } } or {}
      end,
    }
  end
  local function message(version, sha, text)
    return { type = "bundle", version = version, sha = sha, files = { ["a.lua"] = text } }
  end
  -- The Nth status that was shared.
  local function told(n)
    local found = {}
    for _, call in ipairs(host.calls) do
      if call.op == "cluster.put" then found[#found + 1] = call.arg end
    end
    return found[n]
  end

  before_each(function()
    host, applied, verdict = fake_host.new(), {}, nil
    host.on["cluster.nodes"] = function() return { enabled = true, self = "n1" } end
    host.on["cluster.put"] = function() return {} end
  end)

  it("is loaded when it comes, and the cluster is told", function()
    new():handle(message(1, "s1", "one"), 100)
    assert.same({ { ["a.lua"] = "one" } }, applied)
    assert.equal("bundle-status", told(1).kind)
    assert.equal("n1", told(1).id)
    assert.is_true(told(1).value.ok)
    assert.equal(1, told(1).value.version)
  end)

  it("is loaded at the next start, before Redis says a word", function()
    new():handle(message(1, "s1", "one"), 100)
    new()
    assert.same({ ["a.lua"] = "one" }, applied[2])
  end)

  it("that is loaded already is not loaded again", function()
    local b = new()
    b:handle(message(1, "s1", "one"), 100)
    b:handle(message(3, "s1", "one"), 101)
    assert.equal(1, #applied)
    assert.equal(3, told(2).value.version)
  end)

  it("that does not load is told with its problems, and the last good one is kept", function()
    local b = new()
    b:handle(message(1, "s1", "one"), 100)
    verdict = "a.lua:1: no"
    b:handle(message(2, "s2", "two"), 101)
    assert.is_false(told(2).value.ok)
    assert.equal(1, told(2).value.running)
    assert.equal("a.lua:1: no", told(2).value.problems[1])
    verdict = nil
    new()
    assert.same({ ["a.lua"] = "one" }, applied[3])
  end)

  it("on disk that is damaged is left aside", function()
    host.files[host.data_dir .. "/bundle.json"] = '{"files":'
    new()
    assert.same({}, applied)
    host.files[host.data_dir .. "/bundle.json"] = '{"files": 7}'
    new()
    assert.same({}, applied)
  end)

  it("is known of every node that said what it runs", function()
    local b = new()
    b:handle({ type = "shared", kind = "bundle-status", id = "n2", value = { version = 4, ok = true } }, 100)
    b:handle({ type = "shared", kind = "silence", id = "n3", value = {} }, 100)
    assert.equal(4, b:status("n2").version)
    assert.is_nil(b:status("n3"))
  end)
end)
