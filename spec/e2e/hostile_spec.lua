--- hostile_spec.lua - a server with every attack of spec/hostile loaded at once, and rules that mean well.
local proc = require "proc"
local server = require "server"
local socket = require "socket"

local GOOD = [[
record "good" { expr = "vector(1)", every = "2s" }
alert "Good" { every = "2s", when = function(ctx) return ctx:value "good" == 1 end }
]]

-- Slow queries of every kind, in the group of a rule that is not.
local SLOW = [[
record "slow" { expr = "sum(sum_over_time(vector(1)[90d:1s]))", every = "2s" }
alert "Slow" { expr = "sum_over_time(vector(1)[91d:1s]) > 5", every = "2s" }
alert "SlowProgram" { every = "2s", when = function(ctx) return ctx:value "sum_over_time(vector(1)[92d:1s])" end }
every("2s", function(ctx) ctx:query "sum_over_time(vector(1)[93d:1s])" end)
record "beside" { expr = "vector(2)", every = "2s" }
]]

local function attacks()
  local out = { ["good.lua"] = GOOD, ["slow.lua"] = SLOW }
  for path in io.popen("ls spec/hostile/*.lua"):lines() do
    local name = path:match "([%w_]+)%.lua$"
    out["hostile_" .. name .. ".lua"] = proc.read(path):gsub('alert "Hostile" {', ('alert "Hostile_%s" { every = "2s",'):format(name))
  end
  return out
end

-- Some attacks fail at what they want and harm nobody: what they say is nothing.
local function fails(name)
  local file = name:match "^Hostile_(.*)"
  return file and proc.read("spec/hostile/" .. file .. ".lua"):find "\n%-%- says: [^\n]" ~= nil
end

describe("a server with every attack loaded", function()
  local s, names
  teardown(function() if s then s:stop() end end)

  -- What the server counts: name with its labels (files by their names alone) -> value.
  local function figures()
    local out = {}
    for line in select(2, s:get "/metrics"):gmatch "[^\n]+" do
      local name, value = line:match "^(moonwatch_rule_.*) ([%d.e+-]+)$"
      if name then out[name:gsub('rule_group="[^"]*/', 'rule_group="')] = tonumber(value) end
    end
    return out
  end

  -- Turns of the good group: those that were due, and those among them that were left out.
  local function turns()
    local f, good = figures(), 'rule_group="good.lua;good"}'
    return f["moonwatch_rule_group_iterations_total{" .. good], f["moonwatch_rule_iterations_missed_total{" .. good]
  end

  local function rules() return s:json("/api/mw/v1/rules") end

  -- Why the attack NAME was stopped, as users see it: of its rule, or of its file when that could not be loaded.
  local function reason(name, shown)
    for _, rule in ipairs(shown.rules) do
      if rule.name == name then return rule.health == "err" and rule.lastError or nil end
    end
    local file = name:gsub("^Hostile", "hostile") .. ".lua:"
    for _, text in ipairs(shown.problems) do
      if text:find(file, 1, true) then return text end
    end
  end

  local function still_silent()
    local shown, out = rules(), {}
    for _, name in ipairs(names) do
      local why = reason(name, shown)
      if not why or why == "" then out[#out + 1] = name end
    end
    return out
  end

  setup(function()
    names = {}
    for file in pairs(attacks()) do
      local name = file:match "^h(.*)%.lua$"
      if name and fails("H" .. name) then names[#names + 1] = "H" .. name end
    end
    table.sort(names)
    s = server.start { config = "settings { strict = false }", rules = attacks() }
  end)

  it("shows the reason of each", function()
    assert.truthy(#names > 80)
    proc.eventually(function()
      local silent = still_silent()
      socket.sleep(0.5) -- the page is long
      return assert(#silent == 0, "of these nothing: " .. table.concat(silent, ", "))
    end, 400, "each attack shows its reason")
  end)


  it("has every turn of a rule that means well, and keeps what it records", function()
    -- In the first round nobody is known to take long.  Since then a machine that stands still may cost a turn, a rule may not.
    local due, missed = turns()
    proc.eventually(function()
      socket.sleep(0.5)
      return turns() >= due + 10
    end, 240, "the good rule had ten turns")
    local later, more = turns()
    assert.truthy(later >= due + 10)
    assert.truthy(more - missed <= 1, ("%d of %d turns missed"):format(more - missed, later - due))
    local stored
    proc.eventually(function()
      local had, lost = turns()
      stored = s:value "count_over_time(good[1h])"
      local again = turns()
      return had == again and stored == had - lost
    end, 60, "each turn has left its sample")
  end)

  it("is held by none of them for long, by the clock of its own work", function()
    local f = figures()
    local all = f["moonwatch_rule_held_seconds_count"]
    assert.truthy(all > 200)
    assert.equal(all, f['moonwatch_rule_held_seconds_bucket{le="0.25"}'])
    assert.truthy(f['moonwatch_rule_held_seconds_bucket{le="0.1"}'] >= 0.95 * all)
  end)

  it("suspends those that do it again and again, and says so", function()
    proc.eventually(function()
      local suspended = 0
      for name, value in pairs(figures()) do
        if name:find "^moonwatch_rule_suspended{" then suspended = suspended + value end
      end
      socket.sleep(0.5)
      return suspended > 60
    end, 300, "the attacks are suspended")
    local told = 0
    for _, alert in ipairs(s:json "/api/v2/alerts") do
      if alert.labels.alertname == "RuleSuspended" then told = told + 1 end
    end
    assert.truthy(told > 60)
    -- Slow ones come after quick ones, so this group waits until the attacks are tried less often.
    proc.eventually(function() return s:value "beside" == 2 end, 240, "what stands beside slow rules is evaluated")
  end)

  it("stops at once while slow queries are out", function()
    s:stop()
    assert.truthy(s.proc:output():find("stopping", 1, true))
    s = nil
  end)
end)
