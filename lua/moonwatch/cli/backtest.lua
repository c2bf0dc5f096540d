--- backtest.lua - `moonwatch backtest`: when would these rules have fired?  Here over a data folder, or on a server over its data.
local check = require "moonwatch.cli.check"
local client = require "moonwatch.cli.client"
local diff = require "moonwatch.backtest.diff"
local files = require "moonwatch.backtest.files"
local load = require "moonwatch.config.load"
local plot = require "moonwatch.backtest.plot"
local silences = require "moonwatch.backtest.silences"
local text = require "moonwatch.backtest.text"

local M = {}

M.usage = [=[backtest PATH --from T [--to T] [--rule NAME]... [--url U | --data DIR] [--diff OTHER] [--silences FILE]
       [-o text|json|plot] [--json] [--round]]=]
M.help = "when would these rules have fired, and who would have been told? over stored data; nothing is sent"
M.details = [[
PATH is a file or a folder of rules, or a configuration; T is a time (RFC 3339), unix seconds, or such as -7d or now-7d.
With --data the data of a server that does not run (or a copy) is read here; nothing in the folder changes.  Otherwise the
rules are sent to the server at --url, which runs them over its own data beside its work.
--rule shows only what is about rule NAME; all of them run.  --diff OTHER runs the rules of OTHER as well, and shows what
they do otherwise.  --silences FILE counts these silences (JSON as of GET /api/v2/silences) instead of the stored ones.
--round evaluates at round times instead of those at which the server would.
Exit status: 0 something would have fired (--diff: both say the same), 1 nothing would have (both differ), 2 wrong usage or no such rule.]]

local FLAGS = { from = "value", to = "value", rule = "list", data = "value", diff = "value", silences = "value", o = "value", json = "switch",
  round = "switch" }

local NO_TIME = "a time is RFC 3339, unix seconds, or such as -7d"

local function moment(host, given)
  local back = given:match "^%-(.+)$" or given:match "^now%-(.+)$"
  local seconds = back and host.duration(back)
  if seconds then return host.now() - seconds end
  if given == "now" then return host.now() end
  return host.parse_time(given) or tonumber(given)
end

-- -- what to run -----------------------------------------------------------

-- The files of PATH: how to load them, and what was read; nil when they have problems, which are told.
local function collect(ctx, path)
  if not ctx.host.stat(path) then
    ctx.err(("moonwatch: %s: there is no such file or folder\n"):format(path))
    return nil
  end
  local host, book = files.recorder(ctx.host)
  local options = check.load_options(host, { path })
  local set, problems = load.load(options)
  local names = {} -- of everything that is declared: an `expect` has alerts of its name, too
  for _, list in pairs(set or {}) do
    for _, it in ipairs(type(list) == "table" and list or {}) do
      if type(it) == "table" and it.name then names[it.name] = true end
    end
  end
  if set then load.discard(set) end
  for _, p in ipairs(problems) do ctx.err(p.text .. "\n") end
  if not set or #problems > 0 then return nil end
  return { load = { config = options.config, rules = options.rules, paths = options.paths }, book = book, names = names }
end

-- Those of --silences; false when there are none to be had.
local function given_silences(ctx, options)
  if not options.silences then return nil end
  local body, why = ctx.host.read_file(options.silences)
  local value
  if body then value, why = ctx.host.json.decode(body) end
  local list
  if value then list, why = silences.read(ctx.host, value) end
  if list then return list end
  ctx.err(("moonwatch: --silences %s: %s\n"):format(options.silences, tostring(why)))
  return false
end

-- -- here ------------------------------------------------------------------

local function refuse(ctx, problems)
  for _, problem in ipairs(problems) do
    ctx.err(("moonwatch: %s\n"):format(problem))
    if problem:find "in use by another process" then ctx.err "moonwatch: a server has this folder: ask it with --url, or stop it first\n" end
  end
end

local function run_here(ctx, options, what)
  local list, why = what.silences, nil
  if not list then list, why = silences.of_folder(ctx.host, options.data) end
  if not list then return refuse(ctx, { why }) end
  local run, problems = require("moonwatch.backtest.run").new {
    host = ctx.host, load = what.load, from = what.from, to = what.to, data = options.data, silences = list, spread = not options.round,
  }
  if not run then return refuse(ctx, problems) end
  while not run:slice(0.5) do
    if run.waiting > 0 then ctx.host.call("sleep", { seconds = 0 }) end -- answers of ctx.http come in meanwhile
  end
  return run:report(options.rule)
