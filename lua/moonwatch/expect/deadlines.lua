--- deadlines.lua - the moments by which something is expected: times of the day in a zone, on the days that a window has.
local calendar = require "moonwatch.route.calendar"
local windows = require "moonwatch.route.window"
local zones = require "moonwatch.route.zone"

local M = {}
M.__index = M

local DAY, MOST = 86400, 800 -- days looked at before there is said to be no deadline

--- "03:00" as seconds of the day, or nil.
function M.time_of_day(text)
  local h, m = text:match "^(%d%d?):(%d%d)$"
  h, m = tonumber(h), tonumber(m)
  if not h or h > 23 or m > 59 then return nil end
  return h * 3600 + m * 60
end

--- spec: { by = list of times of the day, days=, dates=, months=, zone= }.  nil, message when something in it is not understood.
function M.new(spec, host)
  local self = setmetatable({ times = {} }, M)
  for i, text in ipairs(spec.by) do
    self.times[i] = M.time_of_day(text)
    if not self.times[i] then return nil, ("by: %q: expected a time of the day such as \"03:00\""):format(text) end
  end
  table.sort(self.times)
  local why
  self.zone, why = zones.load(spec.zone, host)
  if not self.zone then return nil, "zone: " .. why end
  if spec.days or spec.dates or spec.months then
    self.window, why = windows.new({ days = spec.days, dates = spec.dates, months = spec.months, zone = spec.zone }, host)
    if not self.window then return nil, why end
  end
  return self
end

-- The moment at which clocks show LOCAL, seconds since 1970 as a clock shows them.
local function moment(zone, here)
  local t = here - zone:offset(here)
  return here - zone:offset(t)
end

-- The deadlines of the local day that begins at MIDNIGHT, as clocks show it.
local function of_day(self, midnight)
  local out = {}
  for i, seconds in ipairs(self.times) do out[i] = moment(self.zone, midnight + seconds) end
  if self.window and out[1] and not self.window:contains(out[1]) then return {} end
  table.sort(out)
  return out
end

local function midnight_of(self, t)
  local here = t + self.zone:offset(t)
  return calendar.days(calendar.fields(here).year, calendar.fields(here).month, calendar.fields(here).day) * DAY
end

--- The first deadline after T; nil when there is none within two years.
function M:after(t)
  local midnight = midnight_of(self, t)
  for day = 0, MOST do
    for _, at in ipairs(of_day(self, midnight + day * DAY)) do
      if at > t then return at end
    end
  end
end

--- The last deadline at or before T, likewise.
function M:before(t)
  local midnight = midnight_of(self, t)
  for day = 0, MOST do
    local list = of_day(self, midnight - day * DAY)
    for i = #list, 1, -1 do
      if list[i] <= t then return list[i] end
    end
  end
end

return M
