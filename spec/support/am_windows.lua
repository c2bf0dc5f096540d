--- am_windows.lua - time intervals of Alertmanager by chance, near the real now: some hold, some do not, some begin or end in between.
--
-- What the clock shows in a zone is asked of date(1), so that neither side's calendar is taken for the truth.
local M = {}

local ZONES = { "UTC", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Australia/Lord_Howe", "America/St_Johns" }
local DAYS = { [0] = "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" }
local MONTHS = { "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december" }

-- The clock in ZONE at NOW: year, month, day, wday (Sunday is 0), minute of the day, length of the month.
local function clock(zone, now)
  local pipe = assert(io.popen(("TZ=%s date -d @%d '+%%Y %%m %%d %%w %%H %%M'"):format(zone, now)))
  local y, m, d, w, hour, minute = pipe:read "*a":match "(%d+) (%d+) (%d+) (%d) (%d+) (%d+)"
  pipe:close()
  y, m = tonumber(y), tonumber(m)
  local length = tonumber(os.date("!%d", os.time { year = y, month = m + 1, day = 0, hour = 12 }))
  return { year = y, month = m, day = tonumber(d), wday = tonumber(w), minute = hour * 60 + minute, length = length }
end

local function clamp(v, low, high) return math.max(low, math.min(high, v)) end

-- Two numbers around V, more often than beside it, within LOW and HIGH.
local function around(c, v, low, high, far)
  local from = clamp(v - c:next(far) + c:next(2), low, high)
  local to = clamp(from + c:next(far), from, high)
  if c:often(60) then from, to = math.min(from, v), math.max(to, v) end
  return from, to
end

local function span(from, to, name)
  from, to = name and name(from) or from, name and name(to) or to
  return from == to and tostring(from) or ("%s:%s"):format(from, to)
end

local function hour(minute) return ("%02d:%02d"):format(math.floor(minute / 60), minute % 60) end

-- -- parts of an interval ------------------------------------------------------------

local PARTS = {}

function PARTS.times(c, at)
  local from = clamp(at.minute + c:one { -600, -61, -1, 0, 0, 1, 2 }, 0, 1439)
  local to = clamp(at.minute + c:one { -30, 0, 1, 2, 240 }, from + 1, 1440)
  return ("{start_time: '%s', end_time: '%s'}"):format(hour(from), hour(to))
end

function PARTS.weekdays(c, at)
  local from, to = around(c, at.wday, 0, 6, 3)
  return "'" .. span(from, to, function(d) return c:often(20) and DAYS[d]:upper() or DAYS[d] end) .. "'"
end

function PARTS.days_of_month(c, at)
  local from, to = around(c, at.day, 1, at.length, 4)
  local negative = c:next(3)
  if negative == 1 and from <= 28 - (at.length - to + 1) then to = to - at.length - 1
  elseif negative == 2 then from, to = from - at.length - 1, to - at.length - 1 end
  return "'" .. span(from, to) .. "'"
end

function PARTS.months(c, at)
  local from, to = around(c, at.month, 1, 12, 3)
  return "'" .. span(from, to, function(m) return c:often(50) and MONTHS[m] or m end) .. "'"
end

function PARTS.years(c, at)
  local from, to = around(c, at.year, 1999, 2099, 2)
  return "'" .. span(from, to) .. "'"
end

local ORDER = { "times", "weekdays", "days_of_month", "months", "years" }

local function part(c, now)
  local zone = c:often(70) and c:one(ZONES) or nil
  local at, fields = clock(zone or "UTC", now), {}
  for _, name in ipairs(ORDER) do
    if c:often(40) then
      local list = {}
      for i = 1, c:often(25) and 2 or 1 do list[i] = PARTS[name](c, at) end
      fields[#fields + 1] = name .. ": [" .. table.concat(list, ", ") .. "]"
    end
  end
  if #fields == 0 then fields[1] = "weekdays: ['" .. DAYS[at.wday] .. "']" end
  if zone then fields[#fields + 1] = "location: '" .. zone .. "'" end
  return "{" .. table.concat(fields, ", ") .. "}"
end

--- Intervals near NOW: { names=, lines= of the YAML }.
function M.near(c, now)
  local names, lines = {}, {}
  for i = 1, 6 do
    names[i] = ("w%d"):format(i)
    if i == 1 then lines[#lines + 1] = "mute_time_intervals:" end -- the older word, still understood
    if i == 3 then lines[#lines + 1] = "time_intervals:" end
    lines[#lines + 1] = "  - name: " .. names[i]
    lines[#lines + 1] = "    time_intervals:"
    for _ = 1, c:often(40) and 2 or 1 do lines[#lines + 1] = "      - " .. part(c, now) end
  end
  return { names = names, lines = lines, often = 45 }
end

--- One that always holds, and one that never does.
function M.plain()
  return { names = { "always", "never" }, often = 12, lines = { "time_intervals:", "  - name: always",
    "    time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]", "  - name: never", "    time_intervals: [{years: ['1999']}]" } }
end

return M
