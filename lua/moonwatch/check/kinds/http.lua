--- http.lua - the check kind `http`: a request, the time of each of its phases, and what its answer must be like.
local calendar = require "moonwatch.route.calendar"
local json_path = require "moonwatch.check.json_path"
local keys_of = require "moonwatch.keys"
local measure = require "moonwatch.check.measure"

local function in_ranges(status, ranges)
  for _, r in ipairs(ranges) do
    if status >= r[1] and status <= r[2] then return true end
  end
  return false
end

local function told(ranges)
  local out = {}
  for i, r in ipairs(ranges) do out[i] = r[1] == r[2] and tostring(r[1]) or r[1] .. "-" .. r[2] end
  return table.concat(out, ", ")
end

-- -- assertions ------------------------------------------------------------

-- Each says what is wrong with ANSWER, or nothing.
local function wrong_body(expect, answer, run)
  local body = answer.body or ""
  for _, text in ipairs(expect.body or {}) do
    if not body:find(text, 1, true) then return ("the body does not contain %q"):format(text) end
  end
  for _, text in ipairs(expect.body_not or {}) do
    if body:find(text, 1, true) then return ("the body contains %q"):format(text) end
  end
  local function matches(pattern) return run.host.regex(pattern, "search"):match(body) end
  if expect.body_matches and not matches(expect.body_matches) then return ("the body does not match %q"):format(expect.body_matches) end
  if expect.body_matches_not and matches(expect.body_matches_not) then return ("the body matches %q"):format(expect.body_matches_not) end
end

local function wrong_headers(expect, answer, run)
  for _, name in ipairs(keys_of(expect.headers or {})) do
    local value, pattern = (answer.headers or {})[name:lower()], expect.headers[name]
    if not value then return ("there is no header %s"):format(name) end
    if not run.host.regex(pattern, "search"):match(value) then return ("header %s is %q, which does not match %q"):format(name, value, pattern) end
  end
  for _, name in ipairs(expect.headers_not or {}) do
    if (answer.headers or {})[name:lower()] then return ("there is a header %s"):format(name) end
  end
end

local function wrong_paths(expect, document, run)
  for _, path in ipairs(keys_of(expect)) do
    local wrong = json_path.judge(document, path, expect[path], run.host)
    if wrong then return wrong end
  end
end

local MAX_VALUES = 200000 -- of a document

local function judge_json(expect, answer, result, run, done)
  local document, why = run.host.json.decode(answer.body or "", MAX_VALUES)
  if document == nil then
    measure.fail(result, "the body is not JSON: " .. tostring(why))
    return done(result)
  end
  if not expect["@fn"] then
    local wrong = wrong_paths(expect, document, run)
    if wrong then measure.fail(result, wrong) end
    return done(result)
  end
  run.guest(expect, { document }, { kind = "check", now = run.now, state = run.state, rule = run.name }, function(r)
    local values = r.values or {}
    if not r.ok then
      measure.fail(result, r.error)
      result.traceback, result.failure = r.traceback, r
    elseif not values[1] then
      measure.fail(result, tostring(values[2] or "the document is not as expected"))
    end
    done(result)
  end)
end

-- -- figures ---------------------------------------------------------------

local function figures(result, h, answer)
  local secure = answer.tls ~= nil
  measure.network(result, answer)
  measure.phases(result, "probe_http_duration_seconds", {
    { "resolve", answer.resolve }, { "connect", answer.connect }, { "tls", answer.handshake or (answer.processing and 0) },
    { "processing", answer.processing }, { "transfer", answer.transfer } })
  measure.add(result, "probe_http_status_code", answer.status or 0)
  measure.add(result, "probe_http_ssl", secure and not answer.error)
  measure.add(result, "probe_http_redirects", answer.redirects)
  if not answer.status then return end
  measure.add(result, "probe_http_version", (answer.version or 11) / 10)
  measure.add(result, "probe_http_content_length", answer.content_length or -1)
  measure.add(result, "probe_http_uncompressed_body_length", #(answer.body or ""))
  local modified = answer.headers and answer.headers["last-modified"]
  measure.add(result, "probe_http_last_modified_timestamp_seconds", modified and calendar.http_date(modified))
  result.details.status, result.details.bytes = answer.status, #(answer.body or "")
  if h.follow then result.details.redirects = answer.redirects end
end

local function judge(rule, answer, run, done)
  local h = rule.http
  local result, expect = measure.result(answer), h.expect
  figures(result, h, answer)
  measure.tls(result, h, run, answer.tls)
  if answer.error then return done(result) end
  if not in_ranges(answer.status, expect.status) then
    measure.fail(result, "status %d, expected %s", answer.status, told(expect.status))
  end
  local text = wrong_headers(expect, answer, run) or wrong_body(expect, answer, run)
  local patterns = expect.body_matches or expect.body_matches_not or expect.headers
  if patterns then measure.add(result, "probe_failed_due_to_regex", text ~= nil and text:find "match" ~= nil) end
  if text then measure.fail(result, "%s", text) end
  if expect.json and result.good then return judge_json(expect.json, answer, result, run, done) end
  done(result)
end

-- -- the request -----------------------------------------------------------

local function headers_of(h, host)
  local headers = {}
  for name, value in pairs(h.headers) do headers[name] = measure.secret(host, value) end
  if not h.auth then return headers end
  if h.auth.bearer then
    local token = measure.secret(host, h.auth.bearer)
    headers.Authorization = token and "Bearer " .. token
    return token and headers
  end
  local password = measure.secret(host, h.auth.password) or ""
  headers.Authorization = "Basic " .. host.base64((h.auth.user or "") .. ":" .. password)
  return headers
end

return function(rule, run, done)
  local h = rule.http
  local headers = headers_of(h, run.host)
  if not headers then return done(measure.result { error = "the secret of auth.bearer is not set" }) end
  run.host.call("http", { url = h.url, method = h.method, headers = headers, body = h.body, timeout = rule.timeout, follow = h.follow,
                          redirects = h.redirects, ip = h.ip, tls = h.tls, max_body = h.max_body, measure = true },
    function(answer) judge(rule, answer, run, done) end)
end
