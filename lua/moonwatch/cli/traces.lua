--- traces.lua - `moonwatch traces`: traces that match, newest first.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "traces [--service S] [--name N] [--min D] [--tag k=v]... [--since D] [--errors] [--slowest] [--limit N]"
M.help = "find traces by service, duration and tags"

local FLAGS = { service = "value", name = "value", min = "value", tag = "list", since = "value", errors = "switch", slowest = "switch", limit = "value" }

local function path_of(ctx, options)
  local parts = { "limit=" .. (tonumber(options.limit) or 20) }
  local function add(name, value) parts[#parts + 1] = name .. "=" .. client.escape(tostring(value)) end
  for _, name in ipairs { "service", "name", "min" } do
    if options[name] then add(name, options[name]) end
  end
  for _, name in ipairs { "errors", "slowest" } do
    if options[name] then add(name, "true") end
  end
  for _, tag in ipairs(options.tag or {}) do add("tag", tag) end
  if options.since then add("from", ("%.3f"):format(ctx.host.now() - options.since)) end
  return "/api/mw/v1/traces?" .. table.concat(parts, "&")
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  if options.since then
    options.since = ctx.host.duration(options.since)
    if not options.since then return client.misused(ctx, M, "--since takes a duration such as 15m") end
  end
  local found = client.ask(ctx, "GET", path_of(ctx, options))
  if not found then return 1 end
  local rows = { { "TRACE", "SERVICE", "NAME", "START", "MS", "SPANS", "ERRORS" } }
  for _, t in ipairs(found.traces) do
    rows[#rows + 1] = { t.trace_id, t.root_service, t.root_name, ctx.host.rfc3339(t.start), ("%.2f"):format(t.duration * 1000),
      tostring(t.spans), tostring(t.errors) }
  end
  client.list(ctx, rows, "no trace matches")
  return #rows > 1 and 0 or 1
end

return M
