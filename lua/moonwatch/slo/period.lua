--- period.lua - the stretch of time that a budget is for: the last so many days, or this week, month, quarter or year.
--
-- Weeks begin on Monday.  Days of the calendar are those of a zone, so one on which the clocks change has 23 or 25 hours.
local calendar = require "moonwatch.route.calendar"
local zones = require "moonwatch.route.zone"

local M = {}
M.__index = M

local DAY = 86400
-- What a stretch of the calendar is taken for where its length has to be one number: burn rates, names of series.
M.NOMINAL = { week = 7 * DAY, month = 30 * DAY, quarter = 91 * DAY, year = 365 * DAY }

-- The local day on which the stretch of KIND begins that has the date F, and the one on which the next begins.
local BEGINS = {}
function BEGINS.week(f)
  local day = calendar.days(f.year, f.month, f.day)
  local monday = day - (f.wday + 6) % 7
  return monday, monday + 7
end
local function months(f, n)
  local first = math.floor((f.month - 1) / n) * n + 1
  local year, month = f.year, first + n
  if month > 12 then year, month = year + 1, month - 12 end
  return calendar.days(f.year, first, 1), calendar.days(year, month, 1)
end
function BEGINS.month(f) return months(f, 1) end
function BEGINS.quarter(f) return months(f, 3) end
function BEGINS.year(f) return months(f, 12) end

--- The stretch of KIND, "week", "month", "quarter" or "year", in ZONE around T: from, to.
function M.around(kind, zone, t)
  local first, after = BEGINS[kind](calendar.fields(t + zone:offset(t)))
  return zone:utc(first * DAY), zone:utc(after * DAY)
end

--- options: { calendar=, zone=, window= }.  nil, why when there is no such zone.
function M.new(options, host)
  local zone, why = zones.load(options.zone, host)
  if not zone then return nil, why end
  return setmetatable({ kind = options.calendar, zone = zone, zone_name = options.zone or "UTC", seconds = options.window }, M)
end

--- From when to when the budget is that is spent at T.  A rolling one ends now.
function M:span(t)
  if not self.kind then return t - self.seconds, t end
  return M.around(self.kind, self.zone, t)
end

--- What it is called: "30d", "month".
function M:name(window) return self.kind or window(self.seconds) end

local DAYS = { [0] = "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }

--- T as a person here writes it: "Thu 2026-12-03 14:00".
function M:say(t)
  local f = calendar.fields(t + self.zone:offset(t))
  return ("%s %04d-%02d-%02d %02d:%02d"):format(DAYS[f.wday], f.year, f.month, f.day, math.floor(f.minute / 60), f.minute % 60)
end

return M
