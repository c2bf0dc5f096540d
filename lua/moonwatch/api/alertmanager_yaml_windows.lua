--- alertmanager_yaml_windows.lua - our windows as time intervals of Alertmanager.
--
-- There every field is a list of ranges that do not run over an end, and days of the month know no month: what runs over the end
-- of a week becomes two ranges, what runs over midnight two intervals of one name, a whole date an interval of its own.
local calendar = require "moonwatch.route.calendar"

local M = {}

local DAYS = { [0] = "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" }
local MONTHS = { "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december" }

local function plain(v) return ("%d"):format(v) end

local function range(from, to, name)
  return from == to and name(from) or ("%s:%s"):format(name(from), name(to))
end

-- RANGES of numbers, which may run over the end, as texts of ranges from LOW to HIGH that do not.
local function straight(ranges, low, high, name)
  if not ranges then return nil end
  local has, out, from = {}, {}, nil
  local n = high - low + 1
  for _, r in ipairs(ranges) do
    local a, b = (r[1] - low) % n, (r[2] - low) % n
    -- Sunday is 0, and 7 where it ends a week.
    local length = r[2] - r[1] >= n - 1 and n - 1 or (b - a) % n
    for i = 0, length do has[low + (a + i) % n] = true end
  end
  for v = low, high do
    if has[v] and not from then from = v end
    if from and not has[v + 1] then
      out[#out + 1] = range(from, v, name)
      from = nil
    end
  end
  return out
end

local function years(ranges)
  if not ranges then return nil end
  local out = {}
  for i, r in ipairs(ranges) do out[i] = range(r[1], r[2], plain) end
  return out
end

local function clock(minute) return ("%02d:%02d"):format(math.floor(minute / 60), minute % 60) end

local function times(ranges)
  if not ranges then return nil end
  local out = {}
  for i, r in ipairs(ranges) do out[i] = { { "start_time", clock(r[1]) }, { "end_time", clock(r[2]) } } end
  return out
end

-- -- parts ---------------------------------------------------------------------------

local function holds(ranges, v)
  if not ranges then return true end
  for _, r in ipairs(ranges) do
    if r[1] <= r[2] and v >= r[1] and v <= r[2] or r[1] > r[2] and (v >= r[1] or v <= r[2]) then return true end
  end
  return false
end

local function with(part, changes)
  local out = {}
  for name, value in pairs(part) do out[name] = value end
  for name, value in pairs(changes) do out[name] = value or nil end
  return out
end

-- What stands in `dates`: days of the month together, whole dates a month at a time.
local function by_dates(part)
  if not part.dates then return { part } end
  local days, out = {}, {}
  for _, r in ipairs(part.dates) do
    if r.kind == "day" then
      days[#days + 1] = r
    else
      local day = r[1]
      while day <= r[2] do
        local f = calendar.fields(day * 86400)
        local last = math.min(r[2], day + calendar.month_length(f.year, f.month) - f.day)
        if holds(part.months, f.month) and holds(part.years, f.year) then
          local to = f.day + last - day
          out[#out + 1] = with(part, { dates = { { f.day, to } }, months = { { f.month, f.month } }, years = { { f.year, f.year } } })
        end
        day = last + 1
      end
    end
  end
  if #days > 0 then table.insert(out, 1, with(part, { dates = days })) end
  return out
end

-- What runs over midnight belongs to the day on which it began; nil when the morning after cannot be said.
local function by_nights(part)
  local day, morning = {}, {}
  for _, r in ipairs(part.times or {}) do
    if r[1] < r[2] then
      day[#day + 1] = r
    else
      day[#day + 1] = { r[1], 1440 }
      if r[2] > 0 then morning[#morning + 1] = { 0, r[2] } end
    end
  end
  if #morning == 0 then return { part.times and with(part, { times = day }) or part } end
  if part.dates or part.months or part.years then return nil end
  if not part.days then
    for _, r in ipairs(morning) do day[#day + 1] = r end
    return { with(part, { times = day }) }
  end
  local next_days = {}
  for i, r in ipairs(part.days) do next_days[i] = { (r[1] + 1) % 7, r[2] - r[1] >= 6 and (r[1] + 7) % 7 or (r[2] + 1) % 7 } end
  return { with(part, { times = day }), with(part, { times = morning, days = next_days }) }
end

local function dates(ranges)
  if not ranges then return nil end
  local out = {}
  for i, r in ipairs(ranges) do
    -- There a range from one end of the month to the other is fine, one that ends before it begins is not.
    if r[1] > r[2] and (r[1] > 0) == (r[2] > 0) or r[1] < 0 and r[2] > 0 then return nil end
    out[i] = range(r[1], r[2], plain)
  end
  return out
end

local function interval(part)
  local on = dates(part.dates)
  if part.dates and not on then return nil end
  local out = {}
  for _, row in ipairs { { "times", times(part.times) }, { "weekdays", straight(part.days, 0, 6, function(v) return DAYS[v] end) }, { "days_of_month", on },
    { "months", straight(part.months, 1, 12, function(v) return MONTHS[v] end) }, { "years", years(part.years) } } do
    if row[2] then out[#out + 1] = row end
  end
  if part.zone_name then out[#out + 1] = { "location", part.zone_name } end
  return out
end

--- WINDOW as a list of intervals; nil when that language cannot say it.
function M.intervals(window)
  local out = {}
  for _, whole in ipairs(window.parts) do
    for _, dated in ipairs(by_dates(whole)) do
      local pieces = by_nights(dated)
      if not pieces then return nil end
      for _, piece in ipairs(pieces) do
        local said = interval(piece)
        if not said then return nil end
        out[#out + 1] = said
      end
    end
  end
  return #out > 0 and out or nil
end

return M
