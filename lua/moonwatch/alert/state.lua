--- state.lua - the life of an alert: pending, firing, inactive (resolved, remembered for a while).
--
-- A pure step: what is active now goes in, the alerts change, the changes come out.  Nothing here reads a clock.
--   alert = { key=, labels=, value=, state=, active_at=, fired_at=, resolved_at=, keep_since=, votes=, last_sent=, grace_until= }
-- An alert that comes back after it resolved is a new one.  One that was restored after a restart is not taken for gone
-- before grace_until, because the data it is judged by may not have arrived yet.
--
-- With votes (hold = {4, of=5}) an alert fires as long as enough of the last evaluations were true, is pending while some
-- were, and its history goes on in the alert that comes after it.
local votes = require "moonwatch.alert.votes"
local keys_of = require "moonwatch.keys"

local M = {}

M.REMEMBER = 900 -- a resolved alert is told again for so long

local function text_of(labels, without)
  local names, n = {}, 0
  for name in pairs(labels) do
    if name ~= without then
      n = n + 1
      names[n] = name
    end
  end
  table.sort(names)
  for i = 1, n do names[i] = names[i] .. "\255" .. labels[names[i]] end
  return table.concat(names, "\254")
end

--- The same labels give the same text.
function M.key(labels) return text_of(labels) end

--- Which alert of a rule LABELS are of: an alert whose severity changes stays the same one.
function M.id(labels) return text_of(labels, "severity") end

