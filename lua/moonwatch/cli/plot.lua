--- plot.lua - series as lines of bars in a terminal, and below them what happened meanwhile.
local client = require "moonwatch.cli.client"

local M = {}

local BARS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local MOST = 100 -- columns; several points of one column are its mean
local SHOWN = 12 -- marks that are told

local function finite(v) return v and v == v and math.abs(v) < math.huge end

-- The mean of the points of each column, and the least and the most of them.
local function columns(values, span, n)
  local sum, count, low, high = {}, {}, math.huge, -math.huge
  for _, point in ipairs(values) do
    local v, i = tonumber(point[2]), M.column(span, n, point[1])
    if finite(v) then sum[i], count[i] = (sum[i] or 0) + v, (count[i] or 0) + 1 end
  end
  for i, total in pairs(sum) do
    sum[i] = total / count[i]
    low, high = math.min(low, sum[i]), math.max(high, sum[i])
  end
  return sum, low, high
end

--- The column of time T among N of SPAN, 1 to N.
function M.column(span, n, t)
  local share = span.to > span.from and (t - span.from) / (span.to - span.from) or 0
  return math.max(1, math.min(n, math.floor(share * (n - 1) + 0.5) + 1))
end

local function bars(values, span, n)
  local mean, low, high = columns(values, span, n)
  local out = {}
  for i = 1, n do out[i] = mean[i] and BARS[high > low and math.floor((mean[i] - low) / (high - low) * 7 + 0.5) + 1 or 1] or " " end
  return table.concat(out), low, high
end

-- A line that shows where MARKS are, and one for each that says what it is.
local function below(ctx, marks, span, n)
  local at = {}
  for _, m in ipairs(marks) do
    for i = M.column(span, n, m.time), M.column(span, n, m["until"] or m.time) do at[i] = at[i] or "─" end
  end
  for _, m in ipairs(marks) do at[M.column(span, n, m.time)] = "▲" end
  for i = 1, n do at[i] = at[i] or " " end
  ctx.out((table.concat(at, "", 1, n):gsub("%s+$", "")) .. "\n")
  for i = 1, math.min(SHOWN, #marks) do ctx.out(client.line(("▲ %s  %s"):format(marks[i].at, marks[i].title)) .. "\n") end
  if #marks > SHOWN then ctx.out(("and %d more: moonwatch mark list\n"):format(#marks - SHOWN)) end
end

--- ROWS ({ name=, values = { {time, value} } }) over SPAN ({ from=, to=, step= }), and MARKS of that time.
function M.show(ctx, rows, span, marks)
  local n = math.max(1, math.min(MOST, math.floor((span.to - span.from) / span.step + 1e-9) + 1))
  for _, row in ipairs(rows) do
    local line, low, high = bars(row.values, span, n)
    ctx.out(("%s\n%s  %s\n"):format(client.line(row.name), line, high < low and "no values" or ("%g to %g"):format(low, high)))
  end
  if #rows > 0 and #marks > 0 then below(ctx, marks, span, n) end
end

return M
