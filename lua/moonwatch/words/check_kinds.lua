--- check_kinds.lua - what a check can be: the rows of its kinds, and what only some of them can say.
local tls = require "moonwatch.words.tls_rows"

local M = {}

M.names = { "http", "tcp", "dns", "tls", "icmp", "redis", "postgres", "grpc", "exec", "run", "heartbeat" }

local IP = { "ip", "text", choices = { "4", "6" }, help = "only this version of IP; default whichever the name has" }
local CERTIFICATE_WITHIN = { "certificate_within", "span", help = "the check fails when a certificate that is shown ends within so long" }
local TLS_AT_LEAST = { "tls_at_least", "text", choices = { "1.0", "1.1", "1.2", "1.3" }, help = "the check fails with an older version of TLS" }

local function with(rows, more)
  local out = { unpack(rows) }
  for _, row in ipairs(more) do out[#out + 1] = row end
  return out
end

local SAY_AND_HEAR = {
  { "send", "text", help = "text to send" }, { "expect", "text", help = "the answer must contain this" },
  { "matches", "search", help = "a regular expression that what comes must match somewhere" },
}

local HTTP = {
  { "url", "text", required = true, help = "address" }, { "method", "text", default = "GET", help = "request method" },
  { "headers", "text_map", default = {}, help = "request headers" }, { "body", "text", help = "request body" },
  { "auth", "table", help = "how to sign in", fields = {
    { "bearer", "secret", help = "token" }, { "user", "text", help = "name for basic authentication" }, { "password", "secret", help = "its password" } } },
  { "follow", "boolean", default = false, help = "follow redirects" },
  { "redirects", "count", default = 10, help = "with `follow`: more of them are a failure; at most 50" },
  { "max_body", "bytes", default = "1MB", help = "a longer answer is a failure; at most 64MB" }, IP, CERTIFICATE_WITHIN, TLS_AT_LEAST,
  { "expect", "table", default = {}, help = "what a healthy answer looks like", fields = {
    { "status", "status", default = "2xx", help = 'a status, a list, "2xx" or "200-299"' },
    { "body", "texts", help = "the body must contain this, or each of these" }, { "body_not", "texts", help = "the body must contain none of these" },
    { "body_matches", "search", help = "a regular expression that the body must match somewhere" },
    { "body_matches_not", "search", help = "one that it must match nowhere" },
    { "headers", "patterns", help = 'headers and regular expressions that they must match: { ["content-type"] = "json" }' },
    { "headers_not", "texts", help = "headers that must not be there" },
    { "json", { "fn", "json_paths" }, help = 'function(document): true when it is well; a second value says why not. Or paths and what must be there: ' ..
        '{ ["db.state"] = "up", ["queue[0].length"] = { below = 100 } }; above, below, matches, length, exists' } } },
  tls.row,
}

local TCP = with({ { "address", "address", required = true, help = '"host:port"' } }, with(SAY_AND_HEAR, {
  { "steps", "list", help = "a talk of several such steps, one after the other; what was heard behind a step is there for the next", fields =
    with(SAY_AND_HEAR, { { "starttls", "boolean", default = false, help = "TLS begins, before anything is sent" } }) },
  { "tls", { "table", "boolean" }, help = "TLS from the beginning, or from the step with `starttls`; true, or certificates", fields = tls.fields },
  IP, CERTIFICATE_WITHIN, TLS_AT_LEAST,
}))

local DNS = {
  { "name", "text", required = true, help = "the name to ask for" },
  { "type", "text", default = "A", choices = { "A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA", "DS", "DNSKEY", "TLSA", "HTTPS" },
    help = "the type of records" },
  { "server", "text", help = "name server, host or host:port; default those of this machine" },
  { "protocol", "text", default = "udp", choices = { "udp", "tcp" }, help = "udp (tcp when the answer is too long for it) or tcp" },
  { "recursion", "boolean", default = true, help = "ask the server to ask others" }, IP,
  { "expect", "table", default = {}, help = "what a healthy answer looks like", fields = {
    { "rcode", "texts", default = { "NOERROR" }, help = 'response codes, such as "NXDOMAIN"' },
    { "answers", "texts", help = 'these must be among the answers: "10.0.0.1", for MX "10 mail.example.org"; names may end with a dot' },
    { "only", "boolean", default = false, help = "and nothing else" },
    { "matches", "search", help = "a regular expression that each answer must match somewhere" },
    { "least", "count", help = "so many answers of the type; default 1, or none where `answers` or another rcode is expected" },
    { "ttl_least", "span", help = "the shortest time to live of them" }, { "ttl_most", "span", help = "the longest that their shortest may be" },
    { "authoritative", "boolean", default = false, help = "the server must answer for the zone itself" } } },
}

local TLS = with({ { "address", "address", required = true, help = '"host:port"' } }, with(tls.fields, {
  { "names", "texts", help = "the certificate must be for each of these names" },
  { "starttls", "text", choices = { "smtp", "imap", "pop3", "ftp", "postgres" }, help = "the protocol begins in plain text and turns to TLS" },
  CERTIFICATE_WITHIN, TLS_AT_LEAST, IP,
}))

local ICMP = {
  { "host", "text", required = true, help = "name or address" }, IP,
  { "size", "number", default = 56, help = "bytes of data in the packet, at most 65000" },
}

local REDIS = {
  { "url", "secret", required = true, help = "address redis://host:port; PING must answer" },
  { "role", "text", choices = { "master", "replica" }, help = "it must be this" },
  { "link", "boolean", default = true, help = "a replica whose link to its master is down fails" },
  { "replicas", "count", help = "at least so many replicas must be online" },
  { "lag_above", "duration", help = "the check fails when a replica has not heard of its master for longer; of a master: the last of its replicas" },
  { "memory_above", "share", help = "the check fails when more than this share of maxmemory is in use" },
  { "clients_above", "share", help = "the check fails when more than this share of maxclients is connected" },
}

local POSTGRES = {
  { "dsn", "secret", required = true, help = "libpq connection text; SELECT 1 must answer, pool figures are kept" },
  { "role", "text", choices = { "primary", "replica" }, help = "it must be this" },
  { "replicas", "count", help = "at least so many replicas must be streaming" },
  { "lag_above", "duration", help = "the check fails when a replica replays what is older; of a primary: the last of its replicas. Needs the role pg_monitor there" },
  { "connections_above", "share", help = "the check fails when more than this share of max_connections is in use" },
}

local GRPC = {
  { "address", "address", required = true, help = '"host:port"' },
  { "service", "text", default = "", help = "name of the service; default the server as a whole" },
  { "tls", { "table", "boolean" }, help = "TLS: true, or certificates", fields = tls.fields }, IP, CERTIFICATE_WITHIN, TLS_AT_LEAST,
}

local EXEC = {
  { "command", "texts", required = true, help = "the program and its arguments; no shell. It must be in a folder of settings.programs" },
  { "env", "text_map", default = {}, help = "variables of its environment" }, { "dir", "text", help = "folder in which it runs; default that of moonwatch" },
  { "stdin", "text", help = "what it can read" },
}

M.rows = {
  { "http", { "table", "text" }, help = "an address, or a table", short = "url", fields = HTTP },
  { "tcp", { "table", "text" }, help = '"host:port", or a table', short = "address", fields = TCP },
  { "dns", { "table", "text" }, help = "a name that must resolve, or a table", short = "name", fields = DNS },
  { "tls", { "table", "text" }, help = '"host:port" of any server that speaks TLS, or a table', short = "address", fields = TLS },
  { "icmp", { "table", "text" }, help = "a host that must answer pings, or a table. The system must permit it: by net.ipv4.ping_group_range or CAP_NET_RAW",
    short = "host", fields = ICMP },
  { "redis", { "table", "secret" }, help = "an address redis://host:port, or a table", short = "url", fields = REDIS },
  { "postgres", { "table", "secret" }, help = "a libpq connection text, or a table", short = "dsn", fields = POSTGRES },
  { "grpc", { "table", "text" }, help = '"host:port" of a server that speaks grpc.health.v1, or a table', short = "address", fields = GRPC },
  { "exec", { "texts", "table" }, help = "a program and its arguments, or a table: exit status 0 is healthy, 1 degraded, all else unhealthy", short = "command",
    fields = EXEC },
  { "run", "fn", help = 'function(ctx): true or false, or "healthy", "degraded" or "unhealthy"; a message, shown in each case; a table of details' },
}

local CERTIFIED = { http = true, tcp = true, tls = true, grpc = true }

-- Which kinds know a field of `degraded`.
local KNOWN_TO = {
  certificate_within = CERTIFIED, lag_above = { redis = true, postgres = true }, memory_above = { redis = true }, clients_above = { redis = true },
  connections_above = { postgres = true },
}

--- Further fields of `degraded`.
M.degraded = {
  { "lag_above", "duration", help = "of redis and postgres: so is one that is further behind, as their `lag_above`" },
  { "memory_above", "share", help = "of redis: as its `memory_above`" }, { "clients_above", "share", help = "of redis: as its `clients_above`" },
  { "connections_above", "share", help = "of postgres: as its `connections_above`" },
}

local function plain(text) return '"' .. text:gsub("%c", "?") .. '"' end

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

-- What would break the lines of a request, and is not found out before it is made otherwise.
local function of_request(http, problem)
  if http.url and http.url:find "[%c%s]" then problem(("http: %s: an address has no spaces; write %%20"):format(plain(http.url)), { "http" }) end
  if http.method and not http.method:find(TOKEN) then problem(("http: method: %s is none"):format(plain(http.method)), { "http", "method" }) end
  for name, value in pairs(http.headers or {}) do
    if not name:find(TOKEN) then problem(("http: headers: %s is no name of a header"):format(plain(name)), { "http", "headers" }) end
    if type(value) == "string" and value:find "[%z\1-\8\10-\31]" then
      problem(("http: headers: %s has a line break or control character"):format(name), { "http", "headers" })
    end
  end
end

local function of_http(http, problem)
  of_request(http, problem)
  tls.check(http.tls, { "http", "tls" }, problem)
  local auth = http.auth
  if auth and (auth.bearer ~= nil) == (auth.user ~= nil) then problem("http: auth: either bearer, or user and password", { "http", "auth" }) end
  if http.redirects and http.redirects > 50 then problem("http: redirects: at most 50", { "http", "redirects" }) end
  if http.max_body and (http.max_body < 1 or http.max_body > 67108864) then problem("http: max_body: from 1 byte to 64MB", { "http", "max_body" }) end
  if http.url and not http.url:find "^https?://[^/%s]" then
    problem(("http: %q: expected an address that starts with http:// or https://"):format(http.url), { "http" })
  end
end

local function of_tcp(tcp, problem)
  tls.check(type(tcp.tls) == "table" and tcp.tls, { "tcp", "tls" }, problem)
  for i, step in ipairs(tcp.steps or {}) do
    if step.starttls and not tcp.tls then problem("tcp: a step with starttls needs tls = true, or certificates", { "tcp", "steps", i }) end
  end
  if tcp.steps and #tcp.steps > 32 then problem("tcp: at most 32 steps", { "tcp", "steps" }) end
  if tcp.steps and (tcp.send or tcp.expect or tcp.matches) then problem("tcp: either steps, or send, expect and matches", { "tcp", "steps" }) end
end

-- No handshake, no certificate.
local function needs_tls(kind)
  return function(fields, problem, limits)
    if not fields.tls and (fields.certificate_within or (limits or {}).certificate_within) then
      problem(("%s: certificate_within: there is no certificate without tls = true"):format(kind), { kind })
    end
  end
end

local function of_redis(redis, problem)
  local url = type(redis.url) == "string" and redis.url
  if url and (url:find "^%a[%w+.-]*://" and not url:find "^redis://[^/]" or url == "") then
    problem(("redis: %q: expected an address that starts with redis://"):format(url), { "redis" })
  end
end

local function of_dns(dns, problem)
  if dns.name == "" then problem("dns: name: which?", { "dns", "name" }) end
  if dns.server and not (dns.server:find "^[^%s/%[%]]+$" or dns.server:find "^%[[%x:.]+%]:?%d*$") then
    problem(("dns: server %q: expected host or host:port"):format(dns.server), { "dns", "server" })
  end
end

local CHECKS = {
  http = of_http, tcp = of_tcp, dns = of_dns, redis = of_redis,
  tls = function(t, problem) tls.check(t, { "tls" }, problem) end,
  grpc = function(g, problem) tls.check(type(g.tls) == "table" and g.tls, { "grpc", "tls" }, problem) end,
  exec = function(e, problem)
    if #(e.command or {}) == 0 or e.command[1] == "" then problem("exec: command: which program?", { "exec", "command" }) end
    for name in pairs(e.env or {}) do
      if not name:find "^[%a_][%w_]*$" then problem(("exec: env: %q is no name of a variable"):format(name), { "exec", "env" }) end
    end
  end,
  icmp = function(i, problem)
    if i.host == "" then problem("icmp: host: which?", { "icmp", "host" }) end
    if i.size and (i.size < 0 or i.size > 65000 or i.size % 1 ~= 0) then problem("icmp: size: expected a whole number from 0 to 65000", { "icmp", "size" }) end
  end,
}

local WITH_LIMITS = { tcp = needs_tls "tcp", grpc = needs_tls "grpc" }

--- What is wrong with FIELDS of a check, beyond their types.
function M.check(fields, problem)
  local kind
  for _, name in ipairs(M.names) do
    if fields[name] ~= nil then kind = name end
  end
  if CHECKS[kind] and type(fields[kind]) == "table" then CHECKS[kind](fields[kind], problem) end
  if WITH_LIMITS[kind] and type(fields[kind]) == "table" then WITH_LIMITS[kind](fields[kind], problem, fields.degraded) end
  for name, kinds in pairs(KNOWN_TO) do
    if kind and fields.degraded and fields.degraded[name] ~= nil and not kinds[kind] then
      problem(("degraded.%s: a check of kind %s has no such figure"):format(name, kind), { "degraded", name })
    end
  end
end

return M
