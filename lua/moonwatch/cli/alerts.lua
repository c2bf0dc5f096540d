--- alerts.lua - `moonwatch alerts`: what fires, what is about to, and what is kept quiet.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "alerts [--json]"
M.help = "alerts that fire or are about to, and who keeps which of them quiet"

local MOST = 10000

local function rows_of(firing, rules)
  local rows = { { "STATE", "ALERT", "LABELS", "SINCE", "QUIET BECAUSE", "SUMMARY" } }
  for _, a in ipairs(firing.alerts) do
    rows[#rows + 1] = { a.state, a.labels.alertname or "-", client.labels(a.labels), a.startsAt, a.because or "-", a.annotations.summary or "" }
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
  if options.json then
    local all = client.ask(ctx, "GET", "/api/v2/alerts")
    return all and client.json(ctx, ctx.host.json.array(all)) or 1
  end
  local firing = client.ask(ctx, "GET", "/api/mw/v1/alerts?limit=" .. MOST)
  local rules = firing and client.ask(ctx, "GET", "/api/v1/alerts")
  if not rules then return 1 end
  local status = client.list(ctx, rows_of(firing, rules), "no alerts")
  if firing.total > #firing.alerts then ctx.out(("and %d more that fire\n"):format(firing.total - #firing.alerts)) end
  return status
end

return M
