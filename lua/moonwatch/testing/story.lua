--- story.lua - what happened to the alerts of a world, in its order: { at=, name=, labels=, from=, to=, value= }.
--
-- Nothing is polled: whoever changes an alert says so, and what its rule has now is compared with what it had.
local keys_of = require "moonwatch.keys"

local M = {}
M.__index = M

function M.new() return setmetatable({ entries = {}, known = {} }, M) end

local function copy(labels)
  local out = {}
  for k, v in pairs(labels) do out[k] = v end
  return out
end

local function note(self, alert, from, to, now)
  self.entries[#self.entries + 1] = { at = now, name = alert.labels.alertname, labels = copy(alert.labels), from = from, to = to,
                                      value = alert.value }
end

--- RUNNER may have changed at NOW.
function M:look(runner, now)
  if runner.rule.word ~= "alert" or runner.silent then return end
  local before = self.known[runner.id] or {}
  local after = {}
  for _, key in ipairs(keys_of(runner.alerts)) do
    local alert = runner.alerts[key]
    local old = before[key]
    -- An alert that resolved and came back within one evaluation is a new one, in whatever state.
    if not old or old.state ~= alert.state or old.active_at ~= alert.active_at and alert.state ~= "pending" then
      note(self, alert, old and old.state, alert.state == "inactive" and "resolved" or alert.state, now)
    end
    after[key] = { state = alert.state, alert = alert, active_at = alert.active_at }
  end
  for _, key in ipairs(keys_of(before)) do
    if not after[key] and before[key].state ~= "inactive" then note(self, before[key].alert, before[key].state, "gone", now) end
  end
  self.known[runner.id] = after
end

--- Rules that are not among BY_ID have ended at NOW, and their alerts with them.
function M:only(by_id, now)
  for _, id in ipairs(keys_of(self.known)) do
    for _, key in ipairs(by_id[id] and {} or keys_of(self.known[id])) do
      local old = self.known[id][key]
      if old.state ~= "inactive" then note(self, old.alert, old.state, old.state == "firing" and "resolved" or "gone", now) end
    end
    if not by_id[id] then self.known[id] = nil end
  end
end

return M
