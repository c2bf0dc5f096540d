--- receivers.lua - `moonwatch receivers`: can everybody be told, and what waits?
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "receivers [--json]"
M.help = "receivers with what waits for them, and what keeps it"
M.flags = { json = "switch" }

local function waiting_of(w)
  if w.page + w.ticket + w.info == 0 then return "-" end
  return ("%d pages, %d tickets, %d infos"):format(w.page, w.ticket, w.info)
end

-- What keeps messages from an integration, in words.
local function state_of(i)
  if i.breaker_forced then return ("breaker forced %s (%s by itself)"):format(i.breaker_forced, i.breaker) end
  if i.breaker == "open" then return "breaker open until " .. (i.breaker_until or "?") end
  if i.held_until then return "wants none until " .. i.held_until end
  if i.trouble then return "failing" end
  if i.breaker ~= "closed" then return "breaker " .. i.breaker end
  if i.rate and i.rate.left < 1 and i.queued > 0 then return "held by its rate" end
  return "ok"
end

local function note_of(receiver, i)
  local out = {}
  if i.trouble then out[1] = ("nothing taken since %s%s"):format(i.trouble.since, i.trouble.error and ": " .. i.trouble.error or "") end
  if receiver.fallback and receiver.fallback.in_use then out[#out + 1] = "told to " .. receiver.fallback.receiver .. " instead" end
  return table.concat(out, "; ")
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options or #rest > 0 then return client.misused(ctx, M, options and "receivers takes no arguments" or rest) end
  local found = client.ask(ctx, "GET", "/api/mw/v1/receivers")
  if not found then return 1 end
  if options.json then return client.json(ctx, found) end
  local rows = { { "RECEIVER", "INTEGRATION", "STATE", "WAITING", "OLDEST", "" } }
  for _, receiver in ipairs(found.receivers) do
    for _, i in ipairs(receiver.integrations) do
      rows[#rows + 1] = { receiver.name, i.kind, state_of(i), waiting_of(i.waiting),
        i.oldest_seconds and ctx.host.duration_text(math.floor(i.oldest_seconds)) or "-", note_of(receiver, i) }
    end
    if #receiver.integrations == 0 then rows[#rows + 1] = { receiver.name, "-", "tells nobody", "-", "-", "" } end
  end
  ctx.out(client.columns(rows))
  return 0
end

return M
