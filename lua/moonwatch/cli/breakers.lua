--- breakers.lua - `moonwatch breakers`: what is stopped because it keeps failing, and forcing one by hand.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "breakers [open|close|free NAME] [--reason R] [--author A] [--json]"
M.help = "circuit breakers: NAME of requests, check/NAME, receiver/NAME; open, close: force one; free: leave it to itself"
M.flags = { json = "switch", reason = "value", author = "value" }

local FORCE = { open = "open", close = "closed", free = "none" }

local function state_of(b)
  if b.forced then return ("forced %s (%s by itself)"):format(b.forced, b.state) end
  if b.open_until then return "open until " .. b.open_until end
  return b.state
end

-- The integrations of receivers as rows of the same form.
local function of_receivers(ctx)
  local found, out = client.ask(ctx, "GET", "/api/mw/v1/receivers"), {}
  for _, receiver in ipairs(found and found.receivers or {}) do
    for _, i in ipairs(receiver.integrations) do
      out[#out + 1] = { name = ("receiver/%s (%s)"):format(receiver.name, i.kind), state = i.breaker, forced = i.breaker_forced, cause = i.breaker_cause, open_until = i.breaker_until }
    end
  end
  return found and out
end

local function count(n) return n and tostring(n) or "-" end

local function show(ctx, options)
  local found, receivers = client.ask(ctx, "GET", "/api/mw/v1/breakers"), of_receivers(ctx)
  if not found or not receivers then return 1 end
  for _, row in ipairs(receivers) do table.insert(found.breakers, row) end
  if options.json then return client.json(ctx, found) end
  local rows = { { "BREAKER", "STATE", "OPENED BY", "CALLS", "FAILED", "SLOW", "REFUSED" } }
  for _, b in ipairs(found.breakers) do
    rows[#rows + 1] = { b.name, state_of(b), b.cause or "-", count(b.calls), count(b.failed), count(b.slow), count(b.refused) }
  end
  return client.list(ctx, rows, "there are no circuit breakers")
end

local function path_of(name)
  local receiver = name:match "^receiver/(.+)$"
  if receiver then return "/api/mw/v1/receivers/" .. client.escape(receiver) .. "/force" end
  return "/api/mw/v1/breakers/" .. name:gsub("[^/]+", client.escape) .. "/force"
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options then return client.misused(ctx, M, rest) end
  if #rest == 0 then return show(ctx, options) end
  local how = FORCE[rest[1]]
  if not how or #rest ~= 2 then return client.misused(ctx, M, "say open, close or free, and which breaker") end
  local done = client.ask(ctx, "POST", path_of(rest[2]), { force = how, reason = options.reason, author = options.author or ctx.host.env "USER" })
  if not done then return 1 end
  return show(ctx, options)
end

return M
