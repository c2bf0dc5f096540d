--- inhibit.lua - alerts that keep others quiet.
--
-- A rule mutes an alert on its target side while some active alert on its source side has the same
-- values of the `equal` labels (missing counts as empty, so two that both lack a label agree).  An
-- alert on both sides is not muted by another one that is on both sides.  Sources are kept per rule,
-- filed under their `equal` values, so asking costs a look into one drawer.
local matchers = require "moonwatch.route.matchers"

local M = {}
M.__index = M

local function drawer_of(rule, labels)
  local out = {}
  for i, name in ipairs(rule.equal) do out[i] = labels[name] or "" end
  return table.concat(out, "\255")
end

--- SPECS: list of {source=, target=, equal={}}.  nil, message when a matcher is bad.
function M.new(specs, host)
  local self = setmetatable({ rules = {} }, M)
  for i, spec in ipairs(specs or {}) do
    local source, err = matchers.compile(spec.source, host)
    if not source then return nil, err end
    local target
    target, err = matchers.compile(spec.target, host)
    if not target then return nil, err end
    self.rules[i] = { source = source, target = target, equal = spec.equal or {}, drawers = {} }
  end
  return self
end

--- An alert came or changed.  It is kept by reference: whether it is still active is seen when asked.
function M:put(alert)
  for _, rule in ipairs(self.rules) do
    if matchers.match(rule.source, alert.labels) then
      local key = drawer_of(rule, alert.labels)
      local drawer = rule.drawers[key] or {}
      rule.drawers[key] = drawer
      drawer[alert.fp] = alert
    end
  end
end

function M:remove(alert)
  for _, rule in ipairs(self.rules) do
    local key = drawer_of(rule, alert.labels)
    local drawer = rule.drawers[key]
    if drawer then
      drawer[alert.fp] = nil
      if not next(drawer) then rule.drawers[key] = nil end
    end
  end
end

local function source_for(rule, labels, now)
  local both = matchers.match(rule.source, labels)
  local found
  for fp, alert in pairs(rule.drawers[drawer_of(rule, labels)] or {}) do
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
