--- rotation.lua - people who take turns: who is it at a moment, and until when.
--
-- A turn begins at a time of the local day, each day or on one day of the week, so it is 23 or 25 hours
-- longer or shorter when the clocks change, and still changes hands at the same time of the clock.  Turns
-- are counted from `start` (else from January 1970), so whoever asks, on whichever node, gets the same answer.
local calendar = require "moonwatch.route.calendar"

local M = {}
M.__index = M

local DAYS = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }
local EPOCH = 4 -- Monday, 5 January 1970

local function clock(text)
  local h, m = text:match "^(%d%d?):(%d%d)$"
  h, m = tonumber(h), tonumber(m)
  return h and h < 24 and m < 60 and (h * 60 + m) * 60 or nil
end

--- "2026-01-05" → days since 1970, or nil.
function M.date(text)
  local y, m, d = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  if not y or m < 1 or m > 12 or d < 1 or d > calendar.month_length(y, m) then return nil end
  return calendar.days(y, m, d)
end

-- The day of the week (nil: each day) and the seconds of the day at which turns begin; nil, message.
local function handover(spec)
  if spec.daily then
    local seconds = clock(spec.daily)
    if not seconds then return nil, nil, ("daily: %q is not a time such as \"09:00\""):format(spec.daily) end
    return nil, seconds
  end
  if not spec.weekly then return nil, 0 end
  local name, time = spec.weekly:lower():match "^(%a+)%s+(%S+)$"
  local day, seconds = name and DAYS[name:sub(1, 3)], time and clock(time)
  if not day or not seconds then return nil, nil, ("weekly: %q is not a day and a time such as \"mon 09:00\""):format(spec.weekly) end
  return day, seconds
end

local function weekday(day) return (day + 4) % 7 end

--- SPEC = {people={names}, daily=, weekly=, turn=how many days or weeks, start="2026-01-05"} in ZONE; nil, message.
function M.new(spec, zone)
  local self = setmetatable({ people = spec.people, zone = zone, turn = spec.turn or 1 }, M)
  local day, seconds, why = handover(spec)
  if not seconds then return nil, why end
  if #spec.people > 1 and not spec.daily and not spec.weekly then
    return nil, 'several people take turns: say when, daily = "09:00" or weekly = "mon 09:00"'
  end
  local first = EPOCH
  if spec.start then first = M.date(spec.start) end
  if not first then return nil, ("start: %q is not a date such as \"2026-01-05\""):format(spec.start) end
  self.seconds, self.base = seconds, day and 7 or 1
  self.anchor = day and first + (day - weekday(first)) % 7 or first
  return self
end

function M:moment(day) return self.zone:utc(day * 86400 + self.seconds) end

-- The day on which the turn of NOW's day or week began.
local function began(self, now)
  local day = math.floor((now + self.zone:offset(now) - self.anchor * 86400) / 86400)
  day = self.anchor + math.floor(day / self.base) * self.base
  while self:moment(day) > now do day = day - self.base end
  while self:moment(day + self.base) <= now do day = day + self.base end
  return day
end

--- Whose turn is it at NOW, and until when (nil: for ever)?
function M:at(now)
  if #self.people == 1 then return self.people[1] end
  local turn = math.floor((began(self, now) - self.anchor) / self.base / self.turn)
  return self.people[turn % #self.people + 1], self:moment(self.anchor + (turn + 1) * self.turn * self.base)
end

return M
