--- places.lua - where an alert belongs: the routes that take it, and its group on each of them.
--
-- Both are asked for each report of an alert, thousands of times for each time that the answer is another one.  So the routes of an
-- alert are remembered by its fingerprint, and groups are filed under the values by which their route groups, one drawer in the
-- other: no key is written to find one.  All of it is of one configuration.
local labels_of = require "moonwatch.route.labels"
local Tree = require "moonwatch.route.tree"

local M = {}
M.__index = M

function M.new(tree)
  local root = tree.root
  local only = #root.routes == 0 and #root.matchers.list == 0 and { root } or nil
  return setmetatable({ tree = tree, only = only, routes = {}, drawers = {}, by_id = {}, alone = {} }, M)
end

--- The routes that take ALERT, in order; the list is kept here.
function M:of(alert)
  local nodes = self.only or self.routes[alert.fp]
  if not nodes then
    nodes = self.tree:match(alert.labels)
    if #nodes == 1 then -- most are, and share one list
      local node = nodes[1]
      self.alone[node] = self.alone[node] or nodes
      nodes = self.alone[node]
    end
    self.routes[alert.fp] = nodes
  end
  return nodes
end

--- The alert FP is no more.
function M:forget(fp) self.routes[fp] = nil end

local function id_of(node, labels) return node.uid .. ":" .. labels_of.text(Tree.group_labels(node, labels)) end

--- The group of NODE for an alert with LABELS; nil: there is none yet.
function M:find(node, labels)
  local by = node.group_by
  if by == "all" then return self.by_id[id_of(node, labels)] end
  local place = self.drawers[node]
  for i = 1, #by do
    if not place then return nil end
    place = place[labels[by[i]] or false]
  end
  return place
end

-- A drawer in which nothing is left is taken out of the one around it.
local function file(drawer, by, i, labels, group)
  local value = labels[by[i]] or false
  if i == #by then
    drawer[value] = group
  else
    local inner = drawer[value] or group and {}
    if not inner then return end
    drawer[value] = file(inner, by, i + 1, labels, group)
  end
  return next(drawer) ~= nil and drawer or nil
end

local function put(self, group, what)
  local node = group.node
  local by = node.group_by
  if by == "all" then
    self.by_id[group.id] = what
  elseif #by == 0 then
    self.drawers[node] = what
  else
    self.drawers[node] = file(self.drawers[node] or {}, by, 1, group.labels, what)
  end
end

--- GROUP is to be found from now on.
function M:put(group) put(self, group, group) end

--- GROUP is no more.
function M:remove(group) put(self, group, nil) end

return M
