--- slo.lua - `moonwatch slo`: objectives and what is left of their budgets, the gate for deployments, corrections, reports.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "slo [NAME [--from T [--to T]]] [--json] | gate NAME [--min SHARE] [--author A] | correct NAME --from T --to T|--for D --reason R [--window W] [--author A] | corrections NAME [--drop ID] | recount NAME [--from T] [--to T] | report [NAME] [--per week|month|quarter|year] [--n N] [--format text|json|csv]"
M.help = "objectives and what is left of their error budgets; gate: may something be deployed (exit 0 yes, 1 no)? correct: time that does not count "
  .. "(--window: only the times of that window); recount: look at the raw series again; report: what became of each week or month"

local FLAGS = { json = "switch", min = "value", from = "value", to = "value", ["for"] = "value", reason = "value", window = "value", author = "value",
  drop = "value", per = "value", n = "value", format = "value" }

local DOOR = "/api/mw/v1/slos"

local function percent(x) return type(x) == "number" and ("%.3f %%"):format(x * 100) or "no data" end
local function plain(time) return time and time:gsub("%.000Z$", "Z") or "-" end
local function count(x) return ("%.10g"):format(math.floor(x + 0.5)) end

local function path(name, tail) return DOOR .. "/" .. client.escape(name) .. (tail or "") end

-- -- looking ---------------------------------------------------------------

