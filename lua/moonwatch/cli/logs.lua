--- logs.lua - `moonwatch logs`: records that match a selector, oldest first; --follow goes on.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "logs [SELECTOR] [--follow] [--since D] [--limit N] [--contains TEXT] [--level L]"
M.help = "log records; SELECTOR such as '{service=\"shop\"}'"

local FLAGS = { follow = "switch", since = "value", limit = "value", contains = "value", level = "value" }

local function fetch(ctx, options, selector, from)
  local path = ("/api/mw/v1/logs?limit=%d&from=%.6f"):format(tonumber(options.limit) or 100, from)
  if selector then path = path .. "&selector=" .. client.escape(selector) end
  for _, name in ipairs { "contains", "level" } do
    if options[name] then path = path .. "&" .. name .. "=" .. client.escape(options[name]) end
  end
  return client.ask(ctx, "GET", path)
end

local function print_new(ctx, records, seen)
  for i = #records, 1, -1 do -- the server answers newest first
    local r = records[i]
    local key = r.timestamp .. r.message
    if not seen[key] then
      seen[key] = true
      ctx.out(("%s %-5s %s  %s\n"):format(ctx.host.rfc3339(tonumber(r.timestamp) / 1e9), r.level, r.message, client.labels(r.stream)))
    end
  end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local since = ctx.host.duration(options.since or "1h")
  if not since then return client.misused(ctx, M, "--since takes a duration such as 15m") end
  local from, seen = ctx.host.now() - since, {}
  local found = fetch(ctx, options, rest[1], from)
  if not found then return 1 end
  print_new(ctx, found.records, seen)
  while options.follow do
    ctx.host.call("sleep", { seconds = 1 })
    from = ctx.host.now() - 10
    found = fetch(ctx, options, rest[1], from)
    if not found then return 1 end
    print_new(ctx, found.records, seen)
  end
  return #found.records > 0 and 0 or 1
end

return M
