--- check.lua - the word `check`: is a thing we depend on well?
local breaker = require "moonwatch.words.breaker_rows"
local budget = require "moonwatch.words.budget"
local migrate = require "moonwatch.words.migrate_rows"
local kinds = require "moonwatch.words.check_kinds"
local rows = require "moonwatch.words.alert_rows"
local sense = require "moonwatch.words.check_sense"

return {
  word = "check", shape = "named",
  help = "Probes something again and again. Its state is part of /health, of the series check_up and probe_success, and can be depended on.",
  example = [[
check "shop" { http = { url = "http://127.0.0.1:8080/health", expect = { status = "2xx", body = "ok" } }, every = "10s" }
check "cache" { redis = "redis://127.0.0.1:6379", degraded = { slower_than = "50ms" } }
check "orders" { postgres = "host=127.0.0.1 dbname=orders", depends_on = { "cache" } }
check "name" { dns = { name = "shop.example.org", server = "10.0.0.53", expect = { answers = "10.0.0.7" } } }
check "mail" { tls = { address = "mail.example.org:25", starttls = "smtp" }, degraded = { certificate_within = "14d" } }
check "queue" { critical = false, run = function(ctx)
  local n = ctx:value("queue_depth") or 0
  return n < 1000, n .. " are waiting"
end }
check "backup" { heartbeat = { ttl = "25h", grace = "1h" } }   -- moonwatch beat backup]],
  exactly_one = { kinds.names },
  fields = rows.with(kinds.rows, {
    { "heartbeat", { "table", "text" }, help = "not probed: something has to tell POST /api/mw/v1/checks/NAME/beat, or `moonwatch beat NAME`, that it is well; " ..
                                               "a duration, or a table", short = "ttl", fields = {
      { "ttl", "span", required = true, help = "so long after one beat the next must have come; then it is late, which is degraded" },
      { "grace", "duration", default = "0s", help = "so long it may be late before it counts as failing" },
      { "finish_within", "span", help = "what said that it starts must say that it ended within this" } } },
    { "display", "text", help = "what people call it, on the status page" },
    { "every", "interval", default = "10s", help = "time between probes; checks are spread over it by their names" },
    { "retry_every", "interval", help = "time between probes while it is being decided: from the first failure to `fail_after`, and from the first success to `pass_after`" },
    { "jitter", "duration", default = "0s", help = "each probe comes up to so much later, another time each time, the same on every node; less than `every`" },
    budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" },
    { "timeout", "interval", default = "2s", help = "a probe that takes longer has failed" },
    { "fail_after", "count", help = "failures in a row before the check counts as failing; 3, of a heartbeat 1" },
    { "pass_after", "count", help = "successes in a row before a failing check counts as well again; 2, of a heartbeat 1" },
    { "degraded", "table", help = "well, but not quite", fields = rows.with({
      { "slower_than", "span", help = "a successful probe slower than this is degraded" },
      { "certificate_within", "span", help = "so is one whose certificate ends within this; of http, tcp, tls and grpc" },
      { "after", "count", default = 1, help = "so many probes in a row" } }, kinds.degraded) },
    { "depends_on", "texts", default = {}, help = "checks; while one of them fails this one is probed but not blamed for failing: it is unknown" },
    { "maintenance", "texts", default = {}, help = "names of windows in which it is probed but not blamed, and which do not count in its uptime" },
    breaker.row "stop probing something that keeps failing",
    { "critical", "boolean", default = true, help = "a failing critical check makes /health unhealthy; another only degraded" },
    { "labels", "labels", default = {}, help = "added to the series of this check" },
  }, migrate.state "rule"),
  after = function(fields, problem, env)
    breaker.settle(fields.breaker, { "breaker" }, problem)
    breaker.stretch(fields.breaker, fields.every + fields.jitter + fields.timeout)
    fields.fail_after = fields.fail_after or fields.heartbeat and 1 or 3
    fields.pass_after = fields.pass_after or fields.heartbeat and 1 or 2
    sense.check(fields, problem, env.host.duration_text)
    kinds.check(fields, problem)
  end,
}
