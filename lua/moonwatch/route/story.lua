--- story.lua - the journal of decisions: what was decided about an alert and its groups, when, and how often.
--
-- It is written on the way of every message, so it is lazy: plain fields, no texts, nothing at all while there is nothing to say
-- that alert and group do not say themselves.  A decision like the one before counts that one up.  The decision that stands is in
-- its group (`live`); one that is replaced goes into a book, of its group (by id) or alert (by fingerprint).  A book holds
-- OF_BOOK entries and all books together MOST, the oldest books go first; so a storm costs what it costs, and no more is kept.
--
--   entry of a group   { kind="decision", target=, since=, time=, n=, sent=, reason= } | { kind="step", time=, step=, policy= }
--   entry of an alert  { kind="fired"|"resolved", time=, value= } | { kind="muted"|"unmuted", time=, reason=, source=, group= }
--   mark               { kind="config"|"lease", time=, held= }: what concerns all of them
local M = {}
M.__index = M

M.OF_BOOK, M.MOST, M.MARKS = 40, 50000, 50
local SAVED_BOOKS, SAVED_ENTRIES = 500, 10
-- What they take in memory, about.
local ENTRY_BYTES, BOOK_BYTES = 280, 320

function M.new(saved)
  saved = type(saved) == "table" and saved or {}
  local self = setmetatable({ live = {}, books = {}, order = {}, head = 1, tail = 0, entries = 0, number = 0, marks = saved.marks or {} }, M)
  for id, live in pairs(saved.live or {}) do self.live[id] = { decisions = live.decisions or {}, reasons = live.reasons or {} } end
  for _, book in ipairs(saved.books or {}) do
    for _, entry in ipairs(book.list or {}) do self:add(book.id, book.about, entry) end
  end
  return self
end

-- -- books ---------------------------------------------------------------------

local function evict(self)
  while self.entries > M.MOST and self.head <= self.tail do
    local book = self.order[self.head]
    self.order[self.head] = nil
    self.head = self.head + 1
    if self.books[book.id] == book then
      self.books[book.id] = nil
      self.entries, self.number = self.entries - #book.list, self.number - 1
    end
  end
end

