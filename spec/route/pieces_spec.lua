--- pieces_spec.lua - matchers, the tree, windows with zones, the circuit breaker.
local Tree = require "moonwatch.route.tree"
local Window = require "moonwatch.route.window"
local breaker = require "moonwatch.breaker"
local calendar = require "moonwatch.route.calendar"
local matchers = require "moonwatch.route.matchers"
local fake = require "fake_host"

local host = fake.new()
-- Zone files are the machine's own.
local function machine()
  local h = fake.new()
  h.read_file = function(path)
    local f = io.open(path, "rb")
    if not f then return nil, "no such file" end
    local s = f:read "*a"
    f:close()
    return s
  end
  return h
end

describe("matchers", function()
  local function match(spec, labels) return matchers.match(assert(matchers.compile(spec, host)), labels) end
  it("may be a table, a text or a list of texts", function()
    for _, spec in ipairs { { team = "web" }, '{team="web"}', 'team=web', { 'team="web"' }, { { name = "team", op = "=", value = "web" } } } do
      assert.is_true(match(spec, { team = "web" }))
      assert.is_false(match(spec, { team = "api" }))
    end
  end)
  it("anchor regular expressions and take a missing label for the empty text", function()
    assert.is_true(match('a=~"b|c"', { a = "c" }))
    assert.is_false(match('a=~"b|c"', { a = "cc" }))
    assert.is_true(match('{a!~"b.*",z=""}', { a = "x" }))
    assert.is_true(match('a="x,\\"y"', { a = 'x,"y' }))
  end)
  it("have a dot that is no line break, as Alertmanager has it", function()
    assert.is_true(match('a=~".*"', { a = "one line" }))
    assert.is_false(match('a=~".*"', { a = "two\nlines" }))
    assert.is_true(match('a!~".+"', { a = "two\nlines" }))
    assert.is_true(match('a=~"(?s:.*)"', { a = "two\nlines" }))
    assert.is_true(match('a=~"[^x]*"', { a = "two\nlines" }))
  end)
  it("that are broken are refused with a reason, whatever they are", function()
    for _, bad in ipairs { "a", "=b", 'a=~"("', 'a="b', '{a="b" c="d"}', '{,a="b"}', 'a="b"c"', '"a"b=c', "a b=c" } do
      local ok, why = matchers.compile(bad, host)
      assert.is_nil(ok, bad)
      assert.equal("string", type(why))
    end
    local seed = 7
    for _ = 1, 2000 do
      local t = {}
      for i = 1, 12 do
        seed = (seed * 1103515245 + 12345) % 2147483648
        t[i] = ('{}",=~!\\ab '):sub(seed % 11 + 1, seed % 11 + 1)
      end
      matchers.parse(table.concat(t))
    end
  end)
end)

describe("the tree", function()
  local function takers(specs, labels)
    local out = {}
    for i, node in ipairs(assert(Tree.new(specs, host)):match(labels)) do out[i] = node.receiver or "nobody" end
    return table.concat(out, ",")
  end
  it("gives an alert to the first child that matches, to later ones after `continue`, or keeps it", function()
    local specs = { { receiver = "root", routes = { { match = { a = "1" }, receiver = "x", continue = true },
      { match = { a = "1" }, receiver = "y" }, { match = { a = "1" }, receiver = "z" } } } }
    assert.equal("x,y", takers(specs, { a = "1" }))
    assert.equal("root", takers(specs, { a = "2" }))
  end)
  it("makes further routes children of the one without a condition", function()
    assert.equal("team", takers({ { receiver = "root" }, { match = { a = "1" }, receiver = "team" } }, { a = "1" }))
    assert.equal("nobody", takers({ { match = { a = "1" }, receiver = "team" } }, {}))
  end)
end)

