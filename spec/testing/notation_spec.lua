--- notation_spec.lua - series as promtool writes them.
local notation = require "moonwatch.testing.notation"

local function refused(text)
  local out, why = notation.parse(text)
  assert.is_nil(out)
  return why
end

describe("series notation", function()
  it("reads values, steps, repeats, gaps and stale markers as promtool does", function()
    assert.same({ 1, 2, 3 }, notation.read "1 2 3")
    assert.same({ 0, 10, 20 }, notation.read "0+10x2")
    assert.same({ 5, 3, 1 }, notation.read "5-2x2")
    assert.same({ -1, 1, 3 }, notation.read "-1+2x2")
    assert.same({ 0, 0, 0 }, notation.read "0x2")
    assert.same({ 1, false, "stale", false, false }, notation.read "1 _ stale _x2")
    assert.same({}, notation.read "_x0")
    assert.same({}, notation.read "  ")
  end)
  it("reads exponents, infinities and what is no number", function()
    assert.same({ 1000, 900, 800 }, notation.read "1e3-1e2x2")
    assert.same({ math.huge, -math.huge, 0.5 }, notation.read "Inf -Inf .5")
    local nan = notation.read("NaN")[1]
    assert.truthy(nan ~= nan)
  end)
  it("adds a step again and again, to the same bits as promtool", function()
    assert.equal(0.1 + 0.1 + 0.1, notation.read("0+0.1x3")[4])
  end)
  it("takes 0x40 for forty zeros", function() assert.equal(41, #notation.read "0x40") end)
  it("refuses what it cannot read, and says which word", function()
    for _, text in ipairs { "1+x", "1+2", "1x", "0x40a", "stalex3", "one", "1+-2x2", "1,2" } do
      assert.truthy(refused("7 " .. text):find(text, 1, true), text)
    end
    assert.has_error(function() notation.read "1+x" end)
  end)
  it("refuses more samples than anybody means", function() assert.truthy(refused("1x9999999999"):find "more than") end)
end)

describe("native histograms in series notation", function()
  local function texts(text)
    local out = {}
    for i, value in ipairs(notation.read(text)) do out[i] = type(value) == "userdata" and notation.histogram_text(value) or value end
    return out
  end
  it("are read field by field, repeated and added up", function()
    assert.same({ "{{schema:1 count:3 sum:4 z_bucket:1 z_bucket_w:0.001 offset:-1 buckets:[1 2] n_buckets:[1] counter_reset_hint:gauge}}", 5 },
      texts "{{schema:1 sum:4 count:3 z_bucket:1 z_bucket_w:0.001 offset:-1 buckets:[1 2] n_buckets:[1] counter_reset_hint:gauge}} 5")
    assert.same({ "{{count:1 sum:1 buckets:[1]}}", "{{count:2 sum:3 buckets:[1 1]}}", "{{count:3 sum:5 buckets:[1 2]}}" },
      texts "{{sum:1 count:1 buckets:[1]}}+{{sum:2 count:1 buckets:[0 1]}}x2")
    assert.same({ "{{schema:-53 count:3 sum:7 buckets:[1 2] custom_values:[5 10]}}", "{{schema:-53 count:3 sum:7 buckets:[1 2] custom_values:[5 10]}}" },
      texts "{{schema:-53 sum:7 count:3 custom_values:[5 10] buckets:[1 2]}}x1")
  end)
  it("are refused with a reason", function()
    for text, why in pairs { ["{{foo:1}}"] = "no field \"foo\"", ["{{sum:1"] = "without its }}", ["{{sum:x}}"] = "is a number",
                             ["{{buckets:1}}"] = "is a list", ["{{schema:99}}"] = "schema", ["{{sum:1 sum:2}}"] = "twice",
                             ["{{counter_reset_hint:maybe}}"] = "maybe", ["{{buckets:[1]}}+{{schema:-53 custom_values:[1] buckets:[1]}}x1"] = "do not mix" } do
      local got = refused(text)
      assert.truthy(got:find(why, 1, true), got)
    end
  end)
end)
