--- check.lua - the word `check`: is a thing we depend on well?
local breaker = require "moonwatch.words.breaker_rows"
local budget = require "moonwatch.words.budget"
local migrate = require "moonwatch.words.migrate_rows"
local rows = require "moonwatch.words.alert_rows"
local tls = require "moonwatch.words.tls_rows"

return {
  word = "check", shape = "named",
  help = "Probes something again and again. Its state is part of /health, of the series check_up and probe_success, and can be depended on.",
  example = [[
check "shop" { http = { url = "http://127.0.0.1:8080/health", expect = { status = "2xx", body = "ok" } }, every = "10s" }
check "cache" { redis = "redis://127.0.0.1:6379", degraded = { slower_than = "50ms" } }
check "orders" { postgres = "host=127.0.0.1 dbname=orders", depends_on = { "cache" } }
check "queue" { run = function(ctx) return (ctx:value("queue_depth") or 0) < 1000, "too long" end, critical = false }
check "backup" { heartbeat = { ttl = "25h", grace = "1h" } }   -- moonwatch beat backup]],
  exactly_one = { { "http", "tcp", "dns", "tls", "redis", "postgres", "grpc", "exec", "run", "heartbeat" } },
  fields = rows.with({
    { "http", { "table", "text" }, help = "an address, or a table", short = "url", fields = {
      { "url", "text", required = true, help = "address" }, { "method", "text", default = "GET", help = "request method" },
      { "headers", "text_map", default = {}, help = "request headers" }, { "body", "text", help = "request body" },
      { "follow", "boolean", default = false, help = "follow redirects" },
      { "expect", "table", default = {}, help = "what a healthy answer looks like", fields = {
        { "status", "status", default = "2xx", help = 'a status, a list, "2xx" or "200-299"' },
        { "body", "text", help = "the body must contain this" },
        { "json", "fn", help = "function(document): true when it is well; a second value says why not" } } },
      tls.row } },
    { "tcp", { "table", "text" }, help = '"host:port", or a table', short = "address", fields = {
      { "address", "text", required = true, help = '"host:port"' }, { "send", "text", help = "text to send" },
      { "expect", "text", help = "the answer must contain this" } } },
    { "dns", "any", absent = true, help = "a name that must resolve" },
    { "tls", "any", absent = true, help = "a certificate that must be valid" },
    { "redis", "secret", help = "address redis://host:port; PING must answer" },
    { "postgres", "secret", help = "libpq connection text; SELECT 1 must answer, pool figures are kept" },
    { "grpc", "any", absent = true, help = "gRPC health protocol" },
    { "exec", "any", absent = true, help = "a program" },
    { "run", "fn", help = "function(ctx): true or false, message, details" },
    { "heartbeat", { "table", "text" }, help = "not probed: something has to tell POST /api/mw/v1/checks/NAME/beat, or `moonwatch beat NAME`, that it is well; " ..
                                               "a duration, or a table", short = "ttl", fields = {
      { "ttl", "span", required = true, help = "so long after one beat the next must have come; then it is late, which is degraded" },
      { "grace", "duration", default = "0s", help = "so long it may be late before it counts as failing" },
      { "finish_within", "span", help = "what said that it starts must say that it ended within this" } } },
    { "display", "text", help = "what people call it, on the status page" },
    { "every", "interval", default = "10s", help = "time between probes; checks are spread over it by their names" },
    { "jitter", "duration", default = "0s", help = "each probe comes up to so much later, another time each time, the same on every node; less than `every`" },
    budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" },
    { "timeout", "interval", default = "2s", help = "a probe that takes longer has failed" },
    { "fail_after", "count", help = "failures in a row before the check counts as failing; 3, of a heartbeat 1" },
    { "pass_after", "count", help = "successes in a row before a failing check counts as well again; 2, of a heartbeat 1" },
    { "degraded", "table", help = "well, but not quite", fields = {
      { "slower_than", "span", help = "a successful probe slower than this is degraded" },
      { "certificate_within", "span", help = "so is one whose certificate ends within this" },
      { "after", "count", default = 1, help = "so many probes in a row" } } },
    { "depends_on", "texts", default = {}, help = "checks; while one of them fails this one is probed but not blamed for failing: it is unknown" },
    { "maintenance", "texts", default = {}, help = "names of windows in which it is probed but not blamed, and which do not count in its uptime" },
    breaker.row "stop probing something that keeps failing",
    { "critical", "boolean", default = true, help = "a failing critical check makes /health unhealthy; another only degraded" },
    { "labels", "labels", default = {}, help = "added to the series of this check" },
  }, migrate.state "rule"),
  after = function(fields, problem)
    breaker.settle(fields.breaker, { "breaker" }, problem)
    fields.fail_after = fields.fail_after or fields.heartbeat and 1 or 3
    fields.pass_after = fields.pass_after or fields.heartbeat and 1 or 2
    if fields.jitter and fields.every and fields.jitter >= fields.every then problem("jitter must be shorter than every", { "jitter" }) end
    tls.check(fields.http and fields.http.tls, { "http", "tls" }, problem)
    if fields.tcp and fields.tcp.address and not fields.tcp.address:find "^[^%s]+:%d+$" then
      problem(('tcp: %q: expected "host:port"'):format(fields.tcp.address), { "tcp" })
    end
    if fields.http and fields.http.url and not fields.http.url:find "^https?://[^/%s]" then
      problem(("http: %q: expected an address that starts with http:// or https://"):format(fields.http.url), { "http" })
    end
  end,
}
