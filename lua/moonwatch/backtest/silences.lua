--- silences.lua - silences from a file or a folder: as Alertmanager's API and amtool show them, or as the router keeps them.
local Book = require "moonwatch.engine.router.book"

local M = {}

local function moment(host, value)
  if type(value) == "number" then return value end
  return type(value) == "string" and host.parse_time(value) or nil
end

local function matcher(m)
  if type(m) ~= "table" or type(m.name) ~= "string" or type(m.value) ~= "string" then return nil end
  return { name = m.name, value = m.value, isRegex = m.isRegex == true, isEqual = m.isEqual ~= false }
end

local function set_of(list)
  local out = {}
  for i, m in ipairs(type(list) == "table" and list or {}) do
    out[i] = matcher(m)
    if not out[i] then return nil, ("matcher %d is not { name, value }"):format(i) end
  end
  if #out == 0 then return nil, "has no matchers" end
  return out
end

-- The sets beside the first one, any of which may match.
local function others_of(s)
  local out = {}
  for i, list in ipairs(s.others or {}) do out[i] = list end
  for i = 2, #(s.matcherSets or {}) do out[#out + 1] = s.matcherSets[i] end
  for i, list in ipairs(out) do
    local why
    out[i], why = set_of(list)
    if not out[i] then return nil, why end
  end
  return out[1] and out or nil
end

local function table_or_nil(v) return type(v) == "table" and next(v) ~= nil and v or nil end

local function one(host, s)
  if type(s) ~= "table" or type(s.matchers) ~= "table" then return nil, "has no matchers" end
  local out = { id = tostring(s.id or ""), comment = s.comment, created_by = s.createdBy or s.created_by,
                starts_at = moment(host, s.startsAt or s.starts_at), ends_at = moment(host, s.endsAt or s.ends_at),
                receivers = table_or_nil(s.receivers), recurring = table_or_nil(s.recurring),
                window = type(s.window) == "string" and s.window or nil }
  if not out.starts_at or not out.ends_at then return nil, "has no startsAt and endsAt" end
  local why
  out.matchers, why = set_of(s.matchers)
  if not out.matchers then return nil, why end
  out.others, why = others_of(s)
  if why then return nil, why end
  out.updated_at = out.starts_at
  return out
end

--- A list of silences out of VALUE (what JSON said); nil, message.
function M.read(host, value)
  local out, list = {}, type(value) == "table" and (value.silences or value) or nil
  if not list then return nil, "silences are a list" end
  for i, s in ipairs(list) do
    local silence, why = one(host, s)
    if not silence then return nil, ("silence %d %s"):format(i, why) end
    if silence.id == "" then silence.id = ("silence-%d"):format(i) end
    out[i] = silence
  end
  return out
end

--- Those that the server with the data folder DATA had; none when it wrote no state.
function M.of_folder(host, data)
  local dir = data .. "/router"
  if not host.stat(dir) then return {} end
  local journal, why = host.journal(dir, "read")
  local saved = nil
  if journal then
    saved, why = Book.read(host, journal)
    journal:close()
  end
  if not saved then return nil, ("%s cannot be read (%s); say --silences FILE"):format(dir, why) end
  local list = {}
  for _, s in pairs(saved.silence) do list[#list + 1] = s end
  table.sort(list, function(a, b) return a.id < b.id end)
  return M.read(host, list)
end

return M
