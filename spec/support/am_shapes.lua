--- am_shapes.lua - what answers of Alertmanager's API v2 look like, as its description says: fields, types, what must be there.
--
-- A shape is a function: of a decoded value and where it stands it gives nil, or what is wrong.  Objects have no fields but those
-- that are named; `newer` ones only a server may show that speaks a later version than 0.25.
local M = {}

local function kind(v)
  if type(v) ~= "table" then return type(v) end
  local mark = getmetatable(v) and getmetatable(v).__jsontype
  return mark or (#v > 0 and "array" or "object")
end

local function wrong(at, expected, v) return ("%s: expected %s, is a %s: %s"):format(at, expected, kind(v), tostring(v)) end

-- -- plain values ------------------------------------------------------------------

local FORMATS = {
  time = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*[Z+-][%d:]*$",
  uuid = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$",
  fingerprint = "^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$",
  uri = "^%S*$",
}

local function text(format)
  return function(v, at)
    if type(v) ~= "string" then return wrong(at, "a text", v) end
    if format and not v:find(FORMATS[format]) then return ("%s: no %s: %q"):format(at, format, v) end
  end
end

local function one_of(...)
  local known = {}
  for _, word in ipairs { ... } do known[word] = true end
  return function(v, at)
    if not known[v] then return ("%s: %s is none of those there are"):format(at, tostring(v)) end
  end
end

local function of(name)
  return function(v, at)
    if type(v) ~= name then return wrong(at, "a " .. name, v) end
  end
end

-- -- what has parts ----------------------------------------------------------------------

local function list(shape, least)
  return function(v, at, newer)
    if kind(v) ~= "array" then return wrong(at, "a list", v) end
    if #v < (least or 0) then return ("%s: needs %d"):format(at, least) end
    for i, item in ipairs(v) do
      local why = shape(item, ("%s[%d]"):format(at, i), newer)
      if why then return why end
    end
  end
end

local function texts_by_name(v, at)
  if kind(v) ~= "object" then return wrong(at, "an object", v) end
  for name, value in pairs(v) do
    if type(name) ~= "string" or type(value) ~= "string" then return wrong(at .. "." .. tostring(name), "a text", value) end
  end
end

local function object(needed, optional, newer_only)
  return function(v, at, newer)
    if kind(v) ~= "object" then return wrong(at, "an object", v) end
    for name in pairs(needed) do
      if v[name] == nil then return ("%s: no %s"):format(at, name) end
    end
    for name, value in pairs(v) do
      local shape = needed[name] or optional and optional[name] or newer and newer_only and newer_only[name]
      if not shape then return ("%s: %s is not known"):format(at, tostring(name)) end
      local why = shape(value, at .. "." .. name, newer)
      if why then return why end
    end
  end
end

-- -- the nouns ----------------------------------------------------------------------------

local matcher = object({ name = text(), value = text(), isRegex = of "boolean" }, { isEqual = of "boolean" })
local silence = object({ id = text "uuid", status = object { state = one_of("expired", "active", "pending") }, updatedAt = text "time", matchers = list(matcher, 1),
  startsAt = text "time", endsAt = text "time", createdBy = text(), comment = text() }, nil,
  { annotations = texts_by_name, matcherSets = list(object { matchers = list(matcher, 1) }), endedBy = of "table" })
local receiver = object({ name = text() }, nil, { labels = texts_by_name })
local alert = object({ labels = texts_by_name, annotations = texts_by_name, receivers = list(receiver), fingerprint = text "fingerprint",
  startsAt = text "time", updatedAt = text "time", endsAt = text "time",
  status = object({ state = one_of("unprocessed", "active", "suppressed"), silencedBy = list(text "uuid"), inhibitedBy = list(text "fingerprint") },
    nil, { mutedBy = list(text()) }) }, { generatorURL = text "uri" })

M.alerts = list(alert)
M.groups = list(object({ labels = texts_by_name, receiver = receiver, alerts = list(alert, 1) }, nil,
  { routeID = text(), annotations = texts_by_name, routeLabels = texts_by_name }))
M.receivers = list(receiver)
M.silences = list(silence)
M.silence = silence
M.made = object { silenceID = text "uuid" }
M.status = object { uptime = text "time", config = object { original = text() },
  cluster = object({ status = one_of("ready", "settling", "disabled") }, { name = text(), peers = list(object { name = text(), address = text() }) }),
  versionInfo = object { version = text(), revision = text(), branch = text(), buildUser = text(), buildDate = text(), goVersion = text() } }

-- Refusals: why, as a text; of a form that the description does not allow, with a number.
M.reason = text()
M.misshapen = object { code = of "number", message = text() }

return M
