--- ack.lua - acknowledgements over HTTP: said, handed over, taken back, listed.
local Ack = require "moonwatch.route.ack"
local audit = require "moonwatch.engine.router.audit"
local did_you_mean = require "moonwatch.did_you_mean"
local keys_of = require "moonwatch.keys"
local recipients = require "moonwatch.engine.router.recipients"
local reply = require "moonwatch.api.router_reply"

local M = {}

local WAYS = { cli = "cli", page = "page" } -- where it was said, as whoever asks tells
local TEXT, BODY, COVERED = 1000, 65536, 1000

--- An acknowledgement as the API shows it.
function M.shown(router, a, now)
  local host, covered = router.host, {}
  for _, alert in ipairs(router.alerts:firing(now)) do
    if Ack.covers(a, alert, now) then covered[#covered + 1] = alert.fp end
  end
  table.sort(covered)
  return { id = a.id, labels = next(a.labels) and a.labels or nil, author = a.author, by = a.by, comment = a.comment, way = a.way,
    created = host.rfc3339(a.created_at), ends = a.ends_at and host.rfc3339(a.ends_at) or nil, alerts = host.json.array(covered) }
end

local function bad(host, message) return reply.problem(host, 400, "bad_request", message) end

-- The texts that a body may have; nil, message when one is no text or too long.
local function texts(v)
  local out = {}
  for _, name in ipairs { "author", "comment", "to", "id" } do
    local x = v[name]
    if x ~= nil and type(x) ~= "string" then return nil, name .. " must be a text" end
    if x and #x > TEXT then return nil, ("%s is longer than %d bytes"):format(name, TEXT) end
    out[name] = x ~= "" and x or nil
  end
  return out
end

-- {alert=, labels={}, for=, ...} → labels, seconds and texts; nil, message.
local function read(host, body)
  if #(body or "") > BODY then return nil, ("the body is larger than %d bytes"):format(BODY) end
  local v, err = host.json.decode(body or "")
  if type(v) ~= "table" then return nil, "the body must be a JSON object" .. (err and ": " .. tostring(err) or "") end
  local labels = {}
  if v.labels ~= nil and type(v.labels) ~= "table" then return nil, "labels must be texts by name" end
  for name, value in pairs(v.labels or {}) do
    if type(name) ~= "string" or type(value) ~= "string" then return nil, "labels must be texts by name" end
    labels[name] = value
  end
  if v.alert ~= nil then
    if type(v.alert) ~= "string" or v.alert == "" then return nil, "alert must be the name of an alert" end
    labels.alertname = v.alert
  end
  local out
  out, err = texts(v)
  if not out then return nil, err end
  if next(labels) == nil and not out.id then return nil, "say which alert: {\"alert\": NAME, \"labels\": {...}}" end
  if v["for"] ~= nil then
    out.seconds = host.duration(v["for"])
    if not out.seconds or out.seconds <= 0 then return nil, ("%q is not a duration; write 30m or 2h"):format(tostring(v["for"])) end
  end
  out.labels, out.way = labels, WAYS[v.way] or "api"
  return out
end

--- Somebody to hand over to: an error's text when nobody is called so.
function M.unknown_person(router, name)
  if router.receivers[name] then return nil end
  return ("there is no person or receiver %q to tell%s"):format(name, did_you_mean(router.host, name, keys_of(router.receivers)))
end

-- Acks that cover an alert with LABELS which fires at NOW; the one ID, when somebody says it.
local function matching(router, a, now)
  if a.id then return { router.acks:get(a.id) } end
  local out, seen = {}, {}
  for _, alert in ipairs(router.alerts:firing(now)) do
    local probe = { labels = a.labels, created_at = now }
    local ack = Ack.covers(probe, alert, now) and router.acks:covering(alert, now)
    if ack and not seen[ack.id] then
      seen[ack.id] = true
      out[#out + 1] = ack
    end
  end
  return out
end

local function fires(router, a, now)
  for _, alert in ipairs(router.alerts:firing(now)) do
    if Ack.covers({ labels = a.labels, created_at = now }, alert, now) then return true end
  end
  return false
end

local NOTHING = "no such alert is firing, so there is nothing to acknowledge"

local function said(router, a, now)
  local kept, why = router:ack(a, now, a.who)
  if not kept then return reply.problem(router.host, 429, "too_many", why) end
  return reply.json(router.host, 200, M.shown(router, kept, now))
end

-- Hand over what there is; what nobody is on is put on the person at once.
local function hand_over(router, a, now)
  local why = M.unknown_person(router, a.to)
  if why then return bad(router.host, why) end
  local moved
  for _, ack in ipairs(matching(router, a, now)) do
    moved = router:hand_over(ack.id, a.to, a.who, a.comment, now)
  end
  if moved then return reply.json(router.host, 200, M.shown(router, moved, now)) end
  if not fires(router, a, now) then return reply.problem(router.host, 404, "not_found", NOTHING) end
  return said(router, { labels = a.labels, seconds = a.seconds, author = a.to, by = a.author or "somebody", comment = a.comment, way = a.way,
    who = a.who }, now)
end

local function add(router, msg, now)
  local host = router.host
  local a, err = read(host, msg.body)
  if not a then return bad(host, err) end
  a.who = audit.who(msg, a.author)
  a.author = a.author or a.who.user
  if a.to then
    -- Whoever is on call now, when it is handed over to a rotation.
    local oncall = router.oncalls[recipients.rotation(a.to) or ""]
    a.to = oncall and oncall:at(now) or a.to
    return hand_over(router, a, now)
  end
  if not fires(router, a, now) then return reply.problem(host, 404, "not_found", NOTHING) end
  return said(router, a, now)
end

-- The labels of what A covers, for the page, which knows alerts by their labels.
local function covered(router, a, now)
  local out = {}
  for _, alert in ipairs(router.alerts:firing(now)) do
    if #out == COVERED then break end
    if Ack.covers(a, alert, now) then out[#out + 1] = alert.labels end
  end
  return router.host.json.array(out)
end

local function list(router, msg, now)
  local out, labels = router.acks:list(), reply.param(msg, "labels")
  for i, a in ipairs(out) do
    out[i] = M.shown(router, a, now)
    out[i].covers = labels and covered(router, a, now) or nil
  end
  return reply.json(router.host, 200, { acks = router.host.json.array(out) })
end

-- Who takes something back: whoever signed in, or AUTHOR, as they say; nil when nobody says.
local function taker(msg, author)
  local who = audit.who(msg, author)
  return (author or who.user) and who or nil
end

local function remove(router, msg, now, id)
  if not router:unack(id, taker(msg, reply.param(msg, "author")), now) then
    return reply.problem(router.host, 404, "not_found", "there is no acknowledgement with this id")
  end
  return reply.json(router.host, 200, { id = id })
end

-- {alert=, labels=, author=} or {id=}: nobody is on that any more.
local function undo(router, msg, now)
  local a, err = read(router.host, msg.body)
  if not a then return bad(router.host, err) end
  local ids = {}
  for i, ack in ipairs(matching(router, a, now)) do
    router:unack(ack.id, taker(msg, a.author), now)
    ids[i] = ack.id
  end
  if #ids == 0 then return reply.problem(router.host, 404, "not_found", "nobody acknowledged such an alert") end
  return reply.json(router.host, 200, { ids = router.host.json.array(ids) })
end

local ROWS = {
  { "GET", "^/api/mw/v1/acks?/?$", list },
  { "POST", "^/api/mw/v1/acks?/?$", add },
  { "POST", "^/api/mw/v1/acks?/undo$", undo },
  { "DELETE", "^/api/mw/v1/acks?/([^/]+)$", remove },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
