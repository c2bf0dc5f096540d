--- open_alerts.lua - what fires, whoever found it, and what keeps which of it quiet: at a glance.
local mute = require "moonwatch.route.mute"
local priority = require "moonwatch.route.priority"
local reply = require "moonwatch.api.router_reply"
local words = require "moonwatch.api.why_words"

local M = {}

local MOST, CLOSELY = 500, 2000 -- alerts in an answer unless ?limit= says more; of very many, so many of the youngest are looked at closely

local STATES = { window = "muted" } -- others are called as mute.lua calls them
local RANK = { firing = 1, acknowledged = 2 }

-- Why ALERT is not spoken of on any of its routes; nil when it is on one.
local function muted(router, alert, now)
  local first
  for _, node in ipairs(router.tree:match(alert.labels)) do
    local reason = mute.reason(alert.labels, node, router, now)
    if not reason then return nil end
    first = first or reason
  end
  return first
end

-- State of ALERT, and who keeps it quiet.
local function state_of(router, alert, now)
  local reason = muted(router, alert, now)
  if reason then return STATES[reason.kind] or reason.kind, words.muted(router, reason, now).text end
  local ack = router.acks:covering(alert, now)
  if not ack then return "firing" end
  return "acknowledged", ("%s is on it until %s"):format(words.line(ack.author or "somebody"), ack.ends_at and router.host.rfc3339(ack.ends_at) or "it is over")
end

-- The N alerts of LIST that began last.
local function youngest(list, n)
  if #list <= n then return list end
  local times, out = {}, {}
  for i, alert in ipairs(list) do times[i] = alert.starts_at end
  table.sort(times)
  local edge = times[#times - n + 1]
  local same = {}
  for _, alert in ipairs(list) do
    if alert.starts_at > edge then out[#out + 1] = alert elseif alert.starts_at == edge then same[#same + 1] = alert end
  end
  local room = n - #out
  for i = 1, room do out[#out + 1] = same[i] end
  return out
end

local function before(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  if a.urgency ~= b.urgency then return a.urgency < b.urgency end
  if a.alert.starts_at ~= b.alert.starts_at then return a.alert.starts_at > b.alert.starts_at end
  return a.alert.fp < b.alert.fp
end

local function shown(host, row)
  local alert, said = row.alert, row.alert.annotations
  return { fingerprint = alert.fp, labels = alert.labels, annotations = { summary = said.summary, description = said.description }, value = alert.value,
    severity = alert.severity, startsAt = host.rfc3339(alert.starts_at), state = row.state, because = row.because }
end

-- ?limit=: those that nobody keeps quiet come first, then the most urgent, then the youngest; `total` is how many there are.
local function list(router, msg, now)
  local host, open = router.host, {}
  for _, alert in ipairs(router.alerts:firing(now)) do
    if not alert.drill then open[#open + 1] = alert end
  end
  local limit = tonumber(reply.param(msg, "limit"))
  limit = limit and limit >= 1 and limit or MOST -- no number at all is not at least 1 either
  local rows = {}
  for i, alert in ipairs(youngest(open, math.max(limit, CLOSELY))) do
    local state, because = state_of(router, alert, now)
    rows[i] = { alert = alert, state = state, because = because, rank = RANK[state] or 3, urgency = priority.of_severity(alert.severity) }
  end
  table.sort(rows, before)
  local out = host.json.array {}
  for i = 1, math.min(limit, #rows) do out[i] = shown(host, rows[i]) end
  return reply.json(host, 200, { total = #open, alerts = out })
end

local ROWS = { { "GET", "^/api/mw/v1/alerts/?$", list } }

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
