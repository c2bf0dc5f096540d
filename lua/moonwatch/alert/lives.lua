--- lives.lua - one alert per label set out of several lives: that of each severity, damped while it flaps.
--
-- Each level of a rule (see threshold.lua) has alerts of its own, as if it were a rule of its own: `hold` and `keep` count for
-- each by itself.  What is shown and told is one alert: firing at the worst level that fires, else pending at the worst that is
-- pending.  When its level changes it stays the same alert with another severity.
--
-- A rule with one level and no damping has no need of this; its alerts are the lives.
local flap = require "moonwatch.alert.flap"
local state = require "moonwatch.alert.state"
local keys_of = require "moonwatch.keys"

local M = {}

--- Does RULE with LEVELS need lives apart from its alerts?
function M.needed(rule, levels) return #levels > 1 or rule.flap ~= nil end

--- One set of alerts per level, the mildest first.
function M.new(levels)
  local out = {}
  for i, level in ipairs(levels) do out[i] = { severity = level.severity, alerts = {} } end
  return out
end

-- -- one evaluation --------------------------------------------------------

-- What was FOUND, as level I sees it.
local function of_level(found, i)
  local seen, clear = {}, {}
  for key, value in pairs(found.clear) do clear[key] = value end
  for key, row in pairs(found.seen) do
    if row.level >= i then seen[key] = row else clear[key] = row.value end
  end
  return { seen = seen, clear = clear, held = found.held }
end

local function step_each(lives, found, t, rule)
  local any = false
  for i, life in ipairs(lives) do
    local changes, kept = state.step(life.alerts, of_level(found, i), t, rule)
    any = any or kept or #changes > 0
  end
  return any
end

-- Of the lives of KEY: the worst that fires, or else the worst that is pending; and which level that is.
local function worst(lives, key)
  local pending
  for i = #lives, 1, -1 do
    local life = lives[i].alerts[key]
    if life and life.state == "firing" then return life, i end
    if life and life.state == "pending" and not pending then pending = i end
  end
  if pending then return lives[pending].alerts[key], pending end
end

local COPIED = { "value", "extra", "sample", "threshold", "expected", "notice", "keep_since" }

local function show(alert, life, level, severity)
  for _, name in ipairs(COPIED) do alert[name] = life[name] end
  if life.bounds then alert.threshold = life.bounds[level] end
  local before = alert.labels.severity
  if severity == "" or before == severity then return nil end
  local labels = {}
  for name, value in pairs(life.labels) do labels[name] = value end
  labels.severity = severity
  alert.labels, alert.series = labels, nil
  return before or true
end

