--- marks.lua - /api/mw/v1/marks: what happened when, for every plot: deploys, experiments, notes.
--
--   POST   /api/mw/v1/marks       { kind=, time=, until=, service=, version=, text=, labels=, author= } -> the mark
--   GET    /api/mw/v1/marks       ?from=&to=&service=&kind=&limit= ; the last hour when nobody says
--   GET    /api/mw/v1/marks/ID    POST: { until=, text= } changes it; DELETE takes it away
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local mark_of = require "moonwatch.marks.mark"

local HOUR, MOST = 3600, 1000

local function bad(engine, why) return answer.problem(engine.host, 400, "bad_request", why) end

local function kept(engine, mark, why)
  if not mark then return answer.problem(engine.host, 503, "not_kept", why) end
  return answer.json(engine.host, 200, mark_of.shown(engine.host, mark))
end

local function add(engine, req, now)
  local host = engine.host
  local mark, why = mark_of.read(host, host.json.decode(req.body or ""), now)
  if not mark then return bad(engine, why) end
  local who = audit.who(req, mark.author)
  mark.author = who.name ~= "unknown" and who.name or nil
  return kept(engine, engine.marks:put(mark))
end

local function list(engine, req, now)
  local host, bounds = engine.host, { from = nil, to = now }
  for _, name in ipairs { "from", "to" } do
    local text = answer.param(req, name)
    if text and text ~= "" then
      bounds[name] = mark_of.moment(host, text)
      if not bounds[name] then return bad(engine, ("%s: %q is no time"):format(name, text)) end
    end
  end
  bounds.from = bounds.from or bounds.to - HOUR
  local limit = tonumber(answer.param(req, "limit") or MOST)
  if not limit or limit < 1 then return bad(engine, "limit: expected a number, 1 or more") end
  local found = host.json.array {}
  for i, mark in ipairs(engine.marks:find(bounds.from, bounds.to, { service = answer.param(req, "service"), kind = answer.param(req, "kind"),
                                                                     limit = math.min(limit, MOST) })) do
    found[i] = mark_of.shown(host, mark)
  end
  return answer.json(host, 200, { marks = found })
end

-- Its end, or its text, is known now.
local function change(engine, req, now, mark)
  local host = engine.host
  local given = host.json.decode(req.body or "")
  if type(given) ~= "table" then return bad(engine, "send an object as JSON") end
  for name in pairs(given) do
    if name ~= "until" and name ~= "text" then return bad(engine, ("%q cannot be changed, only until and text"):format(tostring(name))) end
  end
  local next_one, why = mark_of.read(host, { kind = mark.kind, time = mark.time, ["until"] = given["until"] == nil and mark.until_ or given["until"],
    service = mark.service, version = mark.version, text = given.text == nil and mark.text or given.text, labels = mark.labels, author = mark.author }, now)
  if not next_one then return bad(engine, why) end
  next_one.id = mark.id
  return kept(engine, engine.marks:put(next_one))
end

local ONE = {
  GET = function(engine, _, _, mark) return answer.json(engine.host, 200, mark_of.shown(engine.host, mark)) end,
  POST = change,
  DELETE = function(engine, _, _, mark) return kept(engine, engine.marks:remove(mark.id)) end,
}

return {
  ["/api/mw/v1/marks"] = function(engine, req, now)
    if req.method == "POST" then return add(engine, req, now) end
    if req.method == "GET" then return list(engine, req, now) end
    return answer.problem(engine.host, 405, "method", "GET or POST")
  end,
  ["/api/mw/v1/marks/*"] = function(engine, req, now, id)
    local mark = engine.marks:get(id)
    if not mark then return answer.problem(engine.host, 404, "not_found", ("there is no mark %q"):format(id)) end
    if not ONE[req.method] then return answer.problem(engine.host, 405, "method", "GET, POST or DELETE") end
    return ONE[req.method](engine, req, now, mark)
  end,
}
