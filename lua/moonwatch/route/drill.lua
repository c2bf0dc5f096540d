--- drill.lua - when a fire drill is due, and what its alert looks like.
--
-- A drill without a time of day comes `every` seconds after the one before; its first one `every` after it became known.  With
-- `at` it comes at that time of the local day, and one that nobody could hold for an hour is left out.
local Zone = require "moonwatch.route.zone"

local M = {}

local LATE = 3600
local DAY = 86400

M.NAME = "MoonwatchDrill"

--- SPEC, fields of the word, made ready.  nil, message when something in it is wrong.
function M.new(spec, host)
  local zone, err = Zone.load(spec.zone, host)
  if not zone then return nil, ("drill %q: %s"):format(spec.name, err) end
  local out = { name = spec.name, to = type(spec.to) == "table" and spec.to or { spec.to }, every = spec.every or DAY,
    within = spec.within or 120, severity = spec.severity or "info", zone = zone }
  if spec.at then
    local h, m = spec.at:match "^(%d+):(%d+)$"
    out.at, out.says = h * 3600 + m * 60, spec.at
  end
  return out
end

-- The first moment after T at which it is AT seconds after midnight in ZONE.
local function next_time_of_day(zone, at, t)
  local midnight = math.floor((t + zone:offset(t)) / DAY) * DAY
  for day = 0, 2 do
    local wall = midnight + day * DAY + at
    local when = wall - zone:offset(wall - zone:offset(wall))
    if when > t then return when end
  end
end

local function after(drill, memory)
  if not drill.at then return (memory.planned or memory.since) + drill.every end
  return next_time_of_day(drill.zone, drill.at, memory.planned and memory.planned + drill.every - LATE or memory.since)
end

--- When DRILL is to be held next, by what is remembered of it: MEMORY = {since=, planned= (the last that was due)}.
function M.due(drill, memory, now)
  local at = after(drill, memory)
  while drill.at and at + LATE < now do
    memory.planned = at
    at = after(drill, memory)
  end
  return at
end

--- The route that leads an alert of DRILL to RECEIVER, and to nobody else.
function M.route(drill, receiver)
  return { match = { alertname = M.NAME, drill = drill.name, receiver = receiver }, receiver = receiver,
    group_by = { "alertname", "drill", "receiver", "run" }, group_wait = 0, group_interval = 10, repeat_interval = 1e9 }
end

--- The alert of the run that began at STARTED, as it comes in.
function M.report(drill, receiver, started, host, more)
  local out = { labels = { alertname = M.NAME, drill = drill.name, receiver = receiver, severity = drill.severity, run = host.rfc3339(started) },
    annotations = { summary = ("Fire drill %q: this is a test message, nothing is wrong."):format(drill.name) },
    starts_at = started, rule = "drill/" .. drill.name, drill = drill.name }
  for name, value in pairs(more) do out[name] = value end
  return out
end

return M
