--- targets.lua - `moonwatch targets`: what is scraped, and how that goes; or what is discovered and not scraped.
local client = require "moonwatch.cli.client"

local M = { usage = "targets [--dropped]", help = "what is scraped, and how that goes; --dropped: what a relabel function leaves out" }

local function active(data)
  local rows = { { "JOB", "STATE", "URL", "LAST SCRAPE", "MS", "ERROR" } }
  for _, t in ipairs(data.activeTargets) do
    rows[#rows + 1] = { t.scrapePool, t.health, t.scrapeUrl, t.lastScrape, ("%.1f"):format((t.lastScrapeDuration or 0) * 1000), t.lastError or "" }
  end
  return rows, "no target is defined"
end

-- Whoever tells of targets writes what they like.
local function printable(text) return (text:gsub("%c", "?")) end

local USUAL = { __address__ = true, __metrics_path__ = true, __scheme__ = true, __scrape_interval__ = true, __scrape_timeout__ = true, job = true }

local function dropped(data)
  local rows = { { "JOB", "ADDRESS", "LABELS" } }
  for _, t in ipairs(data.droppedTargets) do
    local labels = {}
    for name, value in pairs(t.discoveredLabels) do
      if not USUAL[name] then labels[name] = printable(value) end
    end
    rows[#rows + 1] = { t.scrapePool, printable(t.discoveredLabels.__address__ or ""), client.labels(labels) }
  end
  return rows, "no target is dropped"
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, { dropped = "switch" })
  if not options or #rest > 0 then return client.misused(ctx, M, options and "targets takes no arguments" or rest) end
  local found = client.ask(ctx, "GET", "/api/v1/targets?state=" .. (options.dropped and "dropped" or "active"))
  if not found then return 1 end
  local rows, none = (options.dropped and dropped or active)(found.data)
  return client.list(ctx, rows, none)
end

return M
