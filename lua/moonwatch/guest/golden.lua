--- golden.lua - how services measure their requests, by convention: local golden = require "moonwatch.golden".
--
-- A convention is a row: where the requests are counted and timed, which label says that one failed, and which label is the service.
-- golden.expressions(convention, service) are the PromQL expressions of its latency, traffic and errors: of one service, or of all,
-- `by` the label of the service.  golden.saturation is likewise how full something is, 0 to 1.  Plain Lua for rule files, too.
local M = {}

M.WINDOW = "5m"

--- { name=, says=, service= (label), count= (counter of requests; default HISTOGRAM_count), histogram= (nil: nothing is timed), unit= (of the
-- histogram, in seconds),
-- failed= (matchers), status= (labels one of which says how a request went: FAILED is about the first that is there), only= (matchers),
-- without= (it is another convention that counts for services with this metric) }.
-- In the order in which they are believed: a service that has several is told by the first.
M.conventions = {
  { name = "otel-http", says = "OpenTelemetry HTTP server metrics", service = "job", histogram = "http_server_request_duration_seconds", unit = 1,
    status = { "http_response_status_code" }, failed = '=~"5.."' },
  { name = "otel-http-old", says = "OpenTelemetry HTTP server metrics before 1.20", service = "job", histogram = "http_server_duration_milliseconds", unit = 1e-3,
    status = { "http_status_code" }, failed = '=~"5.."' },
  { name = "otel-rpc", says = "OpenTelemetry RPC server metrics", service = "job", histogram = "rpc_server_duration_milliseconds", unit = 1e-3,
    status = { "rpc_grpc_status_code" }, failed = '=~"2|4|12|13|14|15"' },
  { name = "otel-rpc-seconds", says = "OpenTelemetry RPC server metrics", service = "job", histogram = "rpc_server_call_duration_seconds", unit = 1,
    status = { "rpc_response_status_code", "rpc_grpc_status_code" }, failed = '=~"2|4|12|13|14|15|UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"' },
  { name = "http-requests", says = "http_requests_total and http_request_duration_seconds", service = "job", count = "http_requests_total",
    histogram = "http_request_duration_seconds", unit = 1, status = { "code", "status", "status_code", "http_status", "response_code" }, failed = '=~"5.."' },
  { name = "http-duration", says = "http_request_duration_seconds", service = "job", without = "http_requests_total", histogram = "http_request_duration_seconds", unit = 1,
    status = { "code", "status", "status_code", "http_status", "response_code" }, failed = '=~"5.."' },
  { name = "spring", says = "Spring Boot (Micrometer)", service = "job", histogram = "http_server_requests_seconds", unit = 1, status = { "status" }, failed = '=~"5.."' },
  { name = "fastapi-starlette", says = "starlette_exporter", service = "job", count = "starlette_requests_total", histogram = "starlette_request_duration_seconds", unit = 1,
    status = { "status_code" }, failed = '=~"5.."' },
  { name = "django", says = "django-prometheus", service = "job", count = "django_http_responses_total_by_status_total",
    histogram = "django_http_requests_latency_seconds_by_view_method", unit = 1, status = { "status" }, failed = '=~"5.."' },
  { name = "gin", says = "go-gin-prometheus", service = "job", count = "gin_requests_total", histogram = "gin_request_duration_seconds", unit = 1, status = { "code" }, failed = '=~"5.."' },
  { name = "echo", says = "echo-prometheus", service = "job", count = "echo_requests_total", histogram = "echo_request_duration_seconds", unit = 1, status = { "code" }, failed = '=~"5.."' },
  { name = "flask", says = "prometheus-flask-exporter", service = "job", histogram = "flask_http_request_duration_seconds", unit = 1, status = { "status" }, failed = '=~"5.."' },
  { name = "grpc", says = "go-grpc-prometheus and its kin", service = "job", count = "grpc_server_handled_total", histogram = "grpc_server_handling_seconds", unit = 1,
    status = { "grpc_code" }, failed = '=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"' },
  { name = "grpc-otel", says = "gRPC's own OpenTelemetry metrics", service = "job", histogram = "grpc_server_call_duration_seconds", unit = 1,
    status = { "grpc_status" }, failed = '=~"UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"' },
  { name = "prometheus", says = "Prometheus's own HTTP server", service = "job", count = "prometheus_http_requests_total",
    histogram = "prometheus_http_request_duration_seconds", unit = 1, status = { "code" }, failed = '=~"5.."' },
  { name = "istio", says = "Istio", service = "destination_service_name", count = "istio_requests_total", histogram = "istio_request_duration_milliseconds", unit = 1e-3,
    status = { "response_code" }, failed = '=~"5..|0"', only = 'reporter="destination"' },
  { name = "linkerd", says = "Linkerd", service = "deployment", count = "response_total", histogram = "response_latency_ms", unit = 1e-3, status = { "classification" },
    failed = '="failure"', only = 'direction="inbound"' },
  { name = "envoy", says = "Envoy, by cluster", service = "envoy_cluster_name", count = "envoy_cluster_upstream_rq_xx", histogram = "envoy_cluster_upstream_rq_time", unit = 1e-3,
    status = { "envoy_response_code_class" }, failed = '="5"' },
  { name = "haproxy", says = "HAProxy, by backend", service = "proxy", count = "haproxy_backend_http_responses_total", status = { "code" }, failed = '=~"5.."' },
  { name = "caddy", says = "Caddy", service = "job", histogram = "caddy_http_request_duration_seconds", unit = 1, status = { "code" }, failed = '=~"5.."' },
  { name = "nginx", says = "nginx (nginx-lua-prometheus, or the exporter, which knows of no errors)", service = "job", count = "nginx_http_requests_total",
    histogram = "nginx_http_request_duration_seconds", unit = 1, status = { "status" }, failed = '=~"5.."' },
  { name = "traefik", says = "Traefik", service = "service", count = "traefik_service_requests_total", histogram = "traefik_service_request_duration_seconds", unit = 1,
    status = { "code" }, failed = '=~"5.."' },
  { name = "ingress-nginx", says = "ingress-nginx", service = "service", count = "nginx_ingress_controller_requests",
    histogram = "nginx_ingress_controller_request_duration_seconds", unit = 1, status = { "status" }, failed = '=~"5.."' },
  { name = "spanmetrics-seconds", says = "span metrics of the OpenTelemetry Collector", service = "service_name", count = "traces_span_metrics_calls_total",
    histogram = "traces_span_metrics_duration_seconds", unit = 1, status = { "status_code" }, failed = '="STATUS_CODE_ERROR"',
    only = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"' },
  { name = "spanmetrics", says = "span metrics of the OpenTelemetry Collector", service = "service_name", without = "traces_span_metrics_duration_seconds_bucket", count = "traces_span_metrics_calls_total",
    histogram = "traces_span_metrics_duration_milliseconds", unit = 1e-3, status = { "status_code" }, failed = '="STATUS_CODE_ERROR"',
    only = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"' },
  { name = "spanmetrics-old", says = "span metrics of the OpenTelemetry Collector before 0.109", service = "service_name", count = "calls_total",
    histogram = "duration_milliseconds", unit = 1e-3, status = { "status_code" }, failed = '="STATUS_CODE_ERROR"',
    only = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"' },
  { name = "tempo", says = "span metrics of Tempo", service = "service", count = "traces_spanmetrics_calls_total", histogram = "traces_spanmetrics_latency", unit = 1,
    status = { "status_code" }, failed = '="STATUS_CODE_ERROR"', only = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"' },
}

--- How full something is: { name=, says=, service=, used=, most= (metrics), only= (matchers of used), most_only=, each= (every process or pool
-- by itself: the fullest counts), rest= (metric: most is used and rest), scale= }.  The fullest of a service counts.
M.saturation = {
  { name = "files", says = "open file descriptors", service = "job", used = "process_open_fds", most = "process_max_fds", each = true },
  { name = "cpu", says = "processor", service = "job", used = "cpu_usage_percent", scale = 0.01 },
  { name = "files-micrometer", says = "open file descriptors", service = "job", used = "process_files_open_files", most = "process_files_max_files", each = true },
  { name = "cpu-micrometer", says = "processor", service = "job", used = "process_cpu_usage" },
  { name = "cpu-otel", says = "processor", service = "job", used = "process_cpu_utilization_ratio" },
  { name = "cpu-jvm", says = "processor", service = "job", used = "jvm_cpu_recent_utilization_ratio" },
  { name = "event-loop", says = "event loop of Node", service = "job", used = "nodejs_eventloop_utilization_ratio" },
  { name = "heap", says = "heap of the JVM", service = "job", used = "jvm_memory_used_bytes", only = 'area="heap"', most = "jvm_memory_max_bytes", most_only = 'area="heap"' },
  { name = "heap-otel", says = "heap of the JVM", service = "job", used = "jvm_memory_used_bytes", only = 'jvm_memory_type="heap"', most = "jvm_memory_limit_bytes", most_only = 'jvm_memory_type="heap"' },
  { name = "db-pool", says = "database connections", service = "job", used = "db_connections_active", rest = "db_connections_idle" },
  { name = "db-hikari", says = "database connections", service = "job", used = "hikaricp_connections_active", most = "hikaricp_connections_max", each = true },
  { name = "db-otel", says = "database connections", service = "job", used = "db_client_connections_usage", only = 'state="used"', most = "db_client_connections_max" },
  { name = "db-otel-new", says = "database connections", service = "job", used = "db_client_connection_count", only = 'db_client_connection_state="used"',
    most = "db_client_connection_max" },
  { name = "db-go", says = "database connections", service = "job", used = "go_sql_in_use_connections", most = "go_sql_max_open_connections", each = true },
  { name = "threads", says = "worker threads", service = "job", used = "tomcat_threads_busy_threads", most = "tomcat_threads_config_max_threads", each = true },
}

local function count_of(c) return c.count or c.histogram .. "_count" end

local function quoted(text) return '"' .. text:gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }) .. '"' end

-- {job="shop",...}, or {job!="",...} for all services.
local function selector(c, service, ...)
  local parts = { c.service .. (service and "=" .. quoted(service) or '!=""') }
  if c.only then parts[2] = c.only end
  parts[#parts + 1] = ...
  return "{" .. table.concat(parts, ",") .. "}"
end

local function sum(c, service, more)
  local by = {}
  if not service then by[1] = c.service end
  if more then by[#by + 1] = more end
  return #by > 0 and ("sum by (%s) "):format(table.concat(by, ", ")) or "sum"
end

-- EXPR, but not of services that another convention is about.
local function alone(c, expr, window)
  if not c.without then return expr end
  local other = window and ("last_over_time(%s[%s])"):format(c.without, window) or c.without
  return ("%s unless on (%s) group by (%s) (%s)"):format(expr, c.service, c.service, other)
end

-- Requests per second, those with MORE only; of native histograms they are counted inside.
local function requests(c, service, options, more)
  local native = options.native and not c.count
  local rate = ("rate(%s%s[%s])"):format(native and c.histogram or count_of(c), selector(c, service, more), options.window or M.WINDOW)
  return ("%s(%s)"):format(sum(c, service), native and ("histogram_count(%s)"):format(rate) or rate)
end

local function quantile(c, service, options, q)
  local rate = ("rate(%s%s%s[%s])"):format(c.histogram, options.native and "" or "_bucket", selector(c, service), options.window or M.WINDOW)
  local expr = ("histogram_quantile(%g, %s(%s))"):format(q, sum(c, service, not options.native and "le" or nil), rate)
  return c.unit ~= 1 and ("%s * %g"):format(expr, c.unit) or expr
end

-- Seconds a request on average, which is what summaries and histograms without buckets know, too.
local function mean(c, service, options)
  local function rate(part) return ("%s(rate(%s_%s%s[%s]))"):format(sum(c, service), c.histogram, part, selector(c, service), options.window or M.WINDOW) end
  local expr = ("%s / (%s > 0)"):format(rate "sum", rate "count")
  return c.unit ~= 1 and ("(%s) * %g"):format(expr, c.unit) or expr
end

--- The expressions of CONVENTION: { traffic= (requests per second), failed= (those that failed), errors= (their share, 0 to 1), latency =
-- function(q) -> seconds, mean= (seconds) }, of SERVICE or (nil) of each; the last two only where requests are timed.  options: { window="5m", native= (its histograms are native ones), status= (the label that says how a
-- request went), alone= (of no service that another convention is about) }.
function M.expressions(c, service, options)
  options = options or {}
  local function done(expr) return options.alone and alone(c, expr, options.window) or expr end
  local all, bad = requests(c, service, options), requests(c, service, options, (options.status or c.status[1]) .. c.failed)
  local out = { traffic = done(all), failed = done(bad), errors = done(("(%s or %s * 0) / %s"):format(bad, all, all)) }
  if c.histogram then
    out.latency = function(q) return done(quantile(c, service, options, q)) end
    out.mean = done(mean(c, service, options))
  end
  return out
end

-- The largest of EXPR, of SERVICE or of each.
local function largest(row, service, expr)
  return ("%s(%s)"):format(service and "max" or ("max by (%s) "):format(row.service), expr)
end

--- How full ROW of M.saturation is, 0 to 1, of SERVICE or of each.
function M.full(row, service)
  local used = row.used .. selector(row, service)
  local text
  if row.most then
    local most = row.most .. selector({ service = row.service, only = row.most_only }, service)
    text = row.each and largest(row, service, ("%s / (%s > 0)"):format(used, most))
           or ("%s(%s) / (%s(%s) > 0)"):format(sum(row, service), used, sum(row, service), most)
  elseif row.rest then
    local rest = row.rest .. selector({ service = row.service }, service)
    text = ("%s(%s) / ((%s(%s) + %s(%s)) > 0)"):format(sum(row, service), used, sum(row, service), used, sum(row, service), rest)
  else
    text = largest(row, service, used)
  end
  return row.scale and ("%s * %g"):format(text, row.scale) or text
end

--- The metric that counts the requests of CONVENTION.
M.count_of = count_of

return M
