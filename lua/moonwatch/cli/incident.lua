--- incident.lua - `moonwatch incident`: what the status page says of outages.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "incident open TITLE | update ID | close ID | list | remove ID"
M.help = "tell of outages on the status page; open, update and close take --text T, --author A; open and update also --checks A,B, --impact none|degraded|down|maintenance, " ..
  "--status investigating|identified|monitoring|resolved; list: --all, --json"
M.flags = { text = "value", author = "value", checks = "value", impact = "value", status = "value", title = "value", all = "switch", json = "switch" }

local DOOR = "/api/mw/v1/incidents"

local function said(ctx, options)
  local out = { text = options.text, author = options.author or ctx.host.env "USER" or nil, impact = options.impact, status = options.status, title = options.title }
  if options.checks then
    out.checks = ctx.host.json.array {}
    for name in options.checks:gmatch "[^,]+" do table.insert(out.checks, name) end
  end
  return out
end

local function warn(ctx, answer)
  if answer.warning then ctx.err("moonwatch: " .. answer.warning .. "\n") end
end

local does = {}

function does.open(ctx, options, rest)
  if #rest ~= 1 then return client.misused(ctx, M, "say what is wrong: a title in one word or in quotes") end
  options.title = rest[1]
  local answer = client.ask(ctx, "POST", DOOR, said(ctx, options))
  if not answer then return 1 end
  ctx.out(answer.id .. "\n")
  warn(ctx, answer)
  return 0
end

local function tell(ctx, options, rest, path, needs)
  if #rest ~= 1 then return client.misused(ctx, M, "say which incident: its ID") end
  if needs and not (options.text or options.status or options.impact or options.checks or options.title) then
    return client.misused(ctx, M, "say what is new: --text T, --status S, --impact I, --checks A,B or --title T")
  end
  local answer = client.ask(ctx, "POST", DOOR .. "/" .. client.escape(rest[1]) .. path, said(ctx, options))
  if not answer then return 1 end
  ctx.out(("%s: %s\n"):format(answer.title, answer.status))
  warn(ctx, answer)
  return 0
end

function does.update(ctx, options, rest) return tell(ctx, options, rest, "", true) end
function does.close(ctx, options, rest) return tell(ctx, options, rest, "/close") end

function does.remove(ctx, _, rest)
  if #rest ~= 1 then return client.misused(ctx, M, "say which incident: its ID") end
  return client.ask(ctx, "DELETE", DOOR .. "/" .. client.escape(rest[1])) and 0 or 1
end

function does.list(ctx, options)
  local answer = client.ask(ctx, "GET", DOOR .. (options.all and "" or "?open=true"))
  if not answer then return 1 end
  if options.json then return client.json(ctx, answer) end
  local rows = { { "ID", "STATUS", "IMPACT", "SINCE", "TITLE", "CHECKS", "LAST" } }
  for _, i in ipairs(answer.incidents) do
    local last = i.updates[#i.updates]
    rows[#rows + 1] = { i.id, i.status, i.impact, i.opened_at, i.title, table.concat(i.checks, ","), last and last.text or "" }
  end
  return client.list(ctx, rows, "no incidents")
end

function M.main(ctx, argv)
  return client.choose(ctx, argv, { command = M, flags = M.flags, does = does, can = "incident can open, update, close, list and remove" })
end

return M
