--- conditions.lua - what is so at a moment: the steady state that must hold, and what ends an experiment at once.
--
-- Both are rows { name=, expr=, above=, below= }.  Steady: there is something, and each value of it is above and below; without
-- either, being there is enough.  Abort: some value is above, or below; without either, there is something at all.  What cannot
-- be asked does not hold, and ends an experiment: no fault is injected that nobody can watch.
local M = {}

local function number(v) return v == v and v or nil end

-- The value to report of ROWS: the one that is farthest out.
local function farthest(rows, row)
  local found
  for _, r in ipairs(rows) do
    local v = number(r.value)
    if v and (not found or (row.below and v > found) or (not row.below and v < found)) then found = v end
  end
  return found
end

local function within(row, v)
  return v ~= nil and (row.above == nil or v > row.above) and (row.below == nil or v < row.below)
end

local function limits(row)
  local out = {}
  if row.above then out[#out + 1] = ("above %g"):format(row.above) end
  if row.below then out[#out + 1] = ("below %g"):format(row.below) end
  return table.concat(out, " and ")
end

-- { name=, value=, holds=, text= } of one ROW at T.
local function steady(host, row, t)
  local rows, why = host.query(row.expr, t)
  if not rows then return { name = row.name, holds = false, text = ("%s cannot be asked: %s"):format(row.name, why) } end
  local out = { name = row.name, value = farthest(rows, row), holds = #rows > 0 }
  for _, r in ipairs(rows) do
    if not within(row, number(r.value)) then
      out.holds = false
      out.value = number(r.value) or out.value
    end
  end
  if #rows == 0 then out.text = row.name .. " has no value"
  elseif not out.holds then out.text = ("%s is %s, not %s"):format(row.name, out.value and ("%.6g"):format(out.value) or "no number", limits(row)) end
  return out
end

-- Likewise: `active`.
local function abort(host, row, t)
  local rows, why = host.query(row.expr, t)
  if not rows then return { name = row.name, active = true, text = ("%s cannot be watched: %s"):format(row.name, why) } end
  local out = { name = row.name, active = false }
  for _, r in ipairs(rows) do
    local v = number(r.value)
    out.value = out.value or v
    local beyond = v ~= nil and (row.above ~= nil and v > row.above or row.below ~= nil and v < row.below or row.above == nil and row.below == nil)
    if beyond and not out.active then
      local limit = limits({ above = row.above and v > row.above and row.above, below = row.below and v < row.below and row.below })
      out.active, out.value, out.text = true, v, ("%s is %.6g%s"):format(row.name, v, limit ~= "" and ", " .. limit or "")
    end
  end
  return out
end

local function all(host, list, t, f)
  local out = {}
  for i, row in ipairs(list) do out[i] = f(host, row, t) end
  return out
end

--- What there is to see at T: { at=, steady = { {name=, value=, holds=, text=} }, abort = { {name=, value=, active=, text=} } }.
function M.look(host, rule, t)
  return { at = t, steady = all(host, rule.steady, t, steady), abort = all(host, rule.abort, t, abort) }
end

--- Why the steady state of LOOK does not hold, or nil.
function M.unsteady(look)
  for _, row in ipairs(look.steady) do
    if not row.holds then return row.text end
  end
end

--- Why LOOK ends it, or nil.
function M.ends(look)
  for _, row in ipairs(look.abort) do
    if row.active then return row.text end
  end
end

return M
