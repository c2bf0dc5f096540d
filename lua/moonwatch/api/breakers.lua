--- breakers.lua - /api/mw/v1/breakers: those that requests of rules go through, and those of checks; POST .../NAME/force forces one.
--
-- A breaker of a check is called check/NAME.  Those of receivers are in /api/mw/v1/receivers.
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local breakers = require "moonwatch.engine.rules.breakers"
local keys_of = require "moonwatch.keys"
local rules_of = require "moonwatch.api.rules_of"

local FORCE = { open = true, closed = true, none = true }
local WRONG = 'the body must be a JSON object {"force": "open", "closed" or "none", "author": "who", "reason": "why"}'

local function row(host, name, rule, look)
  return { name = name, state = look.state, forced = look.forced, cause = look.cause, level = look.level, failures = look.in_row,
    calls = look.calls, failed = look.failed, slow = look.slow, refused = look.refused, turned = look.turned,
    opened_at = look.opened_at and host.rfc3339(look.opened_at) or nil, open_until = look.opens_until and host.rfc3339(look.opens_until) or nil,
    file = rule.file, line = rule.line }
end

-- Name → { rule=, breaker=, force=function(how) }.
local function all(engine, now)
  local out = {}
  for name, one in pairs(engine.breakers) do
    out[name] = { rule = one.rule, breaker = one.breaker, force = function(how) breakers.force(engine, name, how, now) end }
  end
  for _, runner in ipairs(rules_of.list(engine, "check")) do
    if runner.breaker then
      out["check/" .. runner.rule.name] = { rule = runner.rule, breaker = runner.breaker, force = function(how)
        runner.breaker:force(how)
        engine:changed(runner, now)
      end }
    end
  end
  return out
end

local function force(engine, req, now, name, one)
  local host = engine.host
  local body = host.json.decode(req.body or "")
  if type(body) ~= "table" or not FORCE[body.force or ""] or type(body.author or "") ~= "string" or type(body.reason or "") ~= "string" then
    return answer.problem(host, 400, "bad_request", WRONG)
  end
  local how = body.force ~= "none" and body.force or nil
  one.force(how)
  audit.note(host, "breaker.forced", audit.who(req, body.author), { breaker = name, force = body.force, reason = body.reason })
  return answer.json(host, 200, row(host, name, one.rule, one.breaker:look(now)))
end

local function list(engine, now)
  local out, found = engine.host.json.array {}, all(engine, now)
  for i, name in ipairs(keys_of(found)) do out[i] = row(engine.host, name, found[name].rule, found[name].breaker:look(now)) end
  return answer.json(engine.host, 200, { breakers = out })
end

return {
  ["/api/mw/v1/breakers"] = function(engine, _, now) return list(engine, now) end,
  ["/api/mw/v1/breakers/**"] = function(engine, req, now, path)
    local name, forcing = path, req.method == "POST"
    if forcing then name = path:match "^(.+)/force$" end
    local one = name and all(engine, now)[name]
    if not one then return answer.problem(engine.host, 404, "not_found", ("there is no breaker %q"):format(name or path)) end
    if forcing then return force(engine, req, now, name, one) end
    return answer.json(engine.host, 200, row(engine.host, name, one.rule, one.breaker:look(now)))
  end,
}
