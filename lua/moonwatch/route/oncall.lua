--- oncall.lua - who is on call: a rotation, other rotations inside windows, a calendar, and exceptions.
--
-- There is exactly one person at each moment.  What is said last wins: an exception over the calendar, the
-- calendar over the layers, a later layer over an earlier one, all of them over the rotation itself.
local Rotation = require "moonwatch.route.rotation"
local sooner = require "moonwatch.sooner"
local zones = require "moonwatch.route.zone"

local M = {}
M.__index = M

local YEAR = 370 -- days that are looked ahead for a change
local STEPS = 2000

-- "2026-12-24 09:00", "2026-12-24" in the zone, or a time with its own offset → seconds; nil.
local function moment(text, zone, host)
  local date, h, m = text:match "^(%d%d%d%d%-%d%d%-%d%d)[ T]?(%d?%d?):?(%d?%d?)$"
  local day = date and Rotation.date(date)
  if not day then return not date and host.parse_time(text) or nil end
  h, m = tonumber(h) or 0, tonumber(m) or 0
  if h > 24 or m > 59 then return nil end
  return zone:utc(day * 86400 + h * 3600 + m * 60)
end
M.moment = moment

local function read_overrides(list, zone, host)
  local out = {}
  for i, o in ipairs(list or {}) do
    local from, to = moment(o.from, zone, host), moment(o.to, zone, host)
    if not from or not to then
      return nil, ("override %d: %q is not a time such as \"2026-12-24 09:00\""):format(i, from and o.to or o.from)
    end
    if from >= to then return nil, ("override %d ends before it begins"):format(i) end
    out[i] = { from = from, to = to, person = o.person }
  end
  return out
end

--- SPEC as words/oncall.lua checks it; WINDOWS by name, or nil when nobody will ask `at`.  nil, message.
function M.new(spec, host, windows)
  local zone, err = zones.load(spec.zone, host)
  if not zone then return nil, err end
  local self = setmetatable({ name = spec.name, zone = zone, ical = spec.ical, every = spec.every, layers = {}, swaps = {} }, M)
  self.base, err = Rotation.new(spec, zone)
  if not self.base then return nil, err end
  for i, layer in ipairs(spec.layers or {}) do
    local rotation
    rotation, err = Rotation.new(layer, zone)
    if not rotation then return nil, ("layer %d: %s"):format(i, err) end
    self.layers[i] = { rotation = rotation, window = windows and windows[layer.window] }
  end
  self.overrides, err = read_overrides(spec.overrides, zone, host)
  if not self.overrides then return nil, err end
  return self
end

--- CALENDAR (route/ical.lua) is what the calendar says now; nil: nothing.
function M:set_calendar(cal) self.calendar, self.known = cal, nil end

--- LIST of {from=, to=, person=}: exceptions that were made while we ran; the last of those that cover a moment counts.
function M:set_swaps(list) self.swaps, self.known = list, nil end

-- The last of LIST that covers NOW, and when the next of them begins or ends.
local function covering(list, now)
  local found, edge
  for _, o in ipairs(list) do
    if o.from <= now and now < o.to then found = o end
    if o.from > now then edge = sooner(edge, o.from) elseif o.to > now then edge = sooner(edge, o.to) end
  end
  return found, edge
end

-- Who it is, why, and a moment up to which nothing changes.
local function look(self, now)
  local person, edge = self.base:at(now)
  local why = "rotation"
  for _, layer in ipairs(self.layers) do
    if layer.window then
      edge = sooner(edge, layer.window:next_change(now))
      if layer.window:contains(now) then
        local ends
        person, ends = layer.rotation:at(now)
        why, edge = "layer", sooner(edge, ends)
      end
    end
  end
  if self.calendar then
    local event, ends = self.calendar:at(now)
    edge = sooner(edge, ends)
    if event then person, why = event, "calendar" end
  end
  for _, list in ipairs { self.overrides, self.swaps } do
    local o, ends = covering(list, now)
    edge = sooner(edge, ends)
    if o then person, why = o.person, "override" end
  end
  return person, why, edge
end

-- {from=, to=nil or, person=, why=}: the stretch of time after NOW in which the same person is on call.
local function span(self, now)
  local known = self.known
  if known and known.from <= now and (not known.to or now < known.to) then return known end
  local person, why, edge = look(self, now)
  for _ = 1, STEPS do
    if not edge or edge > now + YEAR * 86400 then
      edge = nil
      break
    end
    local other, _, later = look(self, edge)
    if other ~= person then break end
    edge = later
  end
  self.known = { from = now, to = edge, person = person, why = why }
  return self.known
end

--- Who is on call at NOW, and why: "rotation", "layer", "calendar" or "override".
function M:at(now)
  local s = span(self, now)
  return s.person, s.why
end

--- When is somebody else on call?  nil: not within a year.
function M:next_change(now) return span(self, now).to end

--- The turns from FROM to TO, at most MOST: list of {from=, to=nil or, person=, why=}.
function M:shifts(from, to, most)
  local out, at = {}, from
  while at and at < to and #out < most do
    local s = span(self, at)
    out[#out + 1] = { from = at, to = s.to, person = s.person, why = s.why }
    at = s.to
  end
  return out
end

return M
