--- property_spec.lua - for random series and random rules: what happened as the series came is what a backtest says afterwards.
local backtest = require "moonwatch.backtest.run"
local state = require "moonwatch.alert.state"
local testing = require "moonwatch.testing"
local timeline = require "moonwatch.backtest.timeline"

local START, SEGMENT, SEGMENTS = 1700000000, 300, 8

-- Numbers by chance that are the same each time: another SEED, other rules and series.
local function dice(seed)
  local x = seed * 7919 + 17
  return function(n)
    for _ = 1, 3 do x = (x * 1103515245 + 12345) % 2147483648 end
    return math.floor(x / 65536) % n + 1
  end
end

-- -- rules ---------------------------------------------------------------------------------------

local HOLDS, EVERY = { "0s", "15s", "45s", "2m" }, { "15s", "30s", "1m" }

local FORMS = {
  function(roll) return ('expr = "g", above = %d'):format(20 + roll(60)) end,
  function(roll) return ('expr = "g < %d"'):format(10 + roll(40)) end,
  function(roll) return ('expr = "rate(c[2m])", below = %d'):format(roll(4)) end,
  function(roll) return ('expr = "job:g:sum", above = %d'):format(100 + roll(120)) end,
  function(roll) return ('expr = "inst:c:rate > %d"'):format(roll(3)) end,
  function(roll) return ('expr = "avg_over_time(job:g:sum[3m]) > %d"'):format(100 + roll(100)) end,
  function() return 'expr = "absent(g{inst=\\"1\\"})"' end,
  function(roll) return ('expr = "g", above = %d, unless = "g{inst=\\"2\\"} > 50"'):format(20 + roll(30)) end,
  function() return [[expr = 'count by (job) (ALERTS{alertstate="firing",alertname!~"R7.*"}) > 1']] end,
  function(roll)
    return ('when = function(ctx) ctx.state.n = (ctx.state.n or 0) + 1; return ctx.state.n %% %d == 0 and ctx:query("g > 50") or false end'):format(1 + roll(3))
  end,
}

local function rules_of(roll)
  local out = { [[receiver "ops" { webhook { url = "http://example.invalid/" } }
receiver "other" { webhook { url = "http://example.invalid/other" } }
route { receiver = "ops", group_by = { "alertname", "job" }, group_wait = "15s", group_interval = "1m", repeat_interval = "10m",
        routes = { { match = { job = "b" }, receiver = "other" } } }
inhibit { source = { alertname = "R1" }, target = { alertname = "R2" }, equal = { "job" } }
record "job:g:sum" { expr = "sum by (job) (g)", every = "15s" }
record "inst:c:rate" { expr = "rate(c[1m])", every = "30s" }
]] }
  for i = 1, 8 do
    out[#out + 1] = ('alert "R%d" { %s, hold = "%s", keep = "%s", every = "%s" }'):format(i, FORMS[roll(#FORMS)](roll),
      HOLDS[roll(#HOLDS)], HOLDS[roll(#HOLDS)], EVERY[roll(#EVERY)])
  end
  return table.concat(out, "\n")
end

-- -- series --------------------------------------------------------------------------------------

local function new_series(roll)
  local out = {}
  for _, job in ipairs { "a", "b" } do
    for inst = 1, 3 do
      out[#out + 1] = { labels = { __name__ = "g", job = job, inst = tostring(inst) }, value = 20 + roll(60) }
      out[#out + 1] = { labels = { __name__ = "c", job = job, inst = tostring(inst) }, value = 0, counter = true }
    end
  end
  for _, s in ipairs(out) do s.offset = roll(14000) / 1000 end
  return out
end

local function move(s, roll)
  local what = roll(60)
  if what == 1 then s.gone = roll(30) end
  if s.gone then
    s.gone = s.gone > 1 and s.gone - 1 or nil
    return what % 2 == 0 and "stale" or nil
  end
  if s.counter then
    s.value = what == 2 and 0 or s.value + roll(60)
  else
    s.value = math.max(0, math.min(100, s.value + roll(21) - 11))
  end
  return s.value
end

local function segment(series, from, roll)
  local rows = {}
  for _, s in ipairs(series) do
    for t = from + s.offset, from + SEGMENT - 0.001, 15 do
      local value = move(s, roll)
      if value then rows[#rows + 1] = { labels = s.labels, t = t, value = value } end
    end
  end
  return rows
end

-- -- both ----------------------------------------------------------------------------------------

local function lines(alerts)
  local out = {}
  for i, e in ipairs(alerts) do
    out[i] = ("%d %s %s %s %s"):format(e.at - START, e.rule, e.to, (state.key(e.labels):gsub("[\254\255]", " ")), tostring(e.value))
  end
  table.sort(out)
  return out
end

local function messages(list)
  local out = {}
  for i, m in ipairs(list) do out[i] = ("%d %s %s %d"):format(m.at - START, m.receiver, m.status, #m.alerts) end
  table.sort(out)
  return out
end

local function as_they_come(rules, seed)
  local roll, world = dice(seed), testing.world(rules)
  local seen = timeline.new():watch(world.engine)
  local series = new_series(roll)
  for i = 0, SEGMENTS - 1 do
    world.host.append(segment(series, START + i * SEGMENT, roll))
    world:advance(SEGMENT .. "s")
  end
  local sent = {}
  for i, m in ipairs(world:sent()) do sent[i] = { at = m.at, receiver = m.receiver, status = m.note.status, alerts = m.note.alerts } end
  return world, lines(seen.alerts), messages(sent)
end

describe("random rules over random series", function()
  for seed = 1, 2 do
    it(("fire in a backtest when they fired as the series came (%d)"):format(seed), function()
      local rules = rules_of(dice(seed + 1000))
      local world, alerts, sent = as_they_come(rules, seed)
      for _, stepwise in ipairs { true, false } do
        local run = assert(backtest.new { host = world.host, load = { config = "inline.lua", source = rules }, from = START, to = world.now, spread = false,
                                          stepwise = stepwise })
        repeat local done = run:slice(1) until done
        local report = run:report()
        assert.is_true(#alerts > 0, rules)
        assert.same(alerts, lines(report.alerts), rules)
        assert.same(sent, messages(report.messages), rules)
        run:close()
      end
    end)
  end
end)
