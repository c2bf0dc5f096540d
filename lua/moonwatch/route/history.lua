--- history.lua - what was sent to whom, when, how often it was tried and what the answer was.
--
-- Bounded by number and by age.  Entries stand at places FIRST to LAST, which only grow, so that the oldest leaves at no cost
-- however many messages a storm makes; a place is also where a reader goes on.
local M = {}
M.__index = M

M.KEPT, M.RETENTION = 1000, 7 * 86400
local OF_DIGEST = 100

local function nothing() end

--- SAVED: entries, oldest first; how many of them stay `configure` says.  CHANGED(id, part) is called when one came, changed or went; PART: only its tries and its end are new.
function M.new(saved, changed)
  local self = setmetatable({ list = {}, by_id = {}, first = 1, last = 0, kept = math.max(M.KEPT, #(saved or {})), retention = M.RETENTION,
    changed = changed or nothing }, M)
  for _, entry in ipairs(saved or {}) do self:add(entry) end
  return self
end

local function forget(self)
  local id = self.list[self.first].id
  self.by_id[id] = nil
  self.changed(id)
  self.list[self.first] = nil
  self.first = self.first + 1
end

function M:add(entry)
  self.last = self.last + 1
  self.list[self.last], self.by_id[entry.id], entry.place = entry, entry, self.last
  self.changed(entry.id)
  while self.last - self.first >= self.kept do forget(self) end
end

--- SETTINGS of the word `settings`: how many messages are kept and for how long.
function M:configure(settings, now)
  local own = settings.notifications or {}
  self.kept, self.retention = math.max(1, own.keep or M.KEPT), own.retention or M.RETENTION
  while self.last - self.first >= self.kept do forget(self) end
  self:expire(now)
end

--- Forget what is too old at NOW.
function M:expire(now)
  while self.first <= self.last and self.list[self.first].time + self.retention <= now do forget(self) end
end

local function who(note)
  local out = {}
  for i, a in ipairs(note.alerts) do
    if note.digest and i > OF_DIGEST then break end
    out[i] = { fp = a.fp, labels = a.labels, status = a.status }
  end
  return out
end

local function counts(digest)
  return digest and { groups = digest.groups, firing = digest.firing, resolved = digest.resolved, why = digest.why }
end

--- A message was queued.
function M:open(job, now)
  local note = job.note
  local entry = { id = note.id, time = now, receiver = note.receiver, integration = note.integration,
    group_key = note.group_key, group_labels = note.group_labels, status = note.status, reason = note.reason,
    test = note.test, digest = counts(note.digest), fallback = note.fallback, alerts = who(note), attempts = {}, result = "pending" }
  self:expire(now)
  self:add(entry)
end

--- A try was answered, or the message came to its end (RESULT and WHY).
function M:update(job, result, why, now)
  local entry = self.by_id[job.note.id]
  if not entry then return end
  entry.attempts = job.attempts
  if result then entry.result, entry.why, entry.done = result, why, now end
  self.changed(entry.id, true)
end

--- Newest first, at most LIMIT of those that WANTED says yes to; of those before place BEFORE.  And the place of the last one,
-- when there may be more.
function M:find(wanted, limit, before)
  local out = {}
  for i = math.min(self.last, (before or math.huge) - 1), self.first, -1 do
    if wanted(self.list[i]) then
      out[#out + 1] = self.list[i]
      if #out >= limit then return out, i > self.first and i or nil end
    end
  end
  return out
end

--- The last N, oldest first.
function M:tail(n)
  local out = {}
  for i = math.max(self.first, self.last - n + 1), self.last do out[#out + 1] = self.list[i] end
  return out
end

return M
