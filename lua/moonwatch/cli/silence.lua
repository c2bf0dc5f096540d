--- silence.lua - `moonwatch silence`: add, list, expire.
local client = require "moonwatch.cli.client"
local matchers = require "moonwatch.route.matchers"

local M = {}

M.usage = "silence add MATCHER... --for D --comment C [--author A] | list | expire ID"
M.help = "keep alerts quiet for a while; MATCHER is name=value, also with != =~ !~"

local FLAGS = { ["for"] = "value", comment = "value", author = "value" }

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

function does.add(ctx, options, rest)
  local list, err = read(rest)
  if not list or #list == 0 then return client.misused(ctx, M, err or "say what to silence: name=value") end
  local seconds = options["for"] and ctx.host.duration(options["for"])
  if not seconds or seconds <= 0 then return client.misused(ctx, M, "say for how long: --for 2h") end
  if not options.comment then return client.misused(ctx, M, "say why: --comment TEXT") end
  local now = ctx.host.now()
  local answer = client.ask(ctx, "POST", "/api/v2/silences", { matchers = list, startsAt = ctx.host.rfc3339(now),
    endsAt = ctx.host.rfc3339(now + seconds), createdBy = options.author or ctx.host.env "USER" or "moonwatch", comment = options.comment })
  if not answer then return 1 end
  ctx.out(answer.silenceID .. "\n")
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

function does.list(ctx)
  local list = client.ask(ctx, "GET", "/api/v2/silences")
  if not list then return 1 end
  local rows = { { "ID", "STATE", "MATCHERS", "ENDS", "BY", "COMMENT" } }
  for _, s in ipairs(list) do
    if s.status.state ~= "expired" then
      rows[#rows + 1] = { s.id, s.status.state, text_of(s.matchers), s.endsAt, s.createdBy, s.comment }
    end
  end
  ctx.out(#rows > 1 and client.columns(rows) or "no silences\n")
  return 0
end

function does.expire(ctx, _, rest)
  if #rest ~= 1 then return client.misused(ctx, M, "say which silence: its ID") end
  return client.ask(ctx, "DELETE", "/api/v2/silence/" .. client.escape(rest[1])) and 0 or 1
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local what = does[table.remove(rest, 1) or "list"]
  if not what then return client.misused(ctx, M, "silence can add, list and expire") end
  return what(ctx, options, rest)
end

return M
