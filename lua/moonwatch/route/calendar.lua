--- calendar.lua - civil dates from seconds and back, without a clock or the C library.
local M = {}

--- Days since 1970-01-01 of a date in the Gregorian calendar.
function M.days(year, month, day)
  local y = month <= 2 and year - 1 or year
  local era = math.floor(y / 400)
  local yoe = y - era * 400
  local doy = math.floor((153 * (month + (month > 2 and -3 or 9)) + 2) / 5) + day - 1
  return era * 146097 + yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + doy - 719468
end

--- SECONDS since 1970 (local ones give local fields) → {year, month, day, wday (0 = Sunday), minute}.
function M.fields(seconds)
  local day = math.floor(seconds / 86400)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  return {
    year = yoe + era * 400 + (month <= 2 and 1 or 0), month = month,
    day = doy - math.floor((153 * mp + 2) / 5) + 1,
    wday = (day + 4) % 7, minute = math.floor((seconds - day * 86400) / 60),
  }
end

local LENGTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

function M.leap(year) return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end

function M.month_length(year, month)
  return month == 2 and M.leap(year) and 29 or LENGTHS[month]
end

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

--- An HTTP date, "Sun, 06 Nov 1994 08:49:37 GMT" → seconds, or nil.
function M.http_date(text)
  local day, name, year, h, m, s = text:match "^%a+, (%d+)[ %-](%a+)[ %-](%d+) (%d+):(%d+):(%d+) GMT$"
  local month = name and MONTHS[name]
  if not month then return nil end
  return M.days(tonumber(year), month, tonumber(day)) * 86400 + h * 3600 + m * 60 + s
end

return M
