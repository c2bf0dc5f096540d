--- rules_record.lua - one recording rule at work.
local state = require "moonwatch.alert.state"

local M = {}
M.__index = M
M.word = "record"

function M.new(rule, engine)
  return setmetatable({ rule = rule, engine = engine, host = engine.host, written = {}, health = "unknown" }, M)
end

local function stale(rows, labels, t) rows[#rows + 1] = { labels = labels, t = t, value = "stale" } end

function M:evaluate(t)
  self.last_evaluation = t
  local answer, why = self.host.query(self.rule.expr, t)
  if not answer then return self.engine:failed(self, { error = why }, t) end
  local rows, written = {}, {}
  for _, row in ipairs(answer) do
    local labels = {}
    for name, value in pairs(row.labels) do labels[name] = value end
    for name, value in pairs(self.rule.labels) do labels[name] = value ~= "" and value or nil end
    labels.__name__ = self.rule.name
    local key = state.key(labels)
    if written[key] then
      return self.engine:failed(self, { error = "two samples give the same labels" }, t)
    end
    written[key] = labels
    rows[#rows + 1] = { labels = labels, t = t, value = row.value }
  end
  for key, labels in pairs(self.written) do
    if not written[key] then stale(rows, labels, t) end
  end
  self.written, self.health, self.last_error = written, "ok", nil
  if #rows > 0 then self.host.append(rows) end
end

function M:inherit(old)
  self.written, self.health, self.last_error = old.written, old.health, old.last_error
  self.last_evaluation = old.last_evaluation
end

function M:drop(t)
  local rows = {}
  for _, labels in pairs(self.written) do stale(rows, labels, t) end
  if #rows > 0 then self.host.append(rows) end
end

return M
