--- golden.lua - `moonwatch golden`: latency, traffic, errors and saturation of each service, without a rule for it.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "golden [SERVICE] [--window D] [--json]"
M.help = "latency, traffic, errors and saturation of each service; of one: also the expressions they come from"

local FLAGS = { window = "value", json = "switch" }

local function seconds(v)
  if not v then return "-" end
  return v < 1 and ("%.3g ms"):format(v * 1000) or ("%.3g s"):format(v)
end
local function percent(v) return v and ("%.2f %%"):format(v * 100) or "-" end
local function rate(v) return v and ("%.4g/s"):format(v) or "-" end
local function full(s) return s.value and ("%s %s"):format(percent(s.value), s.says) or "-" end

-- A service of which only the mean is known has it in the place of the median.
local function middle(latency) return latency.mean and seconds(latency.mean) .. " mean" or seconds(latency.p50) end

local function show_all(ctx, rows)
  local out = { { "SERVICE", "TRAFFIC", "ERRORS", "P50", "P95", "P99", "SATURATION", "FROM" } }
  for _, r in ipairs(rows) do
    out[#out + 1] = { r.service, rate(r.traffic), percent(r.errors), middle(r.latency), seconds(r.latency.p95), seconds(r.latency.p99), full(r.saturation),
                      r.convention or r.from }
  end
  ctx.out(client.columns(out))
end

local ORDER = { "traffic", "errors", "mean", "p50", "p95", "p99" }

local function show_one(ctx, row)
  show_all(ctx, { row })
  ctx.out(("\nfrom %s\n"):format(row.says))
  for _, name in ipairs(ORDER) do
    if row.expressions[name] then ctx.out(client.line(("  %-8s %s"):format(name, row.expressions[name])) .. "\n") end
  end
  for _, part in ipairs(row.saturation.parts) do ctx.out(client.line(("  %-8s %s  %s"):format(part.name, percent(part.value), part.expr)) .. "\n") end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options or #rest > 1 then return client.misused(ctx, M, options and "golden takes one service" or rest) end
  local path = "/api/mw/v1/golden" .. (rest[1] and "/" .. client.escape(rest[1]) or "") .. (options.window and "?window=" .. client.escape(options.window) or "")
  local found = client.ask(ctx, "GET", path)
  if not found then return 1 end
  if options.json then client.json(ctx, found)
  elseif rest[1] then show_one(ctx, found)
  elseif #found.services == 0 then ctx.out "no service sends metrics or spans of requests that are known by convention; docs/golden.md lists them\n"
  else show_all(ctx, found.services) end
  return 0
end

return M
