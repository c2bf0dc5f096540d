--- tcp.lua - the check kind `tcp`: a connection, and perhaps a talk over it.
local measure = require "moonwatch.check.measure"

local function judge(rule, answer, run)
  local result = measure.result(answer)
  measure.network(result, answer)
  measure.phases(result, "probe_tcp_duration_seconds",
                 { { "resolve", answer.resolve }, { "connect", answer.connect }, { "tls", answer.handshake } })
  result.details.heard = answer.heard
  measure.tls(result, rule.tcp, run, answer.tls)
  return result
end

return function(rule, run, done)
  local t = rule.tcp
  local host, port = measure.address(t.address)
  local tls = t.tls or nil
  if tls == true then tls = {} end
  run.host.call("tcp", { host = host, port = port, ip = t.ip, timeout = rule.timeout, tls = tls, send = t.send, expect = t.expect,
                         matches = t.matches, steps = t.steps and run.host.json.array(t.steps) },
    function(answer) done(judge(rule, answer, run)) end)
end
