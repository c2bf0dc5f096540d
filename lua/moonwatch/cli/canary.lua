--- canary.lua - `moonwatch canary`: start the comparison of two versions, see how it stands, ask its gate.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = [=[canary [list] [--json]
       moonwatch canary start NAME [--baseline K=V]... [--candidate K=V]... [--lasts D] [--author A]
       moonwatch canary status NAME [--json] | gate NAME [--marginal-ok] [--wait D] [--author A] [--json] | stop NAME [--judge] [--reason R]
       moonwatch canary judge NAME --baseline-times FROM,TO --candidate-times FROM,TO [--baseline K=V]... [--candidate K=V]... [--json]]=]
M.help = "compare two versions: start, status, gate (exit 0 only when it passed), stop; judge: two times that are over"
M.details = [[
`gate` answers at once; with --wait it waits for the end, for at most so long. A marginal verdict is a "no" unless --marginal-ok.
Times are unix times, 2026-03-01T09:00:00Z, or -2h.]]

local FLAGS = { baseline = "list", candidate = "list", lasts = "value", author = "value", json = "switch", judge = "switch", reason = "value",
                wait = "value", ["marginal-ok"] = "switch", ["baseline-times"] = "value", ["candidate-times"] = "value" }
local DOOR = "/api/mw/v1/canaries"
local LOOK = 2 -- seconds between two looks while one waits

local function path(name, what) return DOOR .. "/" .. client.escape(name) .. (what and "/" .. what or "") end

local function labels(map) return client.labels(map or {}) end

local function number(v) return type(v) == "number" and ("%.4g"):format(v) or "-" end

local function say(ctx, text) ctx.out(client.line(text) .. "\n") end

local function show_result(ctx, r)
  say(ctx, ("%s, score %s%s"):format(r.verdict:upper(), number(r.score), r.since and (" (%s to %s)"):format(r.since, r.ended) or ""))
  for _, reason in ipairs(r.reasons) do say(ctx, "  " .. reason) end
  local rows = { { "METRIC", "RESULT", "BASELINE", "CANDIDATE", "P", "EFFECT", "VALUES" } }
  for _, m in ipairs(r.metrics) do
    rows[#rows + 1] = { m.name .. (m.critical and " (critical)" or ""), m.result, number(m.median.baseline), number(m.median.candidate), number(m.p_adjusted),
                        number(m.delta), ("%d, %d"):format(m.samples.baseline, m.samples.candidate) }
  end
  if #rows > 1 then ctx.out(client.columns(rows)) end
  local t = r.traffic
  if t and t.share then ctx.out(("traffic: %s and %s requests, the candidate has %.1f %%\n"):format(number(t.baseline), number(t.candidate), t.share * 100)) end
end

local function show(ctx, c)
  say(ctx, ("%s: %s"):format(c.name, c.status))
  if c.run then
    say(ctx, ("  %s against %s since %s, until %s"):format(labels(c.run.candidate), labels(c.run.baseline), c.run.since, c.run["until"]))
  end
  if c.results[1] then show_result(ctx, c.results[1]) end
end

local does = {}

function does.list(ctx, options, rest)
  if #rest > 0 then return client.misused(ctx, M, "list takes no arguments") end
  local found = client.ask(ctx, "GET", DOOR)
  if not found then return 1 end
  if options.json then return client.json(ctx, found) end
  local rows = { { "CANARY", "STATUS", "SCORE", "ENDED", "WHY" } }
  for _, c in ipairs(found.canaries) do
    local r = c.results[1] or {}
    rows[#rows + 1] = { c.name, c.status, number(r.score), c.run and "until " .. c.run["until"] or r.ended or "-", r.reasons and r.reasons[1] or "" }
  end
  return client.list(ctx, rows, "no canaries; see `moonwatch help canary`")
end

-- The labels that --baseline and --candidate give, or nil, message.
local function sides(options)
  local out = {}
  for _, name in ipairs { "baseline", "candidate" } do
    if options[name] then
      local map, why = client.pairs_of(options[name])
      if not map then return nil, ("--%s: %s"):format(name, why) end
      out[name] = map
    end
  end
  return out
end

function does.start(ctx, options, rest)
  local given, why = sides(options)
  if not given then return client.misused(ctx, M, why) end
  given.lasts, given.author = options.lasts, options.author or ctx.host.env "USER"
  local c = client.ask(ctx, "POST", path(rest[1], "start"), given)
  if not c then return 1 end
  ctx.out(c.run and ("runs until %s\n"):format(c.run["until"]) or "another node was told\n")
  return 0
end

function does.stop(ctx, options, rest)
  local c = client.ask(ctx, "POST", path(rest[1], "stop"), { judge = options.judge, reason = options.reason, author = options.author or ctx.host.env "USER" })
  if not c then return 1 end
  if options.judge and c.results[1] then show_result(ctx, c.results[1]) end
  return 0
end

function does.status(ctx, options, rest)
  local c = client.ask(ctx, "GET", path(rest[1]))
  if not c then return 1 end
  if options.json then client.json(ctx, c) else show(ctx, c) end
  return 0
end

-- The answer of the gate, once it does not run any more or UNTIL has come.
local function ask_gate(ctx, name, options, untill)
  local query = client.gate_query(ctx, options, { marginal = options["marginal-ok"] and "ok" or nil })
  while true do
    local status, body = client.request(ctx, "GET", path(name, "gate") .. query)
    if not status then return nil end
    if type(body) ~= "table" or body.status ~= "running" or ctx.host.now() + LOOK > untill then return status, body end
    ctx.host.call("sleep", { seconds = LOOK })
  end
end

function does.gate(ctx, options, rest)
  local wait = options.wait and ctx.host.duration(options.wait)
  if options.wait and not wait then return client.misused(ctx, M, ("--wait: %q is no duration"):format(options.wait)) end
  local status, body = ask_gate(ctx, rest[1], options, ctx.host.now() + (wait or 0))
  if not status then return 1 end
  if status ~= 200 and status ~= 409 then
    ctx.err(("moonwatch: %s\n"):format(type(body) == "table" and body.error and body.error.message or "answered " .. status))
    return 1
  end
  say(ctx, options.json and ctx.host.json.encode(body) or ("%s: %s"):format(body.status, table.concat(body.reasons, "; ")))
  return status == 200 and 0 or 1
end

function does.judge(ctx, options, rest)
  local given, why = sides(options)
  if not given then return client.misused(ctx, M, why) end
  local body = {}
  for _, name in ipairs { "baseline", "candidate" } do
    local from, to = (options[name .. "-times"] or ""):match "^([^,]+),([^,]+)$"
    from, to = from and client.moment(ctx, from), to and client.moment(ctx, to)
    if not from or not to then return client.misused(ctx, M, ("say which times: --%s-times FROM,TO"):format(name)) end
    body[name] = { from = from, to = to, labels = given[name] }
  end
  local r = client.ask(ctx, "POST", path(rest[1], "judge"), body)
  if not r then return 1 end
  if options.json then client.json(ctx, r) else show_result(ctx, r) end
  return r.verdict == "pass" and 0 or 1
end

function M.main(ctx, argv)
  return client.choose(ctx, argv, { command = M, flags = FLAGS, does = does, can = "canary can list, start, status, gate, stop and judge",
    which = "say which canary: its NAME" })
end

return M
