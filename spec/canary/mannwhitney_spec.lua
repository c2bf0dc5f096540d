--- mannwhitney_spec.lua - the test gives what books and other programs give.
local effect = require "moonwatch.canary.effect"
local mannwhitney = require "moonwatch.canary.mannwhitney"

local function test(xs, ys, options)
  options = options or {}
  options.independent = true
  return mannwhitney.test(xs, ys, options)
end

-- Every way to deal the values of XS and YS into two samples of the same sizes: the share of those whose U is at least as large.
local function dealt(xs, ys)
  local all, u = {}, test(xs, ys).u
  for _, list in ipairs { xs, ys } do
    for _, v in ipairs(list) do all[#all + 1] = v end
  end
  local many, more = 0, 0
  local function deal(i, a, b)
    if i > #all then
      if #b ~= #ys then return end
      many = many + 1
      if test(a, b).u >= u then more = more + 1 end
      return
    end
    for _, side in ipairs { a, b } do
      side[#side + 1] = all[i]
      if #a <= #xs and #b <= #ys then deal(i + 1, a, b) end
      side[#side] = nil
    end
  end
  deal(1, {}, {})
  return more / many
end

describe("the Mann-Whitney test", function()
  it("agrees with wilcox.test of R on the permeability of membranes (Hollander and Wolfe)", function()
    local t = test({ 1.15, 0.88, 0.90, 0.74, 1.21 }, { 0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46 })
    assert.equal(35, t.u)
    assert.near(0.1272, t.greater, 5e-5)
    assert.equal("exact", t.method)
  end)
  it("agrees with mannwhitneyu of SciPy on the ages of patients, exactly and as an approximation", function()
    local males, females = { 19, 22, 16, 29, 24 }, { 20, 11, 17, 12 }
    assert.equal(17, test(females, males).u)
    assert.near(0.1111111111111111, test(females, males).two_sided, 1e-12)
    assert.near(0.11134688653314041, test(females, males, { exact = 0 }).two_sided, 1e-12)
  end)
  it("has the critical values of the tables (two-sided, 0.05)", function()
    -- n, m, the largest U that is significant
    for _, row in ipairs { { 5, 5, 2 }, { 8, 8, 13 }, { 10, 10, 23 }, { 7, 12, 18 }, { 15, 20, 90 }, { 20, 20, 127 } } do
      local n, m, critical = row[1], row[2], row[3]
      -- ys so that just U pairs have a larger y: ranks from low to high, the rest below everything.
      local function with_u(u)
        local xs, ys = {}, {}
        for i = 1, n do xs[i] = i end
        for k = 1, m do
          local above = math.min(n, u)
          ys[k], u = above + 0.5 + k / 1000, u - above
        end
        return test(xs, ys)
      end
      assert.equal(critical, with_u(critical).u)
      assert.truthy(with_u(critical).two_sided <= 0.05, n .. "," .. m)
      assert.truthy(with_u(critical + 1).two_sided > 0.05, n .. "," .. m)
    end
  end)
  it("counts equal values as what they are: every way to deal them gives the same", function()
    for _, pair in ipairs { { { 1, 2, 2, 3 }, { 2, 3, 3, 4, 4 } }, { { 0, 0, 0, 1 }, { 0, 0, 1, 1 } }, { { 5, 5 }, { 5, 6, 5 } } } do
      assert.near(dealt(pair[1], pair[2]), test(pair[1], pair[2]).greater, 1e-12)
    end
  end)
  it("sees nothing where all values are equal", function()
    local same = {}
    for i = 1, 30 do same[i] = 7 end
    assert.equal(1, test(same, same).greater)
    assert.equal(1, test({ 7, 7 }, { 7, 7 }).two_sided)
  end)
  it("is near the exact probability where it begins to approximate", function()
    local xs, ys = {}, {}
    for i = 1, 20 do xs[i], ys[i] = i * 1.37 % 11, i * 2.11 % 11 + 2 end
    assert.near(test(xs, ys).greater, test(xs, ys, { exact = 0 }).greater, 2e-3)
  end)
  it("knows the normal distribution, also far out", function()
    assert.near(0.5, mannwhitney.above(0), 1e-15)
    assert.near(0.025, mannwhitney.above(1.959963984540054), 1e-12)
    assert.near(0.001, mannwhitney.above(3.090232306167813), 1e-12)
    assert.near(2.866515718791933e-07, mannwhitney.above(5), 1e-18)
    assert.near(0.975, mannwhitney.above(-1.959963984540054), 1e-12)
  end)
  it("is less sure of values that resemble the one before", function()
    local xs, ys = {}, {}
    for i = 1, 30 do xs[i], ys[i] = math.floor(i / 6), math.floor(i / 6) + 1 + i / 1000 end
    local t = mannwhitney.test(xs, ys)
    assert.truthy(t.resemblance > 0.5)
    assert.truthy(t.greater > 5 * test(xs, ys).greater)
  end)
end)

describe("the size of an effect", function()
  it("is Cliff's delta and Vargha and Delaney's A", function()
    local xs, ys = { 1, 2, 3, 4 }, { 3, 4, 5, 6 }
    local u = test(xs, ys).u -- 16 pairs: 13 with a larger y, 1 smaller, 2 equal
    assert.equal(14, u)
    assert.equal(0.875, effect.a12(u, 4, 4))
    assert.equal(0.75, effect.delta(u, 4, 4))
    assert.equal("large", effect.name(0.75))
    assert.equal("negligible", effect.name(-0.1))
  end)
  it("is the middle of all differences, nearly so of many values", function()
    assert.equal(2, effect.shift({ 1, 2, 3 }, { 3, 4, 5 }))
    local xs, ys = {}, {}
    for i = 1, 2000 do xs[i], ys[i] = (i * 7919) % 2000, (i * 104729) % 2000 + 50 end
    assert.near(50, effect.shift(xs, ys), 1)
  end)
end)
