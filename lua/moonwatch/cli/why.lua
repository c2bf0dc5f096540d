--- why.lua - `moonwatch why`: why did it fire, or not, and who was told; what ails its rule?
local client = require "moonwatch.cli.client"
local evidence = require "moonwatch.to.evidence"
local text = require "moonwatch.to.text"

local M = {}

M.usage = "why ALERT [LABEL=VALUE...]"
M.help = "why did it fire / not fire / notify nobody, or what is wrong with the rule of this name: the whole story"

local LONGEST, TRACE_LINES = 300, 30

-- What a rule said may be any bytes: one line of it that is fit for a terminal.
local function line(words) return text.cut(tostring(words):gsub("%c+", " "), LONGEST) end

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
  if rule.lastError and rule.lastError ~= "" then ctx.out("  last error: " .. line(rule.lastError) .. "\n") end
  if rule.traceback then tell_traceback(ctx, rule.traceback) end
end

local function tell_rule(ctx, rule, several)
  local labels = several and rule.labels and " {" .. client.labels(rule.labels) .. "}" or ""
  local state = rule.state or rule.health == "err" and "failing" or rule.health or "unknown"
  ctx.out(("%s %s%s is %s%s\n"):format(rule.word or "rule", rule.name, labels, state, rule.query and ": " .. rule.query or ""))
  tell_trouble(ctx, rule)
end

local function tell_route(ctx, route)
  ctx.out(("  route %s -> %s\n"):format(route.route, route.receiver or route.note or "nobody"))
  if route.muted then ctx.out("    " .. route.muted.text .. "\n") end
  if not route.group then return end
  ctx.out(("    group %s, looked at again %s\n"):format(route.group.key, route.group.next))
  for _, d in ipairs(route.group.decisions) do
    ctx.out(("    %s  %s: %s (%s)\n"):format(d.time, d.receiver, d.sent and "told" or "not told", d.reason))
  end
end

local function tell_alert(ctx, alert)
  ctx.out(("%s {%s} since %s\n"):format(alert.state, client.labels(alert.labels), alert.starts))
  for _, name in ipairs { "summary", "description" } do
    if alert.annotations[name] then ctx.out("  " .. line(alert.annotations[name]) .. "\n") end
  end
  for _, words in ipairs(evidence.lines(alert, text.cut)) do ctx.out("  evidence: " .. words .. "\n") end
  if alert.ack then ctx.out(("  acknowledged by %s\n"):format(alert.ack.author or "somebody")) end
  for _, route in ipairs(alert.routes) do tell_route(ctx, route) end
  for _, n in ipairs(alert.notifications) do
    ctx.out(("  %s  %s/%s %s: %s%s\n"):format(n.time, n.receiver, n.integration, n.status, n.result, n.why and " (" .. n.why .. ")" or ""))
  end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, {})
  if not options then return client.misused(ctx, M, rest) end
  local name = table.remove(rest, 1)
  if not name then return client.misused(ctx, M, "say which alert") end
  local path = "/api/mw/v1/why?alert=" .. client.escape(name)
  for _, pair in ipairs(rest) do path = path .. "&label=" .. client.escape(pair) end
  local story = client.ask(ctx, "GET", path)
  if not story then return 1 end
  for _, rule in ipairs(story.rules) do tell_rule(ctx, rule, #story.rules > 1) end
  for _, alert in ipairs(story.alerts) do tell_alert(ctx, alert) end
  if #story.alerts == 0 and (not story.rules[1] or story.rules[1].alerts) then ctx.out "no alert of this name is known to the router\n" end
  if not story.sending then ctx.out "another node of the cluster sends the notifications\n" end
  return 0
end

return M
