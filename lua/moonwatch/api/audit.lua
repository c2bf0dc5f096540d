--- audit.lua - /api/mw/v1/audit: who did what, newest first.
local reply = require "moonwatch.api.router_reply"

local M = {}

local MOST = 1000

local function shown(host, e)
  local details = next(e.details or {}) and e.details or nil
  return { id = e.id, time = host.rfc3339(e.time), what = e.what, who = e.who, from = e.from, node = e.node, seq = e.seq, details = details }
end

-- "2h" ago, or a time; nil, message.
local function since_of(host, text, now)
  if not text or text == "" then return 0 end
  local seconds = host.duration(text)
  if seconds then return now - seconds end
  local t = host.parse_time(text)
  if not t then return nil, ("since=%q is neither a duration (2h) nor a time (2026-05-28T20:00:00Z)"):format(text) end
  return t
end

local function list(router, msg, now)
  local host = router.host
  local since, err = since_of(host, reply.param(msg, "since"), now)
  if not since then return reply.problem(host, 400, "bad_request", err) end
  local who, what = reply.param(msg, "who"), reply.param(msg, "what")
  local limit = math.max(1, math.min(MOST, tonumber(reply.param(msg, "limit") or 200) or 200))
  local out = router.audits:find(function(e)
    return e.time >= since and (not who or e.who == who) and (not what or e.what == what or e.what:sub(1, #what + 1) == what .. ".")
  end, limit)
  for i, e in ipairs(out) do out[i] = shown(host, e) end
  return reply.json(host, 200, { audit = host.json.array(out) })
end

local ROWS = { { "GET", "^/api/mw/v1/audit/?$", list } }

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
