--- golden.lua - /api/mw/v1/golden: latency, traffic, errors and saturation of each service that there is.
--
--   GET /api/mw/v1/golden            ?window=5m: all services now
--   GET /api/mw/v1/golden/SERVICE    ?from=&to=&step= as well: one of them, and its signals over that time (the last hour)
local answer = require "moonwatch.api.answer"
local ask = require "moonwatch.engine.rules.ask"
local did_you_mean = require "moonwatch.did_you_mean"
local mark_of = require "moonwatch.marks.mark"
local signals = require "moonwatch.golden.signals"

local HOUR, POINTS, MOST, YEAR = 3600, 240, 400, 366 * 86400

local function bad(engine, why) return answer.problem(engine.host, 400, "bad_request", why) end

-- The window as text and in seconds, or nil, message.
local function window_of(engine, req)
  local text = answer.param(req, "window") or "5m"
  local seconds = engine.host.duration(text)
  if not seconds or seconds < 1 or not text:find "^[%d%a]+$" then return nil, ("window: %q is no duration such as 5m"):format(text) end
  if seconds > YEAR then return nil, ("window: %s is longer than a year"):format(text) end
  return ("%ds"):format(math.floor(seconds + 0.5)), seconds
end

local function shown(host, row)
  host.json.array(row.saturation.parts)
  answer.object(row.expressions)
  return row
end

local function all(engine, req, now)
  local window, seconds = window_of(engine, req)
  if not window then return bad(engine, seconds) end
  local host = engine.host
  return ask.answer(engine, req, now, function()
    local rows, why = signals.all(host, now, window, seconds)
    if not rows then return answer.problem(host, 422, "not_answered", why) end
    for _, row in ipairs(rows) do shown(host, row) end
    return answer.json(host, 200, { at = host.rfc3339(now), window = window, services = host.json.array(rows), warnings = host.json.array(why) })
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

local function none(host, service, names)
  return answer.problem(host, 404, "not_found", ("there is no service %q%s"):format(service, did_you_mean(host, service, names)))
end

local function one(engine, req, now, service)
  local window, seconds = window_of(engine, req)
  if not window then return bad(engine, seconds) end
  local span, why = times(engine, req, now)
  if not span then return bad(engine, why) end
  local host = engine.host
  return ask.answer(engine, req, now, function()
    local rows, wrong, names = signals.all(host, span.to, window, seconds, service)
    if not rows then return answer.problem(host, 422, "not_answered", wrong) end
    local row = rows[1]
    if not row then return none(host, service, names) end
    row.range, row.span = signals.range(host, row, span.from, span.to, span.step), span
    for _, list in pairs(row.range) do host.json.array(list) end
    row.warnings = host.json.array(wrong)
    return answer.json(host, 200, shown(host, row))
  end)
end

local function only_get(f)
  return function(engine, req, ...)
    if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET") end
    return f(engine, req, ...)
  end
end

return { ["/api/mw/v1/golden"] = only_get(all), ["/api/mw/v1/golden/**"] = only_get(one) }
