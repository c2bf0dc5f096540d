--- nodes.lua - `moonwatch nodes`: who is in the cluster and does what.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "nodes"
M.help = "the nodes of the cluster, the work they hold, the rules they run"
M.flags = {}

-- Slots of NAME in words: "router, 9 of 16 rule slots".
local function work_of(leases, name)
  local slots, router = 0, false
  for slot, lease in pairs(leases) do
    if lease.node == name and slot == "router" then router = true
    elseif lease.node == name then slots = slots + 1 end
  end
  local words = {}
  if router then words[1] = "router" end
  if slots > 0 then words[#words + 1] = ("%d of 16 rule slots"):format(slots) end
  return #words > 0 and table.concat(words, ", ") or "-"
end

local function bundle_of(status)
  if not status or not status.version then return "-" end
  if status.ok then return ("version %d"):format(status.version) end
  return ("version %d refused"):format(status.version)
end

local function state_of(ctx, node)
  if node.alive then return "alive" end
  if not node.seen then return "away" end
  return ("away for %s"):format(ctx.host.duration_text(math.max(0, math.floor(ctx.host.now() - node.seen))))
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest > 0 then
    return client.misused(ctx, M, options and "nodes takes no arguments" or rest)
  end
  local found = client.ask(ctx, "GET", "/api/mw/v1/nodes")
  if not found then return 1 end
  local rows = { { "NODE", "STATE", "WORK", "BUNDLE", "URL" } }
  for _, node in ipairs(found.nodes) do
    local work = found.enabled and work_of(found.leases, node.name) or "everything"
    rows[#rows + 1] = { node.name .. (node.name == found.self and " (asked)" or ""), state_of(ctx, node), work,
                        bundle_of(node.bundle), node.url or "-" }
  end
  ctx.out(client.columns(rows))
  if found.enabled and not found.connected then
    ctx.out(("Redis is away: %s\n"):format(found.away or "not connected yet"))
  end
  return 0
end

return M
