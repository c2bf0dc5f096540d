--- inhibit.lua - alerts that keep others quiet.
--
-- A rule mutes an alert on its target side while some active alert on its source side has the same
-- values of the `equal` labels (missing counts as empty, so two that both lack a label agree, but one of
-- the labels must be there, unless it is done as in Alertmanager).  An alert on both sides is not muted by
-- another one that is on both sides.  Sources are kept per rule, filed under their `equal` values, so asking
-- costs a look into one drawer.
local matchers = require "moonwatch.route.matchers"

local M = {}
M.__index = M

local SOURCE, TARGET = 1, 2

-- Where an alert with LABELS is filed that stands on SIDE of RULE; nil: it has nothing to compare.
local function drawer_of(rule, labels, side)
  local out, some = {}, rule.lax
  for i, pair in ipairs(rule.equal) do
    local value = labels[pair[side]] or ""
    out[i], some = value, some or value ~= ""
  end
  return some and table.concat(out, "\255") or nil
end

-- Names of labels, or pairs of those of either side → pairs.
local function pairs_of(equal)
  local out = {}
  for i, one in ipairs(equal or {}) do out[i] = type(one) == "table" and one or { one, one } end
  return out
end

--- SPECS: list of {source=, target=, equal={}}.  nil, message when a matcher is bad.  LAX: two alerts that lack all labels of
-- `equal` agree.
function M.new(specs, host, lax)
  local self = setmetatable({ rules = {} }, M)
  for i, spec in ipairs(specs or {}) do
    local source, err = matchers.compile(spec.source, host)
    if not source then return nil, err end
    local target
    target, err = matchers.compile(spec.target, host)
    if not target then return nil, err end
    local equal = pairs_of(spec.equal)
    self.rules[i] = { source = source, target = target, equal = equal, lax = lax or #equal == 0, drawers = {} }
  end
  return self
end

--- An alert came or changed.  It is kept by reference: whether it is still active is seen when asked.
function M:put(alert)
  for _, rule in ipairs(self.rules) do
    local key = matchers.match(rule.source, alert.labels) and drawer_of(rule, alert.labels, SOURCE)
    if key then
      local drawer = rule.drawers[key] or {}
      rule.drawers[key] = drawer
      drawer[alert.fp] = alert
    end
  end
end

function M:remove(alert)
  for _, rule in ipairs(self.rules) do
    local key = drawer_of(rule, alert.labels, SOURCE)
    local drawer = key and rule.drawers[key]
    if drawer then
      drawer[alert.fp] = nil
      if not next(drawer) then rule.drawers[key] = nil end
    end
  end
end

local function source_for(rule, labels, now)
  local drawer = rule.drawers[drawer_of(rule, labels, TARGET) or false]
  if not drawer then return nil end
  local both = matchers.match(rule.source, labels)
  local found
  for fp, alert in pairs(drawer) do
    local active = not alert.ends_at or alert.ends_at > now
    if active and not (both and matchers.match(rule.target, alert.labels)) and (not found or fp < found) then
      found = fp
    end
  end
  return found
end

--- The fingerprint of an alert that mutes one with LABELS, or nil.
function M:muted_by(labels, now)
  for _, rule in ipairs(self.rules) do
    if matchers.match(rule.target, labels) then
      local fp = source_for(rule, labels, now)
      if fp then return fp end
    end
  end
end

return M
