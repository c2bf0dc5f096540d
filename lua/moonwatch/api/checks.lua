--- checks.lua - /api/mw/v1/checks: every check with its figures; what heartbeats say.
local answer = require "moonwatch.api.answer"
local check_history = require "moonwatch.api.check_history"
local check_list = require "moonwatch.api.check_list"
local heartbeat = require "moonwatch.check.heartbeat"
local rules_of = require "moonwatch.api.rules_of"

local function problem(engine, status, code, message) return answer.problem(engine.host, status, code, message) end

-- -- what may stand behind a name ------------------------------------------

local below = { history = check_history.get }

function below.beat(engine, req, now, runner)
  local host = engine.host
  if req.method ~= "POST" and req.method ~= "PUT" then return problem(engine, 405, "method", "POST says that it is well") end
  if not runner.beats then
    return problem(engine, 409, "not_heartbeat", ("check %q is probed: only one with `heartbeat` is told how it is"):format(runner.rule.name))
  end
  local said = answer.said(host, req)
  if not said then return problem(engine, 400, "bad_request", "the body is no JSON object") end
  for _, name in ipairs { "kind", "message", "seconds" } do said[name] = answer.param(req, name) or said[name] end
  local beat, why = heartbeat.read(said)
  if not beat then return problem(engine, 400, "bad_request", why) end
  engine:check_beat(runner, beat, now)
  return answer.json(host, 200, check_list.row(engine, runner, now))
end

-- -- one check -------------------------------------------------------------

-- The name of a check may have slashes in it, so the longest that fits is meant.
local function one(engine, req, now, name)
  local runner = engine.by_id["check/" .. name]
  if runner then return answer.json(engine.host, 200, check_list.row(engine, runner, now)) end
  local shorter, what = name:match "^(.+)/([^/]+)$"
  runner = shorter and below[what] and engine.by_id["check/" .. shorter]
  if runner then return below[what](engine, req, now, runner) end
  return select(2, rules_of.find(engine, "check", runner == nil and below[what] and shorter or name))
end

return { ["/api/mw/v1/checks"] = check_list.get, ["/api/mw/v1/checks/**"] = one }
