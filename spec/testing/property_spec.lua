--- property_spec.lua - for series made by chance, a world tells the story that a plain reading of the rules tells.
--
-- The plain reading evaluates every 15 seconds and knows nothing of engines, groups or quiet rules: look-back of five minutes,
-- hold, keep, and that is all.
local rounds = require "rounds"
local testing = require "moonwatch.testing"

local STEP, SAMPLE, STEPS, LOOKBACK = 15, 15, 120, 300

-- A generator of its own, so that a seed means the same everywhere.
local function dice(seed)
  local x = seed
  return function(n)
    x = (x * 16807) % 2147483647
    return x % n
  end
end

local function random_values(roll)
  local out, values = {}, {}
  while #values < STEPS do
    local kind, n = roll(8), roll(7) + 1
    for _ = 1, n do
      local value = kind == 0 and "_" or kind == 1 and "stale" or kind < 5 and tostring(roll(4)) or tostring(5 + roll(5))
      values[#values + 1], out[#out + 1] = value, value
    end
  end
  return table.concat(out, " "), values
end

-- The value of the series at T seconds, or nil.
local function value_at(values, t)
  for i = math.min(math.floor(t / SAMPLE) + 1, #values), 1, -1 do
    local at = (i - 1) * SAMPLE
    if t - at >= LOOKBACK then return nil end
    if values[i] == "stale" then return nil end
    if values[i] ~= "_" then return tonumber(values[i]) end
  end
end

local function expected(values, rule)
  local out, state, active_at, keep_since = {}, nil, nil, nil
  local function to(t, name) out[#out + 1] = ("%d %s"):format(t, name) end
  for t = STEP, STEPS * SAMPLE, STEP do
    local value = value_at(values, t)
    if value and value > 4 then
      keep_since = nil
      if not state then
        state, active_at = "pending", t
        if rule.hold > 0 then to(t, "pending") end
      end
      if state == "pending" and t - active_at >= rule.hold then
        state = "firing"
        to(t, "firing")
      end
    elseif state == "pending" then
      state = nil
      to(t, "gone")
    elseif state == "firing" then
      keep_since = keep_since or t
      if t - keep_since >= rule.keep then
        state, keep_since = nil, nil
        to(t, "resolved")
      end
    end
  end
  return out
end

local function story(world)
  local out = {}
  for i, e in ipairs(world:timeline "A") do out[i] = ("%d %s"):format(e.at, e.to) end
  return out
end

local RULE = 'alert "A" { expr = "x > 4", every = "15s", hold = "%ds", keep = "%ds" }'

describe("series made by chance", function()
  for seed = 1, rounds(40) do
    it(("give the story of a plain reading (seed %d)"):format(seed), function()
      local roll = dice(seed * 7919)
      local rule = { hold = roll(4) * 20, keep = roll(4) * 25 }
      local text, values = random_values(roll)
      local world = testing.world(RULE:format(rule.hold, rule.keep), { at = 1700000010 }) -- a multiple of 15
      world:series("x", text, { every = "15s" })
      -- The same, however the time is cut.
      local left = STEPS * SAMPLE
      while left > 0 do
        local piece = math.min(left, 1 + roll(400))
        world:advance(piece)
        left = left - piece
      end
      assert.same(expected(values, rule), story(world), ("hold %d keep %d of %s"):format(rule.hold, rule.keep, text))
    end)
  end
end)
