--- model_spec.lua - random series through the engine, beside small models of each field that share no line with it.
--
-- A model is a function of the whole series of values: it looks at the past each time anew and keeps no state of alerts, where
-- that can be; the engine steps.  Both must give the same letter at each evaluation: "-" nothing, "p" pending, "f" firing; with
-- severities the firing one's first letter.
local testing = require "moonwatch.testing"

local EVERY, STEPS, ROUNDS = 15, 80, 4

-- -- random ----------------------------------------------------------------

local seed = 20261126
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n
end

-- Values that stay for a while and then jump; nil is a gap, when GAPS.
local function series(most, gaps)
  local out, value = {}, random(most + 1)
  for i = 1, STEPS do
    if random(3) == 0 then value = random(most + 1) end
    out[i] = value
    if gaps and random(5) == 0 then out[i] = "gone" end
  end
  return out
end

-- -- the engine ------------------------------------------------------------

local function letter(w)
  local alert = w:alerts("firing")[1]
  if alert then return alert.labels.severity:sub(1, 1) end
  return #w:alerts "pending" > 0 and "P" or "-"
end

-- What the engine says at each evaluation of x, one letter each; RESTART: the steps after which it starts again.
local function timeline(fields, values, restart)
  local rules = ('alert "A" { expr = "x", every = "15s", %s }\n'):format(fields)
  local w = testing.world(rules)
  w:advance(10) -- from the clock of a world to the next round quarter of a minute
  local out = {}
  for i, value in ipairs(values) do
    if value == "gone" then w:set("x", nil) else w:set("x", value) end
    w:advance(EVERY)
    out[i] = letter(w)
    if restart and restart[i] then w:reload(rules .. "-- again\n") end
  end
  return table.concat(out)
end

-- -- models ----------------------------------------------------------------

-- Prometheus: active is a list of booleans.  `for` and `keep_firing_for` as in its documentation: pending since the first
-- true one; firing once that long; absent while firing, it ends when it has been absent for keep, counted from the first time.
local function prometheus(active, hold, keep)
  local out, since, firing, absent = {}, nil, false, nil
  for i, is in ipairs(active) do
    if is then
      since, absent = since or i, nil
      if not firing and (i - since) * EVERY >= hold then firing = true end
    elseif firing then
      absent = absent or i
      if (i - absent) * EVERY >= keep then since, firing, absent = nil, false, nil end
    else
      since = nil
    end
    out[i] = firing and "f" or since and "p" or "-"
  end
  return out
end

local function text(list, firing)
  local out = {}
  for i, l in ipairs(list) do out[i] = l == "f" and (firing or "w") or l == "p" and "P" or "-" end
  return table.concat(out)
end

local function map(values, f)
  local out = {}
  for i, v in ipairs(values) do out[i] = f(v, i) end
  return out
end

local function above(bound) return function(v) return v ~= "gone" and v > bound end end

-- With two thresholds: true above the upper one, false below the lower one, in between as it was.
local function between(values, low, high)
  local was = false
  return map(values, function(v)
    if v == "gone" then was = false
    elseif v > high then was = true
    elseif v < low then was = false end
    return was
  end)
end

local function often(active, need, of)
  local out, alive = {}, false
  for i in ipairs(active) do
    local n = 0
    for k = math.max(1, i - of + 1), i do n = n + (active[k] and 1 or 0) end
    local fires = n >= need
    -- After an end, the next true one begins a new alert.
    if out[i - 1] == "f" and not fires then alive = false end
    if active[i] then alive = true end
    if n == 0 then alive = false end
    out[i] = fires and "f" or alive and "p" or "-"
  end
  return out
end

local function worse(warning, page)
  local out = {}
  for i in ipairs(warning) do
    local w, p = warning[i], page[i]
    out[i] = p == "f" and "p" or w == "f" and "w" or (p == "p" or w == "p") and "P" or "-"
  end
  return table.concat(out)
end

-- Missing counts as what it was.
local function kept(values)
  local last = 0
  return map(values, function(v)
    if v ~= "gone" then last = v end
    return last
  end)
end

-- What fires, damped: look at the changes of the last WITHIN steps.
local function damped(plain, changes, within, calm)
  local times, flapping, was = {}, false, false
  return map(plain, function(l, i)
    local fires = l == "f"
    if fires ~= was then times[#times + 1] = i end
    local n = 0
    for _, at in ipairs(times) do n = n + (i - at < within and 1 or 0) end
    if fires and not was and n >= changes then flapping = true end
    if flapping and n <= calm then flapping = false end
    was = fires
    return (fires or flapping) and "f" or l
  end)
end

-- -- the comparison --------------------------------------------------------

local function same(name, fields, most, gaps, model)
  it(name, function()
    for round = 1, ROUNDS do
      local values, restart = series(most, gaps), {}
      for _ = 1, 3 do restart[random(STEPS) + 1] = round % 2 == 0 or nil end
      local shown = table.concat(map(values, function(v) return v == "gone" and "." or tostring(v) end))
      assert.equal(shown .. "\n" .. model(values), shown .. "\n" .. timeline(fields, values, restart))
    end
  end)
end

describe("the engine does as the model with", function()
  same("nothing else", "above = 4", 9, true, function(v) return text(prometheus(map(v, above(4)), 0, 0)) end)
  same("hold", 'above = 4, hold = "45s"', 9, true, function(v) return text(prometheus(map(v, above(4)), 45, 0)) end)
  same("a hold that is no multiple of the interval", 'above = 2, hold = "20s"', 9, false, function(v) return text(prometheus(map(v, above(2)), 20, 0)) end)
  same("keep", 'above = 4, keep = "45s"', 9, true, function(v) return text(prometheus(map(v, above(4)), 0, 45)) end)
  same("hold and keep", 'above = 3, hold = "30s", keep = "40s"', 9, true, function(v) return text(prometheus(map(v, above(3)), 30, 40)) end)
  same("clear_below", "above = 6, clear_below = 3", 9, false, function(v) return text(prometheus(between(v, 3, 6), 0, 0)) end)
  same("clear_below, hold and keep", 'above = 6, clear_below = 3, hold = "30s", keep = "15s"', 9, false,
       function(v) return text(prometheus(between(v, 3, 6), 30, 15)) end)
  same("m of n", "above = 4, hold = { 3, of = 5 }", 9, true, function(v) return text(often(map(v, above(4)), 3, 5)) end)
  same("absent = keep", 'above = 4, absent = "keep"', 9, true, function(v) return text(prometheus(map(kept(v), above(4)), 0, 0)) end)
  same("severities", 'above = { warning = 3, page = 6 }, hold = "30s", keep = "15s"', 9, true, function(v)
    return worse(prometheus(map(v, above(3)), 30, 15), prometheus(map(v, above(6)), 30, 15))
  end)
  same("severities with ways back", "above = { warning = 3, page = 6 }, clear_below = { warning = 2, page = 5 }", 9, false, function(v)
    return worse(prometheus(between(v, 2, 3), 0, 0), prometheus(between(v, 5, 6), 0, 0))
  end)
  same("flap", 'above = 4, flap = { changes = 4, within = "3m", calm = 1 }', 9, true, function(v)
    return text(damped(prometheus(map(v, above(4)), 0, 0), 4, 12, 1))
  end)
  same("flap and hold", 'above = 4, hold = "15s", flap = { changes = 3, within = "5m", calm = 1 }', 9, false, function(v)
    return text(damped(prometheus(map(v, above(4)), 15, 0), 3, 20, 1))
  end)
end)
