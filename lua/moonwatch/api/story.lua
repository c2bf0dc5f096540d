--- story.lua - what the rules know of alerts with certain labels: the router asks, for `why`.
--
-- { type="story", labels= } -> { alerts={ { rule=, labels=, state=, active_at=, fired_at=, samples=, changes= } }, rules={...}, near= }:
-- alerts that have all the labels and those that had them, with the last values, and the rules that would make such an alert.
local changes = require "moonwatch.alert.changes"
local evidence = require "moonwatch.alert.evidence"
local suspend = require "moonwatch.engine.rules.suspend"
local threshold = require "moonwatch.alert.threshold"

local M = {}

local MOST, RULES, SAMPLED = 50, 10, 3

local function has(labels, want)
  for name, value in pairs(want) do
    if (labels[name] or "") ~= value then return false end
  end
  return true
end

local function number(v)
  if type(v) ~= "number" then return v end
  return v == v and v > -math.huge and v < math.huge and v or tostring(v)
end

local function plain(list)
  local out = {}
  for i, c in ipairs(list) do out[i] = { time = c.time, from = c.from, to = c.to, value = number(c.value) } end
  return out
end

-- Values of ALERT before it was pending, and until it fired.
local function samples(runner, alert, now)
  local from = alert.active_at - 2 * (runner.rule.every or 15)
  return evidence.between(runner, alert, from, math.min(now, (alert.fired_at or now) + (runner.rule.every or 15)))
end

local function alert_row(runner, alert, full, sampled, now)
  return { rule = runner.id, labels = full, state = alert.state, active_at = alert.active_at, fired_at = alert.fired_at,
    resolved_at = alert.resolved_at, keep_since = alert.keep_since, value = number(alert.value), shadow = runner.silent,
    samples = sampled and samples(runner, alert, now) or nil,
    changes = plain(changes.of(runner, function(c) return c.key == alert.key end)) }
end

-- Alerts that RUNNER had and has no more.
local function gone(runner, want, out)
  local by = {}
  for _, c in ipairs(changes.of(runner, function(c) return not runner.alerts[c.key] end)) do
    local full = runner:full_labels(c.labels)
    if has(full, want) then
      if not by[c.key] and #out < MOST then
        by[c.key] = { rule = runner.id, labels = full, state = "inactive", changes = {} }
        out[#out + 1] = by[c.key]
      end
      if by[c.key] then table.insert(by[c.key].changes, { time = c.time, from = c.from, to = c.to, value = number(c.value) }) end
    end
  end
end

local function alerts_of(runner, want, out, now)
  for _, alert in pairs(runner.alerts) do
    local full = runner:full_labels(alert.labels)
    if #out < MOST and has(full, want) then out[#out + 1] = alert_row(runner, alert, full, #out < SAMPLED, now) end
  end
  gone(runner, want, out)
end

-- Could RULE make an alert with the labels WANT?  What it says itself must not say otherwise, and something must agree.
local function could_make(rule, want)
  if want.alertname then
    if (rule.alertname or rule.name) ~= want.alertname then return false end
  end
  local agrees = want.alertname ~= nil
  for name, value in pairs(rule.labels or {}) do
    if type(value) == "string" and want[name] ~= nil and not value:find("${", 1, true) then
      if value ~= want[name] then return false end
      agrees = true
    end
  end
  return agrees
end

local function rule_row(host, runner)
  local rule = runner.rule
  return { name = rule.alertname or rule.name, word = rule.word, file = rule.file, line = rule.line, state = runner:status(),
    health = runner.health, lastError = runner.last_error, suspended = suspend.shown(host, runner), shadow = runner.silent or nil,
    query = rule.expr and threshold.shown(rule) or nil, alerts = host.json.array {} }
end

--- The answer to MSG at NOW.
function M.answer(engine, msg, now)
  local host, want = engine.host, type(msg.labels) == "table" and msg.labels or {}
  local out, rules, names = host.json.array {}, host.json.array {}, {}
  for _, runner in ipairs(engine.runners) do
    if runner.alerts and runner.full_labels then
      alerts_of(runner, want, out, now)
      names[#names + 1] = runner.rule.alertname or runner.rule.name
      if #rules < RULES and could_make(runner.rule, want) then rules[#rules + 1] = rule_row(host, runner) end
    end
  end
  return { alerts = out, rules = rules, near = want.alertname and #rules == 0 and host.nearest(want.alertname, names) or nil }
end

return M
