--- postgres.lua - the check kind `postgres`.
local measure = require "moonwatch.check.measure"

local POOL = { "max_open", "open", "in_use", "idle" }

return function(rule, run, done)
  local dsn = measure.secret(run.host, rule.postgres)
  if not dsn then return done(measure.result { error = "the secret is not set" }) end
  run.host.call("postgres", { dsn = dsn, timeout = rule.timeout }, function(answer)
    local result = measure.result(answer)
    for _, name in ipairs(POOL) do result.details[name] = answer[name] end
    done(result)
  end)
end
