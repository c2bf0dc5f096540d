---@meta moonwatch.objects
-- objects.lua - what functions in moonwatch's rule files are given and may call, for the Lua language server.  Written by
-- `moonwatch help --lua-objects` from the tables behind the manual: change those, not this.

---Seconds, or a text such as "250ms", "30s", "1h30m", "7d".
---@alias moonwatch.duration number|string

---PromQL.
---@alias moonwatch.expr string|number

---A series selector such as up{job="x"}.
---@alias moonwatch.selector string

---What secret "NAME" gives.
---@class moonwatch.secret

---What slack{...}, webhook{...} and the others give.
---@class moonwatch.kind

---what `when`, `run`, `every` and the functions of receivers are given; everything answers as of `ctx.now`
---@class moonwatch.ctx
---@field now number the time of this evaluation in unix seconds
---@field state table plain values, kept for each rule over reloads, restarts and moves between nodes
---@field rule string name of the rule
---@field query fun(self: moonwatch.ctx, expr: moonwatch.expr): moonwatch.row[] the samples of a PromQL expression
---@field value fun(self: moonwatch.ctx, expr: moonwatch.expr): number? the value of an expression that gives one series; nil when it gives none
---@field range fun(self: moonwatch.ctx, expr: moonwatch.expr, from?: number|string, to?: number|string, step?: moonwatch.duration): moonwatch.series[] the points of an expression; a time may be unix seconds or how long ago, such as "1h"
---@field fire fun(self: moonwatch.ctx, alert: moonwatch.fired) makes an alert; only in `when`
---@field logs moonwatch.logs log records
---@field traces moonwatch.traces traces
---@field metrics moonwatch.metrics instruments of your own, shown at /metrics and stored
---@field log moonwatch.log moonwatch's own log
---@field http moonwatch.http requests; outside `when`
---@field share moonwatch.share values shared by all nodes; outside `when`

---log records as of `ctx.now`; the last 5 minutes unless said otherwise
---@class moonwatch.logs
---@field search fun(self: moonwatch.logs, query?: moonwatch.log_query): moonwatch.record[] records, newest first
---@field count fun(self: moonwatch.logs, query?: moonwatch.log_query): number how many records there are

---traces as of `ctx.now`; the last 5 minutes unless said otherwise
---@class moonwatch.traces
---@field search fun(self: moonwatch.traces, query?: moonwatch.trace_query): moonwatch.trace[] traces, newest first
---@field slowest fun(self: moonwatch.traces, query?: moonwatch.trace_query): moonwatch.trace[] traces, the slowest first

---instruments of your own
---@class moonwatch.metrics
---@field counter fun(name: string, labels?: table<string, string>): moonwatch.counter goes up only
---@field gauge fun(name: string, labels?: table<string, string>): moonwatch.gauge goes up and down
---@field histogram fun(name: string, labels?: table<string, string>): moonwatch.histogram counts values by size

---a counter
---@class moonwatch.counter
---@field add fun(self: moonwatch.counter, by?: number) counts up
---@field inc fun(self: moonwatch.counter) counts up by one

---a gauge
---@class moonwatch.gauge
---@field set fun(self: moonwatch.gauge, value: number) takes this value

---a histogram
---@class moonwatch.histogram
---@field observe fun(self: moonwatch.histogram, value: number) counts this value

---moonwatch's own log
---@class moonwatch.log
---@field debug fun(message: string, fields?: table) a line of level debug
---@field info fun(message: string, fields?: table) a line of level info
---@field warn fun(message: string, fields?: table) a line of level warn
---@field error fun(message: string, fields?: table) a line of level error

---requests to other servers; outside `when`
---@class moonwatch.http
---@field get fun(url: string, options?: moonwatch.http_options): moonwatch.http_answer asks and waits for the answer
---@field post fun(url: string, body?: string, options?: moonwatch.http_options): moonwatch.http_answer sends and waits for the answer
---@field session fun(options?: moonwatch.session_options): moonwatch.http_session requests that belong together: they keep their cookies, and each is a step with a name and a time

---what ctx.http.session gives; each request is a step
---@class moonwatch.http_session
---@field get fun(self: moonwatch.http_session, url: string, options?: moonwatch.http_options): moonwatch.http_answer asks and waits; a URL that begins with / stands behind the base of the session
---@field post fun(self: moonwatch.http_session, url: string, body?: string, options?: moonwatch.http_options): moonwatch.http_answer sends and waits

---values shared by all nodes, local without Redis; outside `when`
---@class moonwatch.share
---@field get fun(self: moonwatch.share, key: string): any the value of a key
---@field set fun(self: moonwatch.share, key: string, value: any): boolean? shares a plain value; nil removes it
---@field incr fun(self: moonwatch.share, key: string, by?: number): number? counts up and gives the sum

---a sample of an answer
---@class moonwatch.row
---@field labels table<string, string> its labels
---@field value number its value

---a series of a range
---@class moonwatch.series
---@field labels table<string, string> its labels
---@field points table list of { time, value }

---an alert that a function makes
---@class moonwatch.fired
---@field labels? table<string, string> its labels
---@field value? number its value; 1 unless said
---@field trace? string a trace that shows it
---@field summary? string one line for a person
---@field evidence? table what shows it: logs, traces, and facts by their names

---which log records
---@class moonwatch.log_query
---@field selector? string {job="x"}: which streams
---@field contains? string the message contains this
---@field level? string of this level or a graver one
---@field regex? string the whole message matches
---@field fields? table<string, string> fields that are equal
---@field trace? string of this trace
---@field since? moonwatch.duration the last so long
---@field from? number unix seconds
---@field to? number unix seconds
---@field limit? number at most so many

