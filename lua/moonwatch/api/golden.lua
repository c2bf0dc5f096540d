--- golden.lua - /api/mw/v1/golden: latency, traffic, errors and saturation of each service that there is.
--
--   GET /api/mw/v1/golden            ?window=5m: all services now
--   GET /api/mw/v1/golden/SERVICE    ?from=&to=&step= as well: one of them, and its signals over that time (the last hour)
local answer = require "moonwatch.api.answer"
local ask = require "moonwatch.engine.rules_ask"
local mark_of = require "moonwatch.marks.mark"
local signals = require "moonwatch.golden.signals"

local HOUR, POINTS, MOST = 3600, 240, 400

local function bad(engine, why) return answer.problem(engine.host, 400, "bad_request", why) end

-- The window as text and in seconds, or nil, message.
local function window_of(engine, req)
  local text = answer.param(req, "window") or "5m"
  local seconds = engine.host.duration(text)
  if not seconds or seconds < 1 or not text:find "^[%d%a]+$" then return nil, ("window: %q is no duration such as 5m"):format(text) end
  return ("%ds"):format(math.floor(seconds + 0.5)), seconds
end

local function shown(host, row)
  host.json.array(row.saturation.parts)
  answer.object(row.expressions)
  return row
end

-- F() gives { status=, value= }; the answer to REQ, at once or later.
local function answered(engine, req, now, f)
  local host, at_once = engine.host, nil
  local later = false
  local function reply(value, why)
    local a = value and answer.json(host, 200, value) or answer.problem(host, 422, "not_answered", tostring(why))
    if value and value.error then a = answer.problem(host, value.status, value.error, value.message) end
    if later then req.reply(a) else at_once = a end
  end
  if ask.run(engine, now, f, reply) then return at_once end
  later = true
  return host.later
end

local function all(engine, req, now)
  local window, seconds = window_of(engine, req)
  if not window then return bad(engine, seconds) end
  local host = engine.host
  return answered(engine, req, now, function()
    local rows, why = signals.all(host, now, window, seconds)
    if not rows then return { error = "not_answered", status = 422, message = why } end
    for _, row in ipairs(rows) do shown(host, row) end
    return { at = host.rfc3339(now), window = window, services = host.json.array(rows), warnings = host.json.array(why) }
  end)
end

-- from, to and step, or nil, message.
local function times(engine, req, now)
  local out = { from = nil, to = now }
  for _, name in ipairs { "from", "to" } do
    local text = answer.param(req, name)
    if text then
      out[name] = mark_of.moment(engine.host, text)
      if not out[name] then return nil, ("%s: %q is no time"):format(name, text) end
    end
  end
  out.from = out.from or out.to - HOUR
  if out.from >= out.to then return nil, "from must be before to" end
  local step = answer.param(req, "step") or math.max(1, math.floor((out.to - out.from) / POINTS))
  out.step = engine.host.duration(tonumber(step) or step)
  if not out.step or out.step <= 0 then return nil, ("step: %q is no duration"):format(tostring(step)) end
  if (out.to - out.from) / out.step > MOST then return nil, ("step: that would be more than %d points"):format(MOST) end
  return out
end

local function none(host, service, rows)
  local names = {}
  for i, row in ipairs(rows) do names[i] = row.service end
  local near = host.nearest(service, names)
  return { error = "not_found", status = 404, message = ("there is no service %q%s"):format(service, near and (" (did you mean %q?)"):format(near) or "") }
end

local function one(engine, req, now, service)
  local window, seconds = window_of(engine, req)
  if not window then return bad(engine, seconds) end
  local span, why = times(engine, req, now)
  if not span then return bad(engine, why) end
  local host = engine.host
  return answered(engine, req, now, function()
    local rows, wrong = signals.all(host, span.to, window, seconds)
    if not rows then return { error = "not_answered", status = 422, message = wrong } end
    for _, row in ipairs(rows) do
      if row.service == service then
        row.range = signals.range(host, row, span.from, span.to, span.step)
        for _, list in pairs(row.range) do host.json.array(list) end
        row.span = span
        return shown(host, row)
      end
    end
    return none(host, service, rows)
  end)
end

local function only_get(f)
  return function(engine, req, ...)
    if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET") end
    return f(engine, req, ...)
  end
end

return { ["/api/mw/v1/golden"] = only_get(all), ["/api/mw/v1/golden/**"] = only_get(one) }
