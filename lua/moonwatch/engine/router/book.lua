--- book.lua - the journal of the router: what changed is on disk before a message leaves or a request is answered.
--
-- A frame is JSON: a list of {kind, id, value} (see router/kinds.lua), without value when it is gone; {"moved", fp, {...}} is an
-- alert that merely went on, {"told", id, {...}} what became of a message of the history.  The last row of an id counts, so reading
-- all frames in order gives the state.  The changes of one turn are in one frame, so that a crash finds all of them or none.
--
-- Alerts that were posted and not known yet are kept as they were posted: {"posted": when, ...}, a new line, and the body.  It is
-- read as it was then, and speaks only of alerts that no frame before it does.
--
-- When the journal has several times as many rows as there are things that live, all that lives is written again, a piece at each
-- turn, and what was before that is dropped: no turn takes long, however many alerts there are.
local Alerts = require "moonwatch.route.alerts"
local kinds = require "moonwatch.engine.router.kinds"
local version = require "moonwatch.api.alertmanager_version"

local M = {}
M.__index = M

local ROWS = 20000                       -- of a frame
local PIECE = 500                        -- rows of one step of writing all again
local LEAST, GROWTH = 8 * 1024 * 1024, 3 -- bytes before anybody looks, and rows for each thing that lives
local FRESH = 4096                       -- bytes of a journal in which nothing is
local ALIAS = { escalation = "group" }
-- What changes of a thing most of the time, and the row that says no more than that.
local PARTS = {
  alert = { row = "moved", fields = { "ends_at", "timeout", "updated_at", "value", "shared_until" } },
  history = { row = "told", fields = { "attempts", "result", "why", "done" } },
}
local PART_OF = { moved = "alert", told = "history" }

local function nothing() end

local function failed(self, n)
  self.host.metric("add", "moonwatch_router_journal_failures_total", {}, n, "How often the journal of alerts could not be written.")
end

--- Of ROUTER; JOURNAL is what host.journal gave, nil: nothing is written.
function M.new(router, journal)
  local self = setmetatable({ router = router, host = router.host, journal = journal, dirty = {}, some = false, written = {}, limit = LEAST }, M)
  for kind, of in pairs(kinds) do
    if not of.every then self.dirty[kind] = {} end
  end
  -- How many rows there are; those of an earlier life are not counted, and are written again when they are many bytes.
  self.rows = journal and journal:bytes() > FRESH and math.huge or 0
  if journal then failed(self, 0) else self.mark, self.mark_part = nothing, nothing end
  return self
end

--- KIND's ID changed, came or went.  ABOUT: see router/kinds.lua.
function M:mark(kind, id, about)
  local set = self.dirty[ALIAS[kind] or kind]
  if not set then return end
  set[id], self.some = about or false, true
end

--- Of KIND's ID, which is known, no more changed than PARTS says.
function M:mark_part(kind, id)
  local set = self.dirty[kind]
  if set[id] == nil then set[id], self.some = "part", true end
end

--- BODY brought N alerts, of which those in FRESH, a list of fingerprints, were not known.
function M:posted(body, fresh, n, now)
  if not self.journal then return end
  local head = { posted = now, timeout = self.router.settings.resolve_timeout, narrow = not version.newer(self.router) }
  if 2 * #fresh > n and self.journal:append(self.host.json.encode(head) .. "\n", body) then
    self.rows = self.rows + n
  else
    for _, fp in ipairs(fresh) do self:mark("alert", fp) end
  end
end

-- -- writing ---------------------------------------------------------------------

local function row(self, kind, id, about)
  local value = kinds[kind].get(self.router, id, about)
  if about ~= "part" or not value then return { kind, id, value } end
  local out = {}
  for _, field in ipairs(PARTS[kind].fields) do out[field] = value[field] end
  return { PARTS[kind].row, id, out }
end

