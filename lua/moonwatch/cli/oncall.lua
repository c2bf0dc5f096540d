--- oncall.lua - `moonwatch oncall`: who is on call now and next, and "Bob takes it from six to eight".
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "oncall [NAME [--at T] [--for D]] | NAME PERSON --for D [--from T] [--author A] | NAME --drop ID"
M.help = "who is on call; with a PERSON: they take it over for D; --drop takes such an exception back"

local FLAGS = { at = "value", ["for"] = "value", from = "value", author = "value", drop = "value" }

local function plain(time) return time and time:gsub("%.000Z$", "Z") or "-" end

local function list(ctx)
  local answer = client.ask(ctx, "GET", "/api/mw/v1/oncall")
  if not answer then return 1 end
  local rows = { { "NAME", "NOW", "WHY", "UNTIL", "NEXT" } }
  for _, o in ipairs(answer.oncall) do
    rows[#rows + 1] = { o.name, o.now.person, o.now.why, plain(o.now.to), o.next and o.next.person or "-" }
  end
  client.list(ctx, rows, "there are no rotations; see: moonwatch help oncall")
  for _, o in ipairs(answer.oncall) do
    if o.calendar and o.calendar.error then ctx.err(("%s: the calendar could not be read: %s\n"):format(o.name, client.line(o.calendar.error))) end
  end
  return 0
end

local function shifts(ctx, name, options)
  local seconds = options["for"] and ctx.host.duration(options["for"]) or 14 * 86400
  if seconds <= 0 then return client.misused(ctx, M, "--for must be more than zero") end
  local from = options.at and ctx.host.parse_time(options.at)
  if options.at and not from then return client.misused(ctx, M, ("--at: %q is not a time such as 2026-12-24T09:00:00Z"):format(options.at)) end
  from = from or ctx.host.now()
  local o = client.ask(ctx, "GET", ("/api/mw/v1/oncall/%s?from=%s&to=%s"):format(client.escape(name), client.escape(ctx.host.rfc3339(from)),
    client.escape(ctx.host.rfc3339(from + seconds))))
  if not o then return 1 end
  local rows = { { "FROM", "TO", "WHO", "WHY" } }
  for _, s in ipairs(o.shifts) do rows[#rows + 1] = { plain(s.from), plain(s.to), s.person, s.why } end
  ctx.out(client.columns(rows))
  for _, s in ipairs(o.overrides) do
    ctx.out(("exception %s: %s from %s to %s, made by %s\n"):format(s.id, s.person, plain(s.from), plain(s.to), client.line(s.by or "-")))
  end
  if o.calendar and o.calendar.error then ctx.err(("the calendar could not be read: %s\n"):format(client.line(o.calendar.error))) end
  for _, problem in ipairs(o.calendar and o.calendar.problems or {}) do ctx.err(("calendar: %s\n"):format(client.line(problem))) end
  return 0
end

local function take(ctx, name, person, options)
  if not options["for"] then return client.misused(ctx, M, "say for how long: --for 8h") end
  local made = client.ask(ctx, "POST", ("/api/mw/v1/oncall/%s/overrides"):format(client.escape(name)),
    { person = person, from = options.from, ["for"] = options["for"], author = options.author or ctx.host.env "USER" })
  if not made then return 1 end
  ctx.out(("%s is on call for %s from %s to %s (%s)\n"):format(made.person, name, plain(made.from), plain(made.to), made.id))
  return 0
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local name, person = rest[1], rest[2]
  if rest[3] or options.drop and person or not name and next(options) then return client.misused(ctx, M, "say one NAME, and at most one PERSON") end
  if options.from and not person then return client.misused(ctx, M, "--from goes with a PERSON; to see another time: --at T") end
  if options["for"] and not ctx.host.duration(options["for"]) then return client.misused(ctx, M, ("--for: %q is not a duration"):format(options["for"])) end
  if not name then return list(ctx) end
  if options.drop then
    local path = ("/api/mw/v1/oncall/%s/overrides/%s?author=%s"):format(client.escape(name), client.escape(options.drop),
      client.escape(options.author or ctx.host.env "USER" or ""))
    return client.ask(ctx, "DELETE", path) and 0 or 1
  end
  if person then return take(ctx, name, person, options) end
  return shifts(ctx, name, options)
end

return M
