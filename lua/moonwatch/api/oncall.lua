--- oncall.lua - who is on call, now and later, over HTTP; and exceptions made while we run.
local Oncall = require "moonwatch.route.oncall"
local audit = require "moonwatch.engine.router.audit"
local did_you_mean = require "moonwatch.did_you_mean"
local keys_of = require "moonwatch.keys"
local reply = require "moonwatch.api.router_reply"
local swaps = require "moonwatch.engine.router.swaps"

local M = {}

local MOST, LONGEST, BODY = 500, 400 * 86400, 16384

local function bad(router, why) return reply.problem(router.host, 400, "bad_request", why) end

local function shown_shift(host, s)
  return { person = s.person, why = s.why, from = host.rfc3339(s.from), to = s.to and host.rfc3339(s.to) or nil }
end

local function shown(router, oncall, now)
  local host, list = router.host, oncall:shifts(now, now + LONGEST, 2)
  local out = { name = oncall.name, now = shown_shift(host, list[1]), next = list[2] and shown_shift(host, list[2]) or nil }
  local calendar = oncall.ical and router.calendars and router.calendars:about(oncall.name)
  if oncall.ical then
    out.calendar = { error = calendar and calendar.error or nil, read = calendar and calendar.read_at and host.rfc3339(calendar.read_at) or nil,
      problems = host.json.array(calendar and calendar.problems or {}) }
  end
  out.overrides = host.json.array(swaps.shown(router, oncall, now))
  return out
end

-- The moment that parameter NAME says; nil, message.
local function time_param(router, oncall, msg, name, default)
  local text = reply.param(msg, name)
  if not text then return default end
  local t = Oncall.moment(text, oncall.zone, router.host)
  if not t then return nil, ("%s: %q is not a time such as 2026-12-24T09:00:00Z or \"2026-12-24 09:00\""):format(name, text) end
  return t
end

local function list(router, _, now)
  local out = {}
  for i, name in ipairs(keys_of(router.oncalls)) do out[i] = shown(router, router.oncalls[name], now) end
  return reply.json(router.host, 200, { oncall = router.host.json.array(out) })
end

local function find(router, name)
  local oncall = router.oncalls[name]
  if oncall then return oncall end
  return nil, reply.problem(router.host, 404, "not_found",
    ("there is no oncall %q%s"):format(name, did_you_mean(router.host, name, keys_of(router.oncalls))))
end

local function one(router, msg, now, name)
  local oncall, refused = find(router, name)
  if not oncall then return refused end
  local from, why = time_param(router, oncall, msg, "from", now)
  if not from then return bad(router, why) end
  local to
  to, why = time_param(router, oncall, msg, "to", from + 14 * 86400)
  if not to then return bad(router, why) end
  if to <= from or to - from > LONGEST then return bad(router, "to must be after from, and not more than 400 days") end
  local out, shifts = shown(router, oncall, now), {}
  for i, s in ipairs(oncall:shifts(from, to, MOST)) do shifts[i] = shown_shift(router.host, s) end
  out.shifts = router.host.json.array(shifts)
  return reply.json(router.host, 200, out)
end

-- {person=, from=, to= or for=, author=}
local function override(router, msg, now, name)
  local oncall, refused = find(router, name)
  if not oncall then return refused end
  if #(msg.body or "") > BODY then return bad(router, ("the body is larger than %d bytes"):format(BODY)) end
  local v, err = router.host.json.decode(msg.body or "")
  if type(v) ~= "table" then return bad(router, "the body must be a JSON object" .. (err and ": " .. tostring(err) or "")) end
  local made, why = swaps.add(router, oncall, v, now, audit.who(msg, v.author))
  if not made then return bad(router, why) end
  return reply.json(router.host, 200, made)
end

local function drop(router, msg, now, name, id)
  local oncall, refused = find(router, name)
  if not oncall then return refused end
  if not swaps.remove(router, oncall, id, now, audit.who(msg, reply.param(msg, "author"))) then
    return reply.problem(router.host, 404, "not_found", "there is no exception with this id")
  end
  return reply.json(router.host, 200, { id = id })
end

local ROWS = {
  { "GET", "^/api/mw/v1/oncall/?$", list },
  { "GET", "^/api/mw/v1/oncall/(.+)$", one },
  { "POST", "^/api/mw/v1/oncall/(.+)/overrides$", override },
  { "DELETE", "^/api/mw/v1/oncall/(.+)/overrides/([^/]+)$", drop },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
