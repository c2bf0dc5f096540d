--- fallback.lua - which messages waited so long for a receiver that does not take them that somebody else must hear.
--
-- A message falls back when it has waited `fallback_after` and its receiver has taken nothing for a moment, or, when it is a page
-- and its receiver has taken nothing for that long already, after that moment.
local priority = require "moonwatch.route.priority"

local M = {}

local MOMENT = 60

-- When JOB of LANE falls back.
local function due(lane, job)
  local after, since = lane.target.fallback_after, lane.trouble.since
  local moment = math.min(after, MOMENT)
  local at = math.max(job.created + after, since + moment)
  if job.priority == priority.PAGE then at = math.min(at, math.max(job.created + moment, since + after)) end
  return at
end

local function fits(job)
  return not (job.fell or job.once or job.acknowledges or job.note.test or job.note.reason == "repeat")
end

local function overdue(lane, out, now)
  local at
  for job in pairs(lane.jobs) do
    if fits(job) then
      local when = due(lane, job)
      if when <= now then out[#out + 1] = job else at = math.min(at or when, when) end
    end
  end
  lane.falls_at = at
end

--- JOB was put into LANE.
function M.added(lane, job)
  if not lane.target.fallback or not lane.trouble or not fits(job) then return end
  lane.falls_at = math.min(lane.falls_at or math.huge, due(lane, job))
end

--- LANE begins to take nothing.
function M.begins(lane)
  if lane.target.fallback then lane.falls_at = 0 end
end

--- The jobs among LANES that fall back at NOW, pages first, then the oldest; and when to ask again, or nil.
function M.overdue(lanes, now)
  local out, at = {}, nil
  for _, lane in pairs(lanes) do
    if lane.trouble and lane.target.fallback then
      if lane.falls_at and lane.falls_at <= now then overdue(lane, out, now) end
      if lane.falls_at then at = math.min(at or lane.falls_at, lane.falls_at) end
    end
  end
  table.sort(out, function(a, b)
    if a.priority ~= b.priority then return a.priority < b.priority end
    return a.serial < b.serial
  end)
  return out, at
end

return M
