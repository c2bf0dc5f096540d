--- silence_form.lua - a silence as JSON, read with distrust and shown.
--
-- It is the form of Alertmanager's API v2, and beside its fields there may be: matcherSets (lists of matchers, any of which may
-- match), untilResolved, receivers, recurring (fields of a window) or window (the name of one), remind ("15m").  A silence that is
-- changed keeps what is not named, so tools that know only Alertmanager's fields spoil nothing; null takes it away.
local intake = require "moonwatch.api.alertmanager_intake"
local rules = require "moonwatch.route.silence_rules"

local M = {}

local TEXT = 4096 -- the longest matcher, comment or name

local function matcher(host, m)
  if type(m) ~= "table" or type(m.name) ~= "string" or type(m.value) ~= "string" then return nil end
  local regex, equal = intake.given(host, m.isRegex), intake.given(host, m.isEqual)
  if type(regex) ~= "boolean" or equal ~= nil and type(equal) ~= "boolean" then return nil end
  if #m.name > TEXT or #m.value > TEXT then return nil end
  return { name = m.name, value = m.value, isRegex = regex, isEqual = equal ~= false }
end

local function list_of(host, list)
  if type(list) ~= "table" or not intake.is_list(list) or #list == 0 then return nil, "matchers in body should have at least 1 items" end
  local out = {}
  for i, m in ipairs(list) do
    out[i] = matcher(host, m)
    if not out[i] then return nil, ("matcher %d needs name, value and isRegex"):format(i) end
  end
  return out
end

-- The first list of matchers, and the others; nil, nil, message.
local function lists_of(host, s)
  local sets = intake.given(host, s.matcherSets)
  if sets == nil then
    local list, err = list_of(host, s.matchers)
    return list, s.matcherSets == nil and nil or false, err
  end
  if type(sets) ~= "table" or not intake.is_list(sets) or #sets == 0 then return nil, nil, "matcherSets must be a list of lists of matchers" end
  local out = {}
  for i, list in ipairs(sets) do
    local err
    out[i], err = list_of(host, list)
    if not out[i] then return nil, nil, ("set %d: %s"):format(i, err) end
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
    if s[name] == host.json.null then
      out[ours] = false
    elseif s[name] ~= nil then
      out[ours] = read(s[name], host)
      if out[ours] == nil then return ("%s must be %s"):format(name, says) end
    end
  end
end

--- S (JSON, decoded) with the matchers and options read; nil, status, message.
function M.read_what(router, s)
  local host = router.host
  local list, others, err = lists_of(host, s)
  if not list then return nil, 422, err end
  local out = { id = type(s.id) == "string" and s.id ~= "" and s.id or nil, matchers = list, others = others }
  err = read_options(host, s, out)
  if err then return nil, 422, err end
  return out
end

function M.decode(router, body)
  local s, err = router.host.json.decode(body or "")
  if s == nil then return nil, 400, "the body is not JSON: " .. tostring(err) end
  if type(s) ~= "table" or s == router.host.json.null then return nil, 400, "the body must be a silence" end
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
  if not out.starts_at or not out.ends_at then return nil, 422, "startsAt and endsAt in body are required, as RFC 3339 times" end
  for _, name in ipairs { "createdBy", "comment" } do
    if type(s[name]) ~= "string" then return nil, 422, name .. " in body is required" end
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
