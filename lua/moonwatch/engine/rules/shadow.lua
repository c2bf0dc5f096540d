--- shadow.lua - a new version of a rule beside the one that is live, silently, and the difference between the two.
--
--   alert "Slow" { expr = "latency > 1" }                    is live
--   alert "Slow" { expr = "latency > 0.5", shadow = true }   is evaluated, and heard by nobody
-- The two are of one identity; a shadow has the id of the live rule with "shadow/" before it.  A shadow without a live rule is
-- compared with nothing: whatever it finds is the difference.
--
-- `promote` makes the shadow live in the place of the other until one of the two is edited: a promotion belongs to the texts of
-- both.  Who promotes is told which lines make it last.
local change = require "moonwatch.engine.rules.change"
local identity = require "moonwatch.config.identity"
local state = require "moonwatch.alert.state"

local M = {}

local HISTORY = 100 -- differences that are over and still shown

-- -- which is live ---------------------------------------------------------

--- The pairs of SET: live id -> { shadow = rule, live = rule or nil }.
function M.pairs_of(set)
  local out = {}
  for _, list in ipairs { set.alerts, set.records } do
    for _, rule in ipairs(list) do
      if rule.shadow then out[identity.live(rule)] = { shadow = rule } end
    end
  end
  for _, list in ipairs { set.alerts, set.records } do
    for _, rule in ipairs(list) do
      local pair = not rule.shadow and out[identity.id(rule)]
      if pair then pair.live = rule end
    end
  end
  return out
end

--- What a promotion of PAIR belongs to.
function M.text_of(pair, host)
  return host.sha256(change.text(pair.live or {}) .. "\0" .. change.text(pair.shadow)):sub(1, 32)
end

