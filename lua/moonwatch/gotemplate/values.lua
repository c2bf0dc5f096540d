--- values.lua - values that a template of a message sees: labels, lists, alerts, times; what is in them, and how Go prints them.
--
-- Texts, whole numbers, booleans and nil are themselves.  Others are tables whose metatable is one of the kinds below.  A failure is
-- thrown as { says = }.
local calendar = require "moonwatch.route.calendar"
local keys_of = require "moonwatch.keys"

local M = {}

local KV, LIST, STRUCT, TIME = {}, {}, {}, {}

function M.fail(...) error({ says = (...):format(select(2, ...)) }, 0) end

--- Labels or annotations.
function M.kv(of) return setmetatable({ of = of or {} }, KV) end

--- A list of KIND: "strings", "alerts" or "pairs".
function M.list(items, kind) return setmetatable({ items = items, kind = kind }, LIST) end

--- A thing with FIELDS; ORDER is how Go prints them.
function M.struct(fields, order) return setmetatable({ fields = fields, order = order }, STRUCT) end

--- A moment, in seconds; nil is the year 1.
function M.time(at) return setmetatable({ at = at }, TIME) end

local function of(v) return type(v) == "table" and getmetatable(v) or nil end
function M.is_list(v) return of(v) == LIST end
function M.is_kv(v) return of(v) == KV end

local function names_of(kv) return keys_of(kv.of) end

--- The names in KV, in order.
M.names = names_of

local PAIR = { "Name", "Value" }

