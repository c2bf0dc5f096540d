--- effect.lua - how large a difference is, whatever the number of values: a tiny one becomes certain with enough of them.
local M = {}

--- The middle of LIST; nil when it is empty.
function M.median(list)
  local sorted = {}
  for i, v in ipairs(list) do sorted[i] = v end
  table.sort(sorted)
  local n = #sorted
  if n == 0 then return nil end
  if n % 2 == 1 then return sorted[(n + 1) / 2] end
  return (sorted[n / 2] + sorted[n / 2 + 1]) / 2
end

--- Vargha and Delaney's A: how likely a value of the second sample is above one of the first, from U of the test and the sizes.
function M.a12(u, n, m) return u / (n * m) end

--- Cliff's delta: -1 all below, 0 no difference, 1 all above.
function M.delta(u, n, m) return 2 * u / (n * m) - 1 end

local NAMES = { { 0.474, "large" }, { 0.33, "medium" }, { 0.147, "small" } }

--- The size of DELTA in a word (Romano et al. 2006).
function M.name(delta)
  for _, row in ipairs(NAMES) do
    if math.abs(delta) >= row[1] then return row[2] end
  end
  return "negligible"
end

-- At most MOST of LIST, evenly: those at every so many places of its order.
local function thinned(list, most)
  if #list <= most then return list end
  local sorted, out = {}, {}
  for i, v in ipairs(list) do sorted[i] = v end
  table.sort(sorted)
  for i = 1, most do out[i] = sorted[math.floor((i - 0.5) / most * #sorted) + 1] end
  return out
end

local PAIRED = 200 -- values of each side: all of them in pairs would be too many

--- Hodges and Lehmann's estimate of how much YS are above XS: the middle of all differences.
function M.shift(xs, ys)
  local all = {}
  xs, ys = thinned(xs, PAIRED), thinned(ys, PAIRED)
  for _, y in ipairs(ys) do
    for _, x in ipairs(xs) do all[#all + 1] = y - x end
  end
  return M.median(all)
end

return M
