--- alertmanager_silences.lua - the silences of Alertmanager's API v2.
local audit = require "moonwatch.engine.router.audit"
local form = require "moonwatch.api.silence_form"
local params = require "moonwatch.api.alertmanager_params"
local reply = require "moonwatch.api.router_reply"
local silences = require "moonwatch.engine.router.silences"
local version = require "moonwatch.api.alertmanager_version"

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
    if set_has(set, filter.list) then return true end
  end
  return false
end

-- The states that are asked for: active=, pending= and expired= are true unless said otherwise.
local function states_of(msg)
  local out = {}
  for _, state in ipairs { "active", "pending", "expired" } do out[state] = params.flag(msg, state) end
  return out
end

-- S as the clients of the version that is spoken know it.
local function shown(router, s, now)
  local out = form.shown(router, s, now)
  out.annotations = version.shown(router, out.annotations)
  if not version.newer(router) then out.endedBy = nil end
  return out
end

-- The name in S that a label cannot have.
local function bad_name(router, s)
  for _, list in ipairs { s.matchers, unpack(s.others or {}) } do
    for _, m in ipairs(list) do
      if not version.is_name(router, m.name) then return m.name end
    end
  end
end

local function get_silences(router, msg, now)
  local states = states_of(msg)
  local filter, err = params.filter(router, msg, "filter")
  if not filter then return refuse(router.host, 400, err) end
  local out = {}
  for _, s in ipairs(router.silences:list(now)) do
    if states[router.silences:shown_state(s, now)] and has_matchers(filter, router.silences.compiled[s.id]) then out[#out + 1] = shown(router, s, now) end
  end
  return reply.json(router.host, 200, router.host.json.array(out))
end

local function post_silence(router, msg, now)
  local s, status, why = form.read(router, msg.body)
  if not s then return refuse(router.host, status, why) end
  local bad = bad_name(router, s)
  if bad then return refuse(router.host, 400, ("invalid label name %q"):format(bad)) end
  -- amtool shows the reason of a 400 only, so that is also what a policy's no is here.
  return reply.wait(router.host, msg, function(done)
    silences.request(router, s, now, audit.who(msg, s.created_by), function(id, code, refusal)
      if not id then return done(refuse(router.host, code == "missing" and 404 or 400, refusal)) end
      done(reply.json(router.host, 200, { silenceID = id }))
    end)
  end)
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
  return refused or reply.json(router.host, 200, shown(router, s, now))
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
