--- shop.lua - a small shop to watch: metrics at /metrics, logs and spans by OTLP, a webhook that prints.
-- An ordinary program; it knows nothing of moonwatch but the address where OTLP goes.
-- Usage: luajit shop.lua URL [PORT]
local json = require "dkjson"
local ltn12 = require "ltn12"
local socket = require "socket"
local http = require "socket.http"

local collector, port = arg[1] or "http://127.0.0.1:9490", tonumber(arg[2] or 9491)
http.TIMEOUT = 1
math.randomseed(os.time())

local requests, orders, revenue = {}, 0, 0
local buckets, counts, sum, total = { 0.01, 0.05, 0.1, 0.2, 0.5, 1 }, {}, 0, 0
local spans, records = {}, {}

-- -- what a customer does --------------------------------------------------------------------

local function id(bytes)
  return (("x"):rep(bytes):gsub("x", function() return ("%02x"):format(math.random(0, 255)) end))
end

local function nanoseconds(t) return ("%.0f000"):format(t * 1e6) end

local function attribute(key, value)
  if type(value) == "number" then return { key = key, value = { intValue = tostring(value) } } end
  return { key = key, value = { stringValue = value } }
end

local function span(trace, parent, name, kind, start, seconds, attributes, failed)
  local s = { traceId = trace, spanId = id(8), parentSpanId = parent, name = name, kind = kind,
    startTimeUnixNano = nanoseconds(start), endTimeUnixNano = nanoseconds(start + seconds), attributes = attributes,
    status = failed and { code = 2, message = failed } or nil }
  spans[#spans + 1] = s
  return s
end

local function say(trace, s, number, level, text, attributes)
  records[#records + 1] = { timeUnixNano = nanoseconds(socket.gettime()), severityNumber = number, severityText = level,
    body = { stringValue = text }, attributes = attributes, traceId = trace, spanId = s.spanId }
end

local function observe(seconds)
  sum, total = sum + seconds, total + 1
  for i, bound in ipairs(buckets) do
    if seconds <= bound then counts[i] = (counts[i] or 0) + 1 end
  end
end

local paths = { "/", "/", "/", "/cart", "/search", "/pay", "/pay" }

local function visit()
  local path, trace = paths[math.random(#paths)], id(16)
  local seconds = 0.005 + math.random() ^ 4 * 0.3
  local start = socket.gettime() - seconds
  local declined = path == "/pay" and math.random() < 0.35
  local code = declined and "500" or "200"
  local key = ('path="%s",code="%s"'):format(path, code)
  requests[key] = (requests[key] or 0) + 1
  observe(seconds)
  local root = span(trace, nil, "GET " .. path, 2, start, seconds,
    { attribute("http.request.method", "GET"), attribute("url.path", path), attribute("http.response.status_code", tonumber(code)) },
    declined and "payment declined" or nil)
  span(trace, root.spanId, "SELECT orders", 3, start + seconds * 0.2, seconds * 0.5, { attribute("db.system", "postgresql") })
  if declined then
    say(trace, root, 17, "ERROR", "payment declined by the bank", { attribute("path", path) })
  elseif path == "/pay" then
    orders, revenue = orders + 1, revenue + math.random(5, 90)
    say(trace, root, 9, "INFO", "order paid", { attribute("path", path) })
  end
end

-- -- what it tells ---------------------------------------------------------------------------

local function page()
  local out = { "# TYPE shop_requests_total counter" }
  for labels, n in pairs(requests) do out[#out + 1] = ("shop_requests_total{%s} %d"):format(labels, n) end
  out[#out + 1] = "# TYPE shop_request_seconds histogram"
  for i, bound in ipairs(buckets) do out[#out + 1] = ('shop_request_seconds_bucket{le="%s"} %d'):format(bound, counts[i] or 0) end
  out[#out + 1] = ('shop_request_seconds_bucket{le="+Inf"} %d\nshop_request_seconds_sum %.6f\nshop_request_seconds_count %d'):format(total, sum, total)
  out[#out + 1] = "# TYPE orders_created_total counter\norders_created_total " .. orders
  out[#out + 1] = "# TYPE revenue_generated_total counter\nrevenue_generated_total " .. revenue
  return table.concat(out, "\n") .. "\n"
end

-- True once the collector has taken it.
local function post(path, value)
  local body = json.encode(value)
  local ok, status = http.request { url = collector .. path, method = "POST", source = ltn12.source.string(body),
    headers = { ["content-type"] = "application/json", ["content-length"] = tostring(#body) } }
  if ok and status >= 400 then print(("shop: %s answered %s"):format(path, status)) end
  return ok and status == 200
end

-- Spans and records are kept while the collector is away, the newest 1,000 of each.
local function flush()
  local resource = { attributes = { attribute("service.name", "shop"), attribute("service.version", "1.0") } }
  if #spans > 0 and post("/v1/traces", { resourceSpans = { { resource = resource, scopeSpans = { { spans = spans } } } } }) then spans = {} end
  if #records > 0 and post("/v1/logs", { resourceLogs = { { resource = resource, scopeLogs = { { logRecords = records } } } } }) then records = {} end
  while #spans > 1000 do table.remove(spans, 1) end
  while #records > 1000 do table.remove(records, 1) end
end

-- -- its own small server --------------------------------------------------------------------

local function hook(body)
  local told = json.decode(body)
  if not told then return end
  for _, alert in ipairs(told.alerts or {}) do
    print(("shop: told that %s is %s: %s"):format(alert.labels.alertname, alert.status, alert.annotations.summary or ""))
  end
  io.stdout:flush()
end

local pages = {
  ["/metrics"] = function() return "text/plain; version=0.0.4", page() end,
  ["/health"] = function() return "application/json", '{"status":"healthy"}' end,
  ["/hook"] = function(body) hook(body) return "text/plain", "ok" end,
}

local function serve(client)
  client:settimeout(1)
  local line = client:receive "*l"
  local length = 0
  repeat
    local header = client:receive "*l"
    length = tonumber(header and header:lower():match "^content%-length:%s*(%d+)") or length
  until not header or header == ""
  local answer = line and pages[line:match "^%S+ ([^? ]+)" or ""]
  local body = length > 0 and client:receive(math.min(length, 1000000)) or ""
  local kind, text = "text/plain", "not here\n"
  if answer then kind, text = answer(body or "") end
  client:send(("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"):format(
    answer and "200 OK" or "404 Not Found", kind, #text, text))
  client:close()
end

local listener = assert(socket.bind("127.0.0.1", port))
listener:settimeout(0.05)
local next_visit, next_flush = 0, 0
while true do
  local client = listener:accept()
  if client then serve(client) end
  local now = socket.gettime()
  if now >= next_visit then
    for _ = 1, math.random(1, 5) do visit() end
    next_visit = now + 0.2
  end
  if now >= next_flush then
    flush()
    next_flush = now + 1
  end
end