describe("a window", function()
  local function at(y, m, d, h, min) return calendar.days(y, m, d) * 86400 + h * 3600 + (min or 0) * 60 end
  local function inside(spec, t) return assert(Window.new(spec, machine())):contains(t) end
  it("includes its start and not its end; 24:00 is the end of the day", function()
    assert.is_true(inside({ times = "09:00-17:00" }, at(2026, 5, 28, 9)))
    assert.is_false(inside({ times = "09:00-17:00" }, at(2026, 5, 28, 17)))
    assert.is_true(inside({ times = "23:00-24:00" }, at(2026, 5, 28, 23, 59)))
  end)
  it("over midnight belongs to the day it began on", function()
    local friday_night = { days = "fri", times = "22:00-06:00" }
    assert.is_true(inside(friday_night, at(2026, 5, 29, 23)))
    assert.is_true(inside(friday_night, at(2026, 5, 30, 5)))
    assert.is_false(inside(friday_night, at(2026, 5, 29, 5)))
  end)
  it("knows days of the week, of the month from either end, months, years and whole dates", function()
    assert.is_true(inside({ days = "mon-fri" }, at(2026, 5, 28, 1)))
    assert.is_false(inside({ days = "sat, sun" }, at(2026, 5, 28, 1)))
    assert.is_true(inside({ dates = "-1" }, at(2028, 2, 29, 1)))
    assert.is_true(inside({ dates = "20..-4" }, at(2028, 2, 26, 1)))
    assert.is_false(inside({ dates = "20..-4" }, at(2028, 2, 27, 1)))
    assert.is_false(inside({ dates = "-1" }, at(2028, 2, 28, 1)))
    assert.is_true(inside({ dates = "2026-12-24..2027-01-06" }, at(2027, 1, 6, 23)))
    assert.is_true(inside({ months = "nov-feb", years = "2026-2027" }, at(2027, 1, 1, 0)))
  end)
  it("follows summer time in its zone, now and long after the table ends", function()
    local office = { times = "09:00-17:00", zone = "Europe/Lisbon" }
    assert.is_true(inside(office, at(2026, 7, 1, 8)))
    assert.is_false(inside(office, at(2026, 1, 7, 8)))
    assert.is_true(inside(office, at(2090, 7, 3, 8)))
    assert.is_false(inside(office, at(2090, 1, 7, 8)))
    assert.is_true(inside({ times = "09:00-10:00", zone = "Australia/Sydney" }, at(2060, 1, 7, 22, 30)))
  end)
  it("that makes no sense is refused with a reason", function()
    for _, bad in ipairs { { days = "someday" }, { times = "25:00-26:00" }, { times = "9" }, { dates = "32" }, { dates = "2026-02-30" },
      { months = "13" }, { zone = "Mars/Olympus" }, { zone = "../../etc/passwd" } } do
      local w, why = Window.new(bad, machine())
      assert.is_nil(w)
      assert.equal("string", type(why))
    end
  end)
end)

describe("a circuit breaker", function()
  it("opens after failures in a row, probes, and closes when the probe succeeds", function()
    local b = breaker.new { failures = 3, window = 10, open = 5 }
    for t = 1, 2 do b:fail(t) end
    b:ok(2)
    for t = 3, 5 do
      assert.is_true(b:allow(t))
      b:fail(t)
    end
    local ok, when = b:allow(6)
    assert.same({ false, 10 }, { ok, when })
    assert.is_true(b:allow(10))
    assert.is_false((b:allow(10)))
    b:ok(10)
    assert.equal("closed", b:look(10).state)
  end)
  it("opens again when the probe fails, and forgets failures that lie far apart", function()
    local b = breaker.new { failures = 2, window = 10, open = 5 }
    b:fail(0)
    b:fail(20)
    assert.equal("closed", b:look(20).state)
    b:fail(21)
    assert.is_true(b:allow(26))
    b:fail(26)
    assert.same({ false, 31 }, { b:allow(27) })
  end)
  it("lives on from what was saved", function()
    local b = breaker.new { failures = 1, open = 5 }
    b:fail(100)
    assert.is_false((breaker.new({ failures = 1, open = 5 }, b:save()):allow(101)))
    for _, saved in ipairs { { state = 7, failed = "many", level = -1 }, { state = "shut", failed = { "x", {} }, opened_at = 0 / 0 }, {} } do
      assert.is_true((breaker.new({ failures = 1, open = 5 }, saved):allow(101)))
    end
  end)
  it("says when it turns, once each time", function()
    local said = {}
    local b = breaker.new({ rate = 0.5, failures = 0, min_calls = 4, open = 5 }, nil, function(look, now) said[#said + 1] = look.state .. " " .. now end)
    for t = 1, 2 do
      b:ok(t)
      b:fail(t)
    end
    b:allow(3)
    b:allow(7)
    b:ok(8)
    assert.same({ "open 2", "half-open 7", "closed 8" }, said)
    assert.equal("rate", b:look(8).cause)
    assert.equal(1, b:look(8).refused)
  end)
  it("goes on counting when its limits stay, and with its state when they change", function()
    local b = breaker.new { failures = 2, window = 10, open = 5 }
    b:fail(1)
    assert.equal(b, breaker.continue(b, { failures = 2, window = 10, open = 5 }))
    local wider = breaker.continue(b, { failures = 2, window = 10, open = 50 })
    wider:fail(2)
    assert.equal(52, wider:look(3).opens_until)
  end)
  it("can be forced open and closed by hand", function()
    local b = breaker.new { failures = 1, open = 5 }
    b:force "open"
    assert.same({ false }, { b:allow(1) })
    b:force "closed"
    b:fail(1)
    assert.is_true((b:allow(2)))
    assert.same({ "open", "closed" }, { b:look(2).state, b:look(2).forced })
    b:force(nil)
    assert.is_false((b:allow(2)))
  end)
end)
