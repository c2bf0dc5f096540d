--- why_routes.lua - where would these labels go?  A test of routes, with the matchers that decided.
local explain = require "moonwatch.route.explain"
local mute = require "moonwatch.route.mute"
local reply = require "moonwatch.api.router_reply"
local verdict = require "moonwatch.api.why_verdict"
local words = require "moonwatch.api.why_words"

local M = {}

--- What explain.lua found, as JSON shows it.
function M.shown(host, explained)
  local out = host.json.array {}
  for i, row in ipairs(explained) do
    local tried = host.json.array {}
    for k, m in ipairs(row.matchers or {}) do tried[k] = { matcher = m.matcher, ok = m.ok, value = m.value } end
    out[i] = { route = row.route, receiver = row.receiver, escalation = row.escalation, depth = row.depth, state = row.state,
      taker = row.taker, matchers = tried, text = words.route(row) }
  end
  return out
end

--- Each route of ROUTER with what it says to labels SET.
function M.tree(router, set) return M.shown(router.host, explain.of(router.tree, set)) end

--- What an alert with labels SET would meet at NOW: { receivers= {names}, first= {names told at once}, routes=, muted= }.
function M.would(router, set, now)
  local host = router.host
  local list, by = verdict.reached(router, set, now)
  local first, muted = host.json.array {}, host.json.array {}
  for _, name in ipairs(list) do
    if not by[name][1].step then first[#first + 1] = name end
  end
  for _, node in ipairs(router.tree:match(set)) do
    local reason = mute.reason(set, node, router, now)
    if reason then
      local who = words.muted(router, reason, now)
      muted[#muted + 1] = { route = node.key, kind = who.kind, by = who.by, text = who.text }
    end
  end
  return { receivers = host.json.array(list), first = first, muted = muted }
end

local function labels_of(msg)
  local given, why = reply.labels(msg)
  if not given then return nil, why end
  if next(given) == nil then return nil, "say which labels: ?label=name=value" end
  local set = {} -- an empty value is a label that is not there
  for name, value in pairs(given) do set[name] = value ~= "" and value or nil end
  return set
end

--- GET /api/mw/v1/why/routes?label=name=value
function M.get(router, msg, now)
  local set, err = labels_of(msg)
  if not set then return reply.problem(router.host, 400, "bad_request", err) end
  local out = M.would(router, set, now)
  out.labels, out.routes = set, M.tree(router, set)
  return reply.json(router.host, 200, out)
end

return M
