--- silence.lua - silences: who asked for quiet, about what, from when to when.
--
-- A silence is pending before its start, active until its end, expired after; expired ones are kept
-- for a while so that one can see what was muted.  Changing one keeps its id only when its meaning
-- stays: same matchers and, while active, same start; otherwise the old one ends and a new one begins.
--
--   { id, matchers={ {name,value,isRegex,isEqual} }, others={ further lists, any of which may match }, starts_at, ends_at,
--     updated_at, created_by, comment, annotations={name=text},
--     recurring= a window as in window.lua or window= the name of one: it mutes only inside,
--     receivers={ "pagerduty", "slack/webhook/1" }: only these are not told,
--     until_resolved=true: ends when what it muted is over; remind= seconds before its end at which somebody is told }
-- What the router notes in it: had (it muted something), reminded (the end that was told), ended_by.
local Index = require "moonwatch.route.silence_index"
local Window = require "moonwatch.route.window"
local rules = require "moonwatch.route.silence_rules"

local M = {}
M.__index = M

M.RETENTION = 120 * 3600

--- SAVED: list of silences from an older `list()`.
function M.new(host, saved)
  local self = setmetatable({ host = host, by_id = {}, compiled = {}, index = Index.new(), retention = M.RETENTION, limits = {},
    windows = {}, limited_ones = {}, number = 0 }, M)
  for _, s in ipairs(saved or {}) do self:merge(s) end
  return self
end

--- What the configuration says: the named WINDOWS, and SETTINGS.
function M:configure(windows, settings)
  self.windows = windows
  self.limits = settings.limits or {}
  self.retention = settings.silence and settings.silence.retention or M.RETENTION
end

function M.state(s, now)
  if now < s.starts_at then return "pending" end
  return now < s.ends_at and "active" or "expired"
end

local function window_of(self, s)
  if s.window then return self.windows[s.window] end
  return self.compiled[s.id] and self.compiled[s.id].window
end

--- Does S mute at NOW?  One that recurs does so only inside its window; one whose window is gone never.
function M:active(s, now)
  if M.state(s, now) ~= "active" then return false end
  if not s.window and not s.recurring then return true end
  local window = window_of(self, s)
  return window ~= nil and window:contains(now)
end

--- The state as it is shown: one that waits for its window is pending.
function M:shown_state(s, now)
  local state = M.state(s, now)
  return state == "active" and not self:active(s, now) and "pending" or state
end

--- When S next begins or stops to mute; nil when that is not known.
function M:next_change(s, now)
  if now >= s.ends_at then return nil end
  if not s.window and not s.recurring then return now < s.starts_at and s.starts_at or s.ends_at end
  local window = window_of(self, s)
  if not window then return nil end
  local from = math.max(now, s.starts_at)
  if from > now and window:contains(from) then return from end
  local at = window:next_change(from)
  return at and math.min(at, s.ends_at) or (window:contains(from) and s.ends_at or nil)
end

-- -- keeping ---------------------------------------------------------------------

local function keep(self, s, compiled)
  if not self.by_id[s.id] then self.number = self.number + 1 end
  self.by_id[s.id], self.compiled[s.id] = s, compiled
  self.limited_ones[s.id] = s.receivers and true or nil
  self.index:put(s, compiled.sets)
end

local function compile(self, s)
  local sets, err = rules.compile(s, self.host)
  if not sets then return nil, err end
  local window
  if s.recurring then
    window, err = Window.new(s.recurring, self.host)
    if not window then return nil, err end
  end
  return { sets = sets, window = window }
end

local function uuid(host)
  return (host.random_hex(16):gsub("^(........)(....)(....)(....)(............)$", "%1-%2-%3-%4-%5"))
end

-- What S is to be, and the old one when it goes on under its id; nil, code, message when it is not to be.
local function resolve(self, s, now)
  local old
  if s.id and s.id ~= "" then
    old = self.by_id[s.id]
    if not old then return nil, "missing", "silence not found" end
  end
  local wanted = rules.over(old, s)
  local why = rules.problem(wanted, self, now)
  if why then return nil, "bad", why end
  return wanted, old
end

--- Look at S without keeping it: what it would be and its compiled sets; nil, code, message.
function M:check(s, now)
  local wanted, old, message = resolve(self, s, now)
  if not wanted then return nil, old, message end
  local compiled, err = compile(self, wanted)
  if not compiled then return nil, "bad", err end
  return wanted, compiled, old
