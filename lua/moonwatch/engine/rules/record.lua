--- record.lua - one recording rule at work.  Its samples never come here: C evaluates and writes them, and marks as stale
-- what the rule gave the time before and gives no longer.
local M = {}
M.__index = M
M.word = "record"

function M.new(rule, engine)
  return setmetatable({ rule = rule, engine = engine, host = engine.host, health = "unknown", samples = 0 }, M)
end

local function recorder(self)
  local rule, why = self.rule, nil
  if not self.handle then self.handle, why = self.host.recorder(rule.expr, rule.name, rule.labels, rule.limit) end
  return self.handle, why
end

function M:evaluate(t)
  self.last_evaluation, self.samples = t, 0
  local handle, why = recorder(self)
  if not handle then return self.engine:failed(self, { error = why }, t) end
  local n, more = self.host.record(handle, t - self.engine:behind(self.rule))
  if not n then return self.engine:failed(self, { error = more }, t) end
  self.samples = n
  if more then return self.engine:refused(self, more, t) end
  self.health, self.last_error = "ok", nil
end

--- Take over from the runner that had this name before: what it wrote is ours to end.
function M:inherit(old)
  self.health, self.last_error, self.last_evaluation = old.health, old.last_error, old.last_evaluation
  self.seconds, self.samples = old.seconds, old.samples
  self:take(old)
end

--- End what OLD wrote, when we write the next time and do not write it ourselves.
function M:take(old)
  local handle = old.handle and recorder(self)
  if handle then self.host.record_take(handle, old.handle) end
end

--- The rule is no more: its series end.
function M:drop(t)
  if not self.handle then return end
  local ok, why = self.host.record_end(self.handle, t - self.engine:behind(self.rule))
  if not ok then self.host.log("error", ("record %q: its end was not written: %s"):format(self.rule.name, why)) end
end

return M
