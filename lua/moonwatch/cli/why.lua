--- why.lua - `moonwatch why`: why did it fire, or not, and who was told?
local client = require "moonwatch.cli.client"
local evidence = require "moonwatch.to.evidence"
local text = require "moonwatch.to.text"

local M = {}

M.usage = "why ALERT [LABEL=VALUE...]"
M.help = "why did it fire / not fire / notify nobody: the whole story"

local function tell_rule(ctx, rule, several)
  local labels = several and " {" .. client.labels(rule.labels) .. "}" or ""
  ctx.out(("rule %s%s is %s: %s\n"):format(rule.name, labels, rule.state or "unknown", rule.query or ""))
  if rule.lastError and rule.lastError ~= "" then ctx.out("  last error: " .. rule.lastError .. "\n") end
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
  for _, line in ipairs(evidence.lines(alert, text.cut)) do ctx.out("  evidence: " .. line .. "\n") end
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
  if #story.alerts == 0 then ctx.out "no alert of this name is known to the router\n" end
  if not story.sending then ctx.out "another node of the cluster sends the notifications\n" end
  return 0
end

return M
