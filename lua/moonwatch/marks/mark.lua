--- mark.lua - one mark: a moment, or a stretch of time, that matters to whoever looks at a plot.
--
--   { id=, kind= ("deploy", "experiment", "canary", "note", ...), time=, until_= (nil: a moment), service=, version=, text=,
--     labels={}, author= }
local did_you_mean = require "moonwatch.did_you_mean"
local keys_of = require "moonwatch.keys"

local M = {}

local LONGEST = { service = 200, version = 200, text = 2000, author = 200 }
local LABELS, VALUE = 20, 500
local FUTURE = 366 * 86400

-- A time as a number of unix seconds or as text; nil when it is none.
local function moment(host, value)
  if type(value) == "number" then return value == value and math.abs(value) < math.huge and value or nil end
  return type(value) == "string" and (host.parse_time(value) or tonumber(value)) or nil
end
M.moment = moment

local function times(host, given, out, now)
  out.time = given.time == nil and now or moment(host, given.time)
  if not out.time or out.time < 0 or out.time > now + FUTURE then
    return nil, ("time: %q: expected unix seconds or a time such as 2026-03-01T09:00:00Z"):format(tostring(given.time))
  end
  if given["until"] ~= nil then
    out.until_ = moment(host, given["until"])
    if not out.until_ then return nil, ('until: %q: expected unix seconds or a time'):format(tostring(given["until"])) end
    if out.until_ < out.time then return nil, "until: it ends before it begins" end
  end
  return true
end

local function texts(given, out)
  for name, most in pairs(LONGEST) do
    local value = given[name]
    if value ~= nil and type(value) ~= "string" then return nil, ("%s: expected a text"):format(name) end
    if value and #value > most then return nil, ("%s: longer than %d bytes"):format(name, most) end
    out[name] = value ~= "" and value or nil
  end
  return true
end

local function labels(given, out)
  out.labels = {}
  if given.labels == nil then return true end
  if type(given.labels) ~= "table" then return nil, "labels: expected an object of texts" end
  local n = 0
  for name, value in pairs(given.labels) do
    n = n + 1
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then return nil, ("labels: %q is not a label name"):format(tostring(name)) end
    if type(value) ~= "string" or #value > VALUE then return nil, ("labels: %s: expected a text of at most %d bytes"):format(name, VALUE) end
    out.labels[name] = value
  end
  if n > LABELS then return nil, ("labels: more than %d"):format(LABELS) end
  return true
end

local KNOWN = { kind = true, time = true, ["until"] = true, service = true, version = true, text = true, labels = true, author = true }

--- What somebody GIVES as a mark, at NOW; nil, message when something in it is no good.
function M.read(host, given, now)
  if type(given) ~= "table" then return nil, "send an object as JSON" end
  for name in pairs(given) do
    if not KNOWN[name] then
      return nil, ("unknown field %q%s"):format(tostring(name), did_you_mean(host, name, keys_of(KNOWN)))
    end
  end
  local out = { kind = given.kind == nil and "note" or given.kind }
  if type(out.kind) ~= "string" or not out.kind:find "^%a[%w_%-]*$" or #out.kind > 32 then
    return nil, 'kind: expected a word such as "deploy", "experiment" or "note"'
  end
  for _, part in ipairs { function() return times(host, given, out, now) end, function() return texts(given, out) end,
                          function() return labels(given, out) end } do
    local ok, why = part()
    if not ok then return nil, why end
  end
  return out
end

--- MARK, in the form in which it is kept and shared, as people get it.
function M.shown(host, mark)
  return { id = mark.id, kind = mark.kind, time = mark.time, at = host.rfc3339(mark.time), ["until"] = mark.until_,
           ended = mark.until_ and host.rfc3339(mark.until_), service = mark.service, version = mark.version, text = mark.text,
           labels = mark.labels, author = mark.author, title = M.title(mark) }
end

--- A line for people: "deploy shop 1.2: blue half".
function M.title(mark)
  local head = mark.kind
  for _, part in ipairs { mark.service or false, mark.version or false } do
    if part then head = head .. " " .. part end
  end
  return mark.text and head .. ": " .. mark.text or head
end

return M
