--- cluster.lua - /api/mw/v1/nodes and /api/mw/v1/bundles: who is there, and which rules everybody runs.
local audit = require "moonwatch.audit"
local answer = require "moonwatch.api.answer"

local function refuse(host, failure)
  return answer.problem(host, 503, "cluster", failure)
end

-- Ask the cluster and answer REQ later with what SHAPE makes of it.
local function ask(engine, req, op, arg, shape)
  local host = engine.host
  host.call(op, arg, function(found)
    req.reply(found.error and refuse(host, found.error) or answer.json(host, 200, shape(found)))
  end)
  return host.later
end

local function only(host, req, ...)
  for _, method in ipairs { ... } do
    if req.method == method then return nil end
  end
  return answer.problem(host, 405, "method", ("use %s here"):format(table.concat({ ... }, " or ")))
end

local function body_of(host, req)
  local body = host.json.decode(req.body or "")
  if type(body) == "table" then return body end
  return nil, answer.problem(host, 400, "bad_request", "the body must be a JSON object")
end

-- -- nodes -----------------------------------------------------------------

local function node_list(engine, found)
  local out = engine.host.json.array {}
  for _, node in ipairs(found.nodes or {}) do
    node.bundle = engine.bundles and engine.bundles:status(node.name) or nil
    out[#out + 1] = node
  end
  return out
end

local function nodes(engine, req)
  return only(engine.host, req, "GET") or ask(engine, req, "cluster.nodes", {}, function(found)
    return { enabled = found.enabled, connected = found.connected, self = found.self, away = found.away,
             nodes = node_list(engine, found), leases = answer.object(found.leases) }
  end)
end

-- -- bundles ---------------------------------------------------------------

local function versions(engine, req)
  return ask(engine, req, "cluster.versions", {}, function(found)
    return { versions = engine.host.json.array(found.versions or {}), current = found.current }
  end)
end

local function files_of(body)
  if type(body.files) ~= "table" then return nil, "files must be an object: path -> text" end
  local any = false
  for path, text in pairs(body.files) do
    if type(path) ~= "string" or type(text) ~= "string" then return nil, "files must be an object: path -> text" end
    any = true
  end
  return any and body.files or nil, "there are no files in it"
end

local function problems_of(engine, files)
  local out = engine.host.json.array {}
  for _, p in ipairs(engine.check_bundle and engine.check_bundle(files) or {}) do
    out[#out + 1] = type(p) == "table" and p.text or tostring(p)
  end
  return out
end

-- A bundle that this node could not load never reaches the others.
local function push(engine, req)
  local host = engine.host
  local body, bad = body_of(host, req)
  if not body then return bad end
  local files, why = files_of(body)
  if not files then return answer.problem(host, 400, "bad_request", why) end
  local problems = problems_of(engine, files)
  if #problems > 0 then
    return answer.json(host, 422, {
      error = { code = "bad_rules", message = ("%d problems; nothing was pushed"):format(#problems) },
      problems = problems,
    })
  end
  local author, comment = tostring(body.author or ""), tostring(body.comment or "")
  local arg = { files = files, author = author, comment = comment }
  return ask(engine, req, "cluster.push", arg, function(found)
    audit.note(host, "bundle.pushed", audit.who(req, author), { version = found.version, sha256 = found.sha, comment = comment })
    return { version = found.version, sha = found.sha }
  end)
end

local function bundles(engine, req)
  return only(engine.host, req, "GET", "POST") or (req.method == "GET" and versions or push)(engine, req)
end

local function rollback(engine, req)
  local host = engine.host
  local refused = only(host, req, "POST")
  if refused then return refused end
  local body, bad = body_of(host, req)
  if not body then return bad end
  local version = tonumber(body.version)
  if not version then return answer.problem(host, 400, "bad_request", "version must be a number") end
  local arg = { version = version, author = tostring(body.author or "") }
  return ask(engine, req, "cluster.rollback", arg, function(found)
    audit.note(host, "bundle.rolled-back", audit.who(req, arg.author), { to = version, version = found.version, sha256 = found.sha })
    return { version = found.version, sha = found.sha }
  end)
end

return {
  ["/api/mw/v1/nodes"] = nodes,
  ["/api/mw/v1/bundles"] = bundles,
  ["/api/mw/v1/bundles/rollback"] = rollback,
}
