--- audit.lua - `moonwatch audit`: who did what.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "audit [--since D] [--who NAME] [--what KIND] [--limit N] [--json]"
M.help = "who made, changed and ended silences, acknowledged alerts, sent test messages; KIND is silence, ack, ... or silence.made"

local FLAGS = { since = "value", who = "value", what = "value", limit = "value", json = "switch" }

local function text_of(details)
  local out = {}
  for name, value in pairs(details or {}) do out[#out + 1] = name .. "=" .. tostring(value) end
  table.sort(out)
  return table.concat(out, " ")
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options or #rest > 0 then return client.misused(ctx, M, options and "audit takes options only" or rest) end
  local query = {}
  for _, name in ipairs { "since", "who", "what", "limit" } do
    if options[name] then query[#query + 1] = name .. "=" .. client.escape(options[name]) end
  end
  local answer = client.ask(ctx, "GET", "/api/mw/v1/audit" .. (#query > 0 and "?" .. table.concat(query, "&") or ""))
  if not answer then return 1 end
  if options.json then
    ctx.out(ctx.host.json.encode(answer.audit) .. "\n")
    return 0
  end
  local rows = { { "TIME", "WHAT", "WHO", "FROM", "DETAILS" } }
  for _, e in ipairs(answer.audit) do rows[#rows + 1] = { e.time, e.what, e.who, e.from or "-", text_of(e.details) } end
  ctx.out(#rows > 1 and client.columns(rows) or "nothing was done\n")
  return 0
end

return M