end

--- Add or change S.  Fields that it does not name stay as they were; false takes them away.
-- Answers the id, or nil, "missing"|"bad", message.
function M:set(s, now)
  local wanted, compiled, old = self:check(s, now)
  if not wanted then return nil, compiled, old end
  local why
  local same = old and rules.keeps_id(M.state(old, now), old, wanted, now)
  if not same then
    why = rules.too_many(self)
    if why then return nil, "bad", why end
    wanted.starts_at = math.max(wanted.starts_at, now)
  end
  wanted.id, wanted.updated_at = same and old.id or uuid(self.host), now
  wanted.had, wanted.reminded = same and old.had or nil, same and old.reminded or nil
  why = rules.too_large(self, wanted)
  if why then return nil, "bad", why end
  if old and not same then self:expire(old.id, now) end
  keep(self, wanted, compiled)
  return wanted.id
end

--- End one now.  nil, message when there is none; ending an expired one changes nothing.
function M:expire(id, now, by)
  local s = self.by_id[id]
  if not s then return nil, "silence not found" end
  local state = M.state(s, now)
  if state == "expired" then return s end
  if state == "pending" then s.starts_at = now end
  s.ends_at, s.updated_at, s.ended_by = now, now, by
  return s
end

function M:get(id) return self.by_id[id] end

function M:remove(id)
  if self.by_id[id] then self.number = self.number - 1 end
  self.by_id[id], self.compiled[id], self.limited_ones[id] = nil, nil, nil
  self.index:remove(id)
end

--- Take over what another node or an older run knows; the newer version wins.  True when it changed something.
function M:merge(s)
  local old = self.by_id[s.id]
  if old and old.updated_at >= s.updated_at then
    local had, reminded = old.had or s.had, math.max(old.reminded or 0, s.reminded or 0)
    local news = had ~= old.had or reminded > (old.reminded or 0)
    old.had, old.reminded = had, reminded > 0 and reminded or nil
    return news
  end
  local compiled = compile(self, s)
  if not compiled then return false end
  keep(self, s, compiled)
  return true
end

-- -- asking ----------------------------------------------------------------------

local function each_active(self, labels, now, visit)
  local last
  for _, entry in ipairs(self.index:matching(labels)) do
    local s = not entry.gone and entry.id ~= last and self.by_id[entry.id]
    if s and self:active(s, now) then
      last = entry.id
      visit(s)
    end
  end
end

local function sorted(ids)
  table.sort(ids)
  for i = #ids, 2, -1 do
    if ids[i] == ids[i - 1] then table.remove(ids, i) end
  end
  return ids
end

--- May any of them mute something?
function M:any() return not self.index:empty() end

--- Ids of the active silences that mute LABELS for everybody, sorted.
function M:muting(labels, now)
  local out = {}
  each_active(self, labels, now, function(s)
    if not s.receivers then out[#out + 1] = s.id end
  end)
  return sorted(out)
end

--- Ids of the active silences that mute LABELS for TARGET {receiver=, kind=, key=} only, sorted.
function M:muting_for(labels, target, now)
  if not next(self.limited_ones) then return {} end
  local out = {}
  each_active(self, labels, now, function(s)
    if s.receivers and rules.meant(s.receivers, target) then out[#out + 1] = s.id end
  end)
  return sorted(out)
end

--- Does silence S have matchers that LABELS satisfy?
function M:covers(s, labels)
  for _, entry in ipairs(self.index:matching(labels)) do
    if entry.id == s.id and not entry.gone then return true end
  end
  return false
end

local RANK = { active = 1, pending = 2, expired = 3 }

--- All of them: active by end, pending by start, expired with the latest first.
function M:list(now)
  local out, rank = {}, {}
  for _, s in pairs(self.by_id) do
    out[#out + 1] = s
    rank[s] = now and RANK[self:shown_state(s, now)] or 1
  end
  table.sort(out, function(a, b)
    local x, y = rank[a], rank[b]
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
    local state = self:shown_state(s, now)
    out[state] = out[state] + 1
  end
  return out
end

--- Forget those that ended long ago; answers their ids.
function M:gc(now)
  local gone = {}
  for id, s in pairs(self.by_id) do
    if s.ends_at + self.retention <= now then
      self:remove(id)
      gone[#gone + 1] = id
    elseif s.ends_at <= now then
      self.index:remove(id) -- it mutes nothing any more
    end
  end
  return gone
end

return M
