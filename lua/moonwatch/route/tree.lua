--- tree.lua - which routes does an alert take?
--
-- Depth first, left to right: the first child that matches takes the alert, the ones after it see it
-- only when that child says `continue`; when no child matches, the route itself takes it.  Settings
-- that a route leaves out come from its parent.  Mute and active windows come down too, except in a
-- tree with compat="alertmanager", where every route has only its own; there an empty group_by is inherited, too.
local labels_of = require "moonwatch.route.labels"
local matchers = require "moonwatch.route.matchers"

local M = {}
M.__index = M

local DEFAULTS = { group_wait = 30, group_interval = 300, repeat_interval = 14400 }
local INHERITED = { "compat", "receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "repeat_factor", "repeat_most", "escalate" }

local function list_of(x)
  if x == nil then return {} end
  return type(x) == "table" and x or { x }
end

-- group_by as a list of names, or "all".
local function grouping(by)
  if by == nil then return nil end
  if by == "all" then return "all" end
  for _, name in ipairs(list_of(by)) do
    if name == "..." then return "all" end
  end
  return list_of(by)
end

local function inherit(node, spec, parent)
  for _, name in ipairs(INHERITED) do
    local own = spec[name]
    if name == "group_by" then own = grouping(own) end
    -- For Alertmanager an empty list is one that was left out.
    if name == "group_by" and own and #own == 0 and node.compat == "alertmanager" then own = nil end
    if own == nil then own = parent and parent[name] end
    node[name] = own
  end
  for name, default in pairs(DEFAULTS) do node[name] = node[name] or default end
  node.group_by = node.group_by or {}
  node.labels = {}
  for _, set in ipairs { parent and parent.labels or {}, spec.labels or {} } do
    for name, value in pairs(set) do node.labels[name] = value end
  end
end

-- Windows: inside any of `mute` → muted; `active` is a list of lists, each level must have one that is open.
local function windows(node, spec, parent)
  node.mute, node.active = {}, {}
  if parent and node.compat ~= "alertmanager" then
    for _, name in ipairs(parent.mute) do node.mute[#node.mute + 1] = name end
    for _, level in ipairs(parent.active) do node.active[#node.active + 1] = level end
  end
  for _, name in ipairs(list_of(spec.mute)) do node.mute[#node.mute + 1] = name end
  if spec.active and #list_of(spec.active) > 0 then node.active[#node.active + 1] = list_of(spec.active) end
end

local function build(self, spec, parent)
  local compiled, err = matchers.compile(spec.match, self.host)
  if not compiled then return nil, err end
  local node = { matchers = compiled, continue = spec.continue and true or false, routes = {}, parent = parent,
    own = { receiver = spec.receiver, group_by = grouping(spec.group_by), group_wait = spec.group_wait,
      group_interval = spec.group_interval, repeat_interval = spec.repeat_interval, repeat_factor = spec.repeat_factor } }
  inherit(node, spec, parent)
  windows(node, spec, parent)
  node.key = (parent and parent.key .. "/" or "") .. compiled.text
  local uid = node.key .. "@" .. (node.receiver or "")
  self.uids[uid] = (self.uids[uid] or 0) + 1
  node.uid = self.uids[uid] == 1 and uid or uid .. "#" .. self.uids[uid]
  for _, child in ipairs(spec.routes or {}) do
    local built
    built, err = build(self, child, node)
    if not built then return nil, err end
    node.routes[#node.routes + 1] = built
  end
  return node
end

local function has_match(spec)
  return spec.match ~= nil and (type(spec.match) == "string" or next(spec.match) ~= nil)
end

-- The first route without a condition is the root and every other one becomes its child, after the
-- children it has itself; further routes without a condition come last, for they take what nobody else
-- took.  When every route has a condition, the root is an implicit one that tells nobody.
local function root_spec(specs)
  local root = {}
  for _, spec in ipairs(specs) do
    if not has_match(spec) then root = spec; break end
  end
  local copy, children, last = {}, {}, {}
  for name, value in pairs(root) do copy[name] = value end
  for _, child in ipairs(root.routes or {}) do children[#children + 1] = child end
  for _, spec in ipairs(specs) do
    if has_match(spec) then children[#children + 1] = spec
    elseif spec ~= root then last[#last + 1] = spec end
  end
  for _, spec in ipairs(last) do children[#children + 1] = spec end
  copy.routes = children
  return copy
end

--- The tree of SPECS, the list of `route` words in order.  nil, message when a matcher is bad.
function M.new(specs, host)
  local self = setmetatable({ host = host, uids = {} }, M)
  local root, err = build(self, root_spec(specs or {}), nil)
  if not root then return nil, err end
  self.root = root
  return self
end

--- A route in front of all others, which comes from the root's manner (compat) only.  nil, message when a matcher is bad.
function M:first(spec)
  local root = self.root
  local node, err = build(self, spec, { key = root.key, compat = root.compat, mute = {}, active = {} })
  if not node then return nil, err end
  node.parent = root
  table.insert(root.routes, 1, node)
  return node
end

local function walk(node, labels, out)
  if not matchers.match(node.matchers, labels) then return false end
  local n = #out
  for _, child in ipairs(node.routes) do
    if walk(child, labels, out) and not child.continue then break end
  end
  if #out == n then out[#out + 1] = node end
  return true
end

--- The routes that take an alert with LABELS, in order.
function M:match(labels)
  local out = {}
  walk(self.root, labels, out)
  return out
end

--- The labels by which NODE groups, with their values of this alert.
function M.group_labels(node, labels)
  local out = {}
  if node.group_by == "all" then
    for name, value in labels_of.each(labels) do out[name] = value end
    return out
  end
  for _, name in ipairs(node.group_by) do out[name] = labels[name] end
  return out
end

return M
