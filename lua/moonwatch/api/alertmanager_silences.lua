--- alertmanager_silences.lua - the silences of Alertmanager's API v2.
local audit = require "moonwatch.engine.router_audit"
local form = require "moonwatch.api.silence_form"
local matchers = require "moonwatch.route.matchers"
local reply = require "moonwatch.api.router_reply"

local M = {}

local function refuse(host, status, message) return reply.peer_problem(host, status, message) end

-- A filter asks for silences that have that very matcher, not for what they would mute.
local function set_has(compiled, filter)
  for _, want in ipairs(filter) do
    local found = false
    for _, m in ipairs(compiled.list) do
      if m.name == want.name and m.op == want.op and m.value == want.value then found = true end
    end
    if not found then return false end
  end
  return true
end

local function has_matchers(filter, compiled)
  for _, set in ipairs(compiled.sets) do
    if set_has(set, filter) then return true end
  end
  return false
end

local FALSE = { ["false"] = true, ["0"] = true, no = true, off = true, f = true, n = true }

-- The states that are asked for: active=, pending= and expired= are true unless said otherwise.
local function states_of(msg)
  local out = {}
  for _, state in ipairs { "active", "pending", "expired" } do
    local v = reply.param(msg, state)
    out[state] = v == nil or not FALSE[v:lower()]
  end
  return out
end

local function get_silences(router, msg, now)
  local filter, states = {}, states_of(msg)
  for i, text in ipairs(reply.params(msg, "filter")) do
    local err
    filter[i], err = matchers.parse_one(text)
    if not filter[i] then return refuse(router.host, 400, err) end
  end
  local out = {}
  for _, s in ipairs(router.silences:list(now)) do
    if states[router.silences:shown_state(s, now)] and has_matchers(filter, router.silences.compiled[s.id]) then out[#out + 1] = form.shown(router, s, now) end
  end
  return reply.json(router.host, 200, router.host.json.array(out))
end

local function post_silence(router, msg, now)
  local s, status, why = form.read(router, msg.body)
  if not s then return refuse(router.host, status, why) end
  local id, code
  id, code, why = router:silence(s, now, audit.who(msg, s.created_by))
  if not id then return refuse(router.host, code == "missing" and 404 or 400, why) end
  return reply.json(router.host, 200, { silenceID = id })
end

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

-- The silence that the path names; or nil and the refusal.
local function named(router, id)
  if not id:find(UUID) then return nil, refuse(router.host, 422, ("silenceID in path must be of type uuid: %q"):format(id)) end
  local s = router.silences:get(id)
  if not s then return nil, refuse(router.host, 404, "silence not found") end
  return s
end

local function get_silence(router, _, now, id)
  local s, refused = named(router, id)
  return refused or reply.json(router.host, 200, form.shown(router, s, now))
end

local function delete_silence(router, msg, now, id)
  local _, refused = named(router, id)
  if refused then return refused end
  router:unsilence(id, now, audit.who(msg))
  return { status = 200, headers = {}, body = "" }
end

M.rows = {
  { "GET", "^/api/v2/silences/?$", get_silences },
  { "POST", "^/api/v2/silences/?$", post_silence },
  { "GET", "^/api/v2/silence/([^/]+)$", get_silence },
  { "DELETE", "^/api/v2/silence/([^/]+)$", delete_silence },
}

return M
