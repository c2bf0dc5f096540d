--- text.lua - a report as lines for people: what happened in order of time, then figures.
local client = require "moonwatch.cli.client"

local M = {}

local function labels_text(labels)
  local out = {}
  for name, value in pairs(labels or {}) do
    if name ~= "alertname" then out[#out + 1] = name .. "=" .. value end
  end
  table.sort(out)
  return table.concat(out, " ")
end
M.labels = labels_text

--- Control characters never reach a terminal.
function M.plain(text) return (tostring(text):gsub("%c", " ")) end

local function number(v) return v and ("%.6g"):format(v) or "" end

local function names_of(message)
  local counts, order = {}, {}
  for _, alert in ipairs(message.alerts) do
    local name = alert.rule or alert.labels.alertname or "?"
    if not counts[name] then order[#order + 1] = name end
    counts[name] = (counts[name] or 0) + 1
  end
  for i, name in ipairs(order) do
    if counts[name] > 1 then order[i] = ("%s x%d"):format(name, counts[name]) end
  end
  return table.concat(order, ", ")
end

-- Everything as { at=, place=, cells }, alerts before what is said of them.
local function entries(report)
  local out = {}
  local function put(at, ...) out[#out + 1] = { at = at, place = #out, ... } end
  for _, e in ipairs(report.alerts) do put(e.at, e.rule, e.to, number(e.value), labels_text(e.labels)) end
  for _, m in ipairs(report.muted) do put(m.at, m.rule or m.labels.alertname or "?", "muted", "", labels_text(m.labels) .. ": " .. m.why) end
  for _, m in ipairs(report.messages) do
    local group = labels_text(m.group)
    put(m.at, "-> " .. m.receiver, m.status, tostring(#m.alerts), ("%s%s (%s)"):format(names_of(m), group ~= "" and " [" .. group .. "]" or "", m.reason or m.kind) .. (m.error and "; not taken: " .. m.error or ""))
  end
  table.sort(out, function(a, b) return a.at < b.at or a.at == b.at and a.place < b.place end)
  return out
end

local function span(host, seconds) return seconds and host.duration_text(math.floor(seconds + 0.5)) or "-" end

local function show_timeline(out, host, report)
  local rows = { { "TIME", "RULE", "STATE", "VALUE", "WHAT" } }
  for _, e in ipairs(entries(report)) do rows[#rows + 1] = { host.rfc3339(e.at), M.plain(e[1]), e[2], e[3], M.plain(e[4]) } end
  if #rows > 1 then out(client.columns(rows) .. "\n") end
end

local function show_rules(out, host, report)
  local rows = { { "RULE", "FIRED", "FIRING FOR", "MEDIAN", "LONGEST", "ONLY PENDING", "MESSAGES", "MUTED", "FAILURES" } }
  local function put(name, r)
    rows[#rows + 1] = { name, ("%d%s"):format(r.fired, r.still_firing > 0 and (" (%d at the end)"):format(r.still_firing) or ""),
      span(host, r.firing_seconds), span(host, r.median_seconds), span(host, r.longest_seconds), tostring(r.pending_only),
      tostring(r.notifications), tostring(r.muted), tostring(r.failures) }
  end
  local silent = 0
  for _, r in ipairs(report.rules) do
    if r.fired + r.pending_only + r.still_pending + r.failures + r.notifications == 0 then silent = silent + 1 else put(M.plain(r.name), r) end
  end
  put(("all %d rules"):format(report.total.rules), report.total)
  out(client.columns(rows))
  if silent > 0 then out(("%d rules never had an alert\n"):format(silent)) end
end

local function show_rest(out, host, report)
  for _, r in ipairs(report.receivers) do out(("receiver %s: %d messages\n"):format(M.plain(r.name), r.messages)) end
  for _, f in ipairs(report.failures) do
    out(("%s %q failed %d times, first at %s: %s\n"):format(f.word, f.rule, f.count, host.rfc3339(f.first), M.plain(f.error)))
  end
  if report.left_out > 0 then out(("%d more entries are left out; ask for less time, or for one rule with --rule\n"):format(report.left_out)) end
end

--- REPORT in full, by OUT(text).
function M.show(out, host, report)
  show_timeline(out, host, report)
  show_rules(out, host, report)
  show_rest(out, host, report)
end

return M