--- Put ENTRY into the book ID, which is about an alert with the labels ABOUT, or a group.
function M:add(id, about, entry)
  local book = self.books[id]
  if not book then
    book = { id = id, about = about, list = {} }
    self.books[id], self.number, self.tail = book, self.number + 1, self.tail + 1
    self.order[self.tail] = book
  end
  local list = book.list
  list[#list + 1] = entry
  self.entries = self.entries + 1
  if #list > M.OF_BOOK then
    table.remove(list, 1)
    self.entries = self.entries - 1
  end
  if self.entries > M.MOST then evict(self) end
end

--- The entries of book ID, oldest first.
function M:of(id)
  local book = self.books[id]
  return book and book.list or {}
end

--- Books of alerts that ended and are known nowhere else: VISIT(fingerprint, labels).
function M:each_alert(visit)
  for id, book in pairs(self.books) do
    if book.about then visit(id, book.about) end
  end
end

-- -- groups --------------------------------------------------------------------

--- What stands of group ID: {decisions= by target, reasons= by fingerprint}; it outlives a new configuration.
function M:open(id)
  local live = self.live[id]
  if not live then
    live = { decisions = {}, reasons = {} }
    self.live[id] = live
  end
  return live
end

--- Group ID is no more: what stood goes into its book.
function M:close(id)
  local live = self.live[id]
  if not live then return end
  self.live[id] = nil
  for _, decision in pairs(live.decisions) do self:add(id, nil, decision) end
end

--- There are no other groups than GROUPS (by id).
function M:only(groups)
  for id in pairs(self.live) do
    if not groups[id] then self:close(id) end
  end
end

--- GROUP (its decisions= by target, as `open` gave them) tells TARGET or not, because of REASON.
function M:decided(group, target, sent, reason, now)
  local last = group.decisions[target]
  if last and last.sent == sent and last.reason == reason then
    last.n, last.time = last.n + 1, now
    return
  end
  if last then self:add(group.id, nil, last) end
  group.decisions[target] = { kind = "decision", target = target, since = now, time = now, n = 1, sent = sent, reason = reason }
end

--- An escalation of GROUP took a step.
function M:stepped(group, now)
  self:add(group.id, nil, { kind = "step", time = now, step = group.escalation.step, policy = group.node.escalate })
end

-- -- alerts --------------------------------------------------------------------

local function last_of(list, kind, other)
  for i = #list, 1, -1 do
    if list[i].kind == kind or list[i].kind == other then return list[i] end
  end
end

--- ALERT is news after OLD (nil: it was not known); RESOLVED: it ended.  The first time that it fires it says itself.
function M:news(old, alert, resolved, now)
  if not resolved and not (old and old.ends_at and old.ends_at <= now) then return end
  local list = self:of(alert.fp)
  local last = last_of(list, "fired", "resolved")
  local function put(kind, time, value) self:add(alert.fp, alert.labels, { kind = kind, time = time, value = value }) end
  local first = old or alert
  if not last then put("fired", first.starts_at, first.value) end
  -- Whoever posts an end may say one that lies before the beginning: it counts from when it was said.
  local function over(ends_at, value) put("resolved", ends_at < (last and last.time or first.starts_at) and now or ends_at, value) end
  if resolved then
    if not last or last.kind == "fired" then over(alert.ends_at, alert.value) end
  else
    if not last or last.kind == "fired" then over(old.ends_at, old.value) end
    put("fired", alert.starts_at, alert.value)
  end
end

--- ALERT, of which nothing was heard any more, is forgotten: its end is noted.
function M:forgotten(alert)
  local last = last_of(self:of(alert.fp), "fired", "resolved")
  if last and last.kind == "resolved" then return end
  if not last then self:add(alert.fp, alert.labels, { kind = "fired", time = alert.starts_at, value = alert.value }) end
  self:add(alert.fp, alert.labels, { kind = "resolved", time = alert.ends_at, value = alert.value })
end

local function labels_of(alerts, reason)
  local source = reason.kind == "inhibited" and alerts:get(reason.by[1])
  return source and source.labels or nil
end

--- A look at GROUP found that those in AFTER are muted (by fingerprint, see mute.lua), before it were those in BEFORE.
function M:looked(group, alerts, before, after, now)
  if not next(before) and not next(after) then return end
  for fp, reason in pairs(after) do
    local old, alert = before[fp], group.members[fp]
    if alert and (not old or old.text ~= reason.text) then
      self:add(fp, alert.labels, { kind = "muted", time = now, reason = reason, source = labels_of(alerts, reason), group = group.id })
    end
  end
  for fp in pairs(before) do
    local alert = not after[fp] and group.members[fp]
    if alert then self:add(fp, alert.labels, { kind = "unmuted", time = now, group = group.id }) end
  end
end

--- Something that concerns all of them: MARK {kind=, ...}.
function M:mark(mark, now)
  mark.time = now
  self.marks[#self.marks + 1] = mark
  if #self.marks > M.MARKS then table.remove(self.marks, 1) end
end

-- -- what is kept ----------------------------------------------------------------

--- How many entries and books there are, and about how many bytes they take.
function M:size()
  return self.entries, self.number, self.entries * ENTRY_BYTES + self.number * BOOK_BYTES
end

local function last_few(list)
  local out = {}
  for i = math.max(1, #list - SAVED_ENTRIES + 1), #list do out[#out + 1] = list[i] end
  return out
end

--- The youngest books and what stands of so many groups, as a plain value.
function M:save()
  local out, n = { live = {}, books = {}, marks = self.marks }, 0
  for id, live in pairs(self.live) do
    if n >= SAVED_BOOKS then break end
    if next(live.decisions) or next(live.reasons) then
      n = n + 1
      out.live[id] = live
    end
  end
  for i = self.tail, self.head, -1 do
    if #out.books >= SAVED_BOOKS then break end
    local book = self.order[i]
    if self.books[book.id] == book then table.insert(out.books, 1, { id = book.id, about = book.about, list = last_few(book.list) }) end
  end
  return out
end

return M
