--- exec.lua - the check kind `exec`: a program says with its exit status how it is, as those of Nagios and Consul do.
--
-- 0 is healthy, 1 degraded, all else unhealthy.  What it prints before "|" is for people; behind it may stand figures as
-- 'label'=1.5s;warn;crit.
local measure = require "moonwatch.check.measure"
local mime = require "moonwatch.to.mime"

local SHOWN, LINE, FIGURES = 4096, 300, 50

local function first_line(text)
  local line = (text or ""):gsub("^%s+", ""):match "^[^\n]*" or ""
  line = line:gsub("|.*$", ""):gsub("%c", " "):gsub("%s+$", "")
  if #line > LINE then line = mime.bytes(line, LINE) .. "..." end
  return line ~= "" and line or nil
end

local function figures(result, text)
  local rest, n = (text or ""):match "^[^\n]*|([^\n]*)" or "", 0
  while rest ~= "" and n < FIGURES do
    local label, value, after = rest:match "^%s*'([^']+)'=(%S*)(.*)$"
    if not label then label, value, after = rest:match "^%s*([^'=%s]+)=(%S*)(.*)$" end
    if not label then return end
    measure.add(result, "probe_exec_figure", tonumber(value:match "^%-?[%d.]+"), { figure = label }) -- "U" is one that is not known
    rest, n = after, n + 1
  end
end

-- Not more than is kept, and no half character at its end.
local function shown(host, text)
  return mime.bytes(host.json.mended(text or ""), SHOWN)
end

local function judge(answer, host)
  local result = measure.result(answer)
  local said = first_line(host.json.mended(answer.stdout or "")) or first_line(host.json.mended(answer.stderr or ""))
  result.details.output, result.details.exit_status = shown(host, answer.stdout), answer.code
  measure.add(result, "probe_exec_exit_status", answer.code)
  if answer.error then return result end
  figures(result, host.json.mended(answer.stdout or ""))
  if answer.signal then return measure.fail(result, "ended by signal %d%s", answer.signal, said and ": " .. said or "") end
  if answer.code == 0 then result.message = said or "ok"
  elseif answer.code == 1 then measure.degrade(result, "%s", said or "exit status 1")
  else measure.fail(result, "%s", said or ("exit status %d"):format(answer.code)) end
  return result
end

return function(rule, run, done)
  local e, env = rule.exec, {}
  for name, value in pairs(e.env or {}) do env[name] = measure.secret(run.host, value) end
  run.host.call("exec", { command = run.host.json.array(e.command), env = env, dir = e.dir, stdin = e.stdin, timeout = rule.timeout },
    function(answer) done(judge(answer, run.host)) end)
end
