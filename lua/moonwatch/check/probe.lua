--- probe.lua - the kinds of checks: how each asks, and what it takes for an answer.
--
-- ask(rule, run, done): done{ good=, degraded=, message=, seconds=, details={} } comes once, at once or later.
-- run = { host=, guest=function(fn, args, ctx, done), now=, state=, name= }.
local M = {}

local function secret(host, v)
  if type(v) ~= "table" then return v end
  return host.secret(v["@secret"])
end

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

-- -- http ------------------------------------------------------------------

local function judge_json(expect, answer, result, run, done)
  local document, why = run.host.json.decode(answer.body or "")
  if document == nil then
    result.good, result.message = false, "the body is not JSON: " .. tostring(why)
    return done(result)
  end
  run.guest(expect.json, { document }, { kind = "check", now = run.now, state = run.state, rule = run.name }, function(r)
    local values = r.values or {}
    if not r.ok then result.good, result.message, result.traceback, result.failure = false, r.error, r.traceback, r
    elseif not values[1] then result.good, result.message = false, tostring(values[2] or "the document is not as expected") end
    done(result)
  end)
end

local function judge_http(expect, answer, run, done)
  local result = { good = true, seconds = answer.seconds, message = "ok", details = { status = answer.status } }
  if answer.error then
    result.good, result.message = false, answer.error
  elseif not in_ranges(answer.status, expect.status) then
    result.good, result.message = false, ("status %d, expected %s"):format(answer.status, told(expect.status))
  elseif expect.body and not (answer.body or ""):find(expect.body, 1, true) then
    result.good, result.message = false, ("the body does not contain %q"):format(expect.body)
  elseif expect.json then
    return judge_json(expect, answer, result, run, done)
  end
  done(result)
end

local MAX_BODY = 1048576

local function http(rule, run, done)
  local h, headers = rule.http, {}
  for name, value in pairs(h.headers) do headers[name] = secret(run.host, value) end
  run.host.call("http", { url = h.url, method = h.method, headers = headers, body = h.body, timeout = rule.timeout,
                          follow = h.follow, tls = h.tls, max_body = MAX_BODY },
    function(answer) judge_http(h.expect, answer, run, done) end)
end

-- -- tcp, redis, postgres --------------------------------------------------

local function simple(answer, details, done)
  done { good = not answer.error, message = answer.error or "ok", seconds = answer.seconds, details = details }
end

local function tcp(rule, run, done)
  local host, port = rule.tcp.address:match "^%[?(.-)%]?:(%d+)$"
  run.host.call("tcp", { host = host, port = tonumber(port), timeout = rule.timeout, send = rule.tcp.send, expect = rule.tcp.expect },
    function(answer) simple(answer, {}, done) end)
end

local function redis(rule, run, done)
  local url = secret(run.host, rule.redis)
  if not url then return simple({ error = "the secret is not set" }, {}, done) end
  run.host.call("redis", { url = url, timeout = rule.timeout }, function(answer) simple(answer, {}, done) end)
end

local POOL = { "max_open", "open", "in_use", "idle" }

local function postgres(rule, run, done)
  local dsn = secret(run.host, rule.postgres)
  if not dsn then return simple({ error = "the secret is not set" }, {}, done) end
  run.host.call("postgres", { dsn = dsn, timeout = rule.timeout }, function(answer)
    local details = {}
    for _, name in ipairs(POOL) do details[name] = answer[name] end
    simple(answer, details, done)
  end)
end

-- -- function --------------------------------------------------------------

local WORDS = { healthy = "good", degraded = "degraded", unhealthy = "bad" }

local function judge_function(r)
  if not r.ok then return { good = false, message = r.error, traceback = r.traceback, failure = r, seconds = r.seconds, details = {} } end
  local values = r.values or {}
  local verdict = WORDS[values[1]] or (values[1] and values[1] ~= "" and "good") or "bad"
  if type(values[1]) == "string" and not WORDS[values[1]] then
    verdict, values[2] = "bad", ("answered %q; expected true, false, \"healthy\", \"degraded\" or \"unhealthy\""):format(values[1])
  end
  local message = values[2] ~= nil and tostring(values[2]) or nil
  if not message then
    message = verdict == "bad" and (values[1] == nil and "the function answered nothing" or "not well") or "ok"
  end
  return { good = verdict ~= "bad", degraded = verdict == "degraded", message = message, seconds = r.seconds,
           details = type(values[3]) == "table" and values[3] or {} }
end

local function run_function(rule, run, done)
  run.guest(rule.run, {}, { kind = "check", now = run.now, state = run.state, rule = run.name }, function(r)
    if r.ok and r.state then run.state_was(r.state) end
    done(judge_function(r))
  end)
end

M.kinds = { http = http, tcp = tcp, redis = redis, postgres = postgres, run = run_function }

--- The kind of RULE: "http", "tcp", ...
function M.kind(rule)
  for name in pairs(M.kinds) do
    if rule[name] ~= nil then return name end
  end
end

return M
