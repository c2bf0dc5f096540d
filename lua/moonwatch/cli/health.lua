--- health.lua - `moonwatch health [NAME]`: every check, or all about one; exit status 1 when something is unhealthy.
local client = require "moonwatch.cli.client"
local keys_of = require "moonwatch.keys"
local text = require "moonwatch.alert.text"

local M = { usage = "health [NAME] [--json]" }

M.help = "the state of every check, or the history and uptime of one; exit status 1 when something is unhealthy"
M.flags = { json = "switch" }

local LONGEST = 200 -- bytes of a detail that are shown
local WINDOWS, LATENCY, QUANTILES = { "1h", "24h", "7d", "30d" }, { "1h", "24h", "7d" }, { "p50", "p90", "p99", "max" }

-- -- one check -------------------------------------------------------------

local function percent(share) return (("%.3f"):format(share * 100):gsub("%.?0+$", "")) .. " %" end

local function uptime_rows(up)
  local rows = { { "UPTIME", "UP", "NO DATA", "NOT COUNTED" } }
  for _, window in ipairs(WINDOWS) do
    local u = up[window]
    rows[#rows + 1] = { window, u.up and percent(u.up) or "no data", percent(u.no_data), percent(u.excused) }
  end
  return rows
end

local function latency_rows(latency)
  local rows = { { "LATENCY" } }
  for i, q in ipairs(QUANTILES) do rows[1][i + 1] = q:upper() end
  for _, window in ipairs(LATENCY) do
    local row = { window }
    for i, q in ipairs(QUANTILES) do row[i + 1] = latency[window][q] and text.duration(latency[window][q]) or "-" end
    rows[#rows + 1] = row
  end
  return rows
end

-- One value in a line: those of a table behind each other, times as people write them.
local function told(name, value)
  if type(value) == "number" and (name:find "seconds$" or name == "phases") then return text.duration(value) end
  if type(value) ~= "table" then return (tostring(value):gsub("%s+", " ")) end
  local out = {}
  for _, key in ipairs(keys_of(value)) do
    local item = told(type(key) == "number" and name or name == "phases" and name or tostring(key), value[key])
    out[#out + 1] = type(key) == "number" and item or ("%s %s"):format(key, item)
  end
  return table.concat(out, type(value[1]) == "table" and "; " or ", ")
end

local function detail_rows(details)
  local rows = { { "DETAIL", "VALUE" } }
  for _, name in ipairs(keys_of(details)) do
    local line = told(name, details[name])
    rows[#rows + 1] = { name, #line > LONGEST and line:sub(1, LONGEST) .. "..." or line }
  end
  return rows
end

local function change_rows(changes)
  local rows = { { "SINCE", "STATUS", "LASTED", "MESSAGE" } }
  for _, c in ipairs(changes) do rows[#rows + 1] = { c.at, c.status, text.duration(c.seconds), c.message or "" } end
  return rows
end

local function show_one(ctx, name, json)
  local h = client.ask(ctx, "GET", "/api/mw/v1/checks/" .. client.escape(name) .. "/history")
  if not h then return 1 end
  if json then
    client.json(ctx, h)
  else
    ctx.out(("%s: %s: %s\n\n%s\n%s\n%s\n%s"):format(name, h.status, h.message or "", client.columns(detail_rows(h.details or {})), client.columns(uptime_rows(h.uptime)),
      client.columns(latency_rows(h.latency_seconds)), #h.changes > 0 and client.columns(change_rows(h.changes)) or "nothing changed yet\n"))
  end
  return h.status == "unhealthy" and 1 or 0
end

-- -- all of them -----------------------------------------------------------

local function show_all(ctx, json)
  local answer = ctx.host.call("http", { url = ctx.url:gsub("/+$", "") .. "/health", timeout = 10, max_body = client.LARGE })
  local health = not answer.error and ctx.host.json.decode(answer.body or "")
  if not health then
    ctx.err(("moonwatch: %s: %s\n"):format(ctx.url, answer.error or "not the answer of a moonwatch"))
    return 1
  end
  if json then
    ctx.out(answer.body .. "\n")
  else
    local names = keys_of(health.checks)
    local rows = { { "CHECK", "STATUS", "MESSAGE" } }
    for i, name in ipairs(names) do rows[i + 1] = { name, health.checks[name].status, health.checks[name].message or "" } end
    ctx.out(("overall: %s\n%s"):format(health.status, #names > 0 and client.columns(rows) or "no check is defined\n"))
  end
  return health.status == "unhealthy" and 1 or 0
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest > 1 then return client.misused(ctx, M, options and "health takes one check" or rest) end
  if rest[1] then return show_one(ctx, rest[1], options.json) end
  return show_all(ctx, options.json)
end

return M
