--- experiment.lua - `moonwatch experiment`: let a fault in, see what became of it, take it back.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = [=[experiment [list] [--json]
       moonwatch experiment start NAME [--wait] [--author A] | stop NAME [--reason R] [--rolled-back] [--author A] | status NAME [--json]]=]
M.help = "faults injected on purpose: start (--wait: exit 0 only when the steady state held), stop, status with history and evidence"
M.details = [[
`stop` takes the fault back at once. With --rolled-back a person says to have done that, where `rollback` keeps failing.]]

local FLAGS = { json = "switch", wait = "switch", author = "value", reason = "value", ["rolled-back"] = "switch" }
local DOOR = "/api/mw/v1/experiments"
local LOOK = 1 -- seconds between two looks while one waits

local function path(name, what) return DOOR .. "/" .. client.escape(name) .. (what and "/" .. what or "") end

local function say(ctx, text) ctx.out(client.line(text) .. "\n") end

local function show_look(ctx, title, look)
  if not look then return end
  say(ctx, ("  %s, %s"):format(title, look.at))
  for _, c in ipairs(look.steady) do say(ctx, ("    %s %s%s"):format(c.holds and "holds " or "BROKEN", c.name, c.value and (" = %.6g"):format(c.value) or "")) end
  for _, c in ipairs(look.abort) do
    if c.active then say(ctx, "    ABORT  " .. (c.text or c.name)) end
  end
end

local ORDER = { { "before", "before" }, { "broken", "when it broke" }, { "aborted", "when it was aborted" }, { "after", "after" } }

local function show_run(ctx, run)
  say(ctx, ("%s  %s: %s"):format(run.since, (run.outcome or run.phase):upper(), run.reason or ""))
  if run.not_rolled_back then say(ctx, "  THE FAULT IS STILL THERE: " .. run.not_rolled_back) end
  for _, part in ipairs(ORDER) do show_look(ctx, part[2], run.evidence[part[1]]) end
end

local does = {}

function does.list(ctx, options, rest)
  if #rest > 0 then return client.misused(ctx, M, "list takes no arguments") end
  local found = client.ask(ctx, "GET", DOOR)
  if not found then return 1 end
  if options.json then return client.json(ctx, found) end
  local rows = { { "EXPERIMENT", "SERVICE", "STATUS", "LAST", "NEXT", "WHY" } }
  for _, e in ipairs(found.experiments) do
    rows[#rows + 1] = { e.name, e.service, e.status, e.last and e.last.since or "-", e.next or "-", e.last and e.last.reason or "" }
  end
  return client.list(ctx, rows, "no experiments; see `moonwatch help experiment`")
end

local function wait_for(ctx, name)
  while true do
    local e = client.ask(ctx, "GET", path(name))
    if not e then return nil end
    if not e.run then return e.last end
    ctx.host.call("sleep", { seconds = LOOK })
  end
end

function does.start(ctx, options, rest)
  if not client.ask(ctx, "POST", path(rest[1], "start"), { author = options.author or ctx.host.env "USER" }) then return 1 end
  if not options.wait then return 0 end
  local run = wait_for(ctx, rest[1])
  if not run then return 1 end
  show_run(ctx, run)
  return run.outcome == "held" and 0 or 1
end

function does.stop(ctx, options, rest)
  local body = { author = options.author or ctx.host.env "USER", reason = options.reason, rolled_back = options["rolled-back"] }
  return client.ask(ctx, "POST", path(rest[1], "stop"), body) and 0 or 1
end

function does.status(ctx, options, rest)
  local e = client.ask(ctx, "GET", path(rest[1]))
  if not e then return 1 end
  if options.json then return client.json(ctx, e) end
  say(ctx, ("%s in %s: %s%s"):format(e.name, e.service, e.status, e.next and ", next " .. e.next or ""))
  if e.run then show_run(ctx, e.run) end
  for _, run in ipairs(e.history) do show_run(ctx, run) end
  return 0
end

function M.main(ctx, argv)
  return client.choose(ctx, argv, { command = M, flags = FLAGS, does = does, can = "experiment can list, start, stop and status",
    which = "say which experiment: its NAME" })
end

return M
