--- drills.lua - `moonwatch drills`: does the way from an alert to a person work?
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "drills [run NAME] [--json]"
M.help = "fire drills: how the last ones went, when the next ones are; run one now"
M.flags = { json = "switch" }

local function seconds(v) return v and ("%.1f s"):format(v) or "-" end

local function state_of(drill)
  if drill.running then return "going on" end
  if drill.ok == nil then return "not yet" end
  return drill.ok and "ok" or "FAILED"
end

local function show(ctx, list)
  local rows = { { "DRILL", "STATE", "LAST", "TOOK", "FAILURES", "NEXT", "" } }
  for _, d in ipairs(list) do
    rows[#rows + 1] = { d.name, state_of(d), d.last or "-", d.ok and seconds(d.seconds) or "-", ("%d of %d"):format(d.failures, d.runs),
      d.next or "-", d.why or "" }
  end
  ctx.out(client.columns(rows))
end

local function show_run(ctx, drill)
  local rows = { { "RECEIVER", "INTEGRATION", "TOOK", "" } }
  for _, part in ipairs(drill.integrations) do
    rows[#rows + 1] = { part.receiver or part.key, part.integration or "-", seconds(part.seconds), part.error or "" }
  end
  ctx.out(client.columns(rows))
  if drill.running then ctx.err("moonwatch: it still goes on; `moonwatch drills` will tell\n")
  elseif not drill.ok then ctx.err(("moonwatch: the drill failed: %s\n"):format(drill.why or "")) end
end

local function run(ctx, name, json)
  local answer = client.ask(ctx, "POST", "/api/mw/v1/drills/" .. client.escape(name) .. "/run")
  if not answer then return 1 end
  if json then client.json(ctx, answer) else show_run(ctx, answer.drill) end
  return answer.drill.ok and not answer.drill.running and 0 or 1
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, M.flags)
  if not options then return client.misused(ctx, M, rest) end
  if rest[1] == "run" and #rest == 2 then return run(ctx, rest[2], options.json) end
  if #rest > 0 then return client.misused(ctx, M, rest[1] == "run" and "say which drill" or ("what is %q?"):format(rest[1])) end
  local found = client.ask(ctx, "GET", "/api/mw/v1/drills")
  if not found then return 1 end
  if options.json then client.json(ctx, found)
  elseif #found.drills == 0 then ctx.out "no drills; see `moonwatch help drill`\n"
  else show(ctx, found.drills) end
  for _, d in ipairs(found.drills) do
    if d.ok == false then return 1 end
  end
  return 0
end

return M