local function turn(changes, alert, to)
  if alert.state == to then return end
  changes[#changes + 1] = { alert = alert, from = alert.state, to = to }
  alert.state = to
end

-- ALERT does not fire and is not pending any more.
local function over(runner, alert, t, changes)
  if alert.state == "pending" then
    runner.alerts[alert.key] = nil
    changes[#changes + 1] = { alert = alert, from = "pending" }
  elseif alert.state == "firing" then
    alert.resolved_at, alert.keep_since, alert.notice = t, nil, nil
    turn(changes, alert, "inactive")
  elseif t - alert.resolved_at > state.REMEMBER then
    runner.alerts[alert.key] = nil
  end
end

local function damped(runner, key, life, t)
  local rule, fires = runner.rule, life ~= nil and life.state == "firing"
  if not rule.flap then return false end
  local entry = runner.flaps[key]
  if not entry then
    if not fires or runner.n_flaps >= flap.MOST then return false end
    entry = flap.new(life.labels)
    runner.flaps[key], runner.n_flaps = entry, runner.n_flaps + 1
  end
  return flap.step(entry, fires, t, rule.flap)
end

local function changing(entry, rule, host)
  return ("changed %d times within %s"):format(#entry.times, host.duration_text(rule.flap.within))
end

local function rank(levels, severity)
  for i, level in ipairs(levels) do
    if level.severity == severity then return i end
  end
  return 0
end

local function fresh(runner, key, life, t)
  local alert = { key = key, labels = {}, active_at = life.active_at or t }
  runner.alerts[key] = alert
  return alert
end

local function compose(runner, key, t, changes)
  local life, level = worst(runner.lives, key)
  local flapping = damped(runner, key, life, t)
  local alert = runner.alerts[key]
  local to = life and life.state
  if flapping and alert and alert.state == "firing" then to = "firing" end
  if not to then return alert and over(runner, alert, t, changes) end
  if not alert or alert.state == "inactive" then alert = fresh(runner, key, life, t) end
  local moved = life and (life.state == to) and show(alert, life, level, runner.lives[level].severity)
  if to == "firing" and alert.state ~= "firing" then alert.fired_at = t end
  if to == "pending" then alert.fired_at = nil end
  if moved and alert.state == to then
    changes[#changes + 1] = { alert = alert, from = to, to = to, milder = rank(runner.levels, moved) > level }
  end
  turn(changes, alert, to)
  alert.flapping = flapping and changing(runner.flaps[key], runner.rule, runner.host) or nil
end

local function forget_flaps(runner, t)
  for key, entry in pairs(runner.flaps) do
    if flap.done(entry, t, runner.rule.flap) then runner.flaps[key], runner.n_flaps = nil, runner.n_flaps - 1 end
  end
end

--- As state.step, for RUNNER with lives.
function M.step(runner, found, t)
  local any = step_each(runner.lives, found, t, runner.rule)
  local keys, changes = {}, {}
  for key in pairs(runner.alerts) do keys[key] = true end
  for _, life in ipairs(runner.lives) do
    for key in pairs(life.alerts) do keys[key] = true end
  end
  for _, key in ipairs(keys_of(keys)) do compose(runner, key, t, changes) end
  if runner.rule.flap then forget_flaps(runner, t) end
  return changes, any
end

-- -- over reloads and restarts ---------------------------------------------

local function copy(alert)
  local out = {}
  for name, value in pairs(alert) do out[name] = value end
  out.annotations, out.evidence, out.series, out.told = nil, nil, nil, nil
  return out
end

--- Lives for alerts that had none: each level up to the severity of an alert is in its state.
function M.seed(lives, alerts)
  local place = {}
  for i, life in ipairs(lives) do place[life.severity] = i end
  for key, alert in pairs(alerts) do
    if alert.state ~= "inactive" then
      for i = 1, place[alert.labels.severity] or 1 do lives[i].alerts[key] = copy(alert) end
    end
  end
end

--- As plain values: severity -> list of alerts, and what is known of flapping.
function M.save(runner)
  if not runner.lives then return nil end
  local out, flaps = {}, {}
  for _, life in ipairs(runner.lives) do out[life.severity] = state.save(life.alerts) end
  for _, entry in pairs(runner.flaps) do flaps[#flaps + 1] = entry end
  return out, #flaps > 0 and flaps or nil
end

local function load_flaps(runner, list)
  for _, e in ipairs(type(list) == "table" and list or {}) do
    if type(e) == "table" and state.are_labels(e.labels) and type(e.times) == "table" and runner.n_flaps < flap.MOST then
      local entry, key = flap.new(e.labels), runner.id_of(e.labels)
      for i = math.max(1, #e.times - runner.rule.flap.changes + 1), #e.times do
        entry.times[#entry.times + 1] = tonumber(e.times[i]) or 0
      end
      entry.firing, entry.flapping = e.firing == true, e.flapping == true
      if not runner.flaps[key] then runner.n_flaps = runner.n_flaps + 1 end
      runner.flaps[key] = entry
    end
  end
end

-- Are LIVES of these LEVELS?
local function fit(lives, levels)
  if not lives or #lives ~= #levels then return false end
  for i, level in ipairs(levels) do
    if lives[i].severity ~= level.severity then return false end
  end
  return true
end

--- Take over what OLD, the runner of this rule before, has.
function M.inherit(runner, old)
  if not runner.lives or not fit(old.lives, runner.levels) then return M.load(runner, M.save(old)) end
  runner.lives = old.lives
  if runner.rule.flap then load_flaps(runner, select(2, M.save(old))) end
end

--- The other way round, behind runner.alerts; SAVED may be nil, or of other levels.
function M.load(runner, saved, flaps)
  if not M.needed(runner.rule, runner.levels) then return end
  runner.flaps, runner.n_flaps, runner.lives = {}, 0, M.new(runner.levels)
  local fits = type(saved) == "table"
  for _, life in ipairs(runner.lives) do fits = fits and type(saved[life.severity]) == "table" end
  if not fits then
    M.seed(runner.lives, runner.alerts)
  else
    for _, life in ipairs(runner.lives) do life.alerts = state.load(saved[life.severity], runner.id_of) end
  end
  if runner.rule.flap then load_flaps(runner, flaps) end
end

return M
