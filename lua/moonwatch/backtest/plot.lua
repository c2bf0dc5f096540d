--- plot.lua - when each rule fired, one line of characters per rule.
local text = require "moonwatch.backtest.text"

local M = {}

local WIDTH = 72
local BARS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

-- FROM..TO of PIECES (lists of { from, to }, in order of from) that lies within each of WIDTH columns, 0 to 1.
local function share(pieces, from, to)
  local width, out, last = (to - from) / WIDTH, {}, -math.huge
  for i = 1, WIDTH do out[i] = 0 end
  table.sort(pieces, function(a, b) return a[1] < b[1] end)
  for _, piece in ipairs(pieces) do
    local a, b = math.max(piece[1], last), piece[2]
    if b > a or piece[1] == piece[2] then
      local first = math.max(1, math.floor((a - from) / width) + 1)
      for i = first, math.min(WIDTH, math.floor((b - from) / width) + 1) do
        local begins = from + (i - 1) * width
        out[i] = math.min(1, out[i] + math.max(1e-9, math.min(b, begins + width) - math.max(a, begins)) / width)
      end
      last = math.max(last, b)
    end
  end
  return out
end

local function line(firing, pending)
  local out = {}
  for i = 1, WIDTH do
    if firing[i] > 0 then out[i] = BARS[math.min(8, math.floor(firing[i] * 8) + 1)]
    else out[i] = pending[i] > 0 and "·" or " " end
  end
  return table.concat(out)
end

local function pieces_of(report)
  local by = {}
  for _, e in ipairs(report.episodes) do
    local row = by[e.rule] or { firing = {}, pending = {} }
    by[e.rule] = row
    if e.fired_at then table.insert(row.firing, { e.fired_at, e.resolved_at or report.to }) end
    local till = e.fired_at or e.gone_at or report.to
    if till > e.pending_at then table.insert(row.pending, { e.pending_at, till }) end
  end
  return by
end

--- REPORT as a plot, by OUT(text).
function M.show(out, host, report)
  local by, widest = pieces_of(report), 4
  for _, r in ipairs(report.rules) do
    if by[r.name] then widest = math.max(widest, #r.name) end
  end
  local any = false
  for _, r in ipairs(report.rules) do
    local row = by[r.name]
    if row then
      any = true
      out(("%s%s |%s| %d\n"):format(text.plain(r.name), (" "):rep(widest - #r.name),
        line(share(row.firing, report.from, report.to), share(row.pending, report.from, report.to)), r.fired))
    end
  end
  if not any then return end
  local left, right = host.rfc3339(report.from), host.rfc3339(report.to)
  out(("%s  %s%s%s\n"):format((" "):rep(widest), left, (" "):rep(WIDTH - #left - #right), right))
  out(("%s  %s\n"):format((" "):rep(widest), "▁ to █ share of the time in which it fired, · pending; at the right how often it fired"))
end

return M
