--- http.lua - the check kind `http`.
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

return function(rule, run, done)
  local h, headers = rule.http, {}
  for name, value in pairs(h.headers) do headers[name] = measure.secret(run.host, value) end
  run.host.call("http", { url = h.url, method = h.method, headers = headers, body = h.body, timeout = rule.timeout,
                          follow = h.follow, tls = h.tls, max_body = MAX_BODY },
    function(answer) judge_http(h.expect, answer, run, done) end)
end
