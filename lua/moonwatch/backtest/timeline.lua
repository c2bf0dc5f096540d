--- timeline.lua - what happens while rules run: alerts that change, messages that leave, alerts that are muted, rules that fail.
--
-- It hangs on an engine and a router from outside, whoever moves them: a backtest, or a world of a spec.
local labels_of = require "moonwatch.route.labels"

local M = {}
M.__index = M

M.MOST = 100000

--- MOST: entries of each kind; what is more is only counted.
function M.new(most)
  return setmetatable({ most = most or M.MOST, alerts = {}, messages = {}, muted = {}, failures = {}, left_out = 0, states = {}, seen = {},
                        told = {} }, M)
end

local function put(self, list, entry)
  if #list >= self.most then
    self.left_out = self.left_out + 1
    return
  end
  list[#list + 1] = entry
end

-- -- alerts ----------------------------------------------------------------

local NAMES = { pending = "pending", firing = "firing", inactive = "resolved" }

local function note(self, runner, before, after, labels, value, at)
  put(self, self.alerts, { at = at, rule = runner.rule.name, id = runner.id, labels = labels, from = before, to = after, value = value })
end

local function look(self, runner, at)
  local known, there = self.states[runner.id] or {}, {}
  local keys = {}
  for key in pairs(runner.alerts) do keys[#keys + 1] = key end
  for key in pairs(known) do
    if not runner.alerts[key] then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local alert, old = runner.alerts[key], known[key]
    if alert then
      local now = { state = NAMES[alert.state], severity = alert.labels.severity, labels = alert.labels }
      there[key] = now
      local moved = not old or old.state ~= now.state or old.severity ~= now.severity
      if moved and not (now.state == "resolved" and not old) then note(self, runner, old and old.state, now.state, alert.labels, alert.value, at) end
    elseif old.state == "pending" then
      note(self, runner, "pending", "gone", old.labels, nil, at)
    end
  end
  self.states[runner.id] = next(there) and there or nil
end

local function failed(self, runner, failure, at)
  local entry = self.failures[runner.id]
  if not entry then
    entry = { rule = runner.rule.name, word = runner.rule.word, file = runner.rule.file, line = runner.rule.line, count = 0, first = at,
              error = tostring(failure.error or "failed") }
    self.failures[runner.id] = entry
  end
  entry.count, entry.last = entry.count + 1, at
end

--- Note what changes in ENGINE from now on.
function M:watch(engine)
  self.engine = engine
  local changed, fails = engine.changed, engine.failed
  function engine.changed(this, runner, now)
    changed(this, runner, now)
    if runner.rule.word == "alert" then look(self, runner, now) end
  end
  function engine.failed(this, runner, failure, now)
    fails(this, runner, failure, now)
    failed(self, runner, failure, now)
  end
  return self
end

-- -- messages --------------------------------------------------------------

-- The name of the rule behind ALERT, which itself says its id.
local function rule_of(self, alert)
  local runner = self.engine and self.engine.by_id[alert.rule]
  return runner and runner.rule.name or nil
end

--- NOTE leaves for TARGET; the same again is another try.  Gives its entry.
function M:message(target, note_, at)
  if note_.id and self.seen[note_.id] then return end
  if note_.id then self.seen[note_.id] = true end
  local alerts = {}
  for i, alert in ipairs(note_.alerts) do
    alerts[i] = { labels = labels_of.plain(alert.labels), status = alert.status, rule = rule_of(self, alert), summary = (alert.annotations or {}).summary }
  end
  local entry = { at = at, receiver = note_.receiver, kind = target.kind, status = note_.status, reason = note_.reason,
                  group = note_.group_labels, alerts = alerts }
  put(self, self.messages, entry)
  return entry
end

--- Who became muted, and who no longer is, by what ROUTER decided since.
function M:look_at_groups(router, at)
  for id, group in pairs(router.groups) do
    local reasons, before = group.reasons or {}, self.told[id] or {}
    if reasons ~= before then
      for fp, reason in pairs(reasons) do
        local alert = group.members[fp] or router.alerts:get(fp)
        if alert and (not before[fp] or before[fp].text ~= reason.text) then
          put(self, self.muted, { at = at, labels = labels_of.plain(alert.labels), rule = rule_of(self, alert), group = group.labels, kind = reason.kind, by = reason.by, why = reason.text })
        end
      end
      self.told[id] = reasons
    end
  end
end

return M
