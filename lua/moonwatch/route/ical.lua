--- ical.lua - who a calendar (RFC 5545) says is on call.
--
-- Read are events with a start and an end or a duration, days or times, in UTC, in a zone or in that of the
-- rotation; daily and weekly repetitions with INTERVAL, UNTIL, COUNT, BYDAY and WKST, their exceptions
-- (EXDATE) and changed instances (RECURRENCE-ID).  An event that repeats ends when the clock shows what it
-- showed at the end of the first: when the clocks change nobody is missing for an hour.  Who it is of: its
-- attendees, else its summary, whatever of them names a person.  Text of others: everything is bounded.
local Rotation = require "moonwatch.route.rotation"
local people = require "moonwatch.route.people"
local windows_zones = require "moonwatch.route.windows_zones"
local zones = require "moonwatch.route.zone"

local M = {}
M.__index = M

local TEXT, LINE, EVENTS, NAMES, EXCEPTIONS, PROBLEMS = 1048576, 8192, 5000, 20, 1000, 20
local STEPS, AHEAD, BEHIND, LONGEST = 200000, 60 * 86400, 10 * 86400, 366 * 86400
M.TEXT = TEXT

-- -- lines ---------------------------------------------------------------------

-- Lines of TEXT with the folded ones put together.
local function lines(text)
  local out = {}
  for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch "([^\n]*)\n" do
    local n = #out
    if line:find "^[ \t]" and n > 0 then
      local last = out[n]
      if type(last) == "string" then last = { last, size = #last }; out[n] = last end
      last.size = last.size + #line - 1
      if last.size <= LINE then last[#last + 1] = line:sub(2) end
    else
      out[n + 1] = line
    end
  end
  for i, line in ipairs(out) do
    if type(line) == "table" then out[i] = table.concat(line) end
  end
  return out
end

-- NAME;PARAM=x;PARAM="y":VALUE → name, value, params; nil when it is no such line.
local function property(line)
  if #line > LINE then return nil end
  local name, at = line:match "^([%w%-]+)()"
  if not name then return nil end
  local params = {}
  while line:sub(at, at) == ";" do
    local key, from = line:match("^;([%w%-]+)=()", at)
    if not key then return nil end
    local value, after = line:match('^"([^"]*)"()', from)
    if not value then value, after = line:match("^([^;:]*)()", from) end
    params[key:upper()], at = value, after
    while line:sub(at, at) == "," do -- a list: only its first value is of use here
      local _, next_at = line:match('^,"([^"]*)"()', at)
      if not next_at then next_at = select(2, line:match("^,([^,;:]*)()", at)) end
      at = next_at
    end
  end
  if line:sub(at, at) ~= ":" then return nil end
  return name:upper(), line:sub(at + 1), params
end

local UNESCAPED = { n = " ", N = " " }
local function plain(text)
  return (text:gsub("\\(.)", function(c) return UNESCAPED[c] or c end):gsub("%c", " "):match "^%s*(.-)%s*$")
end

-- -- values ------------------------------------------------------------------------

-- "20260105T090000Z" → {at= (seconds as the clock there shows), zone=, date=}.
local function time_of(self, value, params)
  local y, m, d, rest = value:match "^(%d%d%d%d)(%d%d)(%d%d)(.*)$"
  local day = y and Rotation.date(("%s-%s-%s"):format(y, m, d))
  if not day then return nil end
  if rest == "" then return { at = day * 86400, zone = self.zone, date = true } end
  local hh, mm, ss, z = rest:match "^T(%d%d)(%d%d)(%d%d)(Z?)$"
  hh, mm, ss = tonumber(hh), tonumber(mm), tonumber(ss)
  if not hh or hh > 23 or mm > 59 or ss > 60 then return nil end
  local zone = z == "Z" and self.utc or params.TZID and self:zone_of(params.TZID) or self.zone
  return { at = day * 86400 + hh * 3600 + mm * 60 + ss, zone = zone }
end

local UNITS = { W = 7 * 86400, D = 86400, H = 3600, M = 60, S = 1 }
local function duration_of(value)
  local date, time = value:match "^%+?P([%dWD]*)T?([%dHMS]*)$"
  if not date then return nil end
  local total = 0
  for n, unit in (date .. time):gmatch "(%d+)(%u)" do
    if #n > 6 then return nil end
    total = total + tonumber(n) * UNITS[unit]
  end
  return total > 0 and total or nil
end

local DAYS = { SU = 0, MO = 1, TU = 2, WE = 3, TH = 4, FR = 5, SA = 6 }
local KNOWN = { FREQ = true, INTERVAL = true, COUNT = true, UNTIL = true, BYDAY = true, WKST = true }

-- RRULE → {daily=, interval=, count=, until_=, days={[0..6]=true}, week=}; nil, why.
local function rule_of(self, value)
  local parts = {}
  for key, x in value:upper():gmatch "([%u%-]+)=([^;]*)" do
    if not KNOWN[key] then return nil, key .. " is not understood" end
    parts[key] = x
  end
  if parts.FREQ ~= "DAILY" and parts.FREQ ~= "WEEKLY" then return nil, ("FREQ=%s is not understood"):format(tostring(parts.FREQ):sub(1, 20)) end
  local out = { daily = parts.FREQ == "DAILY", interval = tonumber(parts.INTERVAL or 1), count = tonumber(parts.COUNT), week = DAYS[parts.WKST or "MO"] }
  if not out.interval or out.interval < 1 or out.interval % 1 ~= 0 or out.interval > 1000 then return nil, "bad INTERVAL" end
  if parts.COUNT and (not out.count or out.count < 1) then return nil, "bad COUNT" end
  if not out.week then return nil, "bad WKST" end
  if parts.UNTIL then
    out.until_ = time_of(self, parts.UNTIL, {})
    if not out.until_ then return nil, "bad UNTIL" end
  end
  for day in (parts.BYDAY or ""):gmatch "[^,]+" do
    if not DAYS[day] then return nil, ("BYDAY=%s is not understood"):format(day:sub(1, 20)) end
    out.days = out.days or {}
    out.days[DAYS[day]] = true
  end
  return out
end

-- -- reading -----------------------------------------------------------------------

function M:problem(text)
  if #self.problems < PROBLEMS then self.problems[#self.problems + 1] = text end
end

function M:zone_of(name)
  local known = self.zones[name]
  if known == nil then
    known = zones.load(windows_zones[name] or name, self.host) or zones.load(name:match "([%w_+%-]+/[%w_+%-]+)$" or "?", self.host) or false
    self.zones[name] = known
    if not known then self:problem(("the time zone %q is not known here; the rotation's is taken"):format(name:sub(1, 60))) end
  end
  return known or self.zone
end

local function name_into(event, text)
  if text and text ~= "" and #event.names < NAMES then event.names[#event.names + 1] = plain(text) end
end

local take = {}
function take.DTSTART(self, event, value, params) event.start = time_of(self, value, params) end
function take.DTEND(self, event, value, params) event.ends = time_of(self, value, params) end
function take.DURATION(_, event, value) event.duration = duration_of(value) end
function take.SUMMARY(_, event, value) event.summary = plain(value) end
function take.UID(_, event, value) event.uid = value end
function take.STATUS(_, event, value) event.cancelled = value:upper() == "CANCELLED" end
function take.RRULE(_, event, value) event.rrule = value end
take["RECURRENCE-ID"] = function(self, event, value, params) event.instead = time_of(self, value, params) end
function take.EXDATE(self, event, value, params)
  for piece in value:gmatch "[^,]+" do
    local at = #event.without < EXCEPTIONS and time_of(self, piece, params)
    if at then event.without[#event.without + 1] = at end
  end
end
function take.RDATE(self, event) self:problem(("%q has RDATE, which is not read"):format((event.summary or "an event"):sub(1, 60))) end
function take.ATTENDEE(_, event, value, params)
  name_into(event, params.CN)
  name_into(event, value:lower():match "^mailto:(.+)$")
end

-- Who of the people EVENT is of: an attendee, the summary, or a piece of it ("On call: Ann").
local function person_of(self, event)
  local found = people.known(self.people, event.names)
  if found or not event.summary then return found end
  found = people.known(self.people, { event.summary })
  for piece in (event.summary .. "\n"):gsub("%s+%-+%s+", "\n"):gsub("[:,;|()/]", "\n"):gmatch "([^\n]+)\n" do
    found = found or people.known(self.people, { piece })
  end
  return found
end

-- EVENT is whole: what it says, in the form that `instances` wants.
local function close(self, event)
  if event.cancelled and not event.instead then return end
  local shown = (event.summary or event.uid or "an event"):sub(1, 60)
  if not event.start then return self:problem(("%q has no start that can be read"):format(shown)) end
  local length = event.duration or event.ends and event.ends.zone:utc(event.ends.at) - event.start.zone:utc(event.start.at)
  if event.ends and not event.duration and event.ends.zone == event.start.zone then length = event.ends.at - event.start.at end
  length = length or event.start.date and 86400
  if not length or length <= 0 or length > LONGEST then return self:problem(("%q has no end that can be read"):format(shown)) end
  event.length = length
  if event.rrule then
    local why
    event.rule, why = rule_of(self, event.rrule)
    if not event.rule then return self:problem(("%q repeats in a way that is not read: %s"):format(shown, why)) end
  end
  event.person = person_of(self, event)
  if not event.person and not event.cancelled then self:problem(("%q names nobody of the people"):format(shown)) end
  self.events[#self.events + 1] = event
end

-- An instance that was changed stands for itself, and is left out where it repeats.
local function settle_changes(self)
  local masters, kept = {}, {}
  for _, event in ipairs(self.events) do
    if event.rule and event.uid then masters[event.uid] = event end
  end
  for _, event in ipairs(self.events) do
    local master = event.instead and masters[event.uid]
    if master then master.without[#master.without + 1] = event.instead end
    if not event.cancelled and event.person then kept[#kept + 1] = event end
  end
  self.events = kept
  for _, event in ipairs(kept) do
    event.gone = {}
    for _, x in ipairs(event.without) do event.gone[x.date and event.start.zone:utc(x.at) or x.zone:utc(x.at)] = true end
  end
end

local function read(self, text)
  local stack, event, whole = {}, nil, false
  for _, line in ipairs(lines(text)) do
    local name, value, params = property(line)
    if name == "BEGIN" then
      stack[#stack + 1] = value:upper()
      if #stack > 10 then return nil, "components stand too deep in each other" end
      if #stack == 2 and stack[1] == "VCALENDAR" and stack[2] == "VEVENT" then
        self.count = self.count + 1
        if self.count > EVENTS then return nil, ("it has more than %d events"):format(EVENTS) end
        event = { names = {}, without = {} }
      end
    elseif name == "END" then
      if stack[#stack] ~= value:upper() then return nil, ("%s ends, which has not begun"):format(value:sub(1, 20)) end
      stack[#stack] = nil
      if event and #stack == 1 then
        close(self, event)
        event = nil
      end
      whole = whole or #stack == 0 and value:upper() == "VCALENDAR"
    elseif name and event and #stack == 2 and take[name] then
      take[name](self, event, value, params)
    end
  end
  if not whole then return nil, "it is no whole calendar: BEGIN:VCALENDAR or END:VCALENDAR is missing" end
  return true
end

--- TEXT as a calendar.  PEOPLE is an index of route/people.lua, ZONE that of times without one.  nil, message.
function M.parse(text, host, index, zone)
  if #text > TEXT then return nil, ("it is larger than %d bytes"):format(TEXT) end
  local self = setmetatable({ host = host, people = index, zone = zone, utc = zones.load("UTC", host), zones = {}, events = {}, problems = {},
    count = 0 }, M)
  local ok, err = read(self, text)
  if not ok then return nil, err end
  settle_changes(self)
  return self
end

-- -- asking ----------------------------------------------------------------------

local function weekday(day) return (day + 4) % 7 end

local function add(out, event, at, from, to)
  local start = event.start.zone:utc(at)
  local ends = event.duration and start + event.length or event.start.zone:utc(at + event.length)
  if start < to and ends > from and not event.gone[start] then out[#out + 1] = { from = start, to = ends, person = event.person } end
  return start
end

-- The instances of a rule that overlap FROM to TO.
local function repeated(self, out, event, from, to)
  local rule, first = event.rule, event.start.at
  local day, seconds = math.floor(first / 86400), first % 86400
  local last = rule.until_ and (rule.until_.date and event.start.zone:utc(rule.until_.at + 86399) or rule.until_.zone:utc(rule.until_.at)) or to
  local days = rule.days or not rule.daily and { [weekday(day)] = true }
  local week = day - (weekday(day) - rule.week) % 7
  local step = rule.daily and rule.interval or 1
  local n = 0
  -- What nobody counts need not be gone through from its beginning.
  if not rule.count then
    local unit = rule.interval * (rule.daily and 1 or 7)
    local skip = math.floor((from - event.length - 2 * 86400 - event.start.zone:utc(first)) / 86400 / unit) - 1
    if skip > 0 then
      day = rule.daily and day + skip * unit or week + skip * unit
    end
  end
  while self.steps > 0 do
    self.steps = self.steps - 1
    local in_week = rule.daily or math.floor((day - week) / 7) % rule.interval == 0
    if in_week and (not days or days[weekday(day)]) then
      n = n + 1
      if rule.count and n > rule.count then return end
      local start = event.start.zone:utc(day * 86400 + seconds)
      if start > last or start >= to then return end
      add(out, event, day * 86400 + seconds, from, to)
    elseif day * 86400 > to + 86400 then
      return
    end
    day = day + step
  end
end

-- Everything between FROM and TO, in the order in which it begins.
local function instances(self, from, to)
  local out = {}
  self.steps = STEPS
  for _, event in ipairs(self.events) do
    if event.rule then repeated(self, out, event, from, to) else add(out, event, event.start.at, from, to) end
  end
  if self.steps == 0 then self:problem "it repeats more than can be gone through: some of it is left out" end
  table.sort(out, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.person < b.person
  end)
  return out
end

--- Who the calendar says it is at NOW (nil: it does not say), and a moment up to which that is so.  Of several the one who
-- began last.
function M:at(now)
  local w = self.window
  if not w or now < w.from + BEHIND or now >= w.to - BEHIND then
    w = { from = now - BEHIND, to = now + AHEAD }
    w.list = instances(self, w.from, w.to)
    self.window = w
  end
  local person, edge = nil, w.to - BEHIND
  for _, i in ipairs(w.list) do
    if i.from > now then
      edge = math.min(edge, i.from)
      break
    end
    if i.to > now then person, edge = i.person, math.min(edge, i.to) end
  end
  return person, edge
end

return M
