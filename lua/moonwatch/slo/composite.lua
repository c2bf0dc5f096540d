--- composite.lua - an SLO that is made of others.
--
-- Without weights their events are added up: the busiest counts most.  With weights it is their ratios that are, each as much as
-- its weight says; one in which nothing happened has no say.
local corrections = require "moonwatch.slo.corrections"

local M = {}

--- The runners of SELF that are there, with their weights.
function M.members(self)
  local out = {}
  for _, part in ipairs(self.rule.of) do
    local runner = self.engine.by_id["slo/" .. part.slo]
    if runner and runner.counted_to then out[#out + 1] = { runner = runner, weight = part.weight } end
  end
  return out
end

--- Up to when all of them have counted, at most TO; nil, why when there is none yet.
function M.counted_to(self, to)
  for _, m in ipairs(M.members(self)) do to = math.min(to, m.runner.counted_to) end
  self.data = "ok"
  return to
end

-- Events of RUNNER in PIECES of time.
local function sums(runner, pieces, raw)
  local total, bad = 0, 0
  for _, piece in ipairs(pieces) do
    local found = runner:between(piece[1], piece[2], raw)
    total, bad = total + found.total, bad + found.bad
  end
  return total, bad
end

--- Events from FROM to TO, without what corrections of it or of its members take out; RAW: with it.
function M.between(self, from, to, raw)
  local pieces = raw and { { from, to } } or corrections.outside(corrections.stretches(self, from, to), from, to)
  local total, bad, weighed, weights = 0, 0, 0, 0
  for _, m in ipairs(M.members(self)) do
    local n, n_bad = sums(m.runner, pieces, raw)
    total, bad = total + n, bad + n_bad
    if m.weight and n > 0 then weighed, weights = weighed + m.weight * math.min(1, n_bad / n), weights + m.weight end
  end
  if total <= 0 then return { total = 0, bad = 0 } end
  local ratio = weights > 0 and weighed / weights or bad / total
  return { total = total, bad = ratio * total, ratio = ratio }
end

return M
