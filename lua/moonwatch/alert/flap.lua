--- flap.lua - flap = { changes=5, within="1h" }: an alert that fires and ends again and again is told once more, and then fires
-- until it is calm.
--
-- Counted are the times at which it would have begun or ceased to fire.  It flaps from the moment it fires with so many changes
-- within the time, that one included, until at most `calm` of them are left in it.
local M = {}

M.MOST = 1000 -- alerts of one rule that are watched

--- What is known of the flapping of one alert.
function M.new(labels) return { labels = labels, times = {}, firing = false, flapping = false } end

local function expire(entry, now, within)
  while entry.times[1] and now - entry.times[1] >= within do table.remove(entry.times, 1) end
end

--- It fires (or does not) at NOW.  Gives whether it is flapping.  rule.flap: { changes=, within=, calm= }.
function M.step(entry, fires, now, flap)
  expire(entry, now, flap.within)
  if fires ~= entry.firing then
    entry.firing = fires
    entry.times[#entry.times + 1] = now
    if #entry.times > flap.changes then table.remove(entry.times, 1) end
    if fires and #entry.times >= flap.changes then entry.flapping = true end
  end
  if entry.flapping and #entry.times <= flap.calm then entry.flapping = false end
  return entry.flapping
end

--- Is there nothing worth remembering of it?
function M.done(entry, now, flap)
  expire(entry, now, flap.within)
  return not entry.firing and not entry.flapping and #entry.times == 0
end

return M
