--- baseline.lua - what a value usually is: that of the same hour in the last weeks.
--
-- For each hour of the clock the same hour of each of the last weeks is asked once, every five minutes of it.  Expected is the
-- median of what it gives, and the spread is the median distance from it (MAD), scaled so that for a bell curve it is the
-- standard deviation: a few wild values in the past change neither.  What is kept between evaluations depends on the hour and
-- on stored data only, so that a spec and a backtest see the same.
local zones = require "moonwatch.route.zone"
local state = require "moonwatch.alert.state"

local M = {}

local HOUR, WEEK, STEP = 3600, 7 * 86400, 300
local MOST = 10000       -- series of one rule
local SCALE = 1.4826     -- from MAD to standard deviation
local LEAST = 0.001      -- of the expected value: no spread is smaller than this

--- The middle of VALUES, which are sorted by it.
function M.median(values)
  table.sort(values)
  local n = #values
  if n == 0 then return nil end
  if n % 2 == 1 then return values[(n + 1) / 2] end
  return (values[n / 2] + values[n / 2 + 1]) / 2
end

--- Median and robust deviation of VALUES.
function M.robust(values)
  local center, distances = M.median(values), {}
  for i, v in ipairs(values) do distances[i] = math.abs(v - center) end
  return center, math.max(SCALE * M.median(distances), LEAST * math.abs(center))
end

-- The moment one week before T, K times, with the same time on the clocks of ZONE.
local function weeks_before(zone, t, k)
  local then_ = t - k * WEEK
  return then_ + zone:offset(t) - zone:offset(then_)
end

local function key_of(labels)
  local own = {}
  for name, value in pairs(labels) do
    if name ~= "__name__" then own[name] = value end
  end
  return state.key(own)
end

local function finite(v) return v == v and v > -math.huge and v < math.huge end

-- The values of one week, added to BY: key -> { values, weeks= }.
local function add_week(by, rows, count)
  for _, row in ipairs(rows) do
    local key = key_of(row.labels)
    local found = by[key]
    if not found then
      count = count + 1
      if count > MOST then return nil, ("baseline: more than %d series; sum them up"):format(MOST) end
      found = { weeks = 0 }
      by[key] = found
    end
    local before = #found
    for _, point in ipairs(row.points) do
      if finite(point[2]) then found[#found + 1] = point[2] end
    end
    if #found > before then found.weeks = found.weeks + 1 end
  end
  return count
end

-- key -> { center=, spread= } for the hour that begins at FROM.
local function learn(runner, from)
  local spec, by, count = runner.rule.baseline, {}, 0
  local zone, bad = zones.load(spec.zone, runner.host)
  if not zone then return nil, "baseline: " .. bad end
  for k = 1, spec.weeks do
    local at = weeks_before(zone, from, k)
    local rows, why = runner.host.range(runner.rule.expr, at, at + HOUR - STEP, STEP)
    if not rows then return nil, "baseline: " .. why end
    count, why = add_week(by, rows, count)
    if not count then return nil, why end
  end
  local out = {}
  for key, values in pairs(by) do
    if values.weeks >= spec.min_weeks then
      local center, spread = M.robust(values)
      out[key] = { center = center, spread = spread }
    end
  end
  return out
end

local SIDES = { above = function(z) return z end, below = function(z) return -z end, both = math.abs }
local SIGN = { above = 1, below = -1, both = 1 }

local function judge(row, usual, spec)
  local distance = row.value - usual.center
  local score = SIDES[spec.direction](distance / usual.spread)
  if usual.spread == 0 then score = distance == 0 and 0 or SIDES[spec.direction](distance * math.huge) end
  if math.abs(distance) < spec.at_least then score = math.min(score, 0) end
  local sign = spec.direction == "both" and distance < 0 and -1 or SIGN[spec.direction]
  row.score, row.expected = score, usual.center
  row.band = function(deviations) return usual.center + sign * math.max(deviations * usual.spread, spec.at_least) end
end

--- Gives each of ROWS its distance from what is usual, in deviations: row.score.  A failure, or nothing.
function M.prepare(runner, rows, t)
  local rule = runner.rule
  local at = t - runner.engine:behind(rule)
  local hour = math.floor(at / HOUR) * HOUR
  local learnt = runner.learnt
  if not learnt or learnt.hour ~= hour then
    local usual, why = learn(runner, hour)
    if not usual then return { error = why } end
    learnt = { hour = hour, usual = usual }
    runner.learnt = learnt
  end
  runner.unlearnt = 0
  for _, row in ipairs(rows) do
    local usual = learnt.usual[key_of(row.labels)]
    if usual then judge(row, usual, rule.baseline)
    else row.excused, runner.unlearnt = true, runner.unlearnt + 1 end
  end
end

return M
