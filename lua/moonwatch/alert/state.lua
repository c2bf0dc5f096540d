--- state.lua - the life of an alert: pending, firing, inactive (resolved, remembered for a while).
--
-- A pure step: what is active now goes in, the alerts change, the changes come out.  Nothing here reads a clock.
--   alert = { key=, labels=, value=, state=, active_at=, fired_at=, resolved_at=, keep_since=, last_sent=, grace_until= }
-- An alert that comes back after it resolved is a new one.  One that was restored after a restart is not taken for gone
-- before grace_until, because the data it is judged by may not have arrived yet.
local M = {}

M.REMEMBER = 900 -- a resolved alert is told again for so long

--- The same labels give the same key.
function M.key(labels)
  local names = {}
  for name in pairs(labels) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = name .. "\255" .. labels[name] end
  return table.concat(names, "\254")
end

local function change(list, alert, from, to)
  alert.state = to
  list[#list + 1] = { alert = alert, from = from, to = to }
end

local function appear(alerts, key, row, now, changes)
  local alert = { key = key, labels = row.labels, active_at = now, value = row.value }
  alerts[key] = alert
  change(changes, alert, nil, "pending")
  return alert
end

local function see(alert, row, now, hold, changes)
  alert.value, alert.extra, alert.sample = row.value, row.extra, row.sample
  alert.keep_since, alert.grace_until = nil, nil
  local held = now - alert.active_at >= hold
  if alert.state == "pending" and held then
    alert.fired_at = now
    change(changes, alert, "pending", "firing")
  elseif alert.state == "firing" and not held then
    alert.fired_at = nil
    change(changes, alert, "firing", "pending")
  end
end

local function miss(alerts, alert, now, rule, clear, changes)
  if alert.grace_until and now < alert.grace_until and not clear then return end
  alert.grace_until = nil
  if alert.state == "pending" then
    alerts[alert.key] = nil
    change(changes, alert, "pending", nil)
  elseif alert.state == "firing" then
    alert.keep_since = alert.keep_since or now
    if now - alert.keep_since >= (rule.keep or 0) then
      alert.resolved_at, alert.keep_since = now, nil
      change(changes, alert, "firing", "inactive")
    end
  elseif now - alert.resolved_at > M.REMEMBER then
    alerts[alert.key] = nil
  end
end

--- alerts: key -> alert, changed in place.  seen: key -> { labels=, value=, extra= }, active now.
-- clear: key -> value, looked at and found not active.  rule: { hold=, keep= }.  Gives a list of { alert=, from=, to= };
-- `to` nil: a pending alert went away.  The second value: did a time of `keep` begin or end?
function M.step(alerts, seen, clear, now, rule)
  local changes, keys, kept = {}, {}, false
  for key in pairs(seen) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local row, alert = seen[key], alerts[key]
    kept = kept or alert and alert.keep_since ~= nil
    if not alert or alert.state == "inactive" then alert = appear(alerts, key, row, now, changes) end
    see(alert, row, now, rule.hold or 0, changes)
  end
  local gone = {}
  for key in pairs(alerts) do
    if not seen[key] then gone[#gone + 1] = key end
  end
  table.sort(gone)
  for _, key in ipairs(gone) do
    local alert = alerts[key]
    if clear[key] then alert.value = clear[key] end
    local since = alert.keep_since
    miss(alerts, alert, now, rule, clear[key] ~= nil, changes)
    kept = kept or alert.keep_since ~= since
  end
  return changes, kept
end

local SAVED = { "labels", "annotations", "value", "state", "active_at", "fired_at", "resolved_at", "keep_since", "extra" }

--- Alerts as a list of plain tables.
function M.save(alerts)
  local out, keys = {}, {}
  for key in pairs(alerts) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    out[i] = {}
    for _, name in ipairs(SAVED) do out[i][name] = alerts[key][name] end
  end
  return out
end

--- The other way round.  A row that is none is left out.
function M.load(list)
  local alerts = {}
  for _, row in ipairs(type(list) == "table" and list or {}) do
    if type(row) == "table" and type(row.labels) == "table" and type(row.active_at) == "number"
       and (row.state == "pending" or row.state == "firing" or (row.state == "inactive" and row.resolved_at)) then
      local alert = {}
      for _, name in ipairs(SAVED) do alert[name] = row[name] end
      alert.key = M.key(alert.labels)
      alerts[alert.key] = alert
    end
  end
  return alerts
end

return M
