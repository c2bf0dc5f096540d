--- incidents.lua - /api/mw/v1/incidents: what people say of outages; it is shown on the status page.
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local settings = require "moonwatch.status.settings"
local rules_of = require "moonwatch.api.rules_of"

local function problem(engine, status, code, message) return answer.problem(engine.host, status, code, message) end

local function shown(host, incident)
  local out, list = {}, host.json.array {}
  for name, value in pairs(incident) do out[name] = value end
  for i, u in ipairs(incident.updates) do list[i] = { at = host.rfc3339(u.at), author = u.author, status = u.status, text = u.text } end
  out.updates, out.checks, out.automatic = list, host.json.array(incident.checks), incident.automatic or false
  for _, name in ipairs { "opened_at", "closed_at", "changed_at" } do out[name] = incident[name] and host.rfc3339(incident[name]) end
  return out
end

-- The first name in LIST that no check has, as a text.
local function unknown(engine, list)
  for _, name in ipairs(type(list) == "table" and list or {}) do
    if not engine.by_id["check/" .. tostring(name)] then
      return ("there is no check %q%s"):format(tostring(name), rules_of.near(engine, "check", name))
    end
  end
end

-- What the body says and by whom: whoever signed in at a proxy, or who they say they are; nil, an answer.
local function read(engine, req)
  local said = answer.said(engine.host, req)
  if not said then return nil, problem(engine, 400, "bad_request", "the body is no JSON object") end
  local why = unknown(engine, said.checks)
  if why then return nil, problem(engine, 400, "bad_request", why) end
  local who = audit.who(req, said.author)
  said.author = who.name:sub(1, 100)
  return said, who
end

local NO_PAGE = "there is no status page (settings { status_page = ... }), so nobody is shown this"

-- Whatever was said is on the disk before it is answered, and in the audit chain as WHAT.  When the disk refuses, which may be the
-- outage itself, people are told of it all the same, and whoever wrote that it would not survive a restart.
local function done(engine, status, what, who, incident, why)
  if not incident then return problem(engine, 400, "bad_request", why) end
  audit.note(engine.host, what, who, { id = incident.id, title = incident.title, status = incident.status })
  local stored, why_not = true, nil
  if engine.save_now then stored, why_not = engine.save_now() end
  local row = shown(engine.host, incident)
  if not settings.of(engine) then row.warning = NO_PAGE end
  if not stored then row.warning = "this is shown, but it is not on the disk: " .. tostring(why_not) end
  return answer.json(engine.host, status, row)
end

-- -- all of them -----------------------------------------------------------

local function list(engine, req)
  local out, open = engine.host.json.array {}, answer.param(req, "open") == "true"
  for _, incident in ipairs(engine.incidents:list()) do
    if not (open and incident.closed_at) then out[#out + 1] = shown(engine.host, incident) end
  end
  return answer.json(engine.host, 200, { incidents = out })
end

local function all(engine, req, now)
  if req.method ~= "POST" then return list(engine, req) end
  local said, who = read(engine, req)
  if not said then return who end
  return done(engine, 201, "incident.opened", who, engine.incidents:open(said, now))
end

-- -- one -------------------------------------------------------------------

local does = {}

function does.GET(engine, _, _, incident) return answer.json(engine.host, 200, shown(engine.host, incident)) end

function does.POST(engine, req, now, incident)
  local said, who = read(engine, req)
  if not said then return who end
  return done(engine, 200, "incident.updated", who, engine.incidents:update(incident, said, now))
end

function does.DELETE(engine, req, _, incident)
  engine.incidents:remove(incident)
  audit.note(engine.host, "incident.removed", audit.who(req), { id = incident.id, title = incident.title })
  if engine.save_now then engine.save_now() end
  return { status = 204, headers = {}, body = "" }
end

local function one(engine, req, now, id)
  local incident = engine.incidents:get(id)
  if not incident then return problem(engine, 404, "not_found", ("there is no incident %q"):format(id)) end
  return (does[req.method] or does.POST)(engine, req, now, incident)
end

local function close(engine, req, now, id)
  local incident = engine.incidents:get(id)
  if not incident then return problem(engine, 404, "not_found", ("there is no incident %q"):format(id)) end
  if req.method ~= "POST" and req.method ~= "PUT" then return problem(engine, 405, "method", "POST closes it") end
  local said, who = read(engine, req)
  if not said then return who end
  return done(engine, 200, "incident.closed", who, engine.incidents:close(incident, said, now))
end

return { ["/api/mw/v1/incidents"] = all, ["/api/mw/v1/incidents/*"] = one, ["/api/mw/v1/incidents/*/close"] = close }
