--- scrape.lua - the word `scrape`: where metrics are fetched.
local tls = require "moonwatch.words.tls_rows"

local AUTH = {
  { "bearer", "secret", help = "token" }, { "user", "text", help = "name for basic authentication" }, { "password", "secret", help = "its password" },
}

local function check_auth(auth, path, problem)
  if auth and auth.bearer and auth.user then problem("auth: either bearer or user and password, not both", path) end
end

-- A function may make an address of what is none, as for a prober that is told whom to ask.
local function check_targets(fields, problem)
  local function check(list, path)
    for i, target in ipairs(list or {}) do
      if type(target) == "table" then
        check(target.targets, { "targets", i, "targets" })
      elseif not target:find "^[^%s/]+:%d+$" then
        local at = { unpack(path) }
        at[#at + 1] = i
        problem(('target %q: expected "host:port"'):format(target), at)
      end
    end
  end
  if not fields.relabel then check(fields.targets, { "targets" }) end
end

local function rows(value) return value and (#value > 0 and value or next(value) and { value }) or {} end

local function check_dns(fields, problem)
  fields.dns = rows(fields.dns)
  for _, row in ipairs(fields.dns) do
    if row.type ~= "SRV" and not row.port then problem(("dns: %s records tell no port; give one"):format(row.type), { "dns" }) end
    if row.port and row.port > 65535 then problem("dns: port must be 1 to 65535", { "dns" }) end
    for _, server in ipairs(row.servers or {}) do
      if not server:find "^%d+%.%d+%.%d+%.%d+$" and not server:find "^%d+%.%d+%.%d+%.%d+:%d+$" and not server:find "^%[[%x:%.]+%]:?%d*$" then
        problem(('dns: server %q: expected an address such as "10.0.0.2" or "10.0.0.2:53"'):format(server), { "dns" })
      end
    end
  end
end

local function check_http(fields, problem)
  fields.http = rows(fields.http)
  for _, row in ipairs(fields.http) do
    if type(row.url) == "string" and not row.url:find "^https?://[^/]" then
      problem(('http: url %q: expected "http://..." or "https://..."'):format(row.url), { "http" })
    end
    check_auth(row.auth, { "http" }, problem)
    tls.check(row.tls, { "http" }, problem)
  end
end

return {
  word = "scrape", shape = "named",
  help = "Fetches metrics from targets. The name becomes the label `job`, the address the label `instance`. " ..
         "Targets are written here, listed in files that are watched, or asked for at name servers and HTTP endpoints; a source that fails keeps those it told of last. " ..
         "`relabel` and `keep` are asked once about each target and each series, and their answer is remembered until their file changes: they must not depend on anything else.",
  example = [[
scrape "node" { targets = { "127.0.0.1:9100" }, every = "15s", labels = { dc = "lisbon" } }

scrape "fleet" {
  dns = { name = "_metrics._tcp.example.com" },
  files = "targets/*.yml",
  drop = '{__name__=~"go_.*"}',
  relabel = function(target)
    if target.labels.state == "retired" then return nil end
    target.labels.host = target.address:match "^[^:]+"
    return target
  end,
}]],
  some_of = { { "targets", "files", "dns", "http" } },
  fields = {
    { "targets", { "texts", "list" }, help = 'addresses, "host:port" each; or tables { targets = {...}, labels = {...} }', fields = {
      { "targets", "texts", required = true, help = "addresses" }, { "labels", "labels", default = {}, help = "of these targets, over those of the job" } } },
    { "files", "texts", help = "JSON or YAML (.yml, .yaml) files of targets, watched: [{\"targets\": [...], \"labels\": {...}}]" },
    { "dns", { "list", "table" }, help = "targets by DNS, or several such tables; targets have the labels __meta_dns_name, " ..
      "__meta_dns_srv_record_target, __meta_dns_srv_record_port, __meta_dns_mx_record_target, __meta_dns_ns_record_target", fields = {
      { "name", "texts", required = true, help = "names to ask for" },
      { "type", "text", default = "SRV", choices = { "SRV", "A", "AAAA", "MX", "NS" }, help = "kind of record" },
      { "port", "count", help = "port of the targets; SRV records tell it themselves" },
      { "every", "interval", default = "30s", help = "time between questions" },
      { "servers", "texts", help = 'name servers to ask, "10.0.0.2" or "10.0.0.2:8600"; default those of the system' } } },
    { "http", { "list", "table" }, help = "targets from an HTTP endpoint that gives what a JSON file would hold, or several such tables; targets have the label __meta_url", fields = {
      { "url", "secret", required = true, help = "address of the list" },
      { "every", "interval", default = "60s", help = "time between questions" },
      { "headers", "text_map", default = {}, help = "request headers" },
      { "auth", "table", help = "how to sign in", fields = AUTH }, tls.row } },
    { "every", "interval", default = "15s", help = "time between scrapes" },
    { "timeout", "interval", default = "10s", help = "longest time one scrape may take; never more than `every`" },
    { "path", "text", default = "/metrics", help = "path of the address" },
    { "scheme", "text", default = "http", choices = { "http", "https" }, help = "http or https" },
    { "params", "params", default = {}, help = "query parameters" },
    { "headers", "text_map", default = {}, help = "request headers" },
    { "auth", "table", help = "how to sign in", fields = AUTH },
    tls.row,
    { "labels", "labels", default = {}, help = "added to every sample" },
    { "honor_labels", "boolean", default = false, help = "labels of the target win over ours" },
    { "honor_timestamps", "boolean", default = true, help = "samples have the times that the target gives them, if it does; false: all have that of the scrape" },
    { "track_timestamps_staleness", "boolean", default = false, help = "series with times of the target end when it leaves them out, as others do" },
    { "target_limit", "count", help = "with more targets than this, after relabelling, every scrape of the job fails" },
    { "sample_limit", "count", help = "a scrape with more samples, after `drop`, `only` and `keep`, fails" },
    { "label_limit", "count", help = "a scrape with a series of more labels, ours included, fails" },
    { "label_value_limit", "bytes", help = "a scrape with a longer label value fails" },
    { "body_limit", "bytes", help = "a scrape with a larger body fails" },
    { "relabel", "fn", help = "function(target): gives the target back, changed, or nil to leave it out; targets have address, labels (all of them, " ..
      "__meta_* and __param_* too), path, scheme, params; labels that begin with __ are removed afterwards; a target for which it fails is left out" },
    { "drop", "selectors", help = "series that are not stored" },
    { "only", "selectors", help = "of the series that `drop` leaves, those that are stored" },
    { "keep", "fn", help = "function(sample): gives the sample back, changed, or nil not to store it; samples have name and labels, no value: " ..
      "it is asked once about each series, not about each sample; when it fails, so does the scrape, and nothing of it is stored" },
  },
  after = function(fields, problem)
    check_auth(fields.auth, { "auth" }, problem)
    tls.check(fields.tls, { "tls" }, problem)
    check_dns(fields, problem)
    check_http(fields, problem)
    check_targets(fields, problem)
    if fields.timeout and fields.every and fields.timeout > fields.every then fields.timeout = fields.every end
  end,
}