--- How SET runs with PROMOTED (live id -> text): rules that do not run, shadows that are live (rule -> live id), and promotions
-- that are over (ids).
function M.settle(set, promoted, host)
  local skip, live, over = {}, {}, {}
  if next(promoted) == nil then return skip, live, over end
  local pairs_of = M.pairs_of(set)
  for id, text in pairs(promoted) do
    local pair = pairs_of[id]
    if pair and M.text_of(pair, host) == text then
      live[pair.shadow] = id
      if pair.live then skip[pair.live] = true end
    else
      over[#over + 1] = id
    end
  end
  table.sort(over)
  return skip, live, over
end

--- RUNNER, a shadow that is new, begins with what LIVE knows, whose alerts are copied; OF: its
-- ctx.state, when that is another.
function M.begin(runner, live, of)
  local saved = runner.restore and live:save()
  if saved then
    local json = runner.host.json
    runner:restore(json.decode(json.encode(saved)), live.last_evaluation or 0, 0)
  end
  if of then runner.state = of end
end

--- RUNNER, a shadow until now, goes on as the live rule; it has what LIVE knew, the runner before, and SHADOW's own state.
function M.become(runner, live, shadow)
  if live then runner:inherit(live) end
  if runner.rule.word ~= "alert" then return end
  if not live then return runner:inherit(shadow) end
  runner.state = shadow.state
  for key, alert in pairs(shadow.alerts) do
    local mine = runner.alerts[key]
    local worse = mine and (mine.state == "firing" or (mine.state == "pending" and alert.state ~= "firing"))
    if alert.state ~= "inactive" and not worse then
      alert.last_sent = nil
      runner.alerts[key] = alert
    end
  end
end

-- -- the difference --------------------------------------------------------

--- What is known of the difference between SHADOW and LIVE (may be nil), which goes on in the runners after them.
function M.pair(shadow, live, before)
  shadow.pair, shadow.live = shadow, live
  if live and shadow.rule.word == "alert" then live.pair = shadow end
  local text = change.text(shadow.rule) .. change.text(live and live.rule or {})
  local book = before and before.book
  if book and book.text ~= text then book = nil end -- another version: the count begins again
  shadow.book = book or { text = text, now = {}, history = {}, compared = 0, differing = 0 }
end

local function firing(runner)
  local out = {}
  for key, alert in pairs(runner and runner.alerts or {}) do
    if alert.state == "firing" then out[key] = alert end
  end
  return out
end

local function note(book, wanted, t)
  for key, d in pairs(wanted) do
    local before = book.now[key]
    book.now[key] = before and before.what == d.what and before or { what = d.what, labels = d.labels, since = t }
    book.now[key].value, book.now[key].live_value = d.value, d.live_value
  end
  for key, d in pairs(book.now) do
    if not wanted[key] then
      book.now[key], d.till = nil, t
      table.insert(book.history, d)
      if #book.history > HISTORY then table.remove(book.history, 1) end
    end
  end
  book.compared, book.since, book.at = book.compared + 1, book.since or t, t
  if next(wanted) then book.differing = book.differing + 1 end
end

local function of_alerts(shadow, live, wanted)
  local mine, theirs = firing(shadow), firing(live)
  for key, alert in pairs(mine) do
    if not theirs[key] then wanted[key] = { what = "would fire", labels = alert.labels, value = alert.value } end
  end
  for key, alert in pairs(theirs) do
    if not mine[key] then wanted[key] = { what = "would not fire", labels = alert.labels, live_value = alert.value } end
  end
end

local function by_key(rows)
  local out = {}
  for _, row in ipairs(rows) do out[state.key(row.labels)] = row end
  return out
end

local function of_records(mine, theirs, wanted)
  mine, theirs = by_key(mine), by_key(theirs)
  for key, row in pairs(mine) do
    local other = theirs[key]
    local same = other and (other.value == row.value or (other.value ~= other.value and row.value ~= row.value))
    if not other then wanted[key] = { what = "would be there", labels = row.labels, value = row.value }
    elseif not same then wanted[key] = { what = "other value", labels = row.labels, value = row.value, live_value = other.value } end
  end
  for key, row in pairs(theirs) do
    if not mine[key] then wanted[key] = { what = "would be gone", labels = row.labels, live_value = row.value } end
  end
end

--- RUNNER, one of a pair of alerts, was evaluated for T: compare once both have looked at one moment, or when they never do.
function M.look(runner, t)
  local shadow = runner.pair
  if shadow.rule.word ~= "alert" then return end
  local live, wanted = shadow.live, {}
  local apart = live and live.group ~= shadow.group
  if live and not apart and live.last_evaluation ~= shadow.last_evaluation then return end
  if apart and runner ~= shadow then return end
  of_alerts(shadow, live, wanted)
  note(shadow.book, wanted, t)
end

-- -- recording rules -------------------------------------------------------

local Record = {}
Record.__index = Record
Record.word = "record"

--- A recording rule that writes nothing: what it and the live rule would give now.
function M.record(rule, engine)
  return setmetatable({ rule = rule, engine = engine, host = engine.host, health = "unknown", samples = 0 }, Record)
end

local function ask(self, rule, t)
  local rows, why = self.host.query(rule.expr, t - self.engine:behind(rule))
  if not rows then return nil, why end
  for _, row in ipairs(rows) do
    row.labels.__name__ = rule.name
    for name, value in pairs(rule.labels or {}) do row.labels[name] = value ~= "" and value or nil end
  end
  return rows
end

function Record:evaluate(t)
  self.last_evaluation = t
  local rows, why = ask(self, self.rule, t)
  if not rows then return self.engine:failed(self, { error = why }, t) end
  self.health, self.last_error = "ok", nil
  local wanted = {}
  of_records(rows, self.live and ask(self, self.live.rule, t) or {}, wanted)
  note(self.book, wanted, t)
end

function Record:inherit(old) self.health, self.last_error, self.last_evaluation = old.health, old.last_error, old.last_evaluation end
function Record.take() end
function Record.drop() end

return M
