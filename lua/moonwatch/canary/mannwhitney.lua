--- mannwhitney.lua - the Mann-Whitney U test: are the values of one sample larger than those of another?
--
-- It asks for order only, so one wild value weighs no more than one that is a little above the others.  For up to EXACT values
-- the distribution is counted out, ties included (the ranks that there are, dealt in every possible way); beyond that the normal
-- approximation has a correction for ties and for continuity.
--
-- The test assumes independent values.  Those of a monitoring system that follow each other are not: the variance is widened by
-- (1 + r) / (1 - r), r being the autocorrelation of neighbours, as for the mean of such a series.
local ranks_of = require "moonwatch.canary.ranks"

local M = {}

M.EXACT = 40 -- values of both samples together

--- The probability that a standard normal value is above Z.  (Abramowitz and Stegun 7.1.26 is too coarse in the tail; this is a
-- continued fraction there and a series in the middle.)
function M.above(z)
  if z < 0 then return 1 - M.above(-z) end
  local density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
  if z < 3 then
    local term, sum, k = z, z, 1
    repeat
      k = k + 2
      term = term * z * z / k
      sum = sum + term
    until term < 1e-17 * sum or term == 0
    return 0.5 - density * sum
  end
  local f = 0
  for k = 60, 1, -1 do f = k / (z + f) end
  return density / (z + f)
end

-- In how many ways N values of the ranks (twice each, so that they are whole) have each sum: sum -> ways.
local function ways(doubled, n)
  local by_count = {}
  for k = 0, n do by_count[k] = {} end
  by_count[0][0] = 1
  for _, r in ipairs(doubled) do
    for k = n, 1, -1 do
      local into = by_count[k]
      for sum, count in pairs(by_count[k - 1]) do into[sum + r] = (into[sum + r] or 0) + count end
    end
  end
  return by_count[n]
end

-- P(sum >= S) and P(sum <= S) for the sum of the ranks of the second sample.
local function exact(rx, ry, s)
  local doubled = {}
  for _, r in ipairs(rx) do doubled[#doubled + 1] = 2 * r end
  for _, r in ipairs(ry) do doubled[#doubled + 1] = 2 * r end
  local all, more, less = 0, 0, 0
  for sum, count in pairs(ways(doubled, #ry)) do
    all = all + count
    if sum >= 2 * s then more = more + count end
    if sum <= 2 * s then less = less + count end
  end
  return more / all, less / all
end

local function approximate(u, n, m, ties, widened)
  local total, tied = n + m, 0
  for _, t in ipairs(ties) do tied = tied + t ^ 3 - t end
  local variance = n * m / 12 * (total + 1 - tied / (total * (total - 1))) * widened
  if variance <= 0 then return 1, 1 end
  local middle, sd = n * m / 2, math.sqrt(variance)
  return M.above((u - middle - 0.5) / sd), M.above((middle - u - 0.5) / sd)
end

--- XS against YS, both in the order of time: { u= (pairs in which y is larger, equal ones half), greater=, less=, two_sided= (the
-- probabilities of such an order when both are alike: YS larger, smaller, either), method= "exact" or "normal", resemblance= }.
-- options: { independent= (do not look for resemblance), exact= (up to how many values) }.  Neither may be empty.
function M.test(xs, ys, options)
  options = options or {}
  local n, m = #xs, #ys
  local rx, ry, ties = ranks_of.of(xs, ys)
  local sum = 0
  for _, r in ipairs(ry) do sum = sum + r end
  local u = sum - m * (m + 1) / 2
  local r = options.independent and 0 or ranks_of.resemblance(rx, ry)
  local greater, less, method
  if r == 0 and n + m <= (options.exact or M.EXACT) then
    greater, less = exact(rx, ry, sum)
    method = "exact"
  else
    greater, less = approximate(u, n, m, ties, (1 + r) / (1 - r))
    method = "normal"
  end
  return { u = u, greater = greater, less = less, two_sided = math.min(1, 2 * math.min(greater, less)), method = method, resemblance = r }
end

return M