-- alertname first, as a person would look for it.
local function sorted_pairs(kv)
  local out, name = {}, "alertname"
  if kv.of[name] then out[1] = M.struct({ Name = name, Value = kv.of[name] }, PAIR) end
  for _, n in ipairs(names_of(kv)) do
    if n ~= name then out[#out + 1] = M.struct({ Name = n, Value = kv.of[n] }, PAIR) end
  end
  return M.list(out, "pairs")
end

local function column(list, field)
  local out = {}
  for i, pair in ipairs(list.items) do out[i] = pair.fields[field] end
  return M.list(out, "strings")
end

local function without(kv, names)
  if of(names) ~= LIST then M.fail "wrong type for value; expected []string" end
  local out = {}
  for name, value in pairs(kv.of) do out[name] = value end
  for _, name in ipairs(names.items) do out[name] = nil end
  return M.kv(out)
end

local function with_status(status)
  return function(list)
    local out = {}
    for _, alert in ipairs(list.items) do
      if alert.fields.Status == status then out[#out + 1] = alert end
    end
    return M.list(out, "alerts")
  end
end

-- -- times ----------------------------------------------------------------------------

local DAYS = { [0] = "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" }
local BEGIN = -62135596800 -- of the year 1

-- Pieces of Go's layouts, longer ones first; each gives its text from the fields of a moment in UTC.
local LAYOUT = {
  { "January", function(f) return MONTHS[f.month] end }, { "Jan", function(f) return MONTHS[f.month]:sub(1, 3) end },
  { "Monday", function(f) return DAYS[f.wday] end }, { "Mon", function(f) return DAYS[f.wday]:sub(1, 3) end },
  { "MST", function() return "UTC" end }, { "Z07:00", function() return "Z" end }, { "-07:00", function() return "+00:00" end },
  { "-0700", function() return "+0000" end }, { "2006", function(f) return ("%04d"):format(f.year) end },
  { "01", function(f) return ("%02d"):format(f.month) end }, { "02", function(f) return ("%02d"):format(f.day) end },
  { "03", function(f) return ("%02d"):format((f.hour + 11) % 12 + 1) end }, { "04", function(f) return ("%02d"):format(f.min) end },
  { "05", function(f) return ("%02d"):format(f.sec) end }, { "06", function(f) return ("%02d"):format(f.year % 100) end },
  { "15", function(f) return ("%02d"):format(f.hour) end }, { "PM", function(f) return f.hour >= 12 and "PM" or "AM" end },
  { "pm", function(f) return f.hour >= 12 and "pm" or "am" end }, { "_2", function(f) return ("%2d"):format(f.day) end },
  { "1", function(f) return tostring(f.month) end }, { "2", function(f) return tostring(f.day) end },
  { "3", function(f) return tostring((f.hour + 11) % 12 + 1) end }, { "4", function(f) return tostring(f.min) end },
  { "5", function(f) return tostring(f.sec) end },
}

local function moment(time)
  local at = time.at or BEGIN
  local f = calendar.fields(at)
  local second = math.floor(at) % 86400
  f.hour, f.min, f.sec = math.floor(second / 3600), math.floor(second / 60) % 60, second % 60
  return f
end

local function written(time, layout)
  if type(layout) ~= "string" then M.fail "wrong type for value; expected string" end
  local f, out, at = moment(time), {}, 1
  while at <= #layout do
    local piece, text = layout:sub(at, at), nil
    for _, row in ipairs(LAYOUT) do
      if layout:sub(at, at + #row[1] - 1) == row[1] then
        piece, text = row[1], row[2](f)
        break
      end
    end
    out[#out + 1] = text or piece
    at = at + #piece
  end
  return table.concat(out)
end

local function time_text(time)
  local f = moment(time)
  local part = time.at and ("%.3f"):format(time.at % 1):match "^0(%.%d-)0*$" or ""
  return ("%04d-%02d-%02d %02d:%02d:%02d%s +0000 UTC"):format(f.year, f.month, f.day, f.hour, f.min, f.sec, part == "." and "" or part)
end

-- -- what is in them --------------------------------------------------------------------

local METHODS = {
  [KV] = { SortedPairs = sorted_pairs, Remove = without, Names = function(kv) return column(sorted_pairs(kv), "Name") end,
    Values = function(kv) return column(sorted_pairs(kv), "Value") end },
  alerts = { Firing = with_status "firing", Resolved = with_status "resolved" },
  pairs = { Names = function(list) return column(list, "Name") end, Values = function(list) return column(list, "Value") end },
  [TIME] = { Format = written, Unix = function(time) return math.floor(time.at or BEGIN) end, UTC = function(time) return time end,
    Local = function(time) return time end, IsZero = function(time) return time.at == nil end, String = time_text },
}

--- Does anything here have NAME, be it a field or a method?  What has not is a mistake, unless it is the name of a label.
function M.get(v, name, args)
  local kind = of(v)
  local methods = METHODS[kind == LIST and v.kind or kind]
  local method = methods and methods[name]
  if method then return method(v, unpack(args or {})) end
  if args and #args > 0 then M.fail("%s has arguments but cannot be invoked as function", name) end
  if kind == KV then return v.of[name] or "" end
  if kind == STRUCT and v.fields[name] ~= nil then return v.fields[name] end
  if v == nil then M.fail("nil pointer evaluating interface {}.%s", name) end
  M.fail("can't evaluate field %s in type %s", name, M.type(v))
end

local TYPES = { [KV] = "template.KV", [LIST] = "a list", [STRUCT] = "template.Alert", [TIME] = "time.Time" }

function M.type(v)
  if type(v) == "table" then return TYPES[of(v)] or "a table" end
  return type(v) == "number" and "int" or type(v) == "boolean" and "bool" or type(v)
end

--- How long V is.
function M.len(v)
  if type(v) == "string" then return #v end
  if of(v) == LIST then return #v.items end
  if of(v) == KV then return #names_of(v) end
  M.fail("error calling len: len of type %s", M.type(v))
end

--- Does Go take V for true?
function M.truth(v)
  local kind = of(v)
  if kind == KV then return next(v.of) ~= nil end
  if kind == LIST then return #v.items > 0 end
  return v ~= nil and v ~= "" and v ~= 0 and v ~= false
end

--- V as Go prints it; INSIDE of something else.
function M.text(v, inside)
  local kind = of(v)
  if v == nil then return inside and "<nil>" or "<no value>" end
  if kind == KV then
    local out = {}
    for i, name in ipairs(names_of(v)) do out[i] = name .. ":" .. v.of[name] end
    return "map[" .. table.concat(out, " ") .. "]"
  elseif kind == LIST then
    local out = {}
    for i, item in ipairs(v.items) do out[i] = M.text(item, true) end
    return "[" .. table.concat(out, " ") .. "]"
  elseif kind == STRUCT then
    local out = {}
    for i, name in ipairs(v.order or {}) do out[i] = M.text(v.fields[name], true) end
    return "{" .. table.concat(out, " ") .. "}"
  elseif kind == TIME then return time_text(v)
  end
  return tostring(v)
end

return M
