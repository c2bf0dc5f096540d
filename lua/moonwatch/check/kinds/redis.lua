--- redis.lua - the check kind `redis`.
local measure = require "moonwatch.check.measure"

return function(rule, run, done)
  local url = measure.secret(run.host, rule.redis)
  if not url then return done(measure.result { error = "the secret is not set" }) end
  run.host.call("redis", { url = url, timeout = rule.timeout }, function(answer) done(measure.result(answer)) end)
end
