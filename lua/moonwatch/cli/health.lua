--- health.lua - `moonwatch health`: every check; exit status 1 unless all is healthy.
local client = require "moonwatch.cli.client"
local keys_of = require "moonwatch.keys"

local M = { usage = "health", help = "the state of every check; exit status 1 when something is unhealthy" }

function M.main(ctx, argv)
  local options, rest = client.parse(argv, {})
  if not options or #rest > 0 then return client.misused(ctx, M, options and "health takes no arguments" or rest) end
  local answer = ctx.host.call("http", { url = ctx.url:gsub("/+$", "") .. "/health", timeout = 10 })
  local health = not answer.error and ctx.host.json.decode(answer.body or "")
  if not health then
    ctx.err(("moonwatch: %s: %s\n"):format(ctx.url, answer.error or "not the answer of a moonwatch"))
    return 1
  end
  local names = keys_of(health.checks)
  local rows = { { "CHECK", "STATUS", "MESSAGE" } }
  for i, name in ipairs(names) do rows[i + 1] = { name, health.checks[name].status, health.checks[name].message or "" } end
  ctx.out(("overall: %s\n%s"):format(health.status, #names > 0 and client.columns(rows) or "no check is defined\n"))
  return health.status == "unhealthy" and 1 or 0
end

return M