---a log record
---@class moonwatch.record
---@field time number unix seconds
---@field level string its level
---@field message string its message
---@field stream table<string, string> labels of its stream
---@field fields table its fields
---@field trace? string trace id
---@field span? string span id

---which traces
---@class moonwatch.trace_query
---@field service? string a span is of this service
---@field name? string a span has this name
---@field min? moonwatch.duration at least so long
---@field max? moonwatch.duration at most so long
---@field tags? table<string, string> attributes of a span
---@field errors? boolean only those with an error
---@field since? moonwatch.duration the last so long
---@field from? number unix seconds
---@field to? number unix seconds
---@field limit? number at most so many

---a trace
---@class moonwatch.trace
---@field trace string trace id
---@field service string service of the span that was found
---@field name string its name
---@field span_duration number its seconds
---@field root_service string service of the root
---@field root_name string name of the root
---@field start number unix seconds
---@field duration number seconds
---@field spans number how many
---@field errors number spans with an error

---how a request is made
---@class moonwatch.http_options
---@field headers? table<string, string> request headers
---@field timeout? moonwatch.duration seconds or a duration such as "5s"; default 10 seconds, in a check no more than what is left of its `timeout`
---@field method? string another method
---@field body? string what is sent
---@field insecure? boolean accept any certificate
---@field follow? boolean follow redirects
---@field tls? table certificates and names, as `tls` of scrape
---@field max_body? number largest answer in bytes
---@field step? string name of the step; in a session the method and URL unless said
---@field expect? moonwatch.step_expect in a session: what must come

---what holds for all requests of a session
---@class moonwatch.session_options
---@field base? string beginning of the URLs
---@field headers? table<string, string> request headers
---@field timeout? moonwatch.duration seconds or a duration, for each
---@field follow? boolean follow redirects; true unless said
---@field insecure? boolean accept any certificate
---@field tls? table certificates and names, as `tls` of scrape

---what a request of a session must bring; otherwise an error names its step
---@class moonwatch.step_expect
---@field status? any a status, or a list of them
---@field body? string the body must contain this

---an answer
---@class moonwatch.http_answer
---@field status? number its status
---@field headers? table<string, string> headers, names in lower case
---@field body? string its body
---@field seconds? number how long it took
---@field error? string why there is none
---@field step? string name of its step

---what a text that is a function is given
---@class moonwatch.alert_view
---@field sample table<string, string> labels of the series, before the rule gave any of its own
---@field labels table<string, string> its labels
---@field value number its value
---@field threshold? number `above` or `below` of the rule
---@field name string name of the rule
---@field now number the time of this evaluation
---@field active_at number since when it is true
---@field fired_at? number since when it fires
---@field expected? number what the baseline expects
---@field severity? string its severity
---@field external_labels table<string, string> those of the settings
---@field external_url? string that of the settings

---what the function of a receiver is given. It took the message unless it fails or returns false, why, { retry = true, after = seconds }
---@class moonwatch.notification
---@field status string "firing" or "resolved"
---@field alerts moonwatch.told_alert[] the alerts of the group
---@field receiver string name of the receiver
---@field group_key string key of the group
---@field group_labels table<string, string> labels that make the group
---@field common_labels table<string, string> labels that all share
---@field common_annotations table<string, string> texts that all share
---@field reason string why it is told now
---@field external_url? string address of this server
---@field time number when it was made
---@field id string its own id
---@field test? boolean a test message

---an alert of a notification
---@class moonwatch.told_alert
---@field labels table<string, string> its labels
---@field annotations table<string, string> its texts
---@field status string "firing" or "resolved"
---@field starts_at number when it began to fire
---@field ends_at? number when it ended
---@field value? number its value
---@field threshold? number the threshold
---@field severity? string its severity
---@field generator_url? string its page
---@field evidence? table what made it fire: samples, logs, traces, facts

---what `relabel` is given and gives back
---@class moonwatch.target
---@field address string "host:port"
---@field labels table<string, string> its labels
---@field path string path of the metrics
---@field scheme string http or https

---regular expressions, in the language of PromQL
---@class moonwatch.regex
---@field match fun(pattern: string, text: string): table? the groups of the whole text, [0] all of it; nil when it does not match
---@field find fun(pattern: string, text: string): table? the same of the first place in the text that matches
---@field replace fun(pattern: string, text: string, with: string): string every place that matches replaced; $1 and ${name} are groups
---@field expand fun(pattern: string, text: string, with: string): string? WITH and the groups of the whole text; nil when it does not match

---the environment variable NAME
---@param name string
---@param default? string
---@return string?
function env(name, default) end

---stands for an environment variable or the content of a file; never shown
---@param name string
---@return moonwatch.secret
function secret(name) end

---1234 is 1.234k
---@param value any
---@return string
function humanize(value) end

---1536 is 1.5ki
---@param value any
---@return string
function humanize1024(value) end

---1536 is 1.5KiB
---@param value any
---@return string
function bytes(value) end

---125 is 2m 5s
---@param seconds any
---@return string
function duration(seconds) end

---0.125 is 12.5%
---@param share any
---@return string
function percent(share) end

---unix seconds as a date
---@param seconds any
---@return string
function timestamp(seconds) end

---the samples of an expression; in texts
---@param expr moonwatch.expr
---@return moonwatch.row[]
function query(expr) end

---the first value of an expression, of rows or of a row; in texts
---@param of any
---@return number?
function value(of) end

---the first row
---@param rows? moonwatch.row[]
---@return moonwatch.row?
function first(rows) end

---a label of a row, or of the first of rows
---@param row any
---@param name string
---@return string
function label(row, name) end

---@type moonwatch.regex
regex = {}
