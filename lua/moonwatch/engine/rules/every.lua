--- every.lua - one scheduled job at work.  A job that still runs is not started again.
local budget = require "moonwatch.engine.rules.budget"
local suspend = require "moonwatch.engine.rules.suspend"

local M = {}
M.__index = M
M.word = "every"

function M.new(rule, engine)
  return setmetatable({ rule = rule, engine = engine, host = engine.host, health = "unknown" }, M)
end

function M:evaluate(t)
  if self.running then
    self.engine:count("moonwatch_rule_turns_missed_total", self, 1)
    return
  end
  self.running, self.last_evaluation = true, t
  self.engine:call_guest(self.rule.fn, {}, { kind = "every", now = t, state = self.state or {}, rule = self.rule.name },
    function(result) self:finish(result, t) end)
end

-- A run that began before a reload ends in the runner that has its place now.
function M:finish(result, t)
  if self.heir then return self.heir:finish(result, t) end
  self.running = false
  budget.account(self.engine, self)
  if not result.ok then return self.engine:failed(self, result, t) end
  suspend.worked(self.engine, self, t)
  local before = self.state
  self.state, self.health, self.last_error, self.traceback = result.state, "ok", nil, nil
  if (before and next(before)) or (self.state and next(self.state)) then self.engine:changed(self, t) end
end

function M:inherit(old)
  self.state, self.last_evaluation, self.running = old.state, old.last_evaluation, old.running
  self.health, self.last_error, self.traceback = old.health, old.last_error, old.traceback
  old.heir = self
end
function M.drop() end
function M:save()
  if self.state and next(self.state) then return { state = self.state } end
end
function M:restore(saved) self.state = type(saved.state) == "table" and saved.state or nil end

return M
