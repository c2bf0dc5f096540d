--- postgres.lua - the check kind `postgres`: SELECT 1, how full the server is, and how far behind.
local measure = require "moonwatch.check.measure"

local POOL = { "max_open", "open", "in_use", "idle" }

local function figures(result, answer, role)
  for _, name in ipairs(POOL) do result.details[name] = answer[name] end
  result.details.role, result.details.replicas, result.details.lag_seconds = role, answer.replicas, answer.lag
  result.details.version = answer.version and tostring(answer.version)
  measure.phases(result, "probe_postgres_duration_seconds", { { "connect", answer.connect }, { "query", answer.query } })
  measure.add(result, "pg_settings_max_connections", answer.max_open)
  measure.add(result, "pg_replication_is_replica", answer.standby)
  measure.add(result, "pg_replication_lag_seconds", answer.lag)
  measure.add(result, "db_replicas", answer.replicas)
end

local function judge(rule, answer, run)
  local p, result = rule.postgres, measure.result(answer)
  local role = answer.standby and (answer.standby == 1 and "replica" or "primary")
  figures(result, answer, role)
  if answer.error then return result end
  if p.role and role ~= p.role then measure.fail(result, "it is a %s, expected a %s", role, p.role) end
  if p.replicas and (answer.replicas or 0) < p.replicas then
    measure.fail(result, "%d replicas are streaming, expected at least %d", answer.replicas or 0, p.replicas)
  end
  local lag = answer.lag or (role == "primary" and answer.replicas == 0 and 0) or nil
  measure.above(result, rule, p, "lag_above", lag, "the lag of replication", function(v) return run.host.duration_text(v) end)
  measure.above(result, rule, p, "connections_above", answer.open and answer.open / answer.max_open, "the share of its connections", measure.percent)
  return result
end

return function(rule, run, done)
  local dsn = measure.secret(run.host, rule.postgres.dsn)
  if not dsn then return done(measure.result { error = "the secret is not set" }) end
  run.host.call("postgres", { dsn = dsn, timeout = rule.timeout }, function(answer) done(judge(rule, answer, run)) end)
end
