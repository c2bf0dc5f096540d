--- audit.lua - who did what lately: silences, acknowledgements, handovers, tests, reloads, what was forgotten.
--
-- A ring of plain entries {id, time, what="silence.made", who=, from=(address), node=, seq=, details={name=text or number}}.  It is
-- bounded in number and in what one entry may hold, so that whoever may write cannot make it grow.  What this node did is in its
-- chain on disk (host.audit), where it has the number `seq`; the ring is the recent view of it, together with what the other nodes
-- say.  An entry without `seq` is in no chain: it was made before there was one, or where there is none.
local note = require "moonwatch.audit"

local M = {}
M.__index = M

M.KEPT = 1000
function M.new(host, saved)
  local self = setmetatable({ host = host, list = {}, by_id = {}, by_place = {} }, M)
  for _, entry in ipairs(saved or {}) do self:merge(entry) end
  if host.audit_tail then self:take_chain(host.audit_tail(M.KEPT)) end
  return self
end

--- Note it; answers the entry.  DETAILS: texts and numbers by name.
function M:add(what, who, from, now, details)
  local entry = note.entry(self.host, what, who, from, details)
  entry.time = now
  note.keep(self.host, entry)
  self:merge(entry)
  return entry
end

--- Take the entries of the chain, as host.audit_tail gives them.
-- NODE is who we are in it.
function M:take_chain(entries, node)
  self.node = node
  for _, e in ipairs(entries or {}) do self:merge(M.of_chain(self.host, e)) end
end

--- Is ENTRY in the chain of this node?
function M:is_ours(entry) return entry.seq and entry.node == self.node end

--- An entry of the chain as the ring keeps it; nil when it is none.
function M.of_chain(host, e)
  local time = type(e) == "table" and type(e.time) == "string" and host.parse_time(e.time)
  if not time or type(e.id) ~= "string" or type(e.what) ~= "string" then return nil end
  return { id = e.id, time = time, what = e.what, who = e.who or "unknown", from = e.from, node = e.node, seq = e.seq, details = e.details or {} }
end

-- Where ENTRY is in the chains of all nodes; nil: in none.
local function place_of(entry) return entry.seq and entry.node and ("%d %s"):format(entry.seq, entry.node) end

--- Take an entry that another node or an older run made; the list stays in order of time.  Is it new, and which other one was known in
-- its place: a chain that says so was written anew.
function M:merge(entry)
  if not entry or self.by_id[entry.id] then return false end
  local place = place_of(entry)
  local other = place and self.by_place[place]
  if place then self.by_place[place] = entry end
  local at = #self.list + 1
  while at > 1 and self.list[at - 1].time > entry.time do at = at - 1 end
  table.insert(self.list, at, entry)
  self.by_id[entry.id] = entry
  if #self.list > M.KEPT then self:drop_oldest() end
  return true, other
end

function M:drop_oldest()
  local entry = table.remove(self.list, 1)
  local place = place_of(entry)
  self.by_id[entry.id] = nil
  if place and self.by_place[place] == entry then self.by_place[place] = nil end
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