local function list(ctx, options)
  local found = client.ask(ctx, "GET", DOOR)
  if not found then return 1 end
  if options.json then return client.json(ctx, found) end
  local rows = { { "SLO", "OBJECTIVE", "BUDGET LEFT", "WINDOW", "STATUS", "OUTLOOK" } }
  for _, s in ipairs(found.slos) do
    rows[#rows + 1] = { s.name, percent(s.objective), percent(s.budget_remaining), tostring(s.window), s.status, s.forecast and s.forecast.text or "" }
  end
  return client.list(ctx, rows, "no SLO is defined")
end

local function labels(set)
  local out = {}
  for name, value in pairs(set) do out[#out + 1] = ("%s=%s"):format(name, value) end
  table.sort(out)
  return table.concat(out, " ")
end

local function tell_spent(ctx, s)
  if s.hours and s.hours[1] then
    local rows = { { "HOUR", "EVENTS", "BAD", "SHARE" } }
    for i = 1, math.min(5, #s.hours) do
      local h = s.hours[i]
      rows[#rows + 1] = { plain(h.from), count(h.total), count(h.bad), percent(h.share) }
    end
    ctx.out("spent by hour:\n" .. client.columns(rows))
  end
  if s.spent_by and s.spent_by[1] then
    local rows = { { "WHO", "EVENTS", "BAD", "SHARE" } }
    for i = 1, math.min(10, #s.spent_by) do
      local p = s.spent_by[i]
      rows[#rows + 1] = { labels(p.labels), count(p.total), count(p.bad), percent(p.share) }
    end
    ctx.out("spent by:\n" .. client.columns(rows))
  end
end

local function tell_corrections(ctx, list_of)
  local rows = { { "ID", "FROM", "TO", "BY", "REASON" } }
  for _, c in ipairs(list_of or {}) do
    rows[#rows + 1] = { c.id, plain(c.from), plain(c.to), c.author, (c.window and "in " .. c.window .. ": " or "") .. c.reason
      .. (c.taken_back_at and " (taken back by " .. c.taken_back_by .. ")" or "") }
  end
  if #rows > 1 then ctx.out("does not count:\n" .. client.columns(rows)) end
end

-- What happened in a stretch of time.
local function between(ctx, name, options)
  local query = {}
  for _, key in ipairs { "from", "to" } do
    if options[key] then query[#query + 1] = key .. "=" .. client.escape(options[key]) end
  end
  local s = client.ask(ctx, "GET", path(name, "/spent?" .. table.concat(query, "&")))
  if not s then return 1 end
  if options.json then return client.json(ctx, s) end
  ctx.out(("%s from %s to %s: %s, %s of %s bad, %s of the budget\n"):format(s.name, plain(s.from), plain(s.to), percent(s.ratio), count(s.bad), count(s.total), percent(s.of_budget)))
  tell_spent(ctx, s)
  return 0
end

local function one(ctx, name, options)
  if options.from or options.to then return between(ctx, name, options) end
  local s = client.ask(ctx, "GET", path(name))
  if not s then return 1 end
  if options.json then return client.json(ctx, s) end
  ctx.out(("%s: %s of %s, objective %s: %s\n"):format(s.name, percent(s.ratio), s.calendar and "this " .. s.calendar or "the last " .. s.window, percent(s.objective), s.status))
  ctx.out(("budget left: %s%s\n"):format(percent(s.budget_remaining),
    s.total and (" (%s of %s bad events, of %s)"):format(count(s.bad), count(s.allowed), count(s.total)) or ""))
  if s.forecast then ctx.out(s.forecast.text .. "\n") end
  for _, note in ipairs(s.notes) do ctx.out("note: " .. note .. "\n") end
  tell_spent(ctx, s)
  tell_corrections(ctx, s.corrections)
  return 0
end

-- -- doing -----------------------------------------------------------------

local does = {}

function does.gate(ctx, options, name, more)
  if not name or more then return client.misused(ctx, M, "say which SLO: gate NAME") end
  local status, body = client.request(ctx, "GET", path(name, "/gate" .. client.gate_query(ctx, options, { min = options.min })))
  if not status then return 1 end
  if type(body) ~= "table" or body.open == nil then
    local said = type(body) == "table" and body.error and body.error.message or "answered " .. status
    ctx.err(("moonwatch: %s\n"):format(said))
    return status == 400 and 2 or 1
  end
  ctx.out((options.json and ctx.host.json.encode(body) or ("%s: %s"):format(body.open and "open" or "closed", body.reason)) .. "\n")
  return body.open and 0 or 1
end

function does.correct(ctx, options, name, more)
  if not name or more then return client.misused(ctx, M, "say which SLO: correct NAME") end
  if not options.reason then return client.misused(ctx, M, "say why: --reason TEXT") end
  if not options.to and not options["for"] then return client.misused(ctx, M, "say until when: --to T, or --for D") end
  if not (options.author or ctx.host.env "USER") then return client.misused(ctx, M, "say who you are: --author NAME") end
  local made = client.ask(ctx, "POST", path(name, "/corrections"), { from = options.from, to = options.to, ["for"] = options["for"], reason = options.reason,
    window = options.window, author = options.author or ctx.host.env "USER" })
  if not made then return 1 end
  ctx.out(("%s does not count from %s to %s (%s)\n"):format(name, plain(made.from), plain(made.to), made.id))
  return 0
end

function does.corrections(ctx, options, name, more)
  if not name or more then return client.misused(ctx, M, "say which SLO: corrections NAME") end
  if options.drop then
    return client.ask(ctx, "DELETE", path(name, "/corrections/" .. client.escape(options.drop)) .. "?author="
      .. client.escape(options.author or ctx.host.env "USER" or "")) and 0 or 1
  end
  local found = client.ask(ctx, "GET", path(name, "/corrections"))
  if not found then return 1 end
  if options.json then client.json(ctx, found)
  elseif #found.corrections == 0 then ctx.out("all of the time counts\n")
  else tell_corrections(ctx, found.corrections) end
  return 0
end

function does.recount(ctx, options, name, more)
  if not name or more then return client.misused(ctx, M, "say which SLO: recount NAME") end
  local query = {}
  for _, key in ipairs { "from", "to" } do
    if options[key] then query[#query + 1] = key .. "=" .. client.escape(options[key]) end
  end
  local begun = client.ask(ctx, "POST", path(name, "/recount" .. (query[1] and "?" .. table.concat(query, "&") or "")))
  if not begun then return 1 end
  ctx.out(("%s is counted again from %s to %s: %d hours\n"):format(name, plain(begun.from), plain(begun.to), begun.hours))
  return 0
end

local function tell_report(ctx, r)
  local rows = { { "SLO", "PERIOD", "EVENTS", "BAD", "GOOD", "OBJECTIVE", "MET", "BUDGET SPENT" } }
  for _, row in ipairs(r.rows) do
    rows[#rows + 1] = { r.name, row.period .. (row.whole and "" or row.known_to < row.to and " so far" or " in part"), count(row.total), count(row.bad), percent(row.ratio), percent(row.objective),
      row.met == nil and "-" or row.met and "yes" or "no", percent(row.budget_spent) }
  end
  ctx.out(client.columns(rows))
end

function does.report(ctx, options, name, more)
  if more then return client.misused(ctx, M, "report takes one NAME at most") end
  local format = options.json and "json" or options.format or "text"
  if format ~= "text" and format ~= "json" and format ~= "csv" then return client.misused(ctx, M, ("--format: %q is not text, json or csv"):format(format)) end
  local query = ("?per=%s&n=%s&format=%s"):format(client.escape(options.per or "week"), client.escape(options.n or "12"), format == "csv" and "csv" or "json")
  local door = (name and path(name, "/report") or "/api/mw/v1/slo-reports") .. query
  if format == "csv" then return client.print(ctx, door) end
  local found = client.ask(ctx, "GET", door)
  if not found then return 1 end
  if format == "json" then return client.json(ctx, found) end
  for _, r in ipairs(found.rows and { found } or found.reports) do tell_report(ctx, r) end
  return 0
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local what = does[rest[1]]
  if what then return what(ctx, options, rest[2], rest[3]) end
  if rest[2] then return client.misused(ctx, M, ("%q is none of gate, correct, corrections, recount, report"):format(rest[1])) end
  if rest[1] then return one(ctx, rest[1], options) end
  return list(ctx, options)
end

return M
