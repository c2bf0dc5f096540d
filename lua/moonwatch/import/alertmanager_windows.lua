--- alertmanager_windows.lua - time intervals of Alertmanager as the word `window`.
--
-- A named interval of Alertmanager holds when one of its parts does; a window of ours is one part.  The second and later ones get
-- names of their own, and routes name all of them.
local lua = require "moonwatch.import.lua_source"

local M = {}

local PART = { times = "list", weekdays = "list", days_of_month = "list", months = "list", years = "list", location = "text" }

local function parts_of(doc, node)
  if node.kind ~= "map" then return nil, {} end
  local name, parts = nil, {}
  for _, row in ipairs(doc:rows(node)) do
    if row.key.text == "name" and row.node.kind == "text" then name = row.node.text end
    if row.key.text == "time_intervals" and row.node.kind == "list" then parts = row.node.items end
  end
  return name, parts
end

--- Name of an interval → names of its windows.
function M.names(doc, fields)
  local out, taken = {}, {}
  for _, section in ipairs { fields.time_intervals or false, fields.mute_time_intervals or false } do
    for _, node in ipairs(section and section.items or {}) do
      local name, parts = parts_of(doc, node)
      if name then
        out[name] = {}
        for i = 1, #parts do
          local own, n = i == 1 and name or ("%s %d"):format(name, i), i
          while taken[own] do
            n = n + 1
            own = ("%s %d"):format(name, n)
          end
          taken[own], out[name][i] = true, own
        end
      end
    end
  end
  return out
end

-- -- ranges ------------------------------------------------------------------------

local function range_text(text, short)
  local from, to = text:match "^([^:]+):([^:]+)$"
  from, to = from or text, to or text
  if short then from, to = from:lower():sub(1, 3), to:lower():sub(1, 3) end
  return from == to and from or from .. "-" .. to
end

local function month(text)
  return (text:gsub("%a+", function(word) return word:lower():sub(1, 3) end):gsub(":", "-"))
end

-- Days of the month: those counted from the end one by one.
local function days(text)
  local from, to = text:match "^(%-?%d+):(%-?%d+)$"
  from, to = tonumber(from or text), tonumber(to or text)
  if not from or from == 0 or to == 0 or math.abs(from) > 31 or math.abs(to) > 31 then return nil end
  if from == 1 and to == -1 then return {} end
  if from == to then return { tostring(from) } end
  if from > 0 and to > 0 then return { ("%d-%d"):format(from, to) } end
  if from > 0 and to == -1 then return { ("%d-31"):format(from) } end
  if from > 0 and to < 0 then return { ("%d..%d"):format(from, to) } end
  if from > to then return nil end
  local out = {}
  for day = from, to do out[#out + 1] = tostring(day) end
  return out
end

local function list_row(doc, node, how, what)
  local out = {}
  for _, item in ipairs(node.items) do
    local text = doc:expect(item, "text", what)
    local found = text and how(text.text)
    if text and not found then doc:lost(text, ("%s: %q cannot be said here"):format(what, text.text)) end
    for _, piece in ipairs(type(found) == "table" and found or { found }) do out[#out + 1] = piece end
  end
  return #out > 0 and (#out == 1 and lua.quoted(out[1]) or lua.list(out)) or nil
end

local function times(doc, node)
  local out = {}
  for _, item in ipairs(node.items) do
    if doc:expect(item, "map", "times") then
      local f = doc:fields(item, { start_time = "text", end_time = "text" }, "times")
      if f.start_time and f.end_time then out[#out + 1] = f.start_time.text .. "-" .. f.end_time.text
      else doc:lost(item, "times: needs start_time and end_time") end
    end
  end
  return #out > 0 and (#out == 1 and lua.quoted(out[1]) or lua.list(out)) or nil
end

-- -- one window ----------------------------------------------------------------------

local function part(doc, node, name, file, above)
  local rows = {}
  if node.kind ~= "map" or #node.keys > 0 then
    if not doc:expect(node, "map", "time interval") then return end
  end
  local f, keys = doc:fields(node, PART, "time interval")
  local function add(field, key, value)
    if value then rows[#rows + 1] = { name = field, value = value, short = true, above = doc:above(keys[key].line, node.line - 1), beside = doc:beside(keys[key].line) } end
  end
  if f.weekdays then add("days", "weekdays", list_row(doc, f.weekdays, function(t) return range_text(t, true) end, "weekdays")) end
  if f.times then add("times", "times", times(doc, f.times)) end
  if f.days_of_month then add("dates", "days_of_month", list_row(doc, f.days_of_month, days, "days_of_month")) end
  if f.months then add("months", "months", list_row(doc, f.months, month, "months")) end
  if f.years then add("years", "years", list_row(doc, f.years, range_text, "years")) end
  if #rows == 0 then rows[1] = { name = "times", value = lua.quoted "00:00-24:00", short = true } end
  if f.location then add("zone", "location", lua.quoted(f.location.text)) end
  for _, text in ipairs(doc:left(node.line, node.last)) do above[#above + 1] = text end
  file:declare("window", name, rows, above, doc, node)
end

--- Write the interval NODE into FILE.  NAMES: what M.names gave.
function M.write(doc, node, file, names, floor)
  local above = doc:above(node.line, floor)
  if not doc:expect(node, "map", "time interval") then return end
  local fields = doc:fields(node, { name = "text", time_intervals = "list" }, "time interval")
  if not fields.name then return doc:lost(node, "a time interval needs a name") end
  local items = fields.time_intervals and fields.time_intervals.items or {}
  if #items == 0 then doc:lost(node, ("time interval %q is empty"):format(fields.name.text)) end
  for _, text in ipairs(items[1] and doc:left(node.line, items[1].line - 1) or {}) do above[#above + 1] = text end
  for i, item in ipairs(items) do
    part(doc, item, names[fields.name.text][i], file, i == 1 and above or doc:above(item.line, items[i - 1].last))
  end
end

return M
