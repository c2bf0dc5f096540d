--- why.lua - `moonwatch why`: why did it fire, or not, and who was told; where would it go; what ails its rule?
local client = require "moonwatch.cli.client"
local evidence = require "moonwatch.to.evidence"
local text = require "moonwatch.to.text"

local M = {}

M.usage = "why ALERT [LABEL=VALUE...] [--receiver NAME] [--at T] [--json] | why --labels LABEL=VALUE,... [...] | why --route LABEL=VALUE... [--json]"
M.help = "why did it fire / not fire / notify nobody, or what is wrong with the rule of this name: the whole story;"
  .. " --labels: nobody told me of this; --route: where would these labels go, and which matchers decide"

local LONGEST, TRACE_LINES = 300, 30
local FLAGS = { labels = "list", receiver = "value", at = "value", route = "switch", json = "switch" }

-- What a rule or a receiver said may be any bytes: one line of it that is fit for a terminal.
local function line(words) return text.cut(tostring(words):gsub("%c+", " "), LONGEST) end

-- -- rules -----------------------------------------------------------------------

local function tell_traceback(ctx, traceback)
  local n = 0
  for said in traceback:gmatch "[^\n]+" do
    n = n + 1
    if n > TRACE_LINES then return ctx.out "      ...\n" end
    ctx.out(("    %s%s\n"):format(said:find "^\t" and "  " or "", line((said:gsub("^%s+", "")))))
  end
end

local function tell_trouble(ctx, rule)
  local s = rule.suspended
  if s then
    ctx.out(("  suspended since %s: it failed %d times in a row, and is tried again at %s\n"):format(s.since, s.failures, s.again))
    if s.reason and s.reason ~= rule.lastError then ctx.out("  because: " .. line(s.reason) .. "\n") end
  end
  for _, held in ipairs(rule.heldBack or {}) do
    ctx.out(("  %d found, and no alert begins: %s fails, which it depends on\n"):format(held.alerts, line(held.by)))
  end
  if rule.lastError and rule.lastError ~= "" then ctx.out("  last error: " .. line(rule.lastError) .. "\n") end
  if rule.traceback then tell_traceback(ctx, rule.traceback) end
end

local function tell_rule(ctx, rule, several)
  local labels = several and rule.labels and " {" .. client.labels(rule.labels) .. "}" or ""
  local state = rule.state or rule.health == "err" and "failing" or rule.health or "unknown"
  ctx.out(line(("%s %s%s is %s%s"):format(rule.word or "rule", rule.name, labels, state, rule.query and ": " .. rule.query or "")) .. "\n")
  tell_trouble(ctx, rule)
end

-- -- alerts ----------------------------------------------------------------------

local function tell_route(ctx, route)
  ctx.out(("  route %s -> %s\n"):format(line(route.route), route.receiver or route.note or "nobody"))
  if route.muted then ctx.out("    " .. line(route.muted.words or route.muted.text) .. "\n") end
  if not route.group then return end
  ctx.out(("    group %s, looked at again %s\n"):format(line(route.group.key), route.group.next))
  for _, d in ipairs(route.group.decisions) do
    local often = d.count and d.count > 1 and (", %d times since %s"):format(d.count, d.since) or ""
    ctx.out(("    %s  %s: %s (%s%s)\n"):format(d.time, d.receiver, d.sent and "told" or "not told", line(d.reason), often))
  end
end

local function tell_event(ctx, e)
  local often = e.count and (" (%d times until %s)"):format(e.count, e.last) or ""
  ctx.out(("  %s  %s%s\n"):format(e.time, line(e.text), often))
end

local function tell_alert(ctx, alert, several)
  ctx.out(("%s {%s} since %s\n"):format(alert.state, line(client.labels(alert.labels)), alert.starts or "?"))
  if several then ctx.out("  " .. line(alert.verdict.text) .. "\n") end
  for _, name in ipairs { "summary", "description" } do
    if alert.annotations[name] then ctx.out("  " .. line(alert.annotations[name]) .. "\n") end
  end
  for _, words in ipairs(evidence.lines(alert, text.cut)) do ctx.out("  evidence: " .. line(words) .. "\n") end
  if alert.ack then ctx.out(("  acknowledged by %s\n"):format(line(alert.ack.author or "somebody"))) end
  for _, route in ipairs(alert.routes) do tell_route(ctx, route) end
  for _, row in ipairs(alert.tree or {}) do
    if row.state == "no" or row.state == "not asked" then ctx.out(("  route %s %s\n"):format(line(row.route), line(row.text))) end
  end
  if #(alert.timeline or {}) > 0 then ctx.out "  what happened:\n" end
  for _, e in ipairs(alert.timeline or {}) do
    ctx.out "  "
    tell_event(ctx, e)
  end
