--- run_spec.lua - rules over stored data say when they would have fired and who would have been told.
local backtest = require "moonwatch.backtest.run"
local testing = require "moonwatch.testing"

require("moonwatch.testing.nonet").allow() -- a command waits for what ctx.http of a receiver is answered; nothing leaves

local START = 1700000000

local RULES = [[
receiver "ops" { webhook { url = "http://example.invalid/" } }
route { receiver = "ops", group_by = { "alertname" }, group_wait = "0s" }
alert "Down" { expr = "up == 0", every = "15s", hold = "1m", severity = "page", summary = "down" }
]]

-- A run over the data of WORLD with the rules TEXT, to its end.
local function over(world, text, options)
  local o = { host = world.host, load = { config = "inline.lua", source = text }, from = START, to = world.now, spread = false }
  for k, v in pairs(options or {}) do o[k] = v end
  local run, problems = backtest.new(o)
  assert(run, problems and table.concat(problems, "\n"))
  while not run:slice(1) do
    if run.waiting > 0 then require("moonwatch.host").call("sleep", { seconds = 0 }) end
  end
  return run:report(o.only), run
end

local function told(report)
  local out = {}
  for i, e in ipairs(report.alerts) do out[i] = ("%d %s %s"):format(e.at - START, e.rule, e.to) end
  return out
end

-- A world that only has data: no rules ran in it.
local function data(fill, duration)
  local world = testing.world "settings {}"
  fill(world)
  return world:advance(duration)
end

describe("a backtest", function()
  it("says when an alert was pending, fired and resolved, and who was told", function()
    local world = data(function(w) w:series('up{job="web"}', "1x20 0x20 1x40") end, "20m")
    local report = over(world, RULES)
    assert.same({ "325 Down pending", "385 Down firing", "640 Down resolved" }, told(report))
    assert.equal(2, #report.messages)
    assert.equal("ops", report.messages[1].receiver)
    assert.equal("firing", report.messages[1].status)
    assert.equal("resolved", report.messages[2].status)
    assert.equal("Down", report.messages[1].alerts[1].rule)
    assert.equal(2, report.rules[1].notifications)
    assert.equal(255, report.total.firing_seconds)
    assert.equal(1, report.rules[1].fired)
  end)

  it("asks for many moments at once, with the same answer as moment by moment", function()
    local world = data(function(w) w:series('up{job="web"}', "1x20 0x20 1x300 0x3 1x40 0x90") end, "3h")
    local ahead, run = over(world, RULES)
    local stepwise = over(world, RULES, { stepwise = true })
    assert.same(told(stepwise), told(ahead))
    assert.is_true(run.host.figures().steps > 500)
    assert.is_true(run.host.figures().instants < 50)
  end)

  it("lets rules see what rules of the same run record, and not what is stored of them", function()
    local rules = [[
record "job:up:sum" { expr = "sum by (job) (up)", every = "15s" }
alert "Few" { expr = "job:up:sum < 1", every = "15s", hold = "30s" }
alert "Echo" { expr = 'ALERTS{alertname="Few",alertstate="firing"}', every = "15s" }
]]
    local world = data(function(w)
      w:series('up{job="web"}', "1x20 0x20 1x40")
      w:series('job:up:sum{job="web"}', "0x80") -- another rule of that name wrote this once
      w:series('ALERTS{alertname="Few",alertstate="firing"}', "1x80")
    end, "20m")
    local report = over(world, rules)
    local few, echo = {}, {}
    for _, line in ipairs(told(report)) do
      table.insert(line:find "Few" and few or echo, line)
    end
    assert.same({ "325 Few pending", "355 Few firing", "640 Few resolved" }, few)
    assert.same({ "355 Echo firing", "640 Echo resolved" }, echo)
  end)

  it("counts silences, and tells why nobody is told", function()
    local world = data(function(w) w:series('up{job="web"}', "1x20 0x20 1x40") end, "20m")
    local silence = { id = "s", matchers = { { name = "alertname", value = "Down", isEqual = true } }, starts_at = START, ends_at = START + 3600, updated_at = START }
    local report = over(world, RULES, { silences = { silence } })
    assert.equal(0, #report.messages)
    assert.equal("silenced", report.muted[1].kind)
  end)

  it("lets functions of rule files answer as of then", function()
    local rules = [[
alert "Slow" { every = "15s", when = function(ctx) return (ctx:value("sum(up)") or 1) < 1 and ctx.logs:count{ contains = "lost" } > 0 end }
]]
    local world = data(function(w)
      w:series('up{job="web"}', "1x20 0x20 1x40")
      w:logs { { time = START + 400, message = "connection lost", stream = { app = "a" } } }
    end, "20m")
    assert.same({ "400 Slow firing", "640 Slow resolved" }, told((over(world, rules))))
  end)

  it("sends nothing, and runs functions that are receivers", function()
    local rules = RULES:gsub('webhook { url = "http://example.invalid/" }', [[function(note, ctx)
      local answer = ctx.http.post("http://example.invalid/", note.status)
      if answer.status ~= 200 then error "not taken" end
    end]])
    local world = data(function(w) w:series('up{job="web"}', "1x20 0x20 1x40") end, "20m")
    local report = over(world, rules)
    assert.equal(0, #world.requests)
    assert.equal(2, #report.messages)
  end)

  it("says of a message that its receiver would not have taken", function()
    local rules = RULES:gsub('webhook { url = "http://example.invalid/" }', [[function() error "no such luck" end]])
    local world = data(function(w) w:series('up{job="web"}', "1x20 0x20 1x40") end, "20m")
    local report = over(world, rules)
    assert.is_truthy(report.messages[1].error:find "no such luck")
  end)

  it("tells what fails, and how often", function()
    local world = data(function(w)
      w:series('a{x="1"}', "1x80")
      w:series('b{x="1",y="1"}', "1x80")
      w:series('b{x="1",y="2"}', "_x40 1x40")
    end, "20m")
    local report = over(world, [[alert "Join" { expr = "a * on (x) b > 2", every = "15s" }]])
    assert.equal(1, #report.failures)
    assert.equal(14, report.failures[1].count)
    assert.is_truthy(report.failures[1].error:find "many")
  end)
end)
