--- escalate.lua - who else is told when nobody reacts.
--
-- A policy is a list of steps {after=seconds, to={receivers}}.  The clock starts when a group first
-- has something firing that is neither muted nor acknowledged.  An acknowledgement or the resolve ends
-- it; when the acknowledgement runs out it starts from the first step.  While everything that fires is
-- muted no step is taken.  A position is {since=, step=} and outlives restarts and moves.
local M = {}

local function receivers_of(step)
  return type(step.to) == "table" and step.to or { step.to }
end

--- STATE is "waiting" (something rings), "held" (all muted) or "over" (acknowledged or resolved).
-- Answers the new position and the list of receivers whose step was reached by this call.
function M.advance(policy, position, state, now)
  if state == "over" then return nil, {} end
  if state == "held" then return position, {} end
  position = position or { since = now, step = 0 }
  local reached = {}
  local step = policy[position.step + 1]
  while step and position.since + step.after <= now do
    position.step = position.step + 1
    for _, name in ipairs(receivers_of(step)) do reached[#reached + 1] = name end
    step = policy[position.step + 1]
  end
  return position, reached
end

--- When is the next step due?  nil: there is none.
function M.next(policy, position)
  local step = policy and position and policy[position.step + 1]
  return step and position.since + step.after or nil
end

--- Receivers of all steps taken so far, each once.
function M.taken(policy, position)
  local out, seen = {}, {}
  for i = 1, position and position.step or 0 do
    for _, name in ipairs(policy[i] and receivers_of(policy[i]) or {}) do
      if not seen[name] then
        seen[name] = true
        out[#out + 1] = name
      end
    end
  end
  return out
end

return M
