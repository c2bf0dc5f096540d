--- settings.lua - the word `settings`: the server itself.  Only the root file may say it.
local auth = {
  { "bearer", "secret", help = "token that clients must present" },
  { "user", "text", help = "name for basic authentication" },
  { "password", "secret", help = "password for basic authentication" },
}

local class = {
  { "match", "selector", required = true, help = "which series, streams of logs, or traces: those with a span of that service, name, kind, status, scope, or attribute (_ stands for . and -)" },
  { "keep", "interval", required = true, help = "how long their samples, records or spans are kept" },
  { "of", "text", default = "metrics", choices = { "metrics", "logs", "traces" }, help = "of which signal" },
}

return {
  word = "settings", shape = "table", root_only = true, once = true,
  help = "What the server listens on, where it keeps data and what it limits itself to. Only the root file may use it.",
  example = [[
settings { listen = "127.0.0.1:9490", data = "./data", external_labels = { dc = "lisbon" } }]],
  fields = {
    { "listen", "texts", default = { "127.0.0.1:9490" }, help = "address and port, or several" },
    { "data", "text", default = "./data", help = "folder for everything that must survive" },
    { "node", "text", help = "name of this node; default the host name and process id" },
    { "redis", "secret", help = "address of Redis, redis://host:port; nodes with the same cluster name share through it" },
    { "cluster", "text", default = "moonwatch", help = "name of the cluster inside Redis" },
    { "external_url", "text", help = "address people reach this server at; links in notifications start with it" },
    { "resolve_timeout", "interval", default = "5m", help = "an alert posted without an end resolves after this long without being posted again" },
    { "ack", "table", default = {}, help = "acknowledging from outside: links in messages, buttons in Slack, PagerDuty", fields = {
      { "links", "boolean", default = true, help = "messages carry links that acknowledge and silence; needs external_url" },
      { "valid", "span", default = "24h", help = "how long such a link works; it works once" },
      { "secret", "secret", help = "what signs the links; default: a key made at the first start and shared by the nodes" },
      { "slack", { "secret", "secrets" }, help = "signing secret of the Slack app that posts its buttons to /api/mw/v1/slack/actions" },
      { "pagerduty", { "secret", "secrets" }, help = "secret of the V3 webhook that posts to /api/mw/v1/pagerduty/webhook; a list while it changes" } } },
    { "programs", "texts", default = {}, help = "folders whose programs receivers (exec{...}) and checks may run; none unless named here. Read when the server starts" },
    { "processes", "texts", default = {}, help = "names of programs whose processes are watched, as namedprocess_namegroup_*: their name, or the last part of their first argument" },
    { "external_labels", "labels", default = {}, help = "added to alerts when they are sent, and to series that another Prometheus reads here" },
    { "query_offset", "duration", default = "0s", help = "rules look at the time so long ago, for data that arrives late" },
    { "cors", "pattern", default = ".*", help = 'origins whose pages may read the API, a regular expression: "https://grafana[.]example"; "" for none' },
    { "tls", "table", help = "serve HTTPS", absent = true, fields = {
      { "cert", "text", help = "certificate file" }, { "key", "text", help = "key file" },
      { "client_ca", "text", help = "clients must present a certificate of this authority" } } },
    { "retention", "table", default = {}, help = "how long signals are kept",
      items = { says = '{ match = \'{__name__=~"debug_.*"}\', keep = "1d" }', fields = class,
                help = "series, streams of logs, or traces, that are kept for another time than the rest; the first row of their signal that matches counts" },
      fields = {
        { "metrics", "interval", default = "15d", help = "samples" }, { "logs", "interval", default = "7d", help = "log records" },
        { "traces", "interval", default = "3d", help = "spans" },
        { "audit", "interval", default = "730d", help = "entries of the audit chain; they leave a segment at a time, and an entry says so" },
        { "bytes", { "bytes", "table" }, help = "the oldest leaves beyond this; a number is the budget of metrics", fields = {
          { "metrics", "bytes", help = "samples on disk" }, { "logs", "bytes", help = "log records, in place of limits.logs_bytes" },
          { "traces", "bytes", help = "spans, in place of limits.traces_bytes" } } } } },
    { "out_of_order", { "duration", "text" }, default = "30m", help = 'how late a sample may come; "all" for any' },
    { "durability", "durability", default = "50ms",
      help = 'a loss of power may take the samples of the last so long, a crash of moonwatch takes none; "always": nothing that was accepted' },
    { "promql", "table", default = {}, help = "how PromQL is read", fields = {
      { "ranges", "text", default = "left-open", choices = { "left-open", "closed" }, help = "does [5m] include a sample exactly 5m old" },
      { "drop_names", "text", default = "at-end", choices = { "at-once", "at-end" },
        help = "when rate(x) is no longer called x: at once, or after the whole query; with closed ranges always at once" },
      { "lookback", "interval", default = "5m", help = "how long a sample stays the current one" },
      { "default_step", "interval", default = "1m", help = "step of subqueries that name none" } } },
    { "strict", "boolean", default = true, help = "true: one bad file refuses the whole load; false: only the bad files are left out" },
    { "limits", "table", default = {}, help = "what one request or rule may use", fields = {
      { "body", "bytes", help = "largest request body" },
      { "in_flight", "bytes", default = "256MB", help = "request bodies being received or handled, together; beyond it 429" },
      { "memory", "bytes", help = "samples and series in memory" }, { "exemplars", "count", default = 100000, help = "exemplars in memory" },
      { "labels", "count", help = "labels of one series; 64 unless set" },
      { "label_bytes", "bytes", help = "a label name or value; 4096 unless set" },
      { "series", "count", help = "series in memory" }, { "logs_bytes", "bytes", help = "log records in memory" },
      { "traces_bytes", "bytes", help = "spans in memory" }, { "queries", "count", help = "queries at a time" },
      { "query_samples", "count", default = 50000000, help = "samples one query may touch" },
      { "query_bytes", "bytes", default = "1GB", help = "memory one query may use" },
      { "read_samples", "count", default = 50000000, help = "samples in one answer of remote read that is not a stream" },
      { "query_timeout", "interval", help = "time one query may take" },
      { "rule_seconds", "interval", default = "500ms", help = "processor time of one call of a function of a rule, in all its slices" },
      { "rule_instructions", "count", default = 10000000, help = "Lua instructions of one call" },
      { "rule_memory", "bytes", default = "32MB", help = "memory of one rule file" },
      { "rule_query_samples", "count", default = 50000000, help = "samples that the queries of one evaluation of a rule may read" },
      { "rule_query_seconds", "interval", default = "30s", help = "time that the queries of one evaluation may take" },
      { "silences", "count", default = 20000, help = "silences, with those that ended and are still shown" },
      { "silence_bytes", "bytes", default = "64KB", help = "size of one silence" },
      { "rule_emissions", "count", default = 1000000, help = "alerts, samples, log lines and measurements of one evaluation" } } },
    { "silence", "table", default = {}, help = "silences of alerts", fields = {
      { "retention", "interval", default = "120h", help = "one that ended is shown for so long" },
      { "remind", "interval", help = "so long before the end of a silence somebody is told, if alerts still fire behind it" },
      { "to", "text", help = "name of the receiver that is told; default those of the alerts" } } },
    { "notifications", "table", default = {}, help = "the history of messages", fields = {
      { "keep", "count", default = 1000, help = "so many are kept, the last 200 of them over a restart" },
      { "retention", "interval", default = "7d", help = "and none for longer than this" } } },
    { "status_page", "table", help = "a page for the public at /status; there is none unless this says what is on it", fields = {
      { "title", "text", default = "Status", help = "its title" },
      { "description", "text", help = "a sentence below it" },
      { "groups", "list", required = true, help = "what is on it, in this order", fields = {
        { "name", "text", required = true, help = "title of the group" },
        { "checks", "texts", required = true, help = "names of checks; `display` of a check is what it is called there" } } },
      { "show_messages", "boolean", default = false, help = "show what probes say, which may tell of addresses inside" },
      { "show_authors", "boolean", default = false, help = "show who wrote in an incident" },
      { "automatic", "boolean", default = false, help = "a failing critical check opens an incident, and closes it when it is well again" } } },
    { "auth", "table", help = "who may use the HTTP API", absent = true, fields = auth },
    { "log", "table", default = {}, help = "moonwatch's own log", fields = {
      { "level", "text", default = "info", choices = { "debug", "info", "warn", "error" }, help = "least level written" },
      { "format", "text", default = "text", choices = { "text", "json" }, help = "one line of text or of JSON" } } },
  },
  after = function(fields, problem, env)
    for i, row in ipairs(env and env.host and fields.retention.items or {}) do
      for _, m in ipairs(row.of ~= "metrics" and env.host.selector(row.match) or {}) do
        if m.name == "__name__" then problem(("%s have no metric name: write {service=\"api\"}"):format(row.of), { "retention", i, "match" }) end
      end
    end
    local page = fields.status_page
    if page and #page.groups == 0 then problem("status_page: groups: a page without any group shows nothing", { "status_page", "groups" }) end
    for i, name in ipairs(fields.processes or {}) do
      if not name:find "^[^%c]+$" then problem(("processes: \"%s\" is no name of a program"):format((name:gsub("%c", "?"))), { "processes", i }) end
    end
  end,
}
