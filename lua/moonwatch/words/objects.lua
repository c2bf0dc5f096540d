--- objects.lua - what functions of a rule file are given and may call, in one table: for the manual, for `moonwatch help ctx`, for
-- editors and for completion.
--
-- An object is { name=, class=, help=, members = { ... } }; a member is a field { "now", "number", help } or a method
-- { "query", args = { {"expr", "text"} }, colon = true, gives = "row[]", help = }.  A type ends in ? when it may be missing and in []
-- when there are several; other objects are named by their class.
local M = {}

local function object(name, class, help, members)
  local o = { name = name, class = class, help = help, members = members }
  M.list[#M.list + 1] = o
  M.by_class[class] = o
  if name then M.by_name[name] = o end
end
M.list, M.by_class, M.by_name = {}, {}, {}

local function method(name, args, gives, help) return { name, args = args, gives = gives, help = help, colon = true } end
local function plain(name, args, gives, help) return { name, args = args, gives = gives, help = help } end

local EXPR = { "expr", "expr" }

object("ctx", "ctx", "what `when`, `run`, `every` and the functions of receivers are given; everything answers as of `ctx.now`", {
  { "now", "number", "the time of this evaluation in unix seconds" },
  { "state", "table", "plain values, kept for each rule over reloads, restarts and moves between nodes" },
  { "rule", "text", "name of the rule" },
  method("query", { EXPR }, "row[]", "the samples of a PromQL expression"),
  method("value", { EXPR }, "number?", "the value of an expression that gives one series; nil when it gives none"),
  method("range", { EXPR, { "from", "moment?" }, { "to", "moment?" }, { "step", "duration?" } }, "series[]",
    "the points of an expression; a time may be unix seconds or how long ago, such as \"1h\""),
  method("fire", { { "alert", "fired" } }, nil, "makes an alert; only in `when`"),
  { "logs", "logs", "log records" },
  { "traces", "traces", "traces" },
  { "metrics", "metrics", "instruments of your own, shown at /metrics and stored" },
  { "log", "log", "moonwatch's own log" },
  { "http", "http", "requests; outside `when`" },
  { "share", "share", "values shared by all nodes; outside `when`" },
})
object("ctx.logs", "logs", "log records as of `ctx.now`; the last 5 minutes unless said otherwise", {
  method("search", { { "query", "log_query?" } }, "record[]", "records, newest first"),
  method("count", { { "query", "log_query?" } }, "number", "how many records there are"),
})
object("ctx.traces", "traces", "traces as of `ctx.now`; the last 5 minutes unless said otherwise", {
  method("search", { { "query", "trace_query?" } }, "trace[]", "traces, newest first"),
  method("slowest", { { "query", "trace_query?" } }, "trace[]", "traces, the slowest first"),
})
object("ctx.metrics", "metrics", "instruments of your own", {
  plain("counter", { { "name", "text" }, { "labels", "labels?" } }, "counter", "goes up only"),
  plain("gauge", { { "name", "text" }, { "labels", "labels?" } }, "gauge", "goes up and down"),
  plain("histogram", { { "name", "text" }, { "labels", "labels?" } }, "histogram", "counts values by size"),
})
object(nil, "counter", "a counter", { method("add", { { "by", "number?" } }, nil, "counts up"), method("inc", {}, nil, "counts up by one") })
object(nil, "gauge", "a gauge", { method("set", { { "value", "number" } }, nil, "takes this value") })
object(nil, "histogram", "a histogram", { method("observe", { { "value", "number" } }, nil, "counts this value") })
object("ctx.log", "log", "moonwatch's own log", {
  plain("debug", { { "message", "text" }, { "fields", "table?" } }, nil, "a line of level debug"),
  plain("info", { { "message", "text" }, { "fields", "table?" } }, nil, "a line of level info"),
  plain("warn", { { "message", "text" }, { "fields", "table?" } }, nil, "a line of level warn"),
  plain("error", { { "message", "text" }, { "fields", "table?" } }, nil, "a line of level error"),
})
object("ctx.http", "http", "requests to other servers; outside `when`", {
  plain("get", { { "url", "text" }, { "options", "http_options?" } }, "http_answer", "asks and waits for the answer"),
  plain("post", { { "url", "text" }, { "body", "text?" }, { "options", "http_options?" } }, "http_answer", "sends and waits for the answer"),
  plain("session", { { "options", "session_options?" } }, "http_session", "requests that belong together: they keep their cookies, and each is a step with a name and a time"),
})
object("http session", "http_session", "what ctx.http.session gives; each request is a step", {
  method("get", { { "url", "text" }, { "options", "http_options?" } }, "http_answer", "asks and waits; a URL that begins with / stands behind the base of the session"),
  method("post", { { "url", "text" }, { "body", "text?" }, { "options", "http_options?" } }, "http_answer", "sends and waits"),
})
object("ctx.share", "share", "values shared by all nodes, local without Redis; outside `when`", {
  method("get", { { "key", "text" } }, "any", "the value of a key"),
  method("set", { { "key", "text" }, { "value", "any" } }, "boolean?", "shares a plain value; nil removes it"),
  method("incr", { { "key", "text" }, { "by", "number?" } }, "number?", "counts up and gives the sum"),
})

-- -- what goes in and out ------------------------------------------------------------------

object(nil, "row", "a sample of an answer", { { "labels", "labels", "its labels" }, { "value", "number", "its value" } })
object(nil, "series", "a series of a range", { { "labels", "labels", "its labels" }, { "points", "table", "list of { time, value }" } })
object(nil, "fired", "an alert that a function makes", {
  { "labels", "labels?", "its labels" }, { "value", "number?", "its value; 1 unless said" }, { "trace", "text?", "a trace that shows it" },
  { "summary", "text?", "one line for a person" }, { "evidence", "table?", "what shows it: logs, traces, and facts by their names" },
})
object(nil, "log_query", "which log records", {
  { "selector", "text?", '{job="x"}: which streams' }, { "contains", "text?", "the message contains this" }, { "level", "text?", "of this level or a graver one" },
  { "regex", "text?", "the whole message matches" }, { "fields", "labels?", "fields that are equal" },
  { "trace", "text?", "of this trace" }, { "since", "duration?", "the last so long" }, { "from", "number?", "unix seconds" },
  { "to", "number?", "unix seconds" }, { "limit", "number?", "at most so many" },
})
object(nil, "record", "a log record", {
  { "time", "number", "unix seconds" }, { "level", "text", "its level" }, { "message", "text", "its message" },
  { "stream", "labels", "labels of its stream" }, { "fields", "table", "its fields" }, { "trace", "text?", "trace id" }, { "span", "text?", "span id" },
})
object(nil, "trace_query", "which traces", {
  { "service", "text?", "a span is of this service" }, { "name", "text?", "a span has this name" }, { "min", "duration?", "at least so long" },
  { "max", "duration?", "at most so long" }, { "tags", "labels?", "attributes of a span" }, { "errors", "boolean?", "only those with an error" },
  { "since", "duration?", "the last so long" }, { "from", "number?", "unix seconds" }, { "to", "number?", "unix seconds" },
  { "limit", "number?", "at most so many" },
})
object(nil, "trace", "a trace", {
  { "trace", "text", "trace id" }, { "service", "text", "service of the span that was found" }, { "name", "text", "its name" },
  { "span_duration", "number", "its seconds" }, { "root_service", "text", "service of the root" }, { "root_name", "text", "name of the root" },
  { "start", "number", "unix seconds" }, { "duration", "number", "seconds" }, { "spans", "number", "how many" }, { "errors", "number", "spans with an error" },
})
object(nil, "http_options", "how a request is made", {
  { "headers", "labels?", "request headers" }, { "timeout", "duration?", 'seconds or a duration such as "5s"; default 10 seconds, in a check no more than what is left of its `timeout`' }, { "method", "text?", "another method" },
  { "body", "text?", "what is sent" }, { "insecure", "boolean?", "accept any certificate" }, { "follow", "boolean?", "follow redirects" },
  { "tls", "table?", "certificates and names, as `tls` of scrape" },
  { "max_body", "number?", "largest answer in bytes" },
  { "step", "text?", "name of the step; in a session the method and URL unless said" },
  { "expect", "step_expect?", "in a session: what must come" },
})
object(nil, "session_options", "what holds for all requests of a session", {
  { "base", "text?", "beginning of the URLs" }, { "headers", "labels?", "request headers" }, { "timeout", "duration?", "seconds or a duration, for each" },
  { "follow", "boolean?", "follow redirects; true unless said" }, { "insecure", "boolean?", "accept any certificate" },
  { "tls", "table?", "certificates and names, as `tls` of scrape" },
})
object(nil, "step_expect", "what a request of a session must bring; otherwise an error names its step", {
  { "status", "any?", "a status, or a list of them" }, { "body", "text?", "the body must contain this" },
})
object(nil, "http_answer", "an answer", {
  { "status", "number?", "its status" }, { "headers", "labels?", "headers, names in lower case" }, { "body", "text?", "its body" },
  { "seconds", "number?", "how long it took" }, { "error", "text?", "why there is none" },
  { "step", "text?", "name of its step" },
})
object("alert object", "alert_view", "what a text that is a function is given", {
  { "sample", "labels", "labels of the series, before the rule gave any of its own" }, { "labels", "labels", "its labels" }, { "value", "number", "its value" }, { "threshold", "number?", "`above` or `below` of the rule" },
  { "name", "text", "name of the rule" }, { "now", "number", "the time of this evaluation" }, { "active_at", "number", "since when it is true" },
  { "fired_at", "number?", "since when it fires" }, { "expected", "number?", "what the baseline expects" },
  { "severity", "text?", "its severity" }, { "external_labels", "labels", "those of the settings" }, { "external_url", "text?", "that of the settings" },
})
object("n", "notification", "what the function of a receiver is given. It took the message unless it fails or returns false, why, { retry = true, after = seconds }", {
  { "status", "text", '"firing" or "resolved"' }, { "alerts", "told_alert[]", "the alerts of the group" }, { "receiver", "text", "name of the receiver" },
  { "group_key", "text", "key of the group" }, { "group_labels", "labels", "labels that make the group" },
  { "common_labels", "labels", "labels that all share" }, { "common_annotations", "labels", "texts that all share" },
  { "reason", "text", "why it is told now" }, { "external_url", "text?", "address of this server" }, { "time", "number", "when it was made" },
  { "id", "text", "its own id" }, { "test", "boolean?", "a test message" },
})
object(nil, "told_alert", "an alert of a notification", {
  { "labels", "labels", "its labels" }, { "annotations", "labels", "its texts" }, { "status", "text", '"firing" or "resolved"' },
  { "starts_at", "number", "when it began to fire" }, { "ends_at", "number?", "when it ended" }, { "value", "number?", "its value" },
  { "threshold", "number?", "the threshold" }, { "severity", "text?", "its severity" }, { "generator_url", "text?", "its page" },
  { "evidence", "table?", "what made it fire: samples, logs, traces, facts" },
})
object("target", "target", "what `relabel` is given and gives back", {
  { "address", "text", '"host:port"' }, { "labels", "labels", "its labels" }, { "path", "text", "path of the metrics" }, { "scheme", "text", "http or https" },
})

local REGEX = { { "pattern", "text" }, { "text", "text" } }
local REPLACED = { { "pattern", "text" }, { "text", "text" }, { "with", "text" } }
object("regex", "regex", "regular expressions, in the language of PromQL", {
  plain("match", REGEX, "table?", "the groups of the whole text, [0] all of it; nil when it does not match"),
  plain("find", REGEX, "table?", "the same of the first place in the text that matches"),
  plain("replace", REPLACED, "text", "every place that matches replaced; $1 and ${name} are groups"),
  plain("expand", REPLACED, "text?", "WITH and the groups of the whole text; nil when it does not match"),
})

--- Tables of functions that every file may use.
M.libraries = { "regex" }

--- Functions that every file may call.
M.functions = {
  plain("env", { { "name", "text" }, { "default", "text?" } }, "text?", "the environment variable NAME"),
  plain("secret", { { "name", "text" } }, "secret", "stands for an environment variable or the content of a file; never shown"),
  plain("humanize", { { "value", "any" } }, "text", "1234 is 1.234k"),
  plain("humanize1024", { { "value", "any" } }, "text", "1536 is 1.5ki"),
  plain("bytes", { { "value", "any" } }, "text", "1536 is 1.5KiB"),
  plain("duration", { { "seconds", "any" } }, "text", "125 is 2m 5s"),
  plain("percent", { { "share", "any" } }, "text", "0.125 is 12.5%"),
  plain("timestamp", { { "seconds", "any" } }, "text", "unix seconds as a date"),
  plain("query", { EXPR }, "row[]", "the samples of an expression; in texts"),
  plain("value", { { "of", "any" } }, "number?", "the first value of an expression, of rows or of a row; in texts"),
  plain("first", { { "rows", "row[]?" } }, "row?", "the first row"),
  plain("label", { { "row", "any" }, { "name", "text" } }, "text", "a label of a row, or of the first of rows"),
}

--- How a member is written: `ctx:query(expr)`, `ctx.now`.
function M.written(prefix, member)
  if not member.args then return prefix .. "." .. member[1] end
  local args = {}
  for i, arg in ipairs(member.args) do args[i] = arg[2]:find "%?$" and "[" .. arg[1] .. "]" or arg[1] end
  local sep = prefix == "" and "" or member.colon and ":" or "."
  return ("%s%s%s(%s)"):format(prefix, sep, member[1], table.concat(args, ", "))
end

return M
