--- ack.lua - "I am on it": an acknowledgement stops escalation and repeats for the alerts it covers.
--
-- It covers an alert that has all its labels and was already there when somebody said so: the same
-- alert coming back after it resolved is a new one and rings again.  An ack ends when its time is up,
-- when it is taken back, or when nothing that it covers is firing any more.
local M = {}
M.__index = M

function M.new(host, saved)
  local self = setmetatable({ host = host, by_id = {} }, M)
  for _, a in ipairs(saved or {}) do self.by_id[a.id] = a end
  return self
end

--- A = {labels=, author=, comment=, seconds=nil or how long}.  Answers what is kept.
function M:add(a, now)
  local kept = { id = self.host.random_hex(8), labels = a.labels, author = a.author, comment = a.comment,
    created_at = now, ends_at = a.seconds and now + a.seconds or nil }
  self.by_id[kept.id] = kept
  return kept
end

function M:get(id) return self.by_id[id] end
function M:remove(id)
  local a = self.by_id[id]
  self.by_id[id] = nil
  return a
end
function M:merge(a) self.by_id[a.id] = a end

local function covers(a, alert, now)
  if a.ends_at and a.ends_at <= now then return false end
  if alert.seen > a.created_at then return false end
  for name, value in pairs(a.labels) do
    if (alert.labels[name] or "") ~= value then return false end
  end
  return true
end
M.covers = covers

--- The ack that covers ALERT, or nil.
function M:covering(alert, now)
  local found
  for _, a in pairs(self.by_id) do
    if covers(a, alert, now) and (not found or a.created_at < found.created_at) then found = a end
  end
  return found
end

function M:list()
  local out = {}
  for _, a in pairs(self.by_id) do out[#out + 1] = a end
  table.sort(out, function(a, b)
    if a.created_at ~= b.created_at then return a.created_at < b.created_at end
    return a.id < b.id
  end)
  return out
end

--- Drop what has run out or covers none of FIRING (a list of alerts); answers the ids.
function M:gc(firing, now)
  local gone = {}
  for id, a in pairs(self.by_id) do
    local used = false
    for _, alert in ipairs(firing) do
      if covers(a, alert, now) then used = true; break end
    end
    if not used then
      self.by_id[id] = nil
      gone[#gone + 1] = id
    end
  end
  return gone
end

--- When does the next one run out?  nil: never.
function M:next_change(now)
  local at
  for _, a in pairs(self.by_id) do
    if a.ends_at and a.ends_at > now and (not at or a.ends_at < at) then at = a.ends_at end
  end
  return at
end

return M
