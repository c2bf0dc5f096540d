--- explain.lua - which routes a set of labels takes, and what decided: for each route the matchers that said yes or no.
local matchers = require "moonwatch.route.matchers"

local M = {}

-- The matchers of NODE as {matcher=, ok=, value=}; do all say yes?
local function tried(node, labels)
  local out, all = {}, true
  for i, m in ipairs(node.matchers.list) do
    local ok = m.test(labels[m.name] or "") and true or false
    out[i] = { matcher = matchers.write(m), ok = ok, value = labels[m.name] }
    all = all and ok
  end
  return out, all
end

local function row_of(node, depth)
  return { node = node, route = node.key, receiver = node.receiver, escalation = node.escalate, depth = depth, continue = node.continue }
end

local function passed_by(node, depth, out, taker)
  local row = row_of(node, depth)
  row.state, row.taker = "not asked", taker
  out[#out + 1] = row
end

-- Routes of fire drills are of no interest to other alerts.
local function concerns(node, labels) return not node.drill or node.drill == labels.drill end

local function walk(node, labels, depth, out)
  local row, decisive, ok = row_of(node, depth), tried(node, labels)
  row.matchers = decisive
  out[#out + 1] = row
  if not ok then
    row.state = "no"
    return false
  end
  local taker, any
  for _, child in ipairs(node.routes) do
    if taker then
      if concerns(child, labels) then passed_by(child, depth + 1, out, taker.key) end
    elseif concerns(child, labels) and walk(child, labels, depth + 1, out) then
      any = any or child
      if not child.continue then taker = child end
    end
  end
  row.state, row.taker = any and "passed on" or "taken", any and any.key or nil
  return true
end

--- A list of all routes of TREE in the order in which LABELS are held against them:
-- { node=, route=, receiver=, depth=, state="taken"|"passed on" (to its children)|"no"|"not asked" (TAKER took it), matchers= }.
function M.of(tree, labels)
  local out = {}
  walk(tree.root, labels, 0, out)
  return out
end

return M
