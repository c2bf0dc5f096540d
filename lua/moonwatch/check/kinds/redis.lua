--- redis.lua - the check kind `redis`: PING, and what INFO says of replication and memory; series have redis_exporter's names.
local measure = require "moonwatch.check.measure"

local SERIES = {
  { "redis_memory_used_bytes", "memory" }, { "redis_memory_max_bytes", "memory_max" }, { "redis_connected_clients", "clients" },
  { "redis_config_maxclients", "clients_max" }, { "redis_connected_slaves", "replicas" }, { "redis_master_repl_offset", "offset" },
  { "redis_master_last_io_seconds_ago", "heard" }, { "redis_master_sync_in_progress", "syncing" },
}

local ROLES = { slave = "replica" }

local function share(part, whole) return part and whole and whole > 0 and part / whole or nil end

local function figures(result, answer, role)
  for _, row in ipairs(SERIES) do measure.add(result, row[1], answer[row[2]]) end
  if answer.link then measure.add(result, "redis_master_link_up", answer.link == "up") end
  if role then measure.add(result, "redis_instance_info", 1, { role = answer.role, redis_version = answer.server }) end
  local d = result.details
  d.version, d.role, d.replicas, d.link, d.memory_bytes, d.memory_max_bytes = answer.server, role, answer.replicas, answer.link, answer.memory, answer.memory_max
end

local function judge_replication(result, rule, answer, role)
  local r = rule.redis
  if r.role and role ~= r.role then measure.fail(result, "it is a %s, expected a %s", role or "server that does not say what", r.role) end
  if role == "replica" and r.link and answer.link ~= "up" then
    measure.fail(result, answer.syncing == 1 and "it is being synchronized with its master" or "its link to its master is down")
  end
  if r.replicas and (answer.replicas or 0) < r.replicas then
    measure.fail(result, "%d replicas are online, expected at least %d", answer.replicas or 0, r.replicas)
  end
end

local function judge(rule, answer, run)
  local r, result = rule.redis, measure.result(answer)
  local role = ROLES[answer.role] or answer.role
  measure.network(result, answer)
  figures(result, answer, role)
  if answer.error then return result end
  if answer.loading == 1 then measure.fail(result, "it is loading its data") end
  judge_replication(result, rule, answer, role)
  local function seconds(v) return run.host.duration_text(v) end
  measure.above(result, rule, r, "lag_above", role == "replica" and answer.heard or answer.replicas_lag or (answer.replicas and 0), "the lag of replication", seconds)
  measure.above(result, rule, r, "memory_above", share(answer.memory, answer.memory_max) or (answer.memory and 0), "its memory in use", measure.percent)
  measure.above(result, rule, r, "clients_above", share(answer.clients, answer.clients_max), "the share of its clients", measure.percent)
  return result
end

return function(rule, run, done)
  local url = measure.secret(run.host, rule.redis.url)
  if not url then return done(measure.result { error = "the secret is not set" }) end
  run.host.call("redis", { url = url, timeout = rule.timeout, info = true }, function(answer) done(judge(rule, answer, run)) end)
end
