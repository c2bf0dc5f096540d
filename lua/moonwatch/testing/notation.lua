--- notation.lua - series as promtool writes them: "0+10x60 _ stale 5x3 1 2 3".
--
--   a         one sample           _        no sample            _xN      N of them
--   a+bxN     a, a+b, ... (N more) a-bxN    likewise, falling    axN      a, N more times
--   stale     a stale marker
local M = {}

local function expand(word, out)
  local gaps = word:match "^_x(%d+)$"
  if word == "_" or gaps then
    for _ = 1, tonumber(gaps or 1) do out[#out + 1] = false end
    return true
  end
  if word == "stale" then
    out[#out + 1] = "stale"
    return true
  end
  local first, times = word:match "^(%-?[%w%.]+)x(%d+)$"
  local step = 0
  if not first then
    local sign
    first, sign, step, times = word:match "^(%-?[%w%.]+)([%+%-])([%w%.]+)x(%d+)$"
    step = step and tonumber(sign .. step)
  end
  if not first then -- after the patterns: "0x40" is a zero forty times, no hexadecimal
    out[#out + 1] = tonumber(word)
    return tonumber(word) ~= nil
  end
  first = tonumber(first)
  if not first or not step then return false end
  for i = 0, tonumber(times) do out[#out + 1] = first + i * step end
  return true
end

--- TEXT -> list of numbers, "stale", or false for a gap; an error when it cannot be read.
function M.read(text)
  local out = {}
  for word in text:gmatch "%S+" do
    if not expand(word, out) then error(("%q is no series notation"):format(word), 3) end
  end
  return out
end

return M
