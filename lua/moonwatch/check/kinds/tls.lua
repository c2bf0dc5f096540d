--- tls.lua - the check kind `tls`: a handshake with any port, and what the certificates say.
local measure = require "moonwatch.check.measure"
local starttls = require "moonwatch.check.kinds.starttls"

-- Is NAME one of NAMES, or does a wildcard among them stand for it?
local function covered(names, name)
  local parent = name:lower():match "^[^.]+(%..+)$"
  for _, one in ipairs(names) do
    one = one:lower()
    if one == name:lower() or (parent and one == "*" .. parent) then return true end
  end
end

local function judge(rule, answer, run)
  local result, t = measure.result(answer), rule.tls
  measure.network(result, answer)
  measure.phases(result, "probe_tcp_duration_seconds",
                 { { "resolve", answer.resolve }, { "connect", answer.connect }, { "tls", answer.handshake } })
  measure.tls(result, t, run, answer.tls)
  local first = answer.tls and answer.tls.chain[1]
  for _, name in ipairs(t.names or {}) do
    if first and not covered(first.names, name) then
      measure.fail(result, "the certificate is not for %s but for %s", name, #first.names > 0 and table.concat(first.names, ", ") or "no name")
    end
  end
  return result
end

return function(rule, run, done)
  local t = rule.tls
  local host, port = measure.address(t.address)
  local tls = { ca = t.ca, cert = t.cert, key = t.key, server_name = t.server_name, insecure = t.insecure }
  run.host.call("tcp", { host = host, port = port, ip = t.ip, timeout = rule.timeout, tls = tls,
                         steps = t.starttls and run.host.json.array(starttls[t.starttls]) },
    function(answer) done(judge(rule, answer, run)) end)
end
