--- report.lua - a timeline summed up: each time that an alert fired, figures of each rule and of the whole.
local state = require "moonwatch.alert.state"

local M = {}

-- Who an alert is, whatever its severity.
function M.identity(entry)
  local labels = {}
  for name, value in pairs(entry.labels) do
    if name ~= "severity" then labels[name] = value end
  end
  return entry.rule .. "\1" .. state.key(labels)
end

-- -- episodes --------------------------------------------------------------

local step = {}

function step.pending(episode, entry)
  if episode and episode.fired_at and not episode.resolved_at then return episode end -- fires no longer, and not yet again
  return { rule = entry.rule, labels = entry.labels, pending_at = entry.at }, true
end

function step.firing(episode, entry)
  local fresh = not episode or episode.resolved_at ~= nil
  if fresh then episode = { rule = entry.rule, labels = entry.labels, pending_at = entry.at } end
  episode.fired_at, episode.labels = episode.fired_at or entry.at, entry.labels
  episode.value = entry.value
  return episode, fresh
end

function step.resolved(episode, entry)
  if episode then episode.resolved_at = entry.at end
  return episode
end

function step.gone(episode, entry)
  if episode and not episode.fired_at then episode.gone_at = entry.at end
  return nil
end

--- Each time that an alert was pending or fired, in order: { rule=, labels=, pending_at=, fired_at=, resolved_at=, gone_at= }.
function M.episodes(alerts)
  local open, out = {}, {}
  for _, entry in ipairs(alerts) do
    local key = M.identity(entry)
    local episode, fresh = step[entry.to](open[key], entry)
    open[key] = episode
    if fresh then out[#out + 1] = episode end
  end
  return out
end

-- -- figures ---------------------------------------------------------------

local function median(values)
  table.sort(values)
  local n = #values
  if n == 0 then return nil end
  return n % 2 == 1 and values[(n + 1) / 2] or (values[n / 2] + values[n / 2 + 1]) / 2
end

local function blank(rule)
  return { name = rule and rule.name, file = rule and rule.file, line = rule and rule.line, fired = 0, still_firing = 0, pending_only = 0,
           still_pending = 0, seconds = {}, notifications = 0, muted = 0, failures = 0 }
end

local function count_episode(row, episode, to)
  if not episode.fired_at then
    local field = episode.gone_at and "pending_only" or "still_pending"
    row[field] = row[field] + 1
    return
  end
  row.fired = row.fired + 1
  row.first = row.first and math.min(row.first, episode.fired_at) or episode.fired_at
  if not episode.resolved_at then row.still_firing = row.still_firing + 1 end
  row.seconds[#row.seconds + 1] = (episode.resolved_at or to) - episode.fired_at
end

local function finish(row)
  local total, longest = 0, 0
  for _, s in ipairs(row.seconds) do total, longest = total + s, math.max(longest, s) end
  row.firing_seconds, row.longest_seconds, row.median_seconds = total, longest, median(row.seconds)
  row.seconds = nil
  return row
end

local function rows_of(self)
  local rows, order = {}, {}
  for _, runner in ipairs(self.engine.runners) do
    local rule = runner.rule
    if rule.word == "alert" and not rows[rule.name] then
      rows[rule.name] = blank(rule)
      order[#order + 1] = rows[rule.name]
    end
  end
  return rows, order
end

local function each_rule_of(message, visit)
  local seen = {}
  for _, alert in ipairs(message.alerts) do
    if alert.rule and not seen[alert.rule] then
      seen[alert.rule] = true
      visit(alert.rule)
    end
  end
end

local function is_about(message, wanted)
  local found = false
  each_rule_of(message, function(rule) found = found or wanted[rule] end)
  return found
end

local function only_of(list, test)
  local out = {}
  for _, entry in ipairs(list) do
    if test(entry) then out[#out + 1] = entry end
  end
  return out
end

-- The rules of TIMELINE that ONLY (a list of names, or nil) asks for.
local function choose(timeline, only)
  local out = { alerts = timeline.alerts, messages = timeline.messages, muted = timeline.muted, failures = {} }
  for _, failure in pairs(timeline.failures) do out.failures[#out.failures + 1] = failure end
  table.sort(out.failures, function(a, b) return a.first < b.first or a.first == b.first and a.rule < b.rule end)
  if not only then return out end
  local wanted = {}
  for _, name in ipairs(only) do wanted[name] = true end
  local function named(entry) return wanted[entry.rule] end
  out.alerts, out.muted, out.failures = only_of(out.alerts, named), only_of(out.muted, named), only_of(out.failures, named)
  out.messages = only_of(out.messages, function(message) return is_about(message, wanted) end)
  return out, wanted
end

local function receivers_of(messages)
  local by, out = {}, {}
  for _, message in ipairs(messages) do
    local row = by[message.receiver]
    if not row then
      row = { name = message.receiver, messages = 0 }
      by[message.receiver], out[#out + 1] = row, row
    end
    row.messages = row.messages + 1
  end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

--- The report of a RUN: { from=, to=, rules=, total=, receivers=, episodes=, alerts=, messages=, muted=, failures=, figures= }.
function M.of(run, only)
  local picked, wanted = choose(run.timeline, only)
  local rows, order = rows_of(run)
  local episodes, total = M.episodes(picked.alerts), blank()
  for _, episode in ipairs(episodes) do
    if rows[episode.rule] then count_episode(rows[episode.rule], episode, run.to) end
    count_episode(total, episode, run.to)
  end
  for _, message in ipairs(picked.messages) do
    each_rule_of(message, function(rule) if rows[rule] then rows[rule].notifications = rows[rule].notifications + 1 end end)
  end
  for _, m in ipairs(picked.muted) do
    if rows[m.rule] then rows[m.rule].muted = rows[m.rule].muted + 1 end
  end
  for _, f in ipairs(picked.failures) do
    if rows[f.rule] then rows[f.rule].failures = rows[f.rule].failures + f.count end
    total.failures = total.failures + f.count
  end
  total.notifications, total.muted, total.rules = #picked.messages, #picked.muted, 0
  local shown = only_of(order, function(row) return not wanted or wanted[row.name] end)
  for _, row in ipairs(shown) do finish(row) end
  total.rules = #shown
  return { from = run.from, to = run.to, rules = shown, total = finish(total), receivers = receivers_of(picked.messages),
           episodes = episodes, alerts = picked.alerts, messages = picked.messages, muted = picked.muted, failures = picked.failures,
           left_out = run.timeline.left_out, figures = run.host.figures() }
end

return M
