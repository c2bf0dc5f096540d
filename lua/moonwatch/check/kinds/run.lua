--- run.lua - the check kind `run`: a function of the rule says how it is.
local measure = require "moonwatch.check.measure"

local WORDS = { healthy = "good", degraded = "degraded", unhealthy = "bad" }

-- What its sessions did, step by step; of steps with one name the last.
local function add_steps(result, steps)
  local last = {}
  for i, step in ipairs(steps) do last[step.name] = i end
  for i, step in ipairs(steps) do
    if last[step.name] == i then
      local labels = { step = step.name }
      measure.add(result, "probe_step_success", not step.error, labels)
      measure.add(result, "probe_step_duration_seconds", step.seconds, labels)
      measure.add(result, "probe_step_http_status_code", step.status or 0, labels)
    end
  end
  result.details.steps = steps
end

local function judge(r)
  if not r.ok then return { good = false, message = r.error, traceback = r.traceback, failure = r, seconds = r.seconds, details = {} } end
  local values = r.values or {}
  local verdict = WORDS[values[1]] or (values[1] and values[1] ~= "" and "good") or "bad"
  if type(values[1]) == "string" and not WORDS[values[1]] then
    verdict, values[2] = "bad", ("answered %q; expected true, false, \"healthy\", \"degraded\" or \"unhealthy\""):format(values[1])
  end
  local message = values[2] ~= nil and tostring(values[2]) or nil
  if not message then
    message = verdict == "bad" and (values[1] == nil and "the function answered nothing" or "not well") or "ok"
  end
  return { good = verdict ~= "bad", degraded = verdict == "degraded", message = message, seconds = r.seconds,
           details = type(values[3]) == "table" and values[3] or {} }
end

return function(rule, run, done)
  run.guest(rule.run, {}, { kind = "check", now = run.now, state = run.state, rule = run.name, timeout = rule.timeout }, function(r)
    if r.ok and r.state then run.state_was(r.state) end
    local result = judge(r)
    result.series = {}
    if r.steps then add_steps(result, r.steps) end
    done(result)
  end)
end
