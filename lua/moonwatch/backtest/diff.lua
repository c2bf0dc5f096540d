--- diff.lua - two reports of the same time held against each other: what fires in one only, earlier, later, longer; who is told.
local report_of = require "moonwatch.backtest.report"
local text = require "moonwatch.backtest.text"

local M = {}

-- Identity -> its episodes that fired, in order.
local function by_alert(report)
  local out, order = {}, {}
  for _, episode in ipairs(report.episodes) do
    if episode.fired_at then
      local key = report_of.identity(episode)
      if not out[key] then out[key], order[#order + 1] = {}, key end
      table.insert(out[key], episode)
    end
  end
  return out, order
end

local function ends(episode) return episode.resolved_at or math.huge end
local function overlap(a, b) return a.fired_at <= ends(b) and b.fired_at <= ends(a) end

local function compare(a, b, changes)
  if a and b then
    if a.fired_at ~= b.fired_at or a.resolved_at ~= b.resolved_at then
      changes[#changes + 1] = { kind = "changed", at = math.min(a.fired_at, b.fired_at), rule = a.rule, labels = a.labels, before = a, after = b,
        fires = b.fired_at - a.fired_at, resolves = a.resolved_at and b.resolved_at and b.resolved_at - a.resolved_at or nil }
    end
    return
  end
  local it = a or b
  changes[#changes + 1] = { kind = a and "gone" or "new", at = it.fired_at, rule = it.rule, labels = it.labels, before = a, after = b }
end

-- Episodes of one alert, LEFT and RIGHT, each with the first one that it shares time with.
local function pair_up(left, right, changes)
  local i, k = 1, 1
  while left[i] or right[k] do
    local a, b = left[i], right[k]
    if a and b and not overlap(a, b) then
      if a.fired_at < b.fired_at then b = nil else a = nil end
    end
    compare(a, b, changes)
    if a then i = i + 1 end
    if b then k = k + 1 end
  end
end

local function receivers(a, b)
  local by, out = {}, {}
  for side, report in pairs { before = a, after = b } do
    for _, r in ipairs(report.receivers) do
      local row = by[r.name] or { name = r.name, before = 0, after = 0 }
      if not by[r.name] then by[r.name], out[#out + 1] = row, row end
      row[side] = r.messages
    end
  end
  table.sort(out, function(x, y) return x.name < y.name end)
  return out
end

local function message_key(m)
  return table.concat({ ("%.3f"):format(m.at), m.receiver, m.kind, m.status, text.labels(m.group), tostring(#m.alerts) }, "\1")
end

local function messages_only(a, b)
  local counts, out = {}, {}
  for _, m in ipairs(b.messages) do counts[message_key(m)] = (counts[message_key(m)] or 0) + 1 end
  for _, m in ipairs(a.messages) do
    local key = message_key(m)
    if (counts[key] or 0) > 0 then counts[key] = counts[key] - 1 else out[#out + 1] = m end
  end
  return out
end

--- What BEFORE and AFTER, two reports, differ in: { changes=, messages= { before=, after= only there }, receivers= }.
function M.of(before, after)
  local left, order = by_alert(before)
  local right, more = by_alert(after)
  local changes = {}
  for _, key in ipairs(order) do pair_up(left[key], right[key] or {}, changes) end
  for _, key in ipairs(more) do
    if not left[key] then pair_up({}, right[key], changes) end
  end
  table.sort(changes, function(x, y)
    if x.at ~= y.at then return x.at < y.at end
    return report_of.identity(x) < report_of.identity(y)
  end)
  return { from = before.from, to = before.to, changes = changes, receivers = receivers(before, after),
           messages = { before = messages_only(before, after), after = messages_only(after, before) },
           total = { before = before.total, after = after.total } }
end

--- Do both say the same?
function M.is_empty(d) return #d.changes == 0 and #d.messages.before == 0 and #d.messages.after == 0 end

local function shift(host, seconds, words)
  if not seconds or seconds == 0 then return nil end
  return ("%s %s"):format(host.duration_text(math.floor(math.abs(seconds) + 0.5)), seconds < 0 and words[1] or words[2])
end

local function told(host, c)
  if c.kind == "gone" then return "fires no more" end
  if c.kind == "new" then return "fires now" end
  local parts = {}
  parts[#parts + 1] = shift(host, c.fires, { "earlier", "later" })
  parts[#parts + 1] = shift(host, c.resolves, { "sooner resolved", "later resolved" })
  if not c.resolves and c.before.resolved_at ~= c.after.resolved_at then
    parts[#parts + 1] = c.after.resolved_at and "resolves now" or "resolves no more"
  end
  return table.concat(parts, ", ")
end

--- D for people, by OUT(text).
function M.show(out, host, d)
  if M.is_empty(d) then return out "both say the same\n" end
  for _, c in ipairs(d.changes) do
    local sign = c.kind == "gone" and "-" or c.kind == "new" and "+" or "~"
    out(("%s %s %s %s: %s\n"):format(sign, host.rfc3339(c.at), text.plain(c.rule), text.plain(text.labels(c.labels)), told(host, c)))
  end
  for sign, list in pairs { ["-"] = d.messages.before, ["+"] = d.messages.after } do
    for _, m in ipairs(list) do
      out(("%s %s -> %s %s, %d alerts [%s]\n"):format(sign, host.rfc3339(m.at), text.plain(m.receiver), m.status, #m.alerts, text.plain(text.labels(m.group))))
    end
  end
  out(("fired %d times before, %d times now\n"):format(d.total.before.fired, d.total.after.fired))
  for _, r in ipairs(d.receivers) do out(("receiver %s: %d messages before, %d now\n"):format(text.plain(r.name), r.before, r.after)) end
end

return M
