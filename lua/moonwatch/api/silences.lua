--- silences.lua - /api/mw/v1/silences: silences with what they mute, made with a preview, prolonged.
local Alerts = require "moonwatch.route.alerts"
local audit = require "moonwatch.engine.router.audit"
local did_you_mean = require "moonwatch.did_you_mean"
local form = require "moonwatch.api.silence_form"
local intake = require "moonwatch.api.alertmanager_intake"
local keys_of = require "moonwatch.keys"
local preview = require "moonwatch.route.silence_preview"
local reply = require "moonwatch.api.router_reply"
local rules = require "moonwatch.route.silence_rules"
local silences = require "moonwatch.engine.router.silences"

local M = {}

local STATUS = { missing = 404, bad = 400, refused = 403, unanswered = 503 }
local CODES = { [400] = "bad_request", [403] = "refused", [404] = "not_found", [422] = "bad_request", [503] = "unavailable" }
local HOURS, MOST_HOURS = 24, 24 * 30
local UNTIL_RESOLVED = 86400 -- how long one that ends by itself may last when nobody says

local function no(host, status, message) return reply.problem(host, status, CODES[status] or "bad_request", message) end

local function firing(router, now)
  local out = {}
  for _, alert in pairs(router.alerts.by_fp) do
    if not Alerts.resolved(alert, now) then out[#out + 1] = alert end
  end
  table.sort(out, function(a, b) return a.fp < b.fp end)
  return out
end

-- -- reading -----------------------------------------------------------------------

-- Start and end of JSON S: times, or how long it is `for`.  nil, nil, message.
local function span(host, s, out, now)
  local starts, ends = intake.time(host, s.startsAt), intake.time(host, s.endsAt)
  if starts == false or ends == false then return nil, nil, "startsAt and endsAt must be RFC 3339 times" end
  starts = starts or now
  local long = intake.given(host, s["for"])
  if long ~= nil then
    local seconds = host.duration(long)
    if not seconds or seconds <= 0 then return nil, nil, ("for=%q is not a duration; write 30m or 2h"):format(tostring(long)) end
    return starts, math.max(starts, now) + seconds
  end
  if not ends and out.until_resolved then ends = math.max(starts, now) + UNTIL_RESOLVED end
  if not ends then return nil, nil, 'say how long: {"for": "2h"}, or endsAt' end
  return starts, ends
end

-- What is wrong with the NAMES of receivers: a silence for one that is not there would keep nobody quiet.
local function stranger(router, names)
  local known = {}
  for name in pairs(router.receivers) do known[name] = true end
  for key, target in pairs(router.targets) do known[key], known[target.receiver .. "/" .. target.kind] = true, true end
  for _, name in ipairs(names or {}) do
    if not known[name] then
      return ("there is no receiver %q%s"):format(name, did_you_mean(router.host, name, keys_of(known)))
    end
  end
end

-- A body → the silence; nil, the refusal.  BARE: only a preview, which needs no comment.
local function read(router, msg, now, bare)
  local host = router.host
  local s, status, err = form.decode(router, msg.body)
  if not s then return nil, no(host, status, err) end
  local out
  out, status, err = form.read_what(router, s)
  if not out then return nil, no(host, status, err) end
  err = stranger(router, out.receivers)
  if err then return nil, no(host, 400, err) end
  out.starts_at, out.ends_at, err = span(host, s, out, now)
  if not out.starts_at then return nil, no(host, 400, err) end
  local comment = type(s.comment) == "string" and s.comment or ""
  if comment == "" and not bare then return nil, no(host, 400, 'say why: {"comment": TEXT}') end
  local author = type(s.createdBy) == "string" and s.createdBy or ""
  out.comment, out.created_by = comment, author ~= "" and author or audit.who(msg).name
  return out
end

-- -- showing -----------------------------------------------------------------------

local function lists(host, found)
  if not found then return nil end
  for _, name in ipairs { "names", "examples" } do
    if found[name] then found[name] = host.json.array(found[name]) end
  end
  return found
end

-- S with what it mutes of ALERTS that fire: FOUND, or what is found among them.
local function shown(router, s, alerts, now, found)
  local out = form.shown(router, s, now)
  if alerts and now < s.ends_at then
    local counted = found and preview.counted(found, #alerts) or preview.count(router.silences.compiled[s.id].sets, alerts)
    out.mutes = lists(router.host, counted)
    out.mutes.examples = nil
  end
  return out
end

-- Silence id → those of ALERTS that it covers: the index is asked once for each alert, not each silence.
local function by_silence(router, alerts)
  local out = {}
  for _, alert in ipairs(alerts) do
    for _, entry in ipairs(router.silences.index:matching(alert.labels)) do
      local found = not entry.gone and (out[entry.id] or {})
      if found and found[#found] ~= alert then found[#found + 1], out[entry.id] = alert, found end
    end
  end
  return out
end

-- Is TEXT (in small letters) in what S says?
local function says(s, text)
  return table.concat({ s.id, rules.text(s), s.created_by, s.comment }, "\n"):lower():find(text, 1, true) ~= nil
end

-- Parameter NAME as a whole number that counts something, or nil.
local function number_of(msg, name)
  local n = tonumber(reply.param(msg, name) or "")
  return n and n >= 0 and n < 2 ^ 53 and math.floor(n) or nil
end

-- ?all=1 with those that ended; ?text= that stands in it; ?limit= and ?offset=, with `total` of how many.
local function list(router, msg, now)
  local host, all, text, wanted = router.host, reply.param(msg, "all"), (reply.param(msg, "text") or ""):lower(), {}
  all = all and all ~= "false" and all ~= "0"
  for _, s in ipairs(router.silences:list(now)) do
    if (all or now < s.ends_at) and (text == "" or says(s, text)) then wanted[#wanted + 1] = s end
  end
  local from, out = number_of(msg, "offset") or 0, {}
  local alerts = firing(router, now)
  local found = by_silence(router, alerts)
  for i = from + 1, math.min(#wanted, from + (number_of(msg, "limit") or #wanted)) do
    out[#out + 1] = shown(router, wanted[i], alerts, now, found[wanted[i].id] or {})
  end
  return reply.json(host, 200, { silences = host.json.array(out), total = #wanted })
end

local function one(router, _, now, id)
  local s = router.silences:get(id)
  if not s then return no(router.host, 404, "there is no silence with this id") end
  return reply.json(router.host, 200, shown(router, s, firing(router, now), now))
end

-- -- previews ----------------------------------------------------------------------

-- The alerts that somebody was told of since T, and those that are still known, each once.
local function of_history(router, t)
  local out, seen = {}, {}
  local function add(item)
    if not seen[item.fp] then seen[item.fp], out[#out + 1] = true, item end
  end
  local history = router.history
  for i = history.first, history.last do
    local entry = history.list[i]
    if entry.time >= t and not entry.test then
      for _, alert in ipairs(entry.alerts) do add(alert) end
    end
  end
  for _, alert in pairs(router.alerts.by_fp) do
    if (alert.ends_at or math.huge) >= t then add(alert) end
  end
  return out
end

-- The alert rules there are, as /api/v1/rules has them; DONE(list or nil).
local function ask_rules(host, done)
  host.ask("rules", { type = "http", method = "GET", path = "/api/v1/rules", query = { type = { "alert" } }, headers = {}, body = "" }, function(answer)
    local body = answer and answer.status == 200 and answer.body and host.json.decode(answer.body)
    local groups = type(body) == "table" and type(body.data) == "table" and body.data.groups or nil
    if not groups then return done(nil) end
    local out = {}
    for _, group in ipairs(groups) do
      for _, rule in ipairs(group.rules or {}) do
        if rule.type == "alerting" then out[#out + 1] = { name = rule.name, labels = rule.labels } end
      end
    end
    done(out)
  end)
end

local function try(router, msg, now)
  local host = router.host
  local s, refusal = read(router, msg, now, true)
  if not s then return refusal end
  local whole, compiled, why = router.silences:check(s, now)
  if not whole then return no(host, STATUS[compiled], why) end
  local hours = tonumber(reply.param(msg, "hours") or HOURS) or HOURS
  hours = math.max(0, math.min(MOST_HOURS, hours))
  local found = { now = preview.count(compiled.sets, firing(router, now)) }
  if hours > 0 then
    found.history = preview.count(compiled.sets, of_history(router, now - hours * 3600))
    found.history.hours, found.history.examples = hours, nil
  end
  return reply.wait(host, msg, function(done)
    ask_rules(host, function(there)
      found.rules = there and preview.rules(compiled.sets, there) or nil
      local warnings = preview.warnings(whole, found, host)
      done(reply.json(host, 200, { now = lists(host, found.now), history = lists(host, found.history), rules = lists(host, found.rules),
        warnings = host.json.array(warnings) }))
    end)
  end)
end

-- -- changing ----------------------------------------------------------------------

local function request(router, msg, s, now, who)
  return reply.wait(router.host, msg, function(done)
    silences.request(router, s, now, who, function(id, code, why)
      if not id then return done(no(router.host, STATUS[code] or 400, why)) end
      done(reply.json(router.host, 200, shown(router, router.silences:get(id), nil, now)))
    end)
  end)
end

local function add(router, msg, now)
  local s, refusal = read(router, msg, now)
  if not s then return refusal end
  return request(router, msg, s, now, audit.who(msg, s.created_by))
end

-- {"for": "2h"}: so much longer than it would be; one that is over begins anew.
local function extend(router, msg, now, id)
  local host = router.host
  local s = router.silences:get(id)
  if not s then return no(host, 404, "there is no silence with this id") end
  local v = host.json.decode(msg.body or "")
  local seconds = type(v) == "table" and host.duration(v["for"])
  if not seconds or seconds <= 0 then return no(host, 400, 'say how much longer: {"for": "2h"}') end
  local over = s.ends_at <= now
  local longer = { id = id, matchers = s.matchers, starts_at = over and now or s.starts_at, ends_at = (over and now or s.ends_at) + seconds,
    created_by = s.created_by, comment = s.comment }
  return request(router, msg, longer, now, audit.who(msg, v.createdBy))
end

local function remove(router, msg, now, id)
  local v = msg.body and msg.body ~= "" and router.host.json.decode(msg.body)
  local s = router:unsilence(id, now, audit.who(msg, type(v) == "table" and v.createdBy))
  if not s then return no(router.host, 404, "there is no silence with this id") end
  return reply.json(router.host, 200, { id = id })
end

local ROWS = {
  { "GET", "^/api/mw/v1/silences/?$", list },
  { "POST", "^/api/mw/v1/silences/?$", add },
  { "POST", "^/api/mw/v1/silences/preview$", try },
  { "POST", "^/api/mw/v1/silences/([^/]+)/extend$", extend },
  { "GET", "^/api/mw/v1/silences/([^/]+)$", one },
  { "DELETE", "^/api/mw/v1/silences/([^/]+)$", remove },
}

function M.answer(router, msg, now) return reply.ours(ROWS, router, msg, now) end

return M
