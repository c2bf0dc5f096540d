--- silence.lua - silences: who asked for quiet, about what, from when to when.
--
-- A silence is pending before its start, active until its end, expired after; expired ones are kept
-- for a while so that one can see what was muted.  Changing one keeps its id only when its meaning
-- stays: same matchers and, while active, same start; otherwise the old one ends and a new one begins.
local matchers = require "moonwatch.route.matchers"

local M = {}
M.__index = M

M.RETENTION = 120 * 3600

local OPS = { [true] = { [true] = "=~", [false] = "=" }, [false] = { [true] = "!~", [false] = "!=" } }

--- SAVED: list of silences from an older `list()`.
function M.new(host, saved)
  local self = setmetatable({ host = host, by_id = {}, compiled = {} }, M)
  for _, s in ipairs(saved or {}) do self:merge(s) end
  return self
end

function M.state(s, now)
  if now < s.starts_at then return "pending" end
  return now < s.ends_at and "active" or "expired"
end

local function compile(self, s)
  local list = {}
  for i, m in ipairs(s.matchers) do
    list[i] = { name = m.name, value = m.value, op = OPS[m.isEqual ~= false][m.isRegex and true or false] }
  end
  return matchers.compile(list, self.host)
end

-- The rules of the house for a silence that somebody hands in.
local function problem(self, s, now)
  if s.starts_at >= s.ends_at then return "start time must be before end time" end
  if s.ends_at < now then return "end time can't be in the past" end
  if #s.matchers == 0 then return "at least one matcher required" end
  local compiled, err = compile(self, s)
  if not compiled then return err end
  local some
  for _, m in ipairs(compiled.list) do
    if not m.name:find "^[%a_][%w_]*$" then return ("invalid label name %q"):format(m.name) end
    if not m.test "" then some = true end
  end
  if not some then return "at least one matcher must not match the empty string" end
  return nil, compiled
end

local function same_matchers(a, b)
  if #a ~= #b then return false end
  for i, m in ipairs(a) do
    local n = b[i]
    if m.name ~= n.name or m.value ~= n.value or (m.isRegex and true or false) ~= (n.isRegex and true or false)
      or (m.isEqual ~= false) ~= (n.isEqual ~= false) then
      return false
    end
  end
  return true
end

local KEEPS_ID = {
  active = function(old, new, now)
    return math.floor(old.starts_at) == math.floor(new.starts_at) and new.ends_at >= now
  end,
  pending = function(_, new, now) return new.starts_at >= now end,
  expired = function() return false end,
}

local function uuid(host)
  return (host.random_hex(16):gsub("^(........)(....)(....)(....)(............)$", "%1-%2-%3-%4-%5"))
end

--- Add or change: S = {id=, matchers={ {name,value,isRegex,isEqual} }, starts_at, ends_at, created_by, comment}.
-- Answers the id, or nil, "missing"|"bad", message.
function M:set(s, now)
  local why, compiled = problem(self, s, now)
  if why then return nil, "bad", why end
  local old
  if s.id and s.id ~= "" then
    old = self.by_id[s.id]
    if not old then return nil, "missing", "silence not found" end
  end
  local id = old and old.id
  if not old or not same_matchers(old.matchers, s.matchers) or not KEEPS_ID[M.state(old, now)](old, s, now) then
    if old then self:expire(old.id, now) end
    id = uuid(self.host)
  end
  local starts_at = s.starts_at
  if not old or id ~= old.id then starts_at = math.max(starts_at, now) end
  local kept = { id = id, matchers = s.matchers, starts_at = starts_at, ends_at = s.ends_at,
    updated_at = now, created_by = s.created_by, comment = s.comment }
  self.by_id[id], self.compiled[id] = kept, compiled
  return id
end

--- End one now.  nil, message when there is none; ending an expired one changes nothing.
function M:expire(id, now)
  local s = self.by_id[id]
  if not s then return nil, "silence not found" end
  local state = M.state(s, now)
  if state == "expired" then return s end
  if state == "pending" then s.starts_at = now end
  s.ends_at, s.updated_at = now, now
  return s
end

function M:get(id) return self.by_id[id] end

--- Take over what another node or an older run knows; the newer version wins.  True when it changed something.
function M:merge(s)
  local old = self.by_id[s.id]
  if old and old.updated_at >= s.updated_at then return false end
  local compiled = compile(self, s)
  if not compiled then return false end
  self.by_id[s.id], self.compiled[s.id] = s, compiled
  return true
end

--- Ids of the active silences that mute LABELS, sorted.
function M:muting(labels, now)
  local out = {}
  for id, s in pairs(self.by_id) do
    if M.state(s, now) == "active" and matchers.match(self.compiled[id], labels) then out[#out + 1] = id end
  end
  table.sort(out)
  return out
end

local RANK = { active = 1, pending = 2, expired = 3 }

--- All of them: active by end, pending by start, expired with the latest first.
function M:list(now)
  local out = {}
  for _, s in pairs(self.by_id) do out[#out + 1] = s end
  table.sort(out, function(a, b)
    local x, y = now and RANK[M.state(a, now)] or 1, now and RANK[M.state(b, now)] or 1
    if x ~= y then return x < y end
    local s, t = a.ends_at, b.ends_at
    if x == 2 then s, t = a.starts_at, b.starts_at elseif x == 3 then s, t = t, s end
    if s ~= t then return s < t end
    return a.id < b.id
  end)
  return out
end

--- How many are in each state.
function M:counts(now)
  local out = { active = 0, pending = 0, expired = 0 }
  for _, s in pairs(self.by_id) do
    local state = M.state(s, now)
    out[state] = out[state] + 1
  end
  return out
end

--- When does the next one start or end?  nil: never.
function M:next_change(now)
  local at
  for _, s in pairs(self.by_id) do
    for _, t in ipairs { s.starts_at, s.ends_at } do
      if t > now and (not at or t < at) then at = t end
    end
  end
  return at
end

--- Forget those that ended long ago; answers their ids.
function M:gc(now)
  local gone = {}
  for id, s in pairs(self.by_id) do
    if s.ends_at + M.RETENTION <= now then
      self.by_id[id], self.compiled[id] = nil, nil
      gone[#gone + 1] = id
    end
  end
  return gone
end

return M