local function change(list, alert, from, to)
  alert.state = to
  list[#list + 1] = { alert = alert, from = from, to = to }
end

local function appear(alerts, key, row, now, changes)
  local before = alerts[key]
  local alert = { key = key, labels = row.labels, active_at = now, value = row.value, votes = before and before.votes }
  alerts[key] = alert
  change(changes, alert, nil, "pending")
  return alert
end

-- Does ALERT count as true: "yes", "no", or "partly" (not long or not often enough)?
local function verdict(alert, seen, now, rule)
  local v = rule.votes
  if not v then
    if not seen then return "no" end
    return now - alert.active_at >= (rule.hold or 0) and "yes" or "partly"
  end
  local history = alert.votes or alert.state == "firing" and ("1"):rep(v.of) or ""
  alert.votes = votes.push(history, seen, v.of)
  local n = votes.count(alert.votes)
  if n >= v.need then return "yes" end
  return alert.state == "pending" and n > 0 and "partly" or "no"
end

local step = { pending = {}, firing = {}, inactive = {} }

function step.pending.yes(_, alert, now, _, changes)
  alert.fired_at = now
  change(changes, alert, "pending", "firing")
end
function step.pending.partly() end
function step.pending.no(alerts, alert, _, _, changes)
  alerts[alert.key] = nil
  change(changes, alert, "pending", nil)
end
function step.firing.yes(_, alert) alert.keep_since = nil end
-- The rule asks for a longer time than before.
function step.firing.partly(_, alert, _, _, changes)
  alert.fired_at, alert.keep_since = nil, nil
  change(changes, alert, "firing", "pending")
end
function step.firing.no(_, alert, now, rule, changes)
  alert.keep_since = alert.keep_since or now
  if now - alert.keep_since >= (rule.keep or 0) then
    alert.resolved_at, alert.keep_since = now, nil
    change(changes, alert, "firing", "inactive")
  end
end
function step.inactive.no(alerts, alert, now)
  if now - alert.resolved_at > M.REMEMBER then alerts[alert.key] = nil end
end
step.inactive.partly, step.inactive.yes = step.inactive.no, step.inactive.no

local function see(alerts, alert, row, now, rule, changes)
  if alert.labels.severity ~= row.labels.severity then alert.series = nil end -- a reload gave it another one
  alert.labels, alert.value, alert.extra, alert.sample = row.labels, row.value, row.extra, row.sample
  alert.threshold, alert.bounds, alert.expected, alert.notice = row.threshold, row.bounds, row.expected, row.notice
  alert.grace_until = nil
  step[alert.state][verdict(alert, true, now, rule)](alerts, alert, now, rule, changes)
end

local function miss(alerts, alert, now, rule, clear, changes)
  if alert.grace_until and now < alert.grace_until and not clear then return end
  alert.grace_until, alert.notice = nil, nil
  step[alert.state][verdict(alert, false, now, rule)](alerts, alert, now, rule, changes)
end

--- alerts: key -> alert, changed in place.  found: { seen = key -> { labels=, value=, extra=, ... }, active now; clear = key ->
-- value, looked at and found not active; held = key -> true, alerts that stay as they are }.  rule: { hold=, keep=, votes= }.
-- Gives a list of { alert=, from=, to= }; `to` nil: a pending alert went away.  The second value: did a time of `keep` begin or
-- end, or a history of votes change?
function M.step(alerts, found, now, rule)
  local changes, seen, kept = {}, found.seen, false
  for _, key in ipairs(keys_of(seen)) do
    local row, alert = seen[key], alerts[key]
    kept = kept or alert and alert.keep_since ~= nil
    if not alert or alert.state == "inactive" then alert = appear(alerts, key, row, now, changes) end
    local before = alert.votes
    see(alerts, alert, row, now, rule, changes)
    kept = kept or alert.votes ~= before
  end
  local held = found.held or {}
  for _, key in ipairs(keys_of(alerts)) do
    if not seen[key] and not held[key] then
      local alert, clear = alerts[key], found.clear[key]
      if clear then alert.value = clear end
      local since, before = alert.keep_since, alert.votes
      miss(alerts, alert, now, rule, clear ~= nil, changes)
      kept = kept or alert.keep_since ~= since or alert.votes ~= before
    end
  end
  return changes, kept
end

-- -- over restarts ---------------------------------------------------------

-- What is kept of an alert, and what each must be when it comes back, from a file or another node.
local SAVED = {
  labels = "labels", annotations = "labels", value = "any", state = "string", active_at = "number", fired_at = "number",
  resolved_at = "number", keep_since = "number", extra = "table", votes = "string", threshold = "any", expected = "any",
  notice = "labels", evidence = "table", told = "string",
}
local STATES = { pending = true, firing = true, inactive = true }

--- Alerts as a list of plain tables.
function M.save(alerts)
  local out = {}
  for i, key in ipairs(keys_of(alerts)) do
    out[i] = {}
    for name in pairs(SAVED) do out[i][name] = alerts[key][name] end
  end
  return out
end

--- Are these labels: texts by texts?
function M.are_labels(t)
  if type(t) ~= "table" then return false end
  for name, value in pairs(t) do
    if type(name) ~= "string" or type(value) ~= "string" then return false end
  end
  return true
end

local function read(row)
  local alert = {}
  for name, kind in pairs(SAVED) do
    local value = row[name]
    if kind == "labels" and M.are_labels(value) or kind == "any" and type(value) ~= "table" or type(value) == kind then
      alert[name] = value
    end
  end
  if not STATES[alert.state] or not alert.active_at or not alert.labels then return nil end
  if alert.state == "inactive" and not alert.resolved_at then return nil end
  if alert.state ~= "pending" then alert.fired_at = alert.fired_at or alert.active_at end
  if alert.votes and not alert.votes:find "^[01]*$" then alert.votes = nil end
  return alert
end

--- The other way round.  A row that is none is left out.  ID: which alert of the rule labels are of, if it is not M.id.
function M.load(list, id)
  local alerts = {}
  for _, row in ipairs(type(list) == "table" and list or {}) do
    local alert = type(row) == "table" and read(row)
    if alert then
      alert.key = (id or M.id)(alert.labels)
      alerts[alert.key] = alert
    end
  end
  return alerts
end

return M
