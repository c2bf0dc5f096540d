--- silence_form.lua - a silence as JSON, read with distrust and shown.
--
-- It is the form of Alertmanager's API v2, and beside its fields there may be: matcherSets (lists of matchers, any of which may
-- match), untilResolved, receivers, recurring (fields of a window) or window (the name of one), remind ("15m").  A silence that is
-- changed keeps what is not named, or null, so tools that know only Alertmanager's fields spoil nothing; false takes it away.
local intake = require "moonwatch.api.alertmanager_intake"
local rules = require "moonwatch.route.silence_rules"

local M = {}

local TEXT = 4096 -- the longest matcher, comment or name

local FIELDS = { { "name", "string" }, { "value", "string" }, { "isRegex", "boolean" }, { "isEqual", "boolean" } }

-- What is of a wrong type is a bad request (400); what is not there cannot be worked with (422).
local function matcher(host, m)
  if type(m) ~= "table" then return nil, 400, "must be an object" end
  local out = {}
  for _, row in ipairs(FIELDS) do
    local name, kind = row[1], row[2]
    out[name] = intake.given(host, m[name])
    if out[name] ~= nil and type(out[name]) ~= kind then return nil, 400, name .. " must be a " .. kind end
  end
  if not out.name or not out.value or out.isRegex == nil then return nil, 422, "needs name, value and isRegex" end
  if #out.name > TEXT or #out.value > TEXT then return nil, 422, ("is longer than %d bytes"):format(TEXT) end
  out.isEqual = out.isEqual ~= false
  return out
end

local function list_of(host, list)
  list = intake.given(host, list)
  if list ~= nil and (type(list) ~= "table" or not intake.is_list(list)) then return nil, "matchers must be a list", 400 end
  if list == nil or #list == 0 then return nil, "matchers in body should have at least 1 items", 422 end
  local out = {}
  for i, m in ipairs(list) do
    local status, why
    out[i], status, why = matcher(host, m)
    if not out[i] then return nil, ("matcher %d %s"):format(i, why), status end
  end
  return out
end

-- The first list of matchers, and the others; nil, nil, message, status.
local function lists_of(host, s)
  local sets = intake.given(host, s.matcherSets)
  if sets == nil then
    local list, err, status = list_of(host, s.matchers)
    return list, s.matcherSets == nil and nil or false, err, status
  end
  if type(sets) ~= "table" or not intake.is_list(sets) or #sets == 0 then return nil, nil, "matcherSets must be a list of lists of matchers", 422 end
  local out = {}
  for i, list in ipairs(sets) do
    local err, status
    out[i], err, status = list_of(host, list)
    if not out[i] then return nil, nil, ("set %d: %s"):format(i, err), status end
  end
  local first = table.remove(out, 1)
  return first, #out > 0 and out or false
end

-- -- what Alertmanager does not have -------------------------------------------------

local RECURRING = { days = true, times = true, dates = true, months = true, years = true, zone = true }

local function short(v) return type(v) == "string" and #v <= TEXT end

local function texts(v)
  if type(v) ~= "table" or not intake.is_list(v) then return false end
  for _, text in ipairs(v) do
    if not short(text) then return false end
  end
  return true
end

local function recurring(v)
  if type(v) ~= "table" or next(v) == nil or #v > 0 then return nil end
  local some = false
  for name, value in pairs(v) do
    if not RECURRING[name] or not short(value) then return nil end
    some = some or name ~= "zone"
  end
  return some and v or nil
end