end

local function tell_nothing(ctx, story)
  local nothing = story.nothing
  if not nothing then return end
  local would = nothing.would
  ctx.out(("if it fired now: %s\n"):format(#would.first > 0 and "told are " .. table.concat(would.first, ", ") or "nobody is told at once"))
  for _, m in ipairs(would.muted) do ctx.out(("  but on route %s %s\n"):format(line(m.route), line(m.text))) end
  for _, r in ipairs(nothing.receivers) do
    if r.code ~= "no-alert" then ctx.out(("  %s: %s\n"):format(r.receiver, line(r.text))) end
  end
  if #(story.near or {}) > 0 then ctx.out "alerts that are like it:\n" end
  for _, a in ipairs(story.near or {}) do
    ctx.out(("  %s %s {%s}\n"):format(a.state, line(a.labels.alertname or ""), line(client.labels(a.labels))))
  end
end

local function tell(ctx, story)
  ctx.out(line(story.verdict) .. "\n")
  if story.at then ctx.out(("as of %s\n"):format(story.at)) end
  for _, rule in ipairs(story.rules) do tell_rule(ctx, rule, #story.rules > 1) end
  for _, alert in ipairs(story.alerts) do tell_alert(ctx, alert, #story.alerts > 1) end
  tell_nothing(ctx, story)
  if #story.alerts == 0 and (not story.rules[1] or story.rules[1].alerts) then ctx.out "no alert of this name is known to the router\n" end
  if not story.sending then ctx.out "another node of the cluster sends the notifications\n" end
end

-- -- routes ----------------------------------------------------------------------

local function tell_routes(ctx, answer)
  for _, row in ipairs(answer.routes) do
    ctx.out(("%s%s -> %s: %s\n"):format(("  "):rep(row.depth), line(row.route), row.receiver or row.escalation and "escalation " .. row.escalation or "nobody",
      line(row.text)))
  end
  for _, m in ipairs(answer.muted) do ctx.out(("on route %s %s\n"):format(line(m.route), line(m.text))) end
  ctx.out(#answer.receivers > 0 and "receivers: " .. table.concat(answer.receivers, ", ") .. "\n" or "nobody would be told\n")
end

-- -- asking ----------------------------------------------------------------------

local function labels_query(list)
  local out = {}
  for i, pair in ipairs(list) do
    if not pair:find "^[^=]+=" then return nil, ("%q is not LABEL=VALUE"):format(pair) end
    out[i] = "label=" .. client.escape(pair)
  end
  return out
end

-- Of --labels a=b,c=d: the pairs.
local function split(lists)
  local out = {}
  for _, text_of in ipairs(lists) do
    for pair in text_of:gmatch "[^,]+" do out[#out + 1] = (pair:gsub("^%s+", ""):gsub("%s+$", "")) end
  end
  return out
end

local function ask(ctx, options, path, query, show)
  if #query > 0 then path = path .. "?" .. table.concat(query, "&") end
  local answer = client.ask(ctx, "GET", path)
  if not answer then return nil end
  if options.json then client.json(ctx, answer) else show(ctx, answer) end
  return answer
end

local function routes(ctx, options, rest)
  local query, why = labels_query(rest)
  if not query or #query == 0 then return client.misused(ctx, M, why or "say which labels: LABEL=VALUE") end
  local answer = ask(ctx, options, "/api/mw/v1/why/routes", query, tell_routes)
  return answer and #answer.receivers > 0 and 0 or 1
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  if options.route then return routes(ctx, options, rest) end
  local name = not options.labels and table.remove(rest, 1)
  if not name and not options.labels then return client.misused(ctx, M, "say which alert") end
  for _, pair in ipairs(options.labels and split(options.labels) or {}) do rest[#rest + 1] = pair end
  local query, why = labels_query(rest)
  if not query or options.labels and #query == 0 then return client.misused(ctx, M, why or "--labels needs LABEL=VALUE") end
  if name then table.insert(query, 1, "alert=" .. client.escape(name)) end
  for _, option in ipairs { "receiver", "at" } do
    if options[option] then query[#query + 1] = option .. "=" .. client.escape(options[option]) end
  end
  local story = ask(ctx, options, "/api/mw/v1/why", query, tell)
  return story and (#story.alerts > 0 or #story.rules > 0) and 0 or 1
end

return M
