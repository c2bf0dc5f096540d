--- targets.lua - `moonwatch targets`: what is scraped, and how that goes.
local client = require "moonwatch.cli.client"

local M = { usage = "targets", help = "what is scraped, and how that goes" }

function M.main(ctx, argv)
  local options, rest = client.parse(argv, {})
  if not options or #rest > 0 then return client.misused(ctx, M, options and "targets takes no arguments" or rest) end
  local found = client.ask(ctx, "GET", "/api/v1/targets")
  if not found then return 1 end
  local rows = { { "JOB", "STATE", "URL", "LAST SCRAPE", "MS", "ERROR" } }
  for _, t in ipairs(found.data.activeTargets) do
    rows[#rows + 1] = { t.scrapePool, t.health, t.scrapeUrl, t.lastScrape, ("%.1f"):format((t.lastScrapeDuration or 0) * 1000), t.lastError or "" }
  end
  ctx.out(#rows > 1 and client.columns(rows) or "no target is defined\n")
  return 0
end

return M
