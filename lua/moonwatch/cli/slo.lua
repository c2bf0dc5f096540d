--- slo.lua - `moonwatch slo`: objectives and what is left of their budgets.
local client = require "moonwatch.cli.client"

local M = { usage = "slo", help = "objectives and what is left of their error budgets" }

local function percent(x) return type(x) == "number" and ("%.3f %%"):format(x * 100) or "no data" end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, {})
  if not options or #rest > 0 then return client.misused(ctx, M, options and "slo takes no arguments" or rest) end
  local found = client.ask(ctx, "GET", "/api/mw/v1/slos")
  if not found then return 1 end
  local rows = { { "SLO", "OBJECTIVE", "BUDGET LEFT", "WINDOW" } }
  for _, s in ipairs(found.slos) do
    local window = type(s.window) == "number" and ctx.host.duration_text(s.window) or tostring(s.window)
    rows[#rows + 1] = { s.name, percent(s.objective), percent(s.budget_remaining), window }
  end
  ctx.out(#rows > 1 and client.columns(rows) or "no SLO is defined\n")
  return 0
end

return M
