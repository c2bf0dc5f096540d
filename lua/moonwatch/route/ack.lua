--- ack.lua - "I am on it": an acknowledgement stops escalation and repeats for the alerts it covers.
--
-- It covers an alert that has all its labels (and, when it has a list of them, is in the list) and was
-- already there when somebody said so: the same alert coming back after it resolved is a new one and
-- rings again.  An ack ends when its time is up, when it is taken back, or when nothing that it covers
-- is firing any more.  `author` is who is on it now; `by` who put them there, when it was somebody else.
local M = {}
M.__index = M

function M.new(host, saved)
  local self = setmetatable({ host = host, by_id = {} }, M)
  for _, a in ipairs(saved or {}) do self.by_id[a.id] = a end
  return self
end

--- A = {labels=, alerts=nil or a set of fingerprints, author=, by=, comment=, way=, link=, seconds=nil or how long}.
-- Answers what is kept.
function M:add(a, now)
  local kept = { id = self.host.random_hex(8), labels = a.labels or {}, alerts = a.alerts, author = a.author, by = a.by,
    comment = a.comment, way = a.way, link = a.link, created_at = now, ends_at = a.seconds and now + a.seconds or nil }
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

--- Would A cover ALERT if its time were not up?
function M.speaks_of(a, alert)
  if alert.seen > a.created_at or a.alerts and not a.alerts[alert.fp] then return false end
  for name, value in pairs(a.labels) do
    if (alert.labels[name] or "") ~= value then return false end
  end
  return true
end

function M.covers(a, alert, now)
  return not (a.ends_at and a.ends_at <= now) and M.speaks_of(a, alert)
end

--- The ack that covers ALERT, or nil.
function M:covering(alert, now)
  local found
  for _, a in pairs(self.by_id) do
    if M.covers(a, alert, now) and (not found or a.created_at < found.created_at) then found = a end
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

--- Drop what covers none of FIRING (a list of alerts); answers the ids.
function M:gc(firing, now)
  local gone = {}
  for id, a in pairs(self.by_id) do
    local used = false
    for _, alert in ipairs(firing) do
      if M.covers(a, alert, now) then used = true; break end
    end
    if not used then
      self.by_id[id] = nil
      gone[#gone + 1] = id
    end
  end
  return gone
end

--- Drop those whose time is up; answers them.
function M:expire(now)
  local gone = {}
  for id, a in pairs(self.by_id) do
    if a.ends_at and a.ends_at <= now then
      self.by_id[id] = nil
      gone[#gone + 1] = a
    end
  end
  return gone
end

--- When does the next one run out?  nil: never.
function M:next_change()
  local at
  for _, a in pairs(self.by_id) do
    if a.ends_at and (not at or a.ends_at < at) then at = a.ends_at end
  end
  return at
end

return M
