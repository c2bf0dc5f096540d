--- icmp.lua - the check kind `icmp`: an echo request.
local measure = require "moonwatch.check.measure"

return function(rule, run, done)
  local i = rule.icmp
  run.host.call("icmp", { host = i.host, ip = i.ip, size = i.size, timeout = rule.timeout }, function(answer)
    local result = measure.result(answer)
    measure.network(result, answer)
    measure.phases(result, "probe_icmp_duration_seconds",
                   { { "resolve", answer.resolve }, { "setup", answer.setup }, { "rtt", answer.rtt } })
    measure.add(result, "probe_icmp_reply_hop_limit", answer.hop_limit)
    done(result)
  end)
end
