--- notify.lua - is there something to tell this receiver, and what does it believe afterwards?
--
-- The ledger holds, per group and receiver, which alerts the receiver was last told are firing and
-- which are resolved.  A group's flush makes a view {firing, resolved, muted: sets of fingerprints,
-- acked = all that fire are acknowledged} and asks `decide`.
--
-- Two manners: with `compat` the decision is Alertmanager's, in which a resolve that happens under a
-- silence is never told.  Otherwise what is muted stays in the ledger as believed, so the resolve is
-- told when the silence ends, and an alert that comes out of a silence still firing is not told twice.
local M = {}
M.__index = M

M.RETENTION = 120 * 3600
local MOST = 86400 -- between repeats that grow, when nothing else is said

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function subset(a, b)
  for fp in pairs(a) do
    if not b[fp] then return false end
  end
  return true
end

local function meets(a, b)
  for fp in pairs(a) do
    if b[fp] then return true end
  end
  return false
end

--- When whoever was told what ENTRY says is told it again, if nothing changes.  HOW: of `decide`, or a route.
function M.repeat_at(entry, how)
  local factor = how.repeat_factor or 1
  local after = how.repeat_interval
  if factor > 1 then after = math.max(after, math.min(how.repeat_most or MOST, after * factor ^ (entry.repeats or 0))) end
  return entry.time + after
end

--- Why the receiver must be told: "new", "changed", "resolved", "some-resolved", "repeat",
-- what how.force says, or nil and why not.  ENTRY is the ledger's, may be nil.
-- how = {repeat_interval, repeat_factor, repeat_most, send_resolved, compat, force}.
function M.decide(entry, view, how, now)
  local firing = next(view.firing) ~= nil
  if not entry then
    if firing then return "new" end
    return nil, "nothing is firing and this receiver was told of nothing"
  end
  if not subset(view.firing, entry.firing) then return next(entry.firing) and "changed" or "new" end
  if not firing then
    if how.compat then
      if next(entry.firing) then return "resolved" end
    elseif meets(entry.firing, view.resolved) then
      return "resolved"
    end
    return nil, "all resolved, and the receiver knows"
  end
  if how.send_resolved then
    if how.compat then
      if not subset(view.resolved, entry.resolved) then return "some-resolved" end
    elseif meets(entry.firing, view.resolved) then
      return "some-resolved"
    end
  end
  if how.force then return how.force end
  if view.acked then return nil, "acknowledged, so it is not repeated" end
  local due = M.repeat_at(entry, how)
  if due < now or due == now and not how.compat then return "repeat" end
  return nil, "unchanged since it was last told"
end

--- What was never taken may have arrived (entry.maybe).  Why the receiver must be told that it no longer holds, or nil.
function M.corrects(entry, view, how)
  if not entry or not entry.maybe or how.compat then return nil end
  if how.send_resolved and meets(entry.maybe.firing, view.resolved) then return "resolved" end
  return meets(entry.maybe.resolved, view.firing) and "changed" or nil
end

--- What the receiver believes when it may have been told VIEW: ENTRY, which may be nil, and `maybe`.
function M.entry_unsure(entry, view, now)
  local out = { firing = {}, resolved = {}, time = now }
  for name, value in pairs(entry or {}) do out[name] = value end
  out.maybe = { firing = {}, resolved = {} }
  for name, other in pairs { firing = "resolved", resolved = "firing" } do
    for fp in pairs(entry and entry.maybe and entry.maybe[name] or {}) do
      if not view[other][fp] then out.maybe[name][fp] = true end
    end
    for fp in pairs(view[name]) do out.maybe[name][fp] = true end
  end
  return out
end

--- ENTRY without `maybe`.
function M.entry_sure(entry)
  local out = {}
  for name, value in pairs(entry) do out[name] = value end
  out.maybe = nil
  return out
end

-- What of entry.maybe is muted in VIEW, so that nothing was said about it; nil when that is nothing.
local function still_unsure(entry, view)
  local out
  for name, set in pairs(entry.maybe or {}) do
    for fp in pairs(set) do
      if view.muted[fp] then
        out = out or { firing = {}, resolved = {} }
        out[name][fp] = true
      end
    end
  end
  return out
end

--- What the receiver believes after it was told VIEW.
function M.entry_after(entry, view, how, now)
  local out = { firing = {}, resolved = {}, time = now }
  for fp in pairs(view.firing) do out.firing[fp] = true end
  for fp in pairs(view.resolved) do out.resolved[fp] = true end
  if how.compat then
    out.expires = now + math.min(M.RETENTION, 2 * how.repeat_interval)
  elseif entry then
    for fp in pairs(entry.firing) do
      if view.muted[fp] then out.firing[fp] = true end
    end
    out.maybe = still_unsure(entry, view)
  end
  return out
end

-- -- the ledger -----------------------------------------------------------------

function M.ledger(saved)
  return setmetatable({ groups = saved or {} }, M)
end

function M:get(group_key, target)
  local group = self.groups[group_key]
  return group and group[target]
end

function M:put(group_key, target, entry)
  local group = self.groups[group_key] or {}
  self.groups[group_key] = group
  group[target] = entry
end

--- Take another node's entry if it is newer.  True when it was.
function M:merge(group_key, target, entry)
  local old = self:get(group_key, target)
  if old and old.time > entry.time then return false end -- of two at one moment the later one to come
  self:put(group_key, target, entry)
  return true
end

--- Does whoever has ENTRY believe that FP fires, as far as one can know?
function M.may_believe(entry, fp)
  return entry.firing[fp] or entry.maybe ~= nil and entry.maybe.firing[fp]
end

--- Targets that believe something of this group is firing → their entries.
function M:believers(group_key)
  local out = {}
  for target, entry in pairs(self.groups[group_key] or {}) do
    if next(entry.firing) or entry.maybe and next(entry.maybe.firing) then out[target] = entry end
  end
  return out
end

--- Does any target in the group believe FP is firing?
function M:believed(group_key, fp)
  for _, entry in pairs(self.groups[group_key] or {}) do
    if M.may_believe(entry, fp) then return true end
  end
  return false
end

--- Drop entries that ran out, and those of groups for which LIVE(key) is false once they are old.
-- Answers a list of {group_key, target}.
function M:gc(live, now)
  local gone = {}
  for key, targets in pairs(self.groups) do
    for target, entry in pairs(targets) do
      local over = entry.expires and entry.expires <= now
      local idle = not live(key) and (count(entry.firing) == 0 or entry.time + M.RETENTION <= now)
      if over or idle then
        targets[target] = nil
        gone[#gone + 1] = { key, target }
      end
    end
    if not next(targets) then self.groups[key] = nil end
  end
  return gone
end

return M
