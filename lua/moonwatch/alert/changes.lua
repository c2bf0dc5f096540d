--- changes.lua - the last changes of a rule's alerts, with the values they had: what `why` tells of what the alerts do not say any more.
--
-- A ring of MOST plain entries { time=, key=, labels=, from=, to=, value= } for each rule that ever had an alert.
local M = {}

M.MOST = 100

--- Note CHANGES of RUNNER at T, see state.step.
function M.note(runner, changes, t)
  local n = #changes
  if n == 0 then return end
  local ring = runner.ring or { next = 1 }
  runner.ring = ring
  for i = math.max(1, n - M.MOST + 1), n do
    local c = changes[i]
    ring[ring.next] = { time = t, key = c.alert.key, labels = c.alert.labels, from = c.from, to = c.to, value = c.alert.value }
    ring.next = ring.next % M.MOST + 1
  end
end

--- Those of RUNNER that WANTED says yes to, oldest first.
function M.of(runner, wanted)
  local ring, out = runner.ring, {}
  if not ring then return out end
  for i = 0, M.MOST - 1 do
    local entry = ring[(ring.next + i - 1) % M.MOST + 1]
    if entry and wanted(entry) then out[#out + 1] = entry end
  end
  return out
end

return M
