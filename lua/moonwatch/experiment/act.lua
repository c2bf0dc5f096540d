--- act.lua - doing something to the world: a function of the rule file, a program, or a request.  DONE(ok, why) once.
local exec = require "moonwatch.to.exec"

local M = {}

-- A function says with false, why (or an error) that it did not work.
local function call(runner, fn, t, done)
  local ctx = { kind = "every", now = t, state = runner.state.memory or {}, rule = runner.rule.name }
  runner.engine:call_guest(fn, {}, ctx, function(result)
    if not result.ok then return done(false, result.error or "it failed") end
    local values = result.values or {}
    if values[1] == false then return done(false, values[2] and tostring(values[2]) or "it said no", result.state) end
    done(true, nil, result.state)
  end)
end

local function program(runner, what, done)
  local host, rule = runner.host, runner.rule
  local env = { MOONWATCH_EXPERIMENT = rule.name, MOONWATCH_SERVICE = rule.service }
  for name, value in pairs(what.env or {}) do env[name] = value end
  host.call("exec", { command = host.json.array(what.command), env = env, dir = what.dir, timeout = rule.timeout }, function(reply)
    local verdict = exec.judge(reply)
    done(verdict.ok or false, verdict.error)
  end)
end

local function request(runner, what, done)
  runner.host.call("http", { url = what.url, method = what.method, headers = what.headers, body = what.body, timeout = runner.rule.timeout }, function(reply)
    local ok = not reply.error and reply.status >= 200 and reply.status < 300
    done(ok, reply.error or ("%s answered %d"):format(what.url, reply.status))
  end)
end

--- Do WHAT, the field inject or rollback of RUNNER's rule, at T.  DONE(ok, why, state): state is what a function keeps.
function M.go(runner, what, t, done)
  if what["@fn"] then return call(runner, what, t, done) end
  if what.exec then return program(runner, what.exec, done) end
  request(runner, what.http, done)
end

return M
