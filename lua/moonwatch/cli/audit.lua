--- audit.lua - `moonwatch audit`: who did what lately.  The whole chain is audit_chain.lua.
local chain = require "moonwatch.cli.audit_chain"
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "audit [--since D] [--who NAME] [--what KIND] [--limit N] [--json] | verify [DIR|FILE] [--head N:HASH] | "
  .. "export [DIR|FILE] [--from T] [--to T] [--json|--csv]"
M.help = "who did what: silences, acknowledgements, reloads, gates, deletions; KIND is silence, ack, config, ... or silence.made. "
  .. "verify: does the chain of hashes fit together? export: all of its entries"

local FLAGS = { since = "value", who = "value", what = "value", limit = "value", json = "switch", head = "value", from = "value", to = "value",
  csv = "switch" }
local OF_CHAIN = { verify = { head = true, json = true }, export = { from = true, to = true, json = true, csv = true } }

-- The first of OPTIONS that ALLOWED does not know.
local function stray(options, allowed)
  for name in pairs(options) do
    if not allowed[name] then return name end
  end
end

local function of_chain(ctx, options, rest)
  local does = table.remove(rest, 1)
  local wrong = stray(options, OF_CHAIN[does])
  if wrong then return client.misused(ctx, M, ("audit %s has no --%s"):format(does, wrong)) end
  local status, err = chain[does](ctx, options, rest)
  return status or client.misused(ctx, M, err)
end

local function text_of(details)
  local out = {}
  for name, value in pairs(details or {}) do out[#out + 1] = name .. "=" .. tostring(value) end
  table.sort(out)
  return table.concat(out, " ")
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  if rest[1] and OF_CHAIN[rest[1]] then return of_chain(ctx, options, rest) end
  if #rest > 0 then return client.misused(ctx, M, "audit takes options, or verify, or export") end
  local wrong = stray(options, { since = true, who = true, what = true, limit = true, json = true })
  if wrong then return client.misused(ctx, M, ("audit has no --%s; audit export has"):format(wrong)) end
  local query = {}
  for _, name in ipairs { "since", "who", "what", "limit" } do
    if options[name] then query[#query + 1] = name .. "=" .. client.escape(options[name]) end
  end
  local answer = client.ask(ctx, "GET", "/api/mw/v1/audit" .. (#query > 0 and "?" .. table.concat(query, "&") or ""))
  if not answer then return 1 end
  if options.json then return client.json(ctx, answer.audit) end
  local rows = { { "TIME", "WHAT", "WHO", "FROM", "DETAILS" } }
  for _, e in ipairs(answer.audit) do rows[#rows + 1] = { e.time, e.what, e.who, e.from or "-", text_of(e.details) } end
  return client.list(ctx, rows, "nothing was done")
end

return M
