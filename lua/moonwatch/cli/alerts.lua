--- alerts.lua - `moonwatch alerts`: what fires, what is about to, and what is kept quiet.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "alerts [--json]"
M.help = "alerts that fire or are about to, and who keeps which of them quiet"

local function quiet(status)
  if #status.silencedBy > 0 then return "silenced" end
  return #status.inhibitedBy > 0 and "inhibited" or "firing"
end

local function rows_of(firing, rules)
  local rows = { { "STATE", "ALERT", "LABELS", "SINCE", "SUMMARY" } }
  for _, a in ipairs(firing) do
    rows[#rows + 1] = { quiet(a.status), a.labels.alertname or "-", client.labels(a.labels), a.startsAt, a.annotations.summary or "" }
  end
  for _, a in ipairs(rules.data and rules.data.alerts or {}) do
    if a.state == "pending" then
      rows[#rows + 1] = { "pending", a.labels.alertname or "-", client.labels(a.labels), a.activeAt or "-",
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
  local rows = rows_of(firing, rules)
  ctx.out(#rows > 1 and client.columns(rows) or "no alerts\n")
  return 0
end

return M
