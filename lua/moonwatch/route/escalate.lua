--- escalate.lua - who else is told when nobody reacts.
--
-- A policy is {steps={ {after=seconds, to={receivers}, every=nil or seconds} }, loops=how often all of it,
-- pause=seconds from the last step of one loop to the next loop}.  The clock starts when a group first
-- has something firing that is neither muted nor acknowledged.  An acknowledgement or the resolve ends
-- it; when the acknowledgement runs out it starts from the first step.  While everything that fires is
-- muted no step is taken.  A position is {since= (of this loop), step=, loop=, rang= (of this step)}
-- and outlives restarts and moves.
local M = {}

local SHORTEST = 60

local function receivers_of(step)
  return type(step.to) == "table" and step.to or { step.to }
end

-- How long one loop takes.
local function period(policy)
  local steps = policy.steps
  local last, before = steps[#steps], steps[#steps - 1]
  return math.max(SHORTEST, last.after + (policy.pause or last.after - (before and before.after or 0)))
end

-- When something is due, and what: the next "step", this step once more ("every"), or the next "loop".
local function due(policy, position)
  local steps, at, what = policy.steps, nil, nil
  local this, following = steps[position.step], steps[position.step + 1]
  if following then
    at, what = position.since + following.after, "step"
  elseif #steps > 0 and (position.loop or 1) < (policy.loops or 1) then
    at, what = position.since + period(policy), "loop"
  end
  local again = this and this.every and position.rang and position.rang + this.every
  if again and (not at or again < at) then return again, "every" end
  return at, what
end

local take = {
  step = function(position, now) position.step, position.rang = position.step + 1, now end,
  every = function(position, now) position.rang = now end,
  -- Whoever was away for long does not rush through the loops that were missed.
  loop = function(position, now) position.since, position.step, position.loop, position.rang = now, 0, (position.loop or 1) + 1, nil end,
}

--- STATE is "waiting" (something rings), "held" (all muted) or "over" (acknowledged or resolved).
-- Answers the new position and the list of receivers whose step was reached by this call.
function M.advance(policy, position, state, now)
  if state == "over" then return nil, {} end
  if state == "held" then return position, {} end
  position = position or { since = now, step = 0, loop = 1 }
  local reached = {}
  local at, what = due(policy, position)
  while at and at <= now do
    take[what](position, now)
    if what ~= "loop" then
      for _, name in ipairs(receivers_of(policy.steps[position.step])) do reached[#reached + 1] = name end
    end
    at, what = due(policy, position)
  end
  return position, reached
end

--- When is something due?  nil: nothing is.
function M.next(policy, position)
  return policy and position and (due(policy, position)) or nil
end

--- A text that differs between any two positions; POSITION may be nil.
function M.mark(position)
  if not position then return "" end
  return ("%.3f/%d/%d/%.3f"):format(position.since, position.step, position.loop or 1, position.rang or 0)
end

--- Is NEW further than OLD, which may be nil?
function M.further(new, old)
  return not old or new.since ~= old.since or new.step > old.step or (new.rang or 0) > (old.rang or 0)
end

--- Receivers of all steps taken so far, each once.
function M.taken(policy, position)
  local out, seen = {}, {}
  local last = position and ((position.loop or 1) > 1 and #policy.steps or position.step) or 0
  for i = 1, last do
    for _, name in ipairs(policy.steps[i] and receivers_of(policy.steps[i]) or {}) do
      if not seen[name] then
        seen[name] = true
        out[#out + 1] = name
      end
    end
  end
  return out
end

return M
