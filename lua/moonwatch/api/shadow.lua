--- shadow.lua - /api/mw/v1/shadow: shadows beside their live rules and how they differ; POST .../promote makes one live.
local answer = require "moonwatch.api.answer"
local promoted = require "moonwatch.engine.rules.promoted"
local shadow = require "moonwatch.engine.rules.shadow"
local state = require "moonwatch.alert.state"

local function place(rule) return rule and { file = rule.file, line = rule.line } or nil end

local function difference(host, d)
  return { what = d.what, labels = d.labels, since = host.rfc3339(d.since), till = d.till and host.rfc3339(d.till) or nil,
           value = d.value, live_value = d.live_value }
end

local function list_of(host, differences)
  local out = {}
  for _, d in pairs(differences) do out[#out + 1] = d end
  table.sort(out, function(a, b)
    if a.since ~= b.since then return a.since > b.since end
    return state.key(a.labels) < state.key(b.labels)
  end)
  for i, d in ipairs(out) do out[i] = difference(host, d) end
  return host.json.array(out)
end

local function row(engine, id, pair)
  local host, rule = engine.host, pair.shadow
  local on = engine.promoted[id] ~= nil
  local runner = engine.by_id[on and id or rule.id]
  local out = { id = id, word = rule.word, name = rule.name, shadow = place(rule), live = place(pair.live), promoted = on,
                health = runner and runner.health, last_error = runner and runner.last_error }
  local book = not on and runner and runner.book
  if not book then return out end
  out.since, out.compared, out.differing = book.since and host.rfc3339(book.since), book.compared, book.differing
  out.now, out.history = list_of(host, book.now), list_of(host, book.history)
  return out
end

local function list(engine)
  local out = engine.host.json.array {}
  for id, pair in pairs(engine.set and shadow.pairs_of(engine.set) or {}) do out[#out + 1] = row(engine, id, pair) end
  table.sort(out, function(a, b) return a.id < b.id end)
  return answer.json(engine.host, 200, { shadows = out })
end

local function promote(engine, req, now)
  local host = engine.host
  if req.method ~= "POST" then return answer.problem(host, 405, "method", "use POST here") end
  local body = host.json.decode(req.body or "")
  if type(body) ~= "table" or type(body.name) ~= "string" or (body.undo ~= nil and type(body.undo) ~= "boolean") then
    return answer.problem(host, 400, "bad_request", 'the body must be a JSON object {"name": "Name or id", "undo": false}')
  end
  local result, why = promoted.set(engine, body.name, body.undo, now)
  if not result then return answer.problem(host, 404, "not_found", why) end
  return answer.json(host, 200, result)
end

return { ["/api/mw/v1/shadow"] = list, ["/api/mw/v1/shadow/promote"] = promote }
