--- zone.lua - how far local time is from UTC, read from the system's zone files.
--
-- A TZif file (RFC 8536) is a list of moments at which the offset changed, and a line of text that
-- says what happens after the last of them.  Only the 64-bit half of the file is used.
local calendar = require "moonwatch.route.calendar"

local M = {}
M.__index = M

local DIR = "/usr/share/zoneinfo/"

local function be(text, at, n)
  local v = 0
  for i = at, at + n - 1 do v = v * 256 + text:byte(i) end
  local top = 2 ^ (8 * n)
  return v >= top / 2 and v - top or v
end

local function header(text, at)
  if text:sub(at, at + 3) ~= "TZif" or #text < at + 43 then return nil end
  local h = { version = text:byte(at + 4) }
  for i, name in ipairs { "utc", "std", "leap", "times", "types", "chars" } do
    h[name] = be(text, at + 20 + (i - 1) * 4, 4)
  end
  return h
end

-- -- the rule after the last change ------------------------------------------

local function hms(text)
  if text == "" then return nil end
  local sign, h, m, s = text:match "^([+-]?)(%d+):?(%d*):?(%d*)$"
  if not h then return nil end
  local v = tonumber(h) * 3600 + (tonumber(m) or 0) * 60 + (tonumber(s) or 0)
  return sign == "-" and -v or v
end

-- "M3.5.0/1", "J60" or "59": a day of the year and a time on it.
local function rule(text)
  local day, time = text:match "^([^/]+)/?(.*)$"
  if not day then return nil end
  local out = { time = hms(time) or 7200 }
  local m, w, d = day:match "^M(%d+)%.(%d+)%.(%d+)$"
  if m then out.month, out.week, out.wday = tonumber(m), tonumber(w), tonumber(d)
  elseif day:find "^J%d+$" then out.julian = tonumber(day:sub(2))
  else out.zero = tonumber(day) end
  return out
end

local NAME = { "^(%a+)(.*)$", "^(<[^>]+>)(.*)$" }

local function name_and_offset(text)
  for _, pattern in ipairs(NAME) do
    local name, rest = text:match(pattern)
    if name then
      local offset, tail = rest:match "^([+-]?[%d:]*)(.*)$"
      return name, hms(offset), tail
    end
  end
end

local function footer(text)
  local _, offset, rest = name_and_offset(text)
  if not offset then return nil end
  local out = { std = -offset }
  if rest == "" then return out end
  local _, dst, tail = name_and_offset(rest)
  out.dst = dst and -dst or out.std + 3600
  local from, to = tail:match "^,([^,]+),([^,]+)$"
  if not from then return nil end
  out.from, out.to = rule(from), rule(to)
  return out
end

-- Local seconds of RULE in YEAR, as if the clock showed them.
local function moment(r, year)
  local day
  if r.month then
    local first = calendar.days(year, r.month, 1)
    day = first + (r.wday - (first + 4)) % 7 + (r.week - 1) * 7
    if day - first >= calendar.month_length(year, r.month) then day = day - 7 end
  elseif r.julian then
    day = calendar.days(year, 1, 1) + r.julian - 1 + (calendar.leap(year) and r.julian >= 60 and 1 or 0)
  else
    day = calendar.days(year, 1, 1) + r.zero
  end
  return day * 86400 + r.time
end

local function by_rule(f, t)
  if not f.dst then return f.std end
  local year = calendar.fields(t + f.std).year
  local from, to = moment(f.from, year) - f.std, moment(f.to, year) - f.dst
  local summer
  if from < to then summer = t >= from and t < to else summer = t >= from or t < to end
  return summer and f.dst or f.std
end

-- -- reading ----------------------------------------------------------------

local function parse(text)
  local first = header(text, 1)
  if not first or first.version < 0x32 then return nil end
  local skip = 44 + first.times * 5 + first.types * 6 + first.chars + first.leap * 8 + first.std + first.utc
  local at = skip + 1
  local h = header(text, at)
  if not h then return nil end
  local body = at + 44
  local index, types = body + h.times * 8, body + h.times * 9
  local after = types + h.types * 6 + h.chars + h.leap * 12 + h.std + h.utc
  if #text < after then return nil end
  local zone = setmetatable({ times = {}, offsets = {}, first = 0 }, M)
  for i = 1, h.times do
    zone.times[i] = be(text, body + (i - 1) * 8, 8)
    zone.offsets[i] = be(text, types + text:byte(index + i - 1) * 6, 4)
  end
  if h.types > 0 then zone.first = be(text, types, 4) end
  zone.rule = footer(text:sub(after):match "^\n([^\n]*)\n" or "")
  return zone
end

local UTC = setmetatable({ times = {}, offsets = {}, first = 0 }, M)

--- The zone called NAME ("Europe/Lisbon"; nil and "UTC" are UTC; "Local" is the machine's).
function M.load(name, host)
  if name == nil or name == "" or name == "UTC" then return UTC end
  if not name:find "^[%w_+%-/]+$" then return nil, ("bad time zone %q"):format(name) end
  local path = name == "Local" and "/etc/localtime" or DIR .. name
  local text = host.read_file(path)
  local zone = text and parse(text)
  if not zone then return nil, ("unknown time zone %q (looked for %s)"):format(name, path) end
  return zone
end

--- The moment at which a clock here first shows LOCAL seconds since 1970; of a time that is left out when the clocks go
-- forward, the moment at which they do.
function M:utc(at)
  local before, after = self:offset(at - 86400), self:offset(at + 86400)
  local first, second = at - before, at - after
  if self:offset(first) == before then return first end
  if self:offset(second) == after then return second end
  local low, high = math.min(first, second), math.max(first, second)
  while high - low > 1 do
    local mid = math.floor((low + high) / 2)
    if self:offset(mid) == before then low = mid else high = mid end
  end
  return high
end

--- Seconds to add to UTC at T.
function M:offset(t)
  local n = #self.times
  if n == 0 then return self.rule and by_rule(self.rule, t) or self.first end
  if t < self.times[1] then return self.first end
  if t >= self.times[n] then return self.rule and by_rule(self.rule, t) or self.offsets[n] end
  local lo, hi = 1, n
  while hi - lo > 1 do
    local mid = math.floor((lo + hi) / 2)
    if self.times[mid] <= t then lo = mid else hi = mid end
  end
  return self.offsets[lo]
end

return M
