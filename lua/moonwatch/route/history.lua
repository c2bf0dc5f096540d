--- history.lua - what was sent to whom, when, how often it was tried and what the answer was.
local M = {}
M.__index = M

local KEPT = 1000
local OF_DIGEST = 100

function M.new(saved)
  return setmetatable({ list = saved or {}, by_id = {} }, M):index()
end

function M:index()
  for _, entry in ipairs(self.list) do self.by_id[entry.id] = entry end
  return self
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
  self.list[#self.list + 1], self.by_id[entry.id] = entry, entry
  if #self.list > KEPT then self.by_id[table.remove(self.list, 1).id] = nil end
end

--- A try was answered, or the message came to its end (RESULT and WHY).
function M:update(job, result, why, now)
  local entry = self.by_id[job.note.id]
  if not entry then return end
  entry.attempts = job.attempts
  if result then entry.result, entry.why, entry.done = result, why, now end
end

--- Newest first, at most LIMIT of those that WANTED says yes to.
function M:find(wanted, limit)
  local out = {}
  for i = #self.list, 1, -1 do
    if #out >= limit then break end
    if wanted(self.list[i]) then out[#out + 1] = self.list[i] end
  end
  return out
end

--- The last N, oldest first.
function M:tail(n)
  local out = {}
  for i = math.max(1, #self.list - n + 1), #self.list do out[#out + 1] = self.list[i] end
  return out
end

return M
