--- slo_corrections.lua - /api/mw/v1/slos/NAME/corrections: time that does not count, who said so and why.
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local slos = require "moonwatch.engine.rules.slos"

local M = {}

local BODY, TEXT, LONGEST = 16384, 500, 400 * 86400

local function bad(engine, why) return answer.problem(engine.host, 400, "bad_request", why) end

local function shown(host, e)
  return { id = e.id, from = host.rfc3339(e.from), to = host.rfc3339(e.to), reason = e.reason, author = e.author, made_at = host.rfc3339(e.made),
           window = e.window, taken_back_at = e.gone and host.rfc3339(e.gone) or nil, taken_back_by = e.gone_by }
end

--- Those of RUNNER, also those that were taken back.
function M.list(engine, runner)
  local out = engine.host.json.array {}
  for i, e in ipairs(engine.corrections:of(runner.rule.name, true)) do out[i] = shown(engine.host, e) end
  return out
end

function M.get(engine, _, _, runner) return answer.json(engine.host, 200, { corrections = M.list(engine, runner) }) end

-- A text of BODY that must be there, or nil, why.
local function text_of(body, name)
  local v = body[name]
  if type(v) ~= "string" or v:match "^%s*$" then return nil, ("%s: say it, as a text"):format(name) end
  if #v > TEXT then return nil, ("%s: at most %d bytes"):format(name, TEXT) end
  return v
end

local function stretch(host, body, now)
  local from = body.from ~= nil and answer.moment(host, body.from) or body.from == nil and now
  if not from then return nil, ("from: %q is not a time such as 2026-03-01T02:00:00Z"):format(tostring(body.from)) end
  local to
  if body["for"] then
    local seconds = host.duration(body["for"])
    if not seconds or seconds <= 0 then return nil, ("for: %q is not a duration"):format(tostring(body["for"])) end
    to = from + seconds
  else
    to = body.to and answer.moment(host, body.to)
    if not to then return nil, body.to and ("to: %q is not a time such as 2026-03-01T04:00:00Z"):format(tostring(body.to)) or "to: say until when, or for how long" end
  end
  if to <= from then return nil, "to must be after from" end
  if to - from > LONGEST then return nil, "more than 400 days at once is no maintenance" end
  return from, to
end

-- The entry that BODY asks for, or nil, why.
local function read(engine, runner, body, now, who)
  local from, to = stretch(engine.host, body, now)
  if not from then return nil, to end
  local reason, why = text_of(body, "reason")
  if not reason then return nil, why end
  if body.window ~= nil and not (type(body.window) == "string" and engine:window(body.window)) then
    return nil, ("window: there is no window %q"):format(tostring(body.window))
  end
  return { id = engine.host.random_hex(8), slo = runner.rule.name, from = from, to = to, reason = reason, author = who.name, made = now, window = body.window }
end

-- Whoever asks in REQ: nobody is not enough.
local function author(req, says)
  local who = audit.who(req, type(says) == "string" and says:sub(1, TEXT) or nil)
  return who.name ~= "unknown" and who or nil
end

function M.add(engine, req, now, runner)
  if not runner:counts() then return answer.problem(engine.host, 409, "no_events", "only a ratio is known of it: there are no events to leave out") end
  if #(req.body or "") > BODY then return bad(engine, ("the body is larger than %d bytes"):format(BODY)) end
  local body, why = engine.host.json.decode(req.body or "")
  if type(body) ~= "table" then return bad(engine, "the body must be a JSON object" .. (why and ": " .. tostring(why) or "")) end
  local who = author(req, body.author)
  if not who then return bad(engine, "author: say who says so") end
  local entry
  entry, why = read(engine, runner, body, now, who)
  if not entry then return bad(engine, why) end
  local ok
  ok, why = slos.correct(engine, entry)
  if not ok then return answer.problem(engine.host, 500, "not_written", "it is in force, but not on the disk: " .. why) end
  audit.note(engine.host, "slo.corrected", who, { slo = entry.slo, id = entry.id, from = engine.host.rfc3339(entry.from), to = engine.host.rfc3339(entry.to),
                                                  reason = entry.reason, window = entry.window })
  return answer.json(engine.host, 201, shown(engine.host, entry))
end

function M.remove(engine, req, now, runner, id)
  local entry = engine.corrections.by_id[id]
  if not entry or entry.slo ~= runner.rule.name then return answer.problem(engine.host, 404, "not_found", ("%s has no correction %q"):format(runner.rule.name, id)) end
  if entry.gone then return answer.problem(engine.host, 409, "gone", "it was taken back already") end
  local who = author(req, answer.param(req, "author"))
  if not who then return bad(engine, "author: say who says so") end
  local copy = {}
  for k, v in pairs(entry) do copy[k] = v end
  copy.gone, copy.gone_by = now, who.name
  slos.correct(engine, copy)
  audit.note(engine.host, "slo.correction-taken-back", who, { slo = entry.slo, id = entry.id, reason = entry.reason })
  return answer.json(engine.host, 200, shown(engine.host, entry))
end

return M
