--- mark.lua - `moonwatch mark`: say that something happened, so that every plot shows it.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = [=[mark KIND [TEXT...] [--service S] [--version V] [--at T] [--until T] [--label K=V]... [--author A]
       moonwatch mark list [--service S] [--kind K] [--since D] [--json]
       moonwatch mark end ID [--at T] | remove ID...]=]
M.help = "mark a deploy, an experiment or anything else on all plots; T is a time, a unix time or -5m"
M.details = [[
KIND is a word of yours: deploy, experiment, note. The ID of the mark is printed; `mark end ID` makes a stretch of time of it.
  moonwatch mark deploy --service shop --version 1.2]]

local FLAGS = { service = "value", version = "value", at = "value", ["until"] = "value", label = "list", author = "value", kind = "value",
                since = "value", json = "switch" }
local DOOR = "/api/mw/v1/marks"

local does = {}

function does.list(ctx, options, rest)
  if #rest > 0 then return client.misused(ctx, M, "list takes no arguments") end
  local since = ctx.host.duration(options.since or "1d")
  if not since then return client.misused(ctx, M, ("%q is no duration"):format(options.since)) end
  local path = ("%s?from=%.3f"):format(DOOR, ctx.host.now() - since)
  for _, name in ipairs { "service", "kind" } do
    if options[name] then path = path .. "&" .. name .. "=" .. client.escape(options[name]) end
  end
  local found = client.ask(ctx, "GET", path)
  if not found then return 1 end
  if options.json then return client.json(ctx, found) end
  local rows = { { "TIME", "UNTIL", "MARK", "AUTHOR", "ID" } }
  for _, m in ipairs(found.marks) do rows[#rows + 1] = { m.at, m.ended or "-", m.title, m.author or "-", m.id } end
  return client.list(ctx, rows, "nothing is marked")
end

does["end"] = function(ctx, options, rest)
  if #rest ~= 1 then return client.misused(ctx, M, "say which mark: its ID") end
  local at = client.moment(ctx, options.at or "now")
  if not at then return client.misused(ctx, M, ("%q is no time"):format(options.at)) end
  return client.ask(ctx, "POST", DOOR .. "/" .. client.escape(rest[1]), { ["until"] = at }) and 0 or 1
end

function does.remove(ctx, _, rest)
  if #rest == 0 then return client.misused(ctx, M, "say which mark: its ID") end
  for _, id in ipairs(rest) do
    if not client.ask(ctx, "DELETE", DOOR .. "/" .. client.escape(id)) then return 1 end
  end
  return 0
end

local function add(ctx, options, kind, rest)
  local mark = { kind = kind, service = options.service, version = options.version, text = #rest > 0 and table.concat(rest, " ") or nil,
                 author = options.author or ctx.host.env "USER" }
  for field, flag in pairs { time = "at", ["until"] = "until" } do
    if options[flag] then
      mark[field] = client.moment(ctx, options[flag])
      if not mark[field] then return client.misused(ctx, M, ("--%s: %q is no time"):format(flag, options[flag])) end
    end
  end
  local labels, why = client.pairs_of(options.label or {})
  if not labels then return client.misused(ctx, M, why) end
  if next(labels) then mark.labels = labels end
  local answer = client.ask(ctx, "POST", DOOR, mark)
  if not answer then return 1 end
  if options.json then return client.json(ctx, answer) end
  ctx.out(answer.id .. "\n")
  return 0
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local kind = table.remove(rest, 1)
  if not kind then return client.misused(ctx, M, "say what happened: deploy, experiment, note") end
  if does[kind] then return does[kind](ctx, options, rest) end
  return add(ctx, options, kind, rest)
end

return M
