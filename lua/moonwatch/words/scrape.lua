--- scrape.lua - the word `scrape`: where metrics are fetched.
return {
  word = "scrape", shape = "named",
  help = "Fetches metrics from targets. The name becomes the label `job`, the address the label `instance`.",
  example = [[
scrape "node" { targets = { "127.0.0.1:9100" }, every = "15s", labels = { dc = "lisbon" } }]],
  exactly_one = { { "targets", "files", "dns" } },
  fields = {
    { "targets", "texts", help = 'addresses, "host:port" each' },
    { "files", "texts", help = "JSON files of targets, watched: [{\"targets\": [...], \"labels\": {...}}]" },
    { "dns", "table", absent = true, help = "targets by DNS", fields = {
      { "name", "text", help = "name to ask for" }, { "type", "text", help = "A, AAAA or SRV" }, { "port", "count", help = "port for A and AAAA" } } },
    { "every", "interval", default = "15s", help = "time between scrapes" },
    { "timeout", "interval", default = "10s", help = "longest time one scrape may take; never more than `every`" },
    { "path", "text", default = "/metrics", help = "path of the address" },
    { "scheme", "text", default = "http", choices = { "http", "https" }, help = "http or https" },
    { "params", "params", default = {}, help = "query parameters" },
    { "headers", "text_map", default = {}, help = "request headers" },
    { "auth", "table", help = "how to sign in", fields = {
      { "bearer", "secret", help = "token" }, { "user", "text", help = "name for basic authentication" }, { "password", "secret", help = "its password" } } },
    { "labels", "labels", default = {}, help = "added to every sample" },
    { "honor_labels", "boolean", default = false, help = "labels of the target win over ours" },
    { "sample_limit", "count", help = "a scrape with more samples fails" },
    { "label_limit", "count", help = "a scrape with a series of more labels, ours included, fails" },
    { "label_value_limit", "bytes", help = "a scrape with a longer label value fails" },
    { "body_limit", "bytes", help = "a scrape with a larger body fails" },
    { "relabel", "fn", help = "function(target): gives the target back, changed, or nil to leave it out; targets have address, labels, path, scheme" },
    { "keep", "fn", absent = true, help = "function(sample): true to store it" },
  },
  after = function(fields, problem)
    if fields.relabel and fields.files then
      problem("relabel works on static targets only in this version", { "relabel" })
    end
    local auth = fields.auth
    if auth and auth.bearer and auth.user then problem("auth: either bearer or user and password, not both", { "auth" }) end
    if fields.timeout and fields.every and fields.timeout > fields.every then fields.timeout = fields.every end
    for i, target in ipairs(fields.targets or {}) do
      if not target:find "^[^%s/]+:%d+$" then
        problem(('target %q: expected "host:port"'):format(target), { "targets", i })
      end
    end
  end,
}
