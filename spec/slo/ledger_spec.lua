--- ledger_spec.lua - the sums of an SLO over time, in a few thousand numbers.
local ledger = require "moonwatch.slo.ledger"

local HOUR, DAY, START = 3600, 86400, 1770000000

-- A ledger of DAYS of evaluations each 30 s with random traffic, and all its moments.
local function random(seed, days, reach)
  math.randomseed(seed)
  local book, all = ledger.new(reach or 30 * DAY), {}
  local t, total, bad = START, 0, 0
  book:begin(t)
  all[1] = { t, 0, 0 }
  while t < START + days * DAY do
    t = t + 30
    local n = math.random(0, 100)
    local b = math.random() < 0.05 and math.random(0, n) or 0
    total, bad = total + n, bad + b
    book:add(t, n, b)
    all[#all + 1] = { t, total, bad }
  end
  return book, all
end

-- What happened from FROM to TO, out of all moments.
local function truth(all, from, to)
  local function at(t) return all[math.floor((t - START) / 30) + 1] end
  local a, b = at(from), at(to)
  return b[2] - a[2], b[3] - a[3]
end

describe("a ledger", function()
  it("knows every moment of the last hour exactly", function()
    local book, all = random(1, 2)
    for _ = 1, 500 do
      local from = book.at - 30 * math.random(1, 120)
      local total, bad = book:between(from, book.at)
      local want, want_bad = truth(all, from, book.at)
      assert.equal(want, total)
      assert.equal(want_bad, bad)
    end
  end)

  it("knows longer windows to what happened at their edge", function()
    local book, all = random(2, 9)
    for _, row in ipairs { { 6 * HOUR, 60 }, { DAY, 300 }, { 3 * DAY, 300 }, { 8 * DAY, HOUR } } do
      for i = 0, 20 do
        local from = book.at - row[1] + i * 30
        local total = book:between(from, book.at)
        local want = truth(all, from, book.at)
        assert.is_true(math.abs(total - want) <= 100 * row[2] / 30, ("%d of %d"):format(total, want))
        assert.near(want, total, want * 0.005)
      end
    end
  end)

  it("adds up: neighbouring stretches are the whole", function()
    local book = random(3, 5)
    for _ = 1, 200 do
      local a = START + math.random() * 5 * DAY
      local c = a + math.random() * (book.at - a)
      local b = a + math.random() * (c - a)
      local one, one_bad = book:value(a)
      local two, two_bad = book:value(b)
      local three, three_bad = book:value(c)
      assert.is_true(one <= two and two <= three and one_bad <= two_bad and two_bad <= three_bad)
    end
  end)

  it("stays small, whatever it has seen", function()
    local book = random(4, 40, 30 * DAY)
    local n = 0
    for _, row in ipairs(book.tiers) do
      local here = 0
      for _ in pairs(row.t) do here = here + 1 end
      assert.equal(row.last - row.first + 1, here)
      n = n + here
    end
    assert.is_true(n < 2600, n)
    assert.is_true(book.began <= book.at - 30 * DAY and book.began > book.at - 31 * DAY)
  end)

  it("takes what was before it, and nothing twice", function()
    local book = ledger.new(30 * DAY)
    book:begin(START + 10 * DAY, 1000, 10)
    local list = {}
    for i = 0, 9 * 24 do list[#list + 1] = { START + i * HOUR + DAY, i, 0 } end
    book:prepend(list)
    assert.equal(START + DAY, book.began)
    assert.equal(100, (book:value(START + DAY + 100 * HOUR)))
    local late = {}
    for i = 0, 300 do late[#late + 1] = { START + i * HOUR, -1000 + i, 0 } end
    book:prepend(late)
    assert.equal(START, book.began)
    assert.equal(100, (book:value(START + DAY + 100 * HOUR)))
    assert.equal(-1000, (book:value(START - DAY)))
  end)

  it("draws a line through a time in which nobody counted", function()
    local book = ledger.new(30 * DAY)
    book:begin(START)
    book:add(START + 30, 30, 0)
    book:add(START + 30 + 1200, 1200, 600)
    local total, bad = book:between(START + 30 + 900, START + 30 + 1200)
    assert.equal(300, total)
    assert.equal(150, bad)
  end)

  it("is saved as hours of the last days and, but for the worst hours, days before that", function()
    local book = random(5, 40)
    local saved = book:hours(8 * DAY, function(t) return math.floor(t / DAY) end)
    assert.is_true(#saved.t >= 8 * 24 + 31 + 100 and #saved.t <= 8 * 24 + 34 + 200, #saved.t)
    for i = 2, #saved.t do assert.is_true(saved.t[i] > saved.t[i - 1] and saved.total[i] >= saved.total[i - 1]) end
  end)
end)
