--- ranks.lua - two samples in one order: midranks, ties, and how much neighbours in time resemble each other (autocorrelation at lag 1).
local M = {}

--- Of XS and YS together: the midrank of each (two lists, in the order of XS and YS), and the sizes of the groups of equal values.
function M.of(xs, ys)
  local all = {}
  for i, x in ipairs(xs) do all[#all + 1] = { x, 1, i } end
  for i, y in ipairs(ys) do all[#all + 1] = { y, 2, i } end
  table.sort(all, function(a, b) return a[1] < b[1] end)
  local ranks, ties, from = { {}, {} }, {}, 1
  while from <= #all do
    local to = from
    while all[to + 1] and all[to + 1][1] == all[from][1] do to = to + 1 end
    for k = from, to do ranks[all[k][2]][all[k][3]] = (from + to) / 2 end
    ties[#ties + 1] = to - from + 1
    from = to + 1
  end
  return ranks[1], ranks[2], ties
end

local function mean(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v end
  return sum / #list
end

-- What the products of neighbours and the squares of LIST add up to, around its mean.
local function products(list)
  local m, cross, square = mean(list), 0, 0
  for i, v in ipairs(list) do
    square = square + (v - m) ^ 2
    if i > 1 then cross = cross + (v - m) * (list[i - 1] - m) end
  end
  return cross, square
end

--- How much a value resembles the one before it, within each of two lists of ranks in the order of time: 0 to 0.9.  Zero when it
-- may be chance.  The estimate is too low by about (1 + 3 r) / n for short lists, which is put back.
function M.resemblance(a, b)
  local n = #a + #b
  local cross_a, square_a = products(a)
  local cross_b, square_b = products(b)
  if n < 8 or square_a + square_b == 0 then return 0 end
  local r = (cross_a + cross_b) / (square_a + square_b)
  local shorter = n / 2
  r = (r + 1 / shorter) / (1 - 3 / shorter)
  if r < 1 / math.sqrt(n) then return 0 end
  return math.min(r, 0.9)
end

return M
