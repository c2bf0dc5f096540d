--- shadow.lua - `moonwatch shadow`: what the shadows would do otherwise than the rules that are live.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "shadow [NAME] [--json]"
M.help = "rules that run silently beside the live ones (shadow = true), and how they differ"

local function place(p) return p and ("%s:%d"):format(p.file, p.line) or "nothing" end

local function value(d)
  if d.value and d.live_value then return (" %g, not %g"):format(d.value, d.live_value) end
  return (" %g"):format(d.value or d.live_value or 0)
end

local function show(ctx, s)
  if s.promoted then
    ctx.out(("%s: promoted, %s is live\n"):format(s.id, place(s.shadow)))
    return
  end
  ctx.out(("%s: %s beside %s\n"):format(s.id, place(s.shadow), place(s.live)))
  if not s.since then
    ctx.out "  not compared yet\n"
    return
  end
  ctx.out(("  compared %d times since %s, different %d times\n"):format(s.compared, s.since, s.differing))
  for _, d in ipairs(s.now) do ctx.out(("  now   %s {%s}%s since %s\n"):format(d.what, client.labels(d.labels), value(d), d.since)) end
  for _, d in ipairs(s.history) do
    ctx.out(("  past  %s {%s}%s %s - %s\n"):format(d.what, client.labels(d.labels), value(d), d.since, d["till"]))
  end
  if s.last_error then ctx.out(("  it fails: %s\n"):format(s.last_error)) end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, { json = "switch" })
  if not options or #rest > 1 then return client.misused(ctx, M, options and "shadow takes one NAME" or rest) end
  local body = client.ask(ctx, "GET", "/api/mw/v1/shadow")
  if not body then return 1 end
  local list = {}
  for _, s in ipairs(body.shadows) do
    if not rest[1] or s.name == rest[1] or s.id == rest[1] then list[#list + 1] = s end
  end
  if options.json then client.json(ctx, { shadows = ctx.host.json.array(list) })
  else for _, s in ipairs(list) do show(ctx, s) end end
  if rest[1] and #list == 0 then
    ctx.err(("moonwatch: there is no shadow %q\n"):format(rest[1]))
    return 1
  end
  if #list == 0 and not options.json then ctx.out "no shadows\n" end
  return 0
end

return M
