--- explain.lua - `moonwatch query --explain`: how a query is evaluated, as an aligned tree with what may be made better.
local queries = require "moonwatch.cli.queries"

local M = {}

local number, took = queries.number, queries.took

local function bytes(n)
  local unit, units = 1, { "B", "KiB", "MiB", "GiB" }
  while n >= 1024 and unit < #units do n, unit = n / 1024, unit + 1 end
  return (unit == 1 and "%.0f %s" or "%.1f %s"):format(n, units[unit])
end

-- Characters rather than bytes: branches and arrows are more than one byte each.
local function width(text) return select(2, text:gsub("[^\128-\191]", "")) end

local function shorten(text, most)
  if width(text) <= most then return text end
  local out, n = {}, 0
  for char in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
    n = n + 1
    if n >= most then break end
    out[n] = char
  end
  return table.concat(out) .. "…"
end

--- Lines of the tree: { tree text, node } and { indent, hint = text }.
local function walk(lines, node, indent, branch)
  lines[#lines + 1] = { tree = indent .. branch .. shorten(node.text, 60), node = node }
  local below = indent .. (branch == "" and "" or branch == "└─ " and "   " or "│  ")
  local rail = #node.children > 0 and "│  " or "   "
  lines[#lines + 1] = { note = below .. rail .. "  " .. node.does .. (node.streamed and "; rows pass by one at a time" or "") }
  for _, hint in ipairs(node.hints) do lines[#lines + 1] = { note = below .. rail .. "  ! " .. hint } end
  for i, child in ipairs(node.children) do walk(lines, child, below, i == #node.children and "└─ " or "├─ ") end
end

local function cells(node)
  return { took(node.selfSeconds), ("%3.0f%%"):format(node.share * 100), number(node.samples), number(node.rows) }
end

--- The tree of ANSWER as text: a line per node with its own time, share, samples and rows, and beneath it what it does.
function M.tree(answer)
  local lines, out, widest = {}, {}, 0
  walk(lines, answer.plan, "", "")
  for _, line in ipairs(lines) do widest = line.tree and math.max(widest, width(line.tree)) or widest end
  local columns = answer.analyzed and { "own time", "share", "samples", "rows" } or {}
  local head = (" "):rep(widest)
  for _, name in ipairs(columns) do head = head .. ("%12s"):format(name) end
  if answer.analyzed then out[1] = head end
  for _, line in ipairs(lines) do
    local text = line.note or line.tree
    if line.tree and answer.analyzed then
      text = text .. (" "):rep(widest - width(text))
      for _, cell in ipairs(cells(line.node)) do text = text .. ("%12s"):format(cell) end
    end
    out[#out + 1] = text
  end
  return table.concat(out, "\n") .. "\n"
end

function M.show(ctx, answer)
  ctx.out(M.tree(answer) .. "\n")
  local t = answer.totals
  if t then
    ctx.out(("%s, %s series, %s samples, %s rows, %s of memory, %s, %s\n"):format(took(t.seconds), number(t.series), number(t.samples),
      number(t.rows), bytes(t.peakBytes), answer.steps == 1 and "1 step" or number(answer.steps) .. " steps",
      t.threads > 1 and ("%d threads"):format(t.threads) or "1 thread"))
  end
  for _, hint in ipairs(answer.hints) do ctx.out("! " .. hint .. "\n") end
end

return M