local function append(self, rows)
  self.rows = self.rows + #rows
  for from = 1, #rows, ROWS do
    local frame = rows
    if #rows > ROWS then
      frame = {}
      for i = from, math.min(#rows, from + ROWS - 1) do frame[#frame + 1] = rows[i] end
    end
    local ok, err = self.journal:append(self.host.json.encode(frame))
    if not ok then return nil, err end
  end
  return true
end

local function changes(self)
  local rows = {}
  for kind, set in pairs(self.dirty) do
    for id, about in pairs(set) do rows[#rows + 1] = row(self, kind, id, about) end
  end
  return rows
end

-- What has no marks, when it is time to look at it: rows, and what is written when they are.
local function looked_at(self, rows, now, all)
  local seen = {}
  for kind, of in pairs(kinds) do
    local last = self.written[kind]
    if of.every and (all or not last or now >= last.at + of.every) then
      local value = of.get(self.router, "")
      local text = self.host.json.encode(value)
      if not last or last.text ~= text then rows[#rows + 1] = { kind, "", value } end
      seen[kind] = { at = now, text = text }
    end
  end
  return seen
end

-- The first failure is told; afterwards nothing until it works again.
local function settle(self, ok, err)
  if not ok then failed(self, 1) end
  if not ok and not self.complained then
    self.host.log("error", "the journal of alerts could not be written: after a crash messages may be sent again", { error = err })
  end
  self.complained = not ok
end

--- Write what changed.  nil, message when that failed: it stays to be written.  ALL: look at everything, however lately that was.
function M:flush(now, all)
  if not self.journal then return true end
  local rows = self.some and changes(self) or {}
  local seen = looked_at(self, rows, now, all)
  local ok, err = true, nil
  if #rows > 0 then
    ok, err = append(self, rows)
    settle(self, ok, err)
  end
  if not ok then return nil, err end
  for kind, last in pairs(seen) do self.written[kind] = last end
  if self.some then
    for kind in pairs(self.dirty) do
      if next(self.dirty[kind]) then self.dirty[kind] = {} end
    end
    self.some = false
  end
  return true
end

--- Bytes of the journal; nil when there is none.
function M:size() return self.journal and self.journal:bytes() end

-- -- writing all again -----------------------------------------------------------------

local function begin(self)
  local segment = self.journal:cut()
  if not segment then return end
  local list = {}
  for kind, of in pairs(kinds) do
    of.each(self.router, function(id, about) list[#list + 1] = { kind, id, about } end)
  end
  self.again, self.rows = { segment = segment, list = list, at = 0 }, 0
end

local function finish(self)
  if not self.journal:sync() then return end -- what was before stays, and a later turn tries again
  self.journal:drop(self.again.segment)
  self.again = nil
  self.limit = math.max(LEAST, self.journal:bytes())
end

-- Are there so many rows that are out of date?  When not, that is asked again when there are twice as many bytes.
local function is_worth_it(self)
  if self.journal:bytes() < self.limit then return false end
  local n = 0
  local function count() n = n + 1 end
  for _, of in pairs(kinds) do of.each(self.router, count) end
  if self.rows >= GROWTH * n then return true end
  self.limit = self.journal:bytes() * 2
  return false
end

--- A step of writing all again, when the journal is large.  True while there is more to do.
function M:tidy()
  if not self.journal or not self.router.configured then return false end
  if not self.again then
    if not is_worth_it(self) then return false end
    begin(self)
  end
  local again = self.again
  if not again then return false end
  local rows, last = {}, math.min(#again.list, again.at + PIECE)
  for i = again.at + 1, last do rows[#rows + 1] = row(self, unpack(again.list[i], 1, 3)) end
  if #rows > 0 and not append(self, rows) then return false end
  again.at = last
  if last < #again.list then return true end
  finish(self)
  return false
end

--- Write what is left and close it.
function M:close(now)
  if not self.journal then return end
  self.closing = true
  kinds.job.each(self.router, function(key) self:mark("job", key) end)
  self:flush(now, true)
  self.journal:sync()
  self.journal:close()
  self.journal, self.mark, self.mark_part = nil, nothing, nothing
end

-- -- reading ---------------------------------------------------------------------

local function part(saved, kind, id, value)
  local whole = saved[kind][id]
  for _, field in ipairs(whole and PARTS[kind].fields or {}) do whole[field] = value[field] end
end

local function take(saved, frame)
  for _, r in ipairs(frame) do
    if PART_OF[r[1]] then part(saved, PART_OF[r[1]], r[2], r[3])
    elseif saved[r[1]] then saved[r[1]][r[2]] = r[3] end
  end
end

-- See M:posted.  False when TEXT cannot be read.
local function take_posted(host, saved, text)
  local head, body = text:match "^([^\n]*)\n(.*)$"
  local how = head and host.json.decode(head)
  local alerts = type(how) == "table" and host.read_alerts(body, saved.alert, how.posted, how.narrow)
  for _, alert in ipairs(alerts or {}) do
    if not saved.alert[alert.fp] then
      if not alert.ends_at then Alerts.guess_end(alert, how.posted, how.timeout) end
      alert.seen, alert.shared_until = how.posted, alert.ends_at
      saved.alert[alert.fp] = alert
    end
  end
  return alerts and true or false
end

local function take_frame(host, saved, text)
  if text:sub(1, 1) == "{" then return take_posted(host, saved, text) end
  local frame = host.json.decode(text)
  if type(frame) ~= "table" then return false end
  take(saved, frame)
  return true
end

--- All that JOURNAL says: kind → id → value, as `state.restore` takes it; and how many frames could not be read.  nil, message.
function M.read(host, journal)
  local saved, bad = {}, 0
  for kind in pairs(kinds) do saved[kind] = {} end
  local n, damaged = journal:replay(function(text)
    local ok, read = pcall(take_frame, host, saved, text)
    if not ok or not read then bad = bad + 1 end
  end)
  if not n then return nil, damaged end
  return saved, bad + damaged
end

return M
