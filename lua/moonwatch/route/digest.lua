--- digest.lua - when messages that would come too late are told together, as one with counts.
--
-- Asked when it is a message's turn.  A target that takes digests has `digest` = {over=, after=}: it is
-- made when more than `over` wait, or when what waits has waited or would wait longer than `after`.
-- Pages are told one by one unless they alone are more than `over`.  A receiver that did not take the
-- last message is asked with a single one first.
local priority = require "moonwatch.route.priority"

local M = {}

local LEAST = 5

--- May JOB be told in a digest?  Not tests and what compat promises to tell as it is, nor what a digest was refused with.
local function fits(job)
  return not (job.once or job.acknowledges or job.alone or job.how and job.how.compat or job.note.test)
end

-- How long the last of N would wait for RATE, when a message leaves now.
local function wait(rate, n)
  if not rate or rate.tokens >= 2 then return 0 end
  return (n - 1) * rate.per / rate.n
end

local function too_late(lane, rate, n, now)
  local after, oldest = lane.target.digest.after, math.huge
  for p = priority.PAGE + 1, #lane.ready do
    local job = lane.ready[p]:first()
    if job then oldest = math.min(oldest, job.created) end
  end
  if oldest + after <= now then return "they had waited for too long" end
  if wait(rate, n) > after then return "the rate of the receiver would have held them back for too long" end
end

--- It is the turn of JOB in LANE: is a digest made of it and of others?  Why, and the least urgent priority that stays out of it.
function M.wanted(lane, rate, job, now)
  local target = lane.target
  if not target.digest or lane.trouble or not fits(job) then return nil end
  if job.priority == priority.PAGE then
    if lane.ready[priority.PAGE].n > target.digest.over then return "too many waited", 0 end
    return nil
  end
  local n = 0
  for p = priority.PAGE + 1, #lane.ready do n = n + lane.ready[p].n end
  if n > target.digest.over then return "too many waited", priority.PAGE end
  local why = n >= LEAST and too_late(lane, rate, n, now)
  if why then return why, priority.PAGE end
end

--- The jobs in LANE that a digest of those less urgent than ABOVE tells of.
function M.members(lane, above)
  local out = {}
  for p = above + 1, #lane.ready do
    for _, job in ipairs(lane.ready[p].list) do
      if fits(job) then out[#out + 1] = job end
    end
  end
  table.sort(out, function(a, b) return a.serial < b.serial end)
  return out
end

return M