-- JSON name, our name, how it is read (nil: it is wrong), what it must be.
local OPTIONS = {
  { "annotations", "annotations", function(v, host)
    local out = intake.text_set(host, v)
    return out and (next(out) and out or false)
  end, "texts by name" },
  { "untilResolved", "until_resolved", function(v) if type(v) == "boolean" then return v end end, "true or false" },
  { "receivers", "receivers", function(v) if texts(v) then return #v > 0 and v or false end end, "a list of names of receivers" },
  { "recurring", "recurring", recurring, 'an object such as {"days": "mon-fri", "times": "02:00-04:00", "zone": "Europe/Lisbon"}' },
  { "window", "window", function(v) return short(v) and (v ~= "" and v or false) or nil end, "the name of a window" },
  { "remind", "remind", function(v, host)
    local seconds = host.duration(v)
    if seconds then return seconds > 0 and seconds or false end
  end, 'a duration such as "15m"' },
}

-- Reads the options of JSON S into OUT; a message when one is wrong.
local function read_options(host, s, out)
  for _, row in ipairs(OPTIONS) do
    local name, ours, read, says = row[1], row[2], row[3], row[4]
    if s[name] == false then
      out[ours] = false
    elseif intake.given(host, s[name]) ~= nil then
      out[ours] = read(s[name], host)
      if out[ours] == nil then return ("%s must be %s"):format(name, says) end
    end
  end
end

--- S (JSON, decoded) with the matchers and options read; nil, status, message.
function M.read_what(router, s)
  local host = router.host
  local list, others, err, status = lists_of(host, s)
  if not list then return nil, status, err end
  local id = intake.given(host, s.id)
  if id ~= nil and type(id) ~= "string" then return nil, 400, "id must be a text" end
  local out = { id = id ~= "" and id or nil, matchers = list, others = others }
  err = read_options(host, s, out)
  if err then return nil, 422, err end
  return out
end

function M.decode(router, body)
  local host = router.host
  if intake.is_blank(body) then return nil, 422, "silence in body is required" end
  local s, err = intake.decode(host, body)
  if s == nil then return nil, 400, "the body is not JSON: " .. tostring(err) end
  if s == host.json.null then return nil, 422, "silence in body is required" end
  -- An empty object cannot be told from an empty list once decoded.
  if type(s) ~= "table" or body:find "^%s*%[" then return nil, 400, "the body must be a silence" end
  return s
end

--- A body of Alertmanager's API → the silence; nil, status, message.
function M.read(router, body)
  local host = router.host
  local s, status, err = M.decode(router, body)
  if not s then return nil, status, err end
  local out
  out, status, err = M.read_what(router, s)
  if not out then return nil, status, err end
  out.starts_at, out.ends_at = intake.time(host, s.startsAt), intake.time(host, s.endsAt)
  if out.starts_at == false or out.ends_at == false then return nil, 400, "startsAt and endsAt must be RFC 3339 times" end
  if not out.starts_at or not out.ends_at then return nil, 422, "startsAt and endsAt in body are required, as RFC 3339 times" end
  for _, name in ipairs { "createdBy", "comment" } do
    local text = intake.given(host, s[name])
    if text == nil then return nil, 422, name .. " in body is required" end
    if type(text) ~= "string" then return nil, 400, name .. " must be a text" end
  end
  out.created_by, out.comment = s.createdBy, s.comment
  return out
end

-- -- showing ---------------------------------------------------------------------------

local function shown_list(host, list)
  local out = {}
  for i, m in ipairs(list) do
    out[i] = { name = m.name, value = m.value, isRegex = m.isRegex and true or false, isEqual = m.isEqual ~= false }
  end
  return host.json.array(out)
end

--- A silence as JSON shows it.
function M.shown(router, s, now)
  local host, silences = router.host, router.silences
  local out = { id = s.id, matchers = shown_list(host, s.matchers), startsAt = host.rfc3339(s.starts_at), endsAt = host.rfc3339(s.ends_at),
    updatedAt = host.rfc3339(s.updated_at), createdBy = s.created_by, comment = s.comment, annotations = s.annotations or {},
    status = { state = silences:shown_state(s, now) }, untilResolved = s.until_resolved, recurring = s.recurring, window = s.window,
    receivers = s.receivers and host.json.array(s.receivers) or nil, remind = s.remind and host.duration_text(s.remind) or nil, endedBy = s.ended_by }
  if s.others then
    local sets = {}
    for i, list in ipairs(rules.lists(s)) do sets[i] = shown_list(host, list) end
    out.matcherSets = host.json.array(sets)
  end
  if s.recurring or s.window then
    local at = silences:next_change(s, now)
    out.nextChange = at and host.rfc3339(at) or nil
  end
  return out
end

return M