end

-- -- on a server -----------------------------------------------------------

local function run_there(ctx, options, what)
  local begun = client.ask(ctx, "POST", "/api/mw/v1/backtest", { load = what.load, files = what.book.files, globs = what.book.globs,
    from = what.from, to = what.to, rules = options.rule, silences = what.silences, round = options.round })
  if not begun then return nil end
  local path, shown = "/api/mw/v1/backtest/" .. client.escape(begun.id), 0
  while true do
    local answer = client.ask(ctx, "GET", path)
    if not answer or answer.state == "done" then return answer and answer.report end
    local percent = math.floor(answer.progress * 100)
    if percent >= shown + 10 then
      shown = percent
      ctx.err(("%d %% done\n"):format(percent))
    end
    ctx.host.call("sleep", { seconds = 0.2 })
  end
end

-- -- showing ---------------------------------------------------------------

local show = { text = text.show, plot = plot.show }

function show.json(out, host, report) out(host.json.encode(report) .. "\n") end

local function arrays(host, report)
  for _, name in ipairs { "rules", "receivers", "episodes", "alerts", "messages", "muted", "failures" } do host.json.array(report[name]) end
  return report
end

local function about_data(ctx, report)
  local first, last = report.figures.first, report.figures.last
  if not first or first > report.to or last < report.from then
    ctx.err(first and ("note: there is no data of that time; it goes from %s to %s\n"):format(ctx.host.rfc3339(first), ctx.host.rfc3339(last))
      or "note: the store is empty\n")
  end
end

-- A name that no report has is a slip: "nothing would have fired" would be a wrong answer to it.
local function knows_rules(ctx, names, reports, known)
  for _, report in ipairs(reports) do
    for _, row in ipairs(report.rules) do known[row.name] = true end
  end
  for _, name in ipairs(names or {}) do
    if not known[name] then
      ctx.err(("moonwatch: --rule %s: these rules have no alert of that name\n"):format(name))
      return false
    end
  end
  return true
end

local function tell(ctx, format, report)
  about_data(ctx, report)
  show[format](ctx.out, ctx.host, format == "json" and arrays(ctx.host, report) or report)
  if report.total.fired > 0 then return 0 end
  ctx.err "nothing would have fired\n"
  return 1
end

local function tell_diff(ctx, format, before, after)
  about_data(ctx, before)
  local d = diff.of(before, after)
  if format == "json" then
    ctx.host.json.array(d.changes)
    ctx.host.json.array(d.receivers)
    for _, list in pairs(d.messages) do ctx.host.json.array(list) end
    client.json(ctx, d)
  else
    if format == "plot" then
      for _, report in ipairs { before, after } do plot.show(ctx.out, ctx.host, report) end
    end
    diff.show(ctx.out, ctx.host, d)
  end
  return diff.is_empty(d) and 0 or 1
end

-- -- the command -----------------------------------------------------------

local function misuse(ctx, options, rest)
  if not options then return rest end
  if #rest ~= 1 then return "backtest takes one PATH" end
  if not options.from then return "say from when: --from -7d" end
  if options.json and options.o and options.o ~= "json" then return "--json is -o json: say one of them" end
  if not show[options.json and "json" or options.o or "text"] then return "-o is one of text, json, plot" end
  options.start, options.stop = moment(ctx.host, options.from), moment(ctx.host, options.to or "now")
  if not options.start or not options.stop then return NO_TIME end
  options.stop = math.min(options.stop, ctx.host.now())
  if options.start >= options.stop then return "--from is before --to, and neither in the future" end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  local wrong = misuse(ctx, options, rest)
  if wrong then return client.misused(ctx, M, wrong) end
  local list = given_silences(ctx, options)
  if list == false then return 1 end
  local reports, known, run = {}, {}, options.data and run_here or run_there
  for i, path in ipairs { rest[1], options.diff } do
    local what = collect(ctx, path)
    if not what then return 1 end
    what.from, what.to, what.silences = options.start, options.stop, list
    for name in pairs(what.names) do known[name] = true end
    reports[i] = run(ctx, options, what)
    if not reports[i] then return 1 end
  end
  if not knows_rules(ctx, options.rule, reports, known) then return 2 end
  local format = options.json and "json" or options.o or "text"
  if options.diff then return tell_diff(ctx, format, reports[1], reports[2]) end
  return tell(ctx, format, reports[1])
end

return M
