--- absent.lua - what is said of a series that is gone, or of an expression that gives nothing.
--
-- A series without a value (gone, NaN, or without anything to be compared with) is neither active nor clear.  What then:
--   resolve   it is as good as clear, as in Prometheus
--   keep      its alert stays as it is, pending or firing, until there is a value again
--   fire      it is active; so is the rule itself when its expression never gave anything
-- For "fire" the series seen so far are remembered, up to a bound, and given up after `absent_for`.  Data may be late when a
-- rule or the program has just begun, so in the first two evaluations nothing is missed and alerts stay as they are.
--
-- When a series was last seen moves at each evaluation, but it is told to other nodes seldom: often enough that one that takes
-- over errs by a hundredth of `absent_for` or a minute.
local state = require "moonwatch.alert.state"

local M = {}

M.MOST = 1000
M.FOR = 86400
local SELDOM, SELDOM_PART = 60, 100
local GRACE = 2 -- evaluations: nothing is missed at once, when the program or the rule has just begun

local function silence_of(runner, found)
  local held = {}
  for key, alert in pairs(runner.alerts) do
    if alert.state ~= "inactive" and not found.seen[key] and found.clear[key] == nil then held[key] = true end
  end
  return held
end

local function remember(runner, found, t)
  local known, changed = runner.known, false
  for key, row in pairs(found.rows) do
    local entry = known[key]
    if not entry and runner.n_known < M.MOST then
      entry = { labels = row.labels, sample = row.sample }
      known[key], runner.n_known, changed = entry, runner.n_known + 1, true
    elseif not entry then
      found.problem = found.problem or ("more than %d series: further ones are not missed when they are gone"):format(M.MOST)
    end
    if entry then entry.value, entry.at = row.value, t end
  end
  return changed
end

local function forget(runner, t)
  local after, changed = runner.rule.absent_for or M.FOR, false
  for key, entry in pairs(runner.known) do
    if t - entry.at > after then runner.known[key], runner.n_known, changed = nil, runner.n_known - 1, true end
  end
  return changed
end

-- Is what others know of the series too old?
local function stale(runner, t)
  if next(runner.known) == nil then return false end
  return t - (runner.known_told or 0) >= math.max(SELDOM, (runner.rule.absent_for or M.FOR) / SELDOM_PART)
end

local function notice(runner, what, entry)
  local text = ("no data for %s"):format(what)
  if not entry then return { absent = "never seen", summary = text } end
  local since = runner.host.rfc3339(entry.at)
  return { absent = "since " .. since, summary = text .. " since " .. since }
end

-- The alert on a rule whose expression gave nothing yet.
local function nothing_at_all(runner, found, t)
  local labels = runner:labels({ labels = {}, value = 0 }, t)
  found.seen[runner.id_of(labels)] = { labels = labels, value = 0, level = 1, sample = {}, notice = notice(runner, runner.rule.name) }
end

local function missed(runner, found)
  for key, entry in pairs(runner.known) do
    if not found.rows[key] then
      found.seen[key] = { labels = entry.labels, sample = entry.sample, value = entry.value, level = math.max(1, runner:level_of(key)),
                          notice = notice(runner, runner.rule.name, entry) }
    end
  end
end

--- FOUND (see condition.judge) as the rule wants missing series to be seen.  found.rows: key -> row, all that have a value.
function M.apply(runner, found, t)
  local policy = runner.rule.absent
  if policy == "keep" then found.held = silence_of(runner, found) end
  if policy ~= "fire" then return end
  local more, less = remember(runner, found, t), forget(runner, t)
  if more or less or stale(runner, t) then
    runner.known_told = t
    runner.engine:changed(runner, t)
  end
  runner.missing_from = runner.missing_from or t + GRACE * runner.rule.every
  if t < runner.missing_from then
    found.held = silence_of(runner, found)
    return
  end
  missed(runner, found)
  if next(runner.known) == nil and not found.any then nothing_at_all(runner, found, t) end
end

--- What is remembered, as plain values, and back.
function M.save(runner)
  local out = {}
  if not runner.known then return nil end
  for _, entry in pairs(runner.known) do out[#out + 1] = entry end
  return #out > 0 and out or nil
end

--- RUNNER goes on with what OLD, the runner of this rule before, remembers.
function M.inherit(runner, old)
  M.load(runner, M.save(old))
  runner.missing_from, runner.known_told = old.missing_from, old.known_told
end

function M.load(runner, list)
  if runner.rule.absent ~= "fire" then return end
  runner.known, runner.n_known = {}, 0
  for _, entry in ipairs(type(list) == "table" and list or {}) do
    if type(entry) == "table" and state.are_labels(entry.labels) and type(entry.at) == "number" and runner.n_known < M.MOST then
      local key = runner.id_of(entry.labels)
      if not runner.known[key] then runner.n_known = runner.n_known + 1 end
      runner.known[key] = { labels = entry.labels, sample = state.are_labels(entry.sample) and entry.sample or {},
                            value = tonumber(entry.value) or 0, at = entry.at }
    end
  end
end

return M
