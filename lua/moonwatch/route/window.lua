--- window.lua - recurring stretches of time: office hours, weekends, the last day of the month.
--
--   { days="mon-fri", times="09:00-17:00", dates="1-7,-1", months="jan-mar", years="2026", zone="Europe/Lisbon" }
--
-- Every field is a text with commas, or a list; a field that is missing does not restrict.  Ranges
-- include both ends, except times: [start, end), 24:00 is the end of the day, and a start after the
-- end runs over midnight (the night belongs to the day it began on).  `dates` are days of the month,
-- negative ones counted from its end, or whole dates "2026-12-24" and "2026-12-24..2027-01-06".
-- A window may also be a list of such tables: inside any of them is inside.
local calendar = require "moonwatch.route.calendar"
local zones = require "moonwatch.route.zone"

local M = {}
M.__index = M

local DAYS = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }
local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }

local function items(x)
  local out = {}
  for _, part in ipairs(type(x) == "table" and x or { x }) do
    for item in tostring(part):gmatch "[^,]+" do out[#out + 1] = item:match "^%s*(.-)%s*$":lower() end
  end
  return out
end

local function named(names, low, high)
  return function(word)
    local v = tonumber(word) or names and word:find "^%a+$" and names[word:sub(1, 3)]
    return v and v >= low and v <= high and v == math.floor(v) and v or nil
  end
end

-- "a", "a-b", "a:b" or "a..b" → the two ends.
local function ends(item, value)
  local whole = value(item)
  if whole then return whole, whole end
  for _, pattern in ipairs { "^(.-)%.%.(.+)$", "^(.-):(.+)$", "^(.[^%-]*)%-(.+)$" } do
    local a, b = item:match(pattern)
    local x, y = a and value(a), b and value(b)
    if x and y then return x, y end
  end
end

local function ranges(what, value)
  return function(x)
    local out = {}
    for _, item in ipairs(items(x)) do
      local from, to = ends(item, value)
      if not from then return nil, ("bad %s %q"):format(what, item) end
      out[#out + 1] = { from, to }
    end
    return out
  end
end

local function clock(text)
  local h, m = text:match "^(%d%d?):(%d%d)$"
  local v = h and tonumber(h) * 60 + tonumber(m)
  return v and tonumber(m) < 60 and v <= 1440 and v or nil
end

local function times(x)
  local out = {}
  for _, item in ipairs(items(x)) do
    local a, b = item:match "^([%d:]+)%s*%-%s*([%d:]+)$"
    local from, to = a and clock(a), b and clock(b)
    if not from or not to or from == to then return nil, ("bad times %q: expected \"09:00-17:00\""):format(item) end
    out[#out + 1] = { from, to }
  end
  return out
end

local function whole_date(text)
  local y, m, d = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  if not y or tonumber(m) < 1 or tonumber(m) > 12 or tonumber(d) < 1 then return nil end
  if tonumber(d) > calendar.month_length(tonumber(y), tonumber(m)) then return nil end
  return calendar.days(tonumber(y), tonumber(m), tonumber(d))
end

local day_number = named(nil, -31, 31)
local function dates(x)
  local out = {}
  for _, item in ipairs(items(x)) do
    local from, to = ends(item, whole_date)
    local kind = "whole"
    if not from then
      from, to = ends(item, function(word)
        local v = day_number(word)
        return v ~= 0 and v or nil
      end)
      kind = "day"
    end
    if not from then return nil, ("bad dates %q"):format(item) end
    out[#out + 1] = { from, to, kind = kind }
  end
  return out
end

local FIELDS = {
  days = ranges("days", named(DAYS, 0, 7)), months = ranges("months", named(MONTHS, 1, 12)),
  years = ranges("years", named(nil, 1, 9999)), times = times, dates = dates,
}

local function compile(spec, host)
  local out = {}
  for name, parse in pairs(FIELDS) do
    if spec[name] ~= nil then
      local list, err = parse(spec[name])
      if not list then return nil, err end
      out[name] = list
    end
  end
  local zone, err = zones.load(spec.zone, host)
  if not zone then return nil, err end
  out.zone, out.zone_name = zone, spec.zone
  return out
end

--- A window from its SPEC; nil, message when something in it is not understood.
function M.new(spec, host)
  local self = setmetatable({ parts = {} }, M)
  for _, part in ipairs(#spec > 0 and spec or { spec }) do
    local compiled, err = compile(part, host)
    if not compiled then return nil, err end
    self.parts[#self.parts + 1] = compiled
  end
  return self
end

-- -- asking -------------------------------------------------------------------

local function in_ranges(list, v)
  if not list then return true end
  for _, r in ipairs(list) do
    if r[1] <= r[2] then
      if v >= r[1] and v <= r[2] then return true end
    elseif v >= r[1] or v <= r[2] then
      return true -- "fri-mon" runs over the end of the week
    end
  end
  return false
end

local function in_dates(list, f)
  if not list then return true end
  local length = calendar.month_length(f.year, f.month)
  local today = calendar.days(f.year, f.month, f.day)
  for _, r in ipairs(list) do
    if r.kind == "whole" then
      if today >= r[1] and today <= r[2] then return true end
    else
      local from = r[1] < 0 and length + r[1] + 1 or r[1]
      local to = r[2] < 0 and length + r[2] + 1 or r[2]
      if f.day >= math.max(1, from) and f.day <= math.min(length, to) then return true end
    end
  end
  return false
end

local function in_day(part, f)
  return (in_ranges(part.days, f.wday) or f.wday == 0 and in_ranges(part.days, 7)) and in_ranges(part.months, f.month) and in_ranges(part.years, f.year)
    and in_dates(part.dates, f)
end

local function inside(part, now)
  local here = now + part.zone:offset(now)
  local today = calendar.fields(here)
  if not part.times then return in_day(part, today) end
  for _, r in ipairs(part.times) do
    if r[1] < r[2] then
      if today.minute >= r[1] and today.minute < r[2] and in_day(part, today) then return true end
    elseif today.minute >= r[1] then
      if in_day(part, today) then return true end
    elseif today.minute < r[2] and in_day(part, calendar.fields(here - 86400)) then
      return true
    end
  end
  return false
end

--- Is NOW inside?
function M:contains(now)
  for _, part in ipairs(self.parts) do
    if inside(part, now) then return true end
  end
  return false
end

local HORIZON = 400 -- days

-- Moments of the local day DAY at which PART may begin or end; every minute of a day on which the clocks change.
local function edges(part, day)
  local zone, out = part.zone, {}
  local from, to = zone:utc(day * 86400), zone:utc((day + 1) * 86400)
  if zone:offset(from) ~= zone:offset(to) then
    for t = from, to, 60 do out[#out + 1] = t end
    return out
  end
  out[1] = from
  for _, r in ipairs(part.times or {}) do
    for i = 1, 2 do out[#out + 1] = zone:utc(day * 86400 + r[i] * 60) end
  end
  return out
end

--- The first moment after NOW at which it begins, if NOW is outside, or ends; nil when that is more than a year away.
function M:next_change(now)
  local was, found, last = self:contains(now), nil, HORIZON
  local day = -1
  while day <= last do
    for _, part in ipairs(self.parts) do
      local today = math.floor((now + part.zone:offset(now)) / 86400)
      for _, t in ipairs(edges(part, today + day)) do
        if t > now and (not found or t < found) and self:contains(t) ~= was then found = t end
      end
    end
    -- Days begin at other moments in other zones, so the day after it is looked at, too.
    if found and last == HORIZON then last = day + 1 end
    day = day + 1
  end
  return found
end

return M
