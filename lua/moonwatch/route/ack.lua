--- ack.lua - "I am on it": an acknowledgement stops escalation and repeats for the alerts it covers.
--
-- It covers an alert that has all its labels (and, when it has a list of them, is in the list) and was
-- already there when somebody said so: the same alert coming back after it resolved is a new one and
-- rings again.  An ack ends when its time is up, when it is taken back, or when nothing that it covers
-- is firing any more.  `author` is who is on it now; `by` who put them there, when it was somebody else.
--
-- Thousands may be in force in a storm, so they are found by what they speak of: `index` has those with
-- a list under each fingerprint, those of one alertname under that, all others under "".
local M = {}
M.__index = M

M.MOST = 10000

local function keys_of(a)
  local out = {}
  if a.alerts then
    for fp in pairs(a.alerts) do out[#out + 1] = "fp " .. fp end
  else
    out[1] = a.labels.alertname and "name " .. a.labels.alertname or ""
  end
  return out
end

local function put(self, a)
  self.by_id[a.id] = a
  for _, key in ipairs(keys_of(a)) do
    local set = self.index[key] or {}
    self.index[key] = set
    set[a.id] = a
  end
end

local function drop(self, a)
  self.by_id[a.id] = nil
  for _, key in ipairs(keys_of(a)) do
    local set = self.index[key]
    if set then
      set[a.id] = nil
      if not next(set) then self.index[key] = nil end
    end
  end
end

function M.new(host, saved)
  local self = setmetatable({ host = host, by_id = {}, index = {} }, M)
  for _, a in ipairs(saved or {}) do put(self, a) end
  return self
end

local function same_set(a, b)
  if not a or not b then return a == b end
  for k, v in pairs(a) do if b[k] ~= v then return false end end
  for k, v in pairs(b) do if a[k] ~= v then return false end end
  return true
end

-- What the same person has said of the same before.
local function said_before(self, a)
  for _, old in pairs(self.index[keys_of(a)[1]] or {}) do
    if old.author == a.author and same_set(old.labels, a.labels) and same_set(old.alerts, a.alerts) then return old end
  end
end

--- A = {labels=, alerts=nil or a set of fingerprints, author=, by=, comment=, way=, link=, seconds=nil or how long}.
-- Answers what is kept, and what it takes the place of: saying it again is saying it anew.  Nil when there are too many.
function M:add(a, now)
  local kept = { id = self.host.random_hex(8), labels = a.labels or {}, alerts = a.alerts, author = a.author, by = a.by,
    comment = a.comment, way = a.way, link = a.link, created_at = now, ends_at = a.seconds and now + a.seconds or nil }
  local before = said_before(self, kept)
  if before then
    drop(self, before)
  else
    local n = 0
    for _ in pairs(self.by_id) do n = n + 1 end
    if n >= M.MOST then return nil end
  end
  put(self, kept)
  return kept, before
end

function M:get(id) return self.by_id[id] end
function M:remove(id)
  local a = self.by_id[id]
  if a then drop(self, a) end
  return a
end
function M:merge(a)
  self:remove(a.id)
  put(self, a)
end

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

-- Calls EACH for every ack that may speak of ALERT.
local function each_about(self, alert, each)
  for _, key in ipairs { "fp " .. alert.fp, "name " .. (alert.labels.alertname or ""), "" } do
    for _, a in pairs(self.index[key] or {}) do each(a) end
  end
end

--- The ack that covers ALERT, or nil.
function M:covering(alert, now)
  if not next(self.by_id) then return nil end
  local found
  each_about(self, alert, function(a)
    if M.covers(a, alert, now) and (not found or a.created_at < found.created_at) then found = a end
  end)
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
  local used, gone = {}, {}
  for _, alert in ipairs(next(self.by_id) and firing or {}) do
    each_about(self, alert, function(a) used[a.id] = used[a.id] or M.covers(a, alert, now) end)
  end
  for id in pairs(self.by_id) do
    if not used[id] then gone[#gone + 1] = id end
  end
  for _, id in ipairs(gone) do self:remove(id) end
  return gone
end

--- Drop those whose time is up; answers them.
function M:expire(now)
  local gone = {}
  for _, a in pairs(self.by_id) do
    if a.ends_at and a.ends_at <= now then gone[#gone + 1] = a end
  end
  for _, a in ipairs(gone) do drop(self, a) end
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
