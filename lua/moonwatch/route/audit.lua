--- audit.lua - who did what: silences, acknowledgements, handovers, tests.
--
-- A ring of plain entries {id, time, what="silence.made", who=, from=(address), details={name=text or number}}.  It is bounded in
-- number and in what one entry may hold, so that whoever may write cannot make it grow.
local M = {}
M.__index = M

M.KEPT = 1000
local TEXT, DETAILS = 500, 20

function M.new(host, saved)
  local self = setmetatable({ host = host, list = {}, by_id = {} }, M)
  for _, entry in ipairs(saved or {}) do self:merge(entry) end
  return self
end

local function cut(v)
  if type(v) == "number" or type(v) == "boolean" then return v end
  v = tostring(v)
  return #v > TEXT and v:sub(1, TEXT) .. "..." or v
end

local function plain(details)
  local out, n = {}, 0
  for name, value in pairs(details or {}) do
    n = n + 1
    if n > DETAILS then break end
    out[tostring(name)] = cut(value)
  end
  return out
end

--- Note it; answers the entry.  DETAILS: texts and numbers by name.
function M:add(what, who, from, now, details)
  local entry = { id = self.host.random_hex(8), time = now, what = what, who = cut(who or "unknown"), from = from and cut(from) or nil,
    details = plain(details) }
  self:merge(entry)
  return entry
end

--- Take an entry that another node or an older run made; the list stays in order of time.
function M:merge(entry)
  if self.by_id[entry.id] then return false end
  local at = #self.list + 1
  while at > 1 and self.list[at - 1].time > entry.time do at = at - 1 end
  table.insert(self.list, at, entry)
  self.by_id[entry.id] = entry
  if #self.list > M.KEPT then self.by_id[table.remove(self.list, 1).id] = nil end
  return true
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
  for i = math.max(1, #self.list - (n or M.KEPT) + 1), #self.list do out[#out + 1] = self.list[i] end
  return out
end

return M
