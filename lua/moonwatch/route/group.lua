--- group.lua - alerts of one route with the same group labels, and when they are next spoken of.
--
-- The first alert starts `group_wait`; every flush starts `group_interval` anew.  An alert that is
-- older than group_wait already when it arrives before the first flush is not made to wait again.
-- Its timers are plain fields, so a group survives a reload and a restart.
local alerts = require "moonwatch.route.alerts"
local labels = require "moonwatch.route.labels"

local M = {}
M.__index = M

local SAVED = { "next", "flushed", "escalation", "created", "ack_ended", "oncall" }

--- A group of route NODE for GROUP_LABELS; SAVED is what `save` of an earlier life gave.
function M.new(node, group_labels, now, saved)
  local self = setmetatable({ node = node, labels = group_labels, members = {}, pending = 0 }, M)
  self.text = labels.text(group_labels)
  self.key = node.key .. ":" .. self.text
  self.id = node.uid .. ":" .. self.text
  self.next, self.flushed, self.created = now + node.group_wait, false, now
  for _, name in ipairs(SAVED) do
    if saved and saved[name] ~= nil then self[name] = saved[name] end
  end
  -- A shorter interval in a new configuration counts from now on.
  if saved then self.next = math.min(self.next, now + (self.flushed and node.group_interval or node.group_wait)) end
  return self
end

--- Its timers and where its escalation stands, as a plain value.
function M:timers()
  local out = {}
  for _, name in ipairs(SAVED) do out[name] = self[name] end
  return out
end

--- That, and who is in it: what its next life is made of.
function M:save()
  local out = self:timers()
  out.members = {}
  for fp in pairs(self.members) do out.members[#out.members + 1] = fp end
  table.sort(out.members)
  return out
end

--- ALERT is one of its own.  True when its next flush came nearer by that.
function M:insert(alert, now)
  self.members[alert.fp] = alert
  if self.flushed or now >= self.next or alert.starts_at + self.node.group_wait >= now then return false end
  self.next = now
  return true
end

function M:remove(fp) self.members[fp] = nil end

function M:empty() return next(self.members) == nil end

--- The flush that was due has begun.
function M:begin(now)
  self.next, self.flushed = now + self.node.group_interval, true
end

--- Its alerts as they are at NOW, in the order of messages.
function M:views(now) return alerts.views(self.members, now) end

--- Forget ENDED, alerts that were resolved, by fingerprint, unless news of them came meanwhile or KEEP(fp) says so.
function M:settle(ended, keep)
  for fp, alert in pairs(ended) do
    local current = self.members[fp]
    if current and current.updated_at == alert.updated_at and not keep(fp) then self.members[fp] = nil end
  end
end

return M
