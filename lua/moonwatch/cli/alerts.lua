--- alerts.lua - `moonwatch alerts`: what fires, what is about to, and what is kept quiet.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "alerts [--json]"
M.help = "alerts that fire or are about to, and who keeps which of them quiet"

local function by_key(list, key)
  local out = {}
  for _, item in ipairs(list or {}) do out[item[key]] = item end
  return out
end

-- Fingerprint → the windows that keep it quiet, of alerts that are told nowhere because of them.
local function in_windows(groups)
  local out, open = {}, {}
  for _, group in ipairs(groups) do
    for _, a in ipairs(group.alerts) do
      local names = a.status.mutedBy or {}
      if #names == 0 then open[a.fingerprint] = true end
      out[a.fingerprint] = names
    end
  end
  for fp in pairs(open) do out[fp] = nil end
  return out
end

-- What is asked of the server besides its alerts, only when something in them needs it: { silences=, acks=, windows= }; nil when it failed.
local function reasons(ctx, firing)
  local silenced = false
  for _, a in ipairs(firing) do silenced = silenced or #a.status.silencedBy > 0 end
  local acks = client.ask(ctx, "GET", "/api/mw/v1/ack")
  local groups = acks and client.ask(ctx, "GET", "/api/v2/alerts/groups")
  local silences = groups and (silenced and client.ask(ctx, "GET", "/api/v2/silences?expired=false&pending=false") or not silenced and {})
  if not silences then return nil end
  local out = { silences = by_key(silences, "id"), acks = {}, windows = in_windows(groups), alerts = by_key(firing, "fingerprint") }
  for _, ack in ipairs(acks.acks) do
    for _, fp in ipairs(ack.alerts) do out.acks[fp] = ack end
  end
  return out
end

-- The rows of KINDS are asked in this order: does one keep ALERT quiet?  Each answers a state and who, or nothing.
local KINDS = {
  function(a, known)
    local id = a.status.silencedBy[1]
    local s = known.silences[id]
    if id then return "silenced", s and ("silence %s by %s until %s"):format(id, s.createdBy, s.endsAt) or "silence " .. id end
  end,
  function(a, known)
    local fp = a.status.inhibitedBy[1]
    local source = known.alerts[fp]
    if fp then return "inhibited", source and ("%s %s"):format(source.labels.alertname or "-", client.labels(source.labels)) or fp end
  end,
  function(a, known)
    local names = known.windows[a.fingerprint]
    if names then return "muted", "window " .. table.concat(names, ", ") end
  end,
  function(a, known)
    local ack = known.acks[a.fingerprint]
    if ack then return "acknowledged", ("%s until %s"):format(ack.author or "somebody", ack.ends or "resolved") end
  end,
}

local function quiet(alert, known)
  for _, kind in ipairs(KINDS) do
    local state, by = kind(alert, known)
    if state then return state, by end
  end
  return "firing", "-"
end

local function rows_of(firing, rules, known)
  local rows = { { "STATE", "ALERT", "LABELS", "SINCE", "QUIET BY", "SUMMARY" } }
  for _, a in ipairs(firing) do
    local state, by = quiet(a, known)
    rows[#rows + 1] = { state, a.labels.alertname or "-", client.labels(a.labels), a.startsAt, by, a.annotations.summary or "" }
  end
  for _, a in ipairs(rules.data and rules.data.alerts or {}) do
    if a.state == "pending" then
      rows[#rows + 1] = { "pending", a.labels.alertname or "-", client.labels(a.labels), a.activeAt or "-", "-",
        a.annotations and a.annotations.summary or "" }
    end
  end
  return rows
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, { json = "switch" })
  if not options or #rest > 0 then return client.misused(ctx, M, options and "alerts takes no arguments" or rest) end
  local firing = client.ask(ctx, "GET", "/api/v2/alerts")
  local rules = firing and client.ask(ctx, "GET", "/api/v1/alerts")
  if not rules then return 1 end
  if options.json then return client.json(ctx, ctx.host.json.array(firing)) end
  local known = reasons(ctx, firing)
  if not known then return 1 end
  local rows = rows_of(firing, rules, known)
  return client.list(ctx, rows, "no alerts")
end

return M
