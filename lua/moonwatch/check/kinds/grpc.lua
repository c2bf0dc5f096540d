--- grpc.lua - the check kind `grpc`: the health protocol of gRPC.
local measure = require "moonwatch.check.measure"

local STATES = { "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN", "UNKNOWN" }
local CODES = { [5] = "the server does not know the service %q", [7] = "permission denied", [12] = "the server has no grpc.health.v1.Health",
                [14] = "unavailable", [16] = "unauthenticated" }

local function why(answer, service)
  if answer.serving then return answer.serving ~= "SERVING" and answer.serving or nil end
  local known = CODES[answer.status]
  if known then return known:format(service) end
  return ("grpc-status %d%s"):format(answer.status or -1, answer.message and ": " .. answer.message or "")
end

local function judge(rule, answer, run)
  local g, result = rule.grpc, measure.result(answer)
  measure.network(result, answer)
  measure.phases(result, "probe_grpc_duration_seconds", { { "resolve", answer.resolve }, { "connect", answer.connect }, { "tls", answer.handshake },
    { "check", answer.processing and answer.processing + (answer.transfer or 0) } })
  measure.add(result, "probe_grpc_ssl", answer.tls ~= nil and not answer.error)
  measure.add(result, "probe_grpc_status_code", answer.status)
  if answer.status then
    for _, state in ipairs(STATES) do
      measure.add(result, "probe_grpc_healthcheck_response", answer.serving == state, { serving_status = state })
    end
    result.details.serving, result.details.grpc_status = answer.serving, answer.status
  end
  measure.tls(result, g, run, answer.tls)
  local wrong = not answer.error and why(answer, g.service)
  if wrong then measure.fail(result, "%s", wrong) end
  return result
end

return function(rule, run, done)
  local g = rule.grpc
  local host, port = measure.address(g.address)
  local tls = g.tls or nil
  if tls == true then tls = {} end
  run.host.call("grpc", { host = host, port = port, ip = g.ip, service = g.service, tls = tls, timeout = rule.timeout },
    function(answer) done(judge(rule, answer, run)) end)
end
