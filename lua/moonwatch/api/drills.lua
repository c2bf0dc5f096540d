--- drills.lua - fire drills: how the last ones went, when the next ones are, and one right now.
local drill_of = require "moonwatch.route.drill"
local keys_of = require "moonwatch.keys"
local reply = require "moonwatch.api.router_reply"

local M = {}

local PATIENCE = 25

local function parts_of(router, memory)
  local out = {}
  for _, key in ipairs(keys_of(memory.parts or {})) do
    local target, part = router.targets[key], memory.parts[key]
    out[#out + 1] = { receiver = target and target.receiver, integration = target and target.kind, key = key, seconds = part.seconds, error = part.error }
  end
  return router.host.json.array(out)
end

local function shown(router, name, now)
  local host, drill, memory = router.host, router.drills.by_name[name], router.drills.memory[name]
  local function time(t) return t and host.rfc3339(t) or nil end
  return { name = name, to = host.json.array(drill.to), every = drill.every, at = drill.says, within = drill.within,
    running = memory.run and { since = time(memory.run.started), by = memory.run.by } or nil,
    last = time(memory.last), ok = memory.ok, why = memory.why, seconds = memory.seconds, lastSuccess = time(memory.success),
    runs = memory.runs, failures = memory.failures, next = time(drill_of.due(drill, memory, now)), integrations = parts_of(router, memory) }
end

local function list(router, _, now)
  local out = {}
  for i, name in ipairs(keys_of(router.drills.by_name)) do out[i] = shown(router, name, now) end
  return reply.json(router.host, 200, { drills = router.host.json.array(out) })
end

-- Hold one now; the answer waits until it is over, for a while.
local function run(router, msg, now, name)
  local host = router.host
  local answer
  local function say(status, at)
    answer = reply.json(host, status, { drill = shown(router, name, at or now) })
    if msg.waiting then msg.reply(answer) end
  end
  local ok, why = router.drills:run(name, "hand", now, function(memory) say(200, memory.success) end)
  if not ok then
    local unknown = router.drills.by_name[name] == nil
    return reply.problem(host, unknown and 404 or 409, unknown and "not_found" or "elsewhere", why)
  end
  router.drills:patience(name, now + PATIENCE, function() if not answer then say(202) end end)
  msg.waiting = true
  return host.later
end

local ROWS = {
  { "GET", "^/api/mw/v1/drills/?$", list },
  { "POST", "^/api/mw/v1/drills/(.+)/run$", run },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
