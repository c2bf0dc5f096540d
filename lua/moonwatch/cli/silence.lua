--- silence.lua - `moonwatch silence`: add, list, expire.
local client = require "moonwatch.cli.client"
local matchers = require "moonwatch.route.matchers"

local M = {}

M.usage = "silence add MATCHER... --for D --comment C | list | extend ID --for D | expire ID..."
M.help = "keep alerts quiet for a while; MATCHER is name=value, also with != =~ !~. add: --dry-run (what would it mute?), --until-resolved, "
  .. "--receiver A,B, --days mon-fri --times 02:00-04:00 --zone Z or --window NAME (each time), --remind D, --author A; list: --all, --json"

local FLAGS = { ["for"] = "value", comment = "value", author = "value", receiver = "value", days = "value", times = "value", zone = "value",
  window = "value", remind = "value", ["until-resolved"] = "switch", ["dry-run"] = "switch", all = "switch", json = "switch" }

local DOOR = "/api/mw/v1/silences"

local function read(texts)
  local out = {}
  for i, text in ipairs(texts) do
    local m, err = matchers.parse_one(text)
    if not m then return nil, err end
    out[i] = { name = m.name, value = m.value, isRegex = m.op:find("~", 1, true) ~= nil, isEqual = m.op:sub(1, 1) == "=" }
  end
  return out
end

local does = {}

-- The times at which it comes back, or nil.
local function recurring(options)
  local out = { days = options.days, times = options.times, zone = options.zone }
  return next(out) and out or nil
end

local function names(text)
  if not text then return nil end
  local out = {}
  for name in text:gmatch "[^,]+" do out[#out + 1] = name end
  return out
end

local function tell_found(ctx, title, found, each)
  if not found then return end
  ctx.out(("%s: %d of %d\n"):format(title, found.count, found.of))
  for _, name in ipairs(found.names or {}) do
    if type(name) == "table" then ctx.out(each:format(name.count, client.line(name.name))) else ctx.out("  " .. client.line(name) .. "\n") end
  end
end

-- What it would keep quiet, and what speaks against it.
local function tell_preview(ctx, answer)
  tell_found(ctx, "fires now and would be quiet", answer.now, "  %d x %s\n")
  local history = answer.history
  if history then tell_found(ctx, ("in the last %g hours"):format(history.hours), history, "  %d x %s\n") end
  tell_found(ctx, "rules that it may mean", answer.rules, "  %d x %s\n")
  for _, warning in ipairs(answer.warnings) do ctx.out("warning: " .. client.line(warning) .. "\n") end
  return 0
end

function does.add(ctx, options, rest)
  local list, err = read(rest)
  if not list or #list == 0 then return client.misused(ctx, M, err or "say what to silence: name=value") end
  local seconds = options["for"] and ctx.host.duration(options["for"])
  if options["for"] and not (seconds and seconds > 0) or not options["for"] and not options["until-resolved"] then
    return client.misused(ctx, M, "say for how long: --for 2h")
  end
  local dry = options["dry-run"]
  if not options.comment and not dry then return client.misused(ctx, M, "say why: --comment TEXT") end
  local answer = client.ask(ctx, "POST", dry and DOOR .. "/preview" or DOOR, { matchers = list, ["for"] = options["for"],
    untilResolved = options["until-resolved"], receivers = names(options.receiver), recurring = recurring(options), window = options.window,
    remind = options.remind, createdBy = options.author or ctx.host.env "USER" or "unknown", comment = options.comment })
  if not answer then return 1 end
  if dry then return tell_preview(ctx, answer) end
  ctx.out(answer.id .. "\n")
  return 0
end

function does.extend(ctx, options, rest)
  if #rest ~= 1 then return client.misused(ctx, M, "say which silence: its ID") end
  if not options["for"] then return client.misused(ctx, M, "say how much longer: --for 2h") end
  local answer = client.ask(ctx, "POST", DOOR .. "/" .. client.escape(rest[1]) .. "/extend",
    { ["for"] = options["for"], createdBy = options.author or ctx.host.env "USER" })
  if not answer then return 1 end
  ctx.out(("%s ends %s\n"):format(answer.id, answer.endsAt))
  return 0
end

local function text_of(list)
  local out = {}
  for i, m in ipairs(list) do
    local op = (m.isEqual == false and "!" or "=") .. (m.isRegex and "~" or m.isEqual == false and "=" or "")
    out[i] = m.name .. op .. matchers.quote(m.value)
  end
  return table.concat(out, " ")
end

-- The sets of matchers of S, any of which may match.
local function matchers_of(s)
  local out = {}
  for i, list in ipairs(s.matcherSets or { s.matchers }) do out[i] = text_of(list) end
  return table.concat(out, " or ")
end

-- What narrows S: the times at which it comes back, and the receivers that it means.
local function only_of(s)
  local out, r = {}, s.recurring or {}
  for _, name in ipairs { "days", "dates", "months", "years", "times", "zone" } do
    local v = r[name]
    if v then out[#out + 1] = type(v) == "table" and table.concat(v, ",") or tostring(v) end
  end
  if s.window then out[#out + 1] = "window " .. s.window end
  if s.nextChange then out[#out + 1] = (s.status.state == "active" and "until " or "next ") .. s.nextChange end
  local receivers = s.receivers and "to " .. table.concat(s.receivers, ", ")
  local times = #out > 0 and table.concat(out, " ")
  return receivers and times and receivers .. "; " .. times or receivers or times or "-"
end

function does.list(ctx, options)
  local answer = client.ask(ctx, "GET", DOOR .. (options.all and "?all=true" or ""))
  if not answer then return 1 end
  if options.json then return client.json(ctx, answer) end
  local rows = { { "ID", "STATE", "MUTES", "MATCHERS", "ENDS", "ONLY", "BY", "COMMENT" } }
  for _, s in ipairs(answer.silences) do
    rows[#rows + 1] = { s.id, s.status.state, s.mutes and tostring(s.mutes.count) or "", matchers_of(s),
      s.endsAt .. (s.untilResolved and " or resolved" or ""), only_of(s), s.createdBy, s.comment }
  end
  return client.list(ctx, rows, "no silences")
end

function does.expire(ctx, options, rest)
  if #rest == 0 then return client.misused(ctx, M, "say which silence: its ID") end
  local all = 0
  for _, id in ipairs(rest) do
    local gone = client.ask(ctx, "DELETE", DOOR .. "/" .. client.escape(id), { createdBy = options.author or ctx.host.env "USER" })
    if not gone then all = 1 end
  end
  return all
end

function M.main(ctx, argv)
  return client.choose(ctx, argv, { command = M, flags = FLAGS, does = does, can = "silence can add, list, extend and expire" })
end

return M
