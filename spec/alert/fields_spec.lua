--- fields_spec.lua - what each field of an alert does to its life, to the evaluation.
local testing = require "moonwatch.testing"

local function world(fields, expr)
  return testing.world(('alert "A" { expr = %q, every = "15s", %s }\n'):format(expr or "x", fields))
end

-- Names of the severities that fire, in order.
local function severities(w)
  local out = {}
  for _, alert in ipairs(w:alerts "firing") do out[#out + 1] = alert.labels.severity end
  table.sort(out)
  return out
end

local function only(w, state)
  local list = w:alerts(state)
  assert.equal(1, #list)
  return list[1]
end

describe("clear_below", function()
  it("keeps an alert going until the value is less", function()
    local w = world "above = 5, clear_below = 3"
    w:set("x", 4):advance "15s"
    assert.same({}, w:firing())
    w:set("x", 6):advance "15s"
    w:set("x", 4):advance "15s"
    assert.same({ "A" }, w:firing())
    w:set("x", 3):advance "15s"
    assert.same({ "A" }, w:firing())
    w:set("x", 2.9):advance "15s"
    assert.same({}, w:firing())
    assert.equal(2.9, only(w, "inactive").value)
    w:set("x", 4):advance "15s"
    assert.same({}, w:firing())
  end)
  it("keeps a pending alert going too, and survives a restart", function()
    local rules = 'alert "A" { expr = "x", above = 5, clear_below = 3, hold = "1m", every = "15s" }\n'
    local w = testing.world(rules)
    w:set("x", 6):advance "15s"
    w:set("x", 4):advance "30s"
    assert.same({ "A" }, w:pending())
    w:advance "30s"
    assert.same({ "A" }, w:firing())
    w:restart(rules):advance "15s"
    assert.same({ "A" }, w:firing())
  end)
  it("has its mirror in clear_above", function()
    local w = world "below = 3, clear_above = 5"
    w:set("x", 2):advance "15s"
    w:set("x", 5):advance "15s"
    assert.same({ "A" }, w:firing())
    w:set("x", 5.1):advance "15s"
    assert.same({}, w:firing())
  end)
end)

describe("hold = {m, of=n}", function()
  it("fires while m of the last n evaluations were true, and is pending while some were", function()
    local w = world "above = 0, hold = { 3, of = 4 }"
    local seen = {}
    for i, v in ipairs { 1, 0, 1, 1, 1, 0, 0, 0 } do
      w:set("x", v):advance "15s"
      seen[i] = #w:firing() > 0 and "f" or #w:pending() > 0 and "p" or "-"
    end
    assert.equal("pppfff--", table.concat(seen))
  end)
  it("keeps its history over a reload and a restart", function()
    local rules = 'alert "A" { expr = "x > 0", hold = { 3, of = 4 }, every = "15s" }\n'
    local w = testing.world(rules)
    w:set("x", 1):advance "30s"
    w:reload(rules .. "-- edited\n"):restart(rules)
    assert.same({}, w:firing())
    w:advance "15s"
    assert.same({ "A" }, w:firing())
  end)
  it("does not end an alert that fires when the rule had another hold before", function()
    local w = world "above = 0"
    w:set("x", 1):advance "15s"
    w:reload 'alert "A" { expr = "x", above = 0, hold = { 4, of = 5 }, every = "15s" }\n'
    w:advance "15s"
    assert.same({ "A" }, w:firing())
  end)
end)

describe("absent", function()
  it("resolves when nothing else is said, also when the value is NaN", function()
    local w = world "above = 1"
    w:set("x", 2):advance "15s"
    assert.same({ "A" }, w:firing())
    w:set("x", 0 / 0):advance "15s"
    assert.same({}, w:firing())
  end)
  it("= keep leaves alerts as they are until there is a value", function()
    local w = world('above = 1, hold = "1m", absent = "keep"')
    w:set("x{n=\"1\"}", 2):advance "1m"
    w:set("x{n=\"2\"}", 2):advance "30s"
    w:set("x{n=\"1\"}", nil):set("x{n=\"2\"}", nil):advance "10m"
    assert.same({ "A" }, w:firing())
    assert.same({ "A" }, w:pending())
    w:set("x{n=\"1\"}", 0):set("x{n=\"2\"}", 0 / 0):advance "15s"
    assert.same({}, w:firing())
    assert.same({ "A" }, w:pending())
  end)
  it("= fire makes an alert of a series that is gone, until it is back", function()
    local w = world('above = 1, absent = "fire"')
    w:set("x{n=\"1\"}", 0):set("x{n=\"2\"}", 0):advance "15s"
    assert.same({}, w:firing())
    w:set("x{n=\"1\"}", nil):advance "30s"
    local alert = only(w, "firing")
    assert.equal("1", alert.labels.n)
    assert.truthy(alert.annotations.absent:find "^since 20")
    assert.truthy(alert.annotations.summary:find("no data for A since", 1, true))
    w:set("x{n=\"1\"}", 0):advance "15s"
    assert.same({}, w:firing())
  end)
  it("= fire remembers series over a restart, and gives them up in the end", function()
    local rules = 'alert "A" { expr = "x", above = 1, absent = "fire", absent_for = "1h", every = "15s" }\n'
    local w = testing.world(rules)
    w:set("x{n=\"1\"}", 0):set("x{n=\"2\"}", 0):advance "15s"
    w:restart(rules)
    w:set("x{n=\"1\"}", nil):advance "2m"
    assert.equal("1", only(w, "firing").labels.n)
    w:advance "1h"
    assert.same({}, w:firing())
  end)
  it("= fire knows on another node, and after a crash, when a series was last there", function()
    local rules = 'alert "A" { expr = "x", above = 1, absent = "fire", absent_for = "1h", every = "15s" }\n'
    for _, how in ipairs { "fail_over", "kill" } do
      local w = testing.world(rules)
      w:set('x{n="1"}', 0):set('x{n="2"}', 0):advance "5h"
      local last = w.now
      w:set('x{n="1"}', nil)
      w[how](w)
      w:advance "2m"
      local alert = only(w, "firing")
      assert.equal("1", alert.labels.n, how)
      local known = w.engine.by_id["alert/A"].known[alert.key]
      assert.truthy(known.at <= last and known.at >= last - 75, how)
      w:advance "1h"
      assert.same({}, w:firing())
    end
  end)
  it("= fire says when series were last there seldom, whatever the interval and the reloads", function()
    local rules = 'alert "A" { expr = "x", above = 1, absent = "fire", absent_for = "%dh", every = "1s" }\n'
    for hours, most in pairs { [1] = 10, [10] = 2 } do
      local w = testing.world(rules:format(hours))
      w:set("x", 0):advance "30s"
      local n, share = 0, w.share
      function w.share(...) n = n + 1 return share(...) end
      for i = 1, 10 do w:reload(rules:format(hours) .. ("\n"):rep(i)):advance "1m" end
      assert.truthy(n <= most and n > 0, n)
    end
  end)
  it("= fire makes an alert of an expression that never gave anything", function()
    local w = world('above = 1, absent = "fire", hold = "1m"')
    w:advance "30s"
    assert.same({}, w:pending()) -- data may come a little later than the rule
    w:advance "30s"
    assert.same({ "A" }, w:pending())
    w:advance "1m"
    assert.equal("never seen", only(w, "firing").annotations.absent)
    w:set("x", 0):advance "15s"
    assert.same({}, w:firing())
  end)
  it("= fire is no second alert about a series that fires already", function()
    local w = world('above = { warning = 1, page = 5 }, absent = "fire"')
    w:set("x", 9):advance "15s"
    w:set("x", nil):advance "30s"
    assert.same({ "page" }, severities(w))
    assert.truthy(only(w, "firing").annotations.absent)
    w:set("x", 2):advance "15s"
    assert.same({ "warning" }, severities(w))
    assert.is_nil(only(w, "firing").annotations.absent)
  end)
end)

describe("on_error", function()
  local failing = 'x and on() (y / on() group_left() z)' -- many-to-one goes wrong once z has two series
  local function spoil(w) w:set('z{n="1"}', 1):set('z{n="2"}', 1):advance "15s" end
  local function start(policy)
    local w = world('on_error = "' .. policy .. '", keep = "30s"', failing)
    w:set("x", 1):set("y", 1):set('z{n="1"}', 1):advance "15s"
    assert.same({ "A" }, w:firing())
    return w
  end
  it("= keep leaves alerts as they are", function()
    local w = start "keep"
    spoil(w)
    w:advance "5m"
    assert.same({ "A" }, w:firing())
    assert.is_nil(only(w, "firing").annotations.error)
  end)
  it("= resolve ends them as if there was nothing to see", function()
    local w = start "resolve"
    spoil(w)
    assert.same({ "A" }, w:firing())
    w:advance "30s"
    assert.same({}, w:firing())
  end)
  it("= fire keeps them and says why the rule fails", function()
    local w = world('on_error = "fire"', "sum by (n) (x) and on() (y / on() group_left() z)")
    w:set('x{n="7"}', 1):set("y", 1):set('z{n="1"}', 1):advance "15s"
    spoil(w)
    assert.equal(2, #w:alerts "firing")
    local texts = {}
    for _, alert in ipairs(w:alerts "firing") do texts[alert.labels.n or "rule"] = alert.annotations end
    assert.is_nil(texts["7"].error)
    assert.truthy(texts.rule.error)
    assert.truthy(texts.rule.summary:find("A cannot be evaluated: ", 1, true))
    w:set('z{n="2"}', nil):advance "30s"
    assert.equal(1, #w:alerts "firing")
  end)
end)

describe("severities in one rule", function()
  local two = "above = { warning = 5, page = 20 }"
  it("are one alert at its worst level", function()
    local w = world(two)
    local seen = {}
    for i, v in ipairs { 1, 6, 21, 6, 21, 1 } do
      w:set("x", v):advance "15s"
      seen[i] = table.concat(severities(w), "+")
    end
    assert.same({ "", "warning", "page", "warning", "page", "" }, seen)
  end)
  it("hold, keep and clear each by itself", function()
    local w = world 'above = { warning = 5, page = 20 }, clear_below = { warning = 3, page = 15 }, hold = "1m", keep = "30s"'
    w:set("x", 6):advance "1m"
    w:set("x", 25):advance "45s"
    assert.same({ "warning" }, severities(w))
    w:advance "30s"
    assert.same({ "page" }, severities(w))
    w:set("x", 16):advance "2m"
    assert.same({ "page" }, severities(w))
    w:set("x", 14):advance "15s"
    assert.same({ "page" }, severities(w))
    w:advance "30s"
    assert.same({ "warning" }, severities(w))
    w:set("x", 4):advance "2m"
    assert.same({ "warning" }, severities(w))
  end)
  it("write ALERTS as Prometheus would, and end the series of the level before", function()
    local w = world(two)
    w:set("x", 6):advance "15s"
    assert.equal(1, w:value 'ALERTS{alertname="A", alertstate="firing", severity="warning"}')
    w:set("x", 21):advance "15s"
    assert.equal(1, w:value 'ALERTS{alertname="A", alertstate="firing", severity="page"}')
    assert.is_nil(w:value 'ALERTS{severity="warning"}')
    assert.is_nil(w:value 'ALERTS_FOR_STATE{severity="warning"}')
  end)
  it("survive a restart with the progress of each level", function()
    local rules = 'alert "A" { expr = "x", above = { warning = 5, page = 20 }, hold = "2m", every = "15s" }\n'
    local w = testing.world(rules)
    w:set("x", 6):advance "2m"
    w:set("x", 25):advance "1m"
    w:restart(rules):advance "30s"
    assert.same({ "warning" }, severities(w))
    w:advance "45s"
    assert.same({ "page" }, severities(w))
  end)
  it("take over the alerts of a rule that had one, and give them back", function()
    local w = world "above = 5"
    w:set("x", 25):advance "15s"
    local since = only(w, "firing").active_at
    w:reload(('alert "A" { expr = "x", every = "15s", %s }\n'):format(two))
    w:advance "15s"
    assert.same({ "page" }, severities(w))
    assert.equal(since, only(w, "firing").active_at)
    w:reload 'alert "A" { expr = "x", every = "15s", above = 5 }\n'
    w:advance "15s"
    assert.equal(since, only(w, "firing").active_at)
  end)
  it("know the threshold that was crossed", function()
    local w = testing.world('alert "A" { expr = "x", every = "15s", ' .. two .. ', summary = "${severity}: ${value} > ${threshold}" }\n')
    w:set("x", 6):advance "15s"
    assert.equal("warning: 6 > 5", only(w, "firing").annotations.summary)
    w:set("x", 26):advance "15s"
    assert.equal("page: 26 > 20", only(w, "firing").annotations.summary)
    w:reload('alert "A" { expr = "x", every = "15s", hold = "1h", ' .. two .. ', summary = "${severity}: ${value} > ${threshold}" }\n')
    w:set("x", 6):advance "1h"
    w:set("x", 26):advance "15s"
    assert.equal("warning: 26 > 5", only(w, "firing").annotations.summary)
  end)
end)

describe("flap", function()
  local fields = 'above = 0, flap = { changes = 5, within = "10m", calm = 2 }'
  local function flicker(w, times)
    for i = 1, times do w:set("x", i % 2):advance "15s" end
  end
  it("tells an alert that comes and goes once more, and then fires until it is calm", function()
    local w = world(fields)
    flicker(w, 4)
    assert.same({}, w:firing())
    flicker(w, 1)
    assert.truthy(only(w, "firing").annotations.flapping:find("changed 5 times within 10m", 1, true))
    local since = only(w, "firing").active_at
    flicker(w, 8)
    w:set("x", 0):advance "15s"
    assert.equal(since, only(w, "firing").active_at)
    w:advance "9m"
    assert.same({ "A" }, w:firing())
    w:advance "1m"
    assert.same({}, w:firing())
  end)
  it("leaves an alert that goes on firing, without its mark", function()
    local w = world(fields)
    flicker(w, 5)
    w:set("x", 1):advance "11m"
    assert.is_nil(only(w, "firing").annotations.flapping)
    w:set("x", 0):advance "15s"
    assert.same({}, w:firing())
  end)
  it("is remembered over a reload and a restart, also when the alert is long gone", function()
    local rules = 'alert "A" { expr = "x", every = "15s", above = 0, flap = { changes = 5, within = "2h", calm = 2 } }\n'
    local w = testing.world(rules)
    flicker(w, 4)
    w:advance "30m"
    assert.same({}, w:alerts "inactive")
    w:reload(rules .. "-- edited\n"):restart(rules)
    w:set("x", 1):advance "15s"
    assert.truthy(only(w, "firing").annotations.flapping)
  end)
  it("is remembered over a restart in the middle of it", function()
    local rules = ('alert "A" { expr = "x", every = "15s", %s }\n'):format(fields)
    local w = testing.world(rules)
    flicker(w, 3)
    w:restart(rules)
    w:set("x", 0):advance "15s"
    w:set("x", 1):advance "15s"
    w:set("x", 0):advance "2m"
    assert.same({ "A" }, w:firing())
  end)
  it("remembers the last changes where it may remember fewer, and each alert once", function()
    local runner = world("above = 0, flap = { changes = 3, within = '1h' }").engine.by_id["alert/A"]
    local entry = { labels = { alertname = "A" }, times = { 1, 2, 3, 4, 5 } }
    runner:restore({ flaps = { entry, entry } }, 10, 0)
    assert.equal(1, runner.n_flaps)
    assert.same({ 3, 4, 5 }, select(2, next(runner.flaps)).times)
  end)
end)

describe("limit", function()
  it("lets the worst fire, and tells how many are left out", function()
    local w = world 'above = { warning = 1, page = 5 }, limit = 2'
    for i = 1, 4 do w:set(('x{n="%d"}'):format(i), i == 4 and 9 or 2) end
    w:advance "15s"
    local by = {}
    for _, alert in ipairs(w:alerts "firing") do by[alert.labels.n or alert.labels.limit] = alert end
    assert.truthy(by["4"] and by["1"] and by.exceeded and not by["2"] and not by["3"])
    assert.equal("2 of 4 alerts of A are left out, its limit is 2", by.exceeded.annotations.summary)
    assert.equal(2, by.exceeded.value)
    w:set('x{n="4"}', 0):set('x{n="3"}', 0):advance "15s"
    assert.equal(2, #w:alerts "firing")
  end)
  local function fires(fields, values)
    local w = world(fields)
    for n, value in pairs(values) do w:set(('x{n="%s"}'):format(n), value) end
    w:advance "15s"
    local out = {}
    for _, alert in ipairs(w:alerts "firing") do out[#out + 1] = alert.labels.n end
    table.sort(out)
    return out
  end
  it("takes greater values for worse, or lesser ones where the rule says below", function()
    assert.same({ "b", "c" }, fires("above = 0, limit = 2", { a = 1, b = 7, c = 3 }))
    assert.same({ "a", "c" }, fires("below = 9, limit = 2", { a = 1, b = 7, c = 3 }))
  end)
end)

describe("a state that is nonsense, from a file or another node", function()
  local rules = [[
alert "A" { expr = "x", above = { warning = 1, page = 5 }, flap = {}, absent = "fire", hold = { 2, of = 3 }, every = "15s" }
alert "B" { expr = "x", above = 1, every = "15s" }
expect "E" { by = "03:00" }
expect "F" { every = "1m", counter = "x" }
]]
  local ODD = { 1, "x", {}, { {} }, { 1 }, { { labels = 1 } }, { { labels = { a = 1 }, times = {}, at = 1 } }, false,
                { { labels = { a = "b" }, active_at = 1, state = "firing", votes = {}, notice = 1, evidence = "x", extra = 7, told = {} } },
                { { labels = {}, active_at = 1, state = "no" }, { labels = {}, active_at = 1, state = "inactive" } },
                { { labels = {}, times = { "x", {} } } }, { warning = { 1 }, page = { { labels = {} } } }, { since = 1, sets = { 1, { labels = {}, due = "x" } } },
                { since = 5, sets = { { labels = {}, due = 1, after = 1 } }, counts = { x = {} }, beat = {} } }
  it("is taken for what it is, and everything goes on", function()
    for _, field in ipairs { "alerts", "state", "known", "lives", "flaps" } do
      for i, odd in ipairs(ODD) do
        local w = testing.world(rules)
        for _, id in ipairs { "alert/A", "alert/B", "expect/E", "expect/F" } do
          w.engine.by_id[id]:restore({ [field] = odd }, w.now, i % 2 * 60)
        end
        w:set("x", 9):advance "2m"
        local failed = {}
        for id, runner in pairs(w.engine.by_id) do
          if runner.last_error then failed[#failed + 1] = id .. ": " .. runner.last_error end
        end
        assert.same({}, failed)
        assert.truthy(#w:alerts "firing" >= 2, field .. " " .. i)
      end
    end
  end)
end)

describe("a threshold that is another series", function()
  it("is the one that agrees with the labels both have", function()
    local w = testing.world 'alert "A" { expr = "sum by (app, pod) (x)", every = "15s", above = "limits", summary = "${value} > ${threshold}" }\n'
    w:set('limits{app="a", team="t"}', 5):set('limits{app="b", team="t"}', 50)
    w:set('x{app="a", pod="1"}', 9):set('x{app="b", pod="1"}', 9):set('x{app="c", pod="1"}', 9):advance "15s"
    local alert = only(w, "firing")
    assert.equal("a", alert.labels.app)
    assert.equal("9 > 5", alert.annotations.summary)
    w:set('limits{app="b", team="t"}', 8):advance "15s"
    assert.equal(2, #w:alerts "firing")
  end)
  it("may be one number for all", function()
    local w = world 'above = "2 * scalar(base)"'
    w:set("base", 2):set('x{n="1"}', 5):set('x{n="2"}', 3):advance "15s"
    assert.equal("1", only(w, "firing").labels.n)
  end)
  it("is refused at work when two agree, as any failure", function()
    local w = world 'above = "limits"'
    w:set('limits{t="1"}', 1):set('limits{t="2"}', 2):set("x", 5):advance "15s"
    assert.same({}, w:firing())
    assert.equal("above: 2 thresholds for one series, give one", w.engine.by_id["alert/A"].last_error)
  end)
end)
