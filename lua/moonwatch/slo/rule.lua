--- rule.lua - one SLO at work: what it measured, stored as series.
--
--   slo_error_budget_remaining{slo,service}    1 nothing spent (or nothing happened), 0 all of it
--   slo:sli_error:ratio_rate<window>           share of bad events within each window
--   slo:sli_events:increase<window>, slo:objective:ratio, slo:current_burn_rate:ratio
local burn = require "moonwatch.slo.burn"
local sli = require "moonwatch.slo.sli"
local state = require "moonwatch.alert.state"

local M = {}
M.__index = M
M.word = "slo"

function M.new(rule, engine)
  return setmetatable({ rule = rule, engine = engine, host = engine.host, every = 30, windows = burn.windows(rule),
                        written = {}, health = "unknown" }, M)
end

local function labels_of(rule, name)
  local out = { __name__ = name, slo = rule.name }
  for k, v in pairs(rule.labels) do out[k] = v end
  out.service = out.service or rule.name
  return out
end
M.labels_of = labels_of

--- What is left of the budget: 1 to 0.
function M.remaining(objective, measured)
  if not measured.total then return math.max(0, 1 - (measured.ratio or 0) / (1 - objective)) end
  local allowed = (1 - objective) * measured.total
  if measured.total <= 0 or allowed <= 0 then return 1 end
  return math.max(0, (allowed - measured.bad) / allowed)
end

local function series(self, measured)
  local rule, out = self.rule, {}
  local function put(name, value) out[#out + 1] = { labels = labels_of(rule, name), value = value } end
  for seconds, m in pairs(measured) do
    local window = sli.window(seconds)
    if m.ratio then put("slo:sli_error:ratio_rate" .. window, m.ratio) end
    if m.total then put("slo:sli_events:increase" .. window, m.total) end
  end
  put("slo_error_budget_remaining", M.remaining(rule.objective, measured[rule.window]))
  put("slo:objective:ratio", rule.objective)
  local now = measured[self.windows[1]]
  if now.ratio then put("slo:current_burn_rate:ratio", now.ratio / (1 - rule.objective)) end
  return out
end

local function write(self, rows, t)
  local written = {}
  for _, row in ipairs(rows) do
    row.t = t
    written[state.key(row.labels)] = row.labels
  end
  for key, labels in pairs(self.written) do
    if not written[key] then rows[#rows + 1] = { labels = labels, t = t, value = "stale" } end
  end
  self.written = written
  if #rows > 0 then self.host.append(rows) end
end

function M:evaluate(t)
  self.last_evaluation = t
  local measured = {}
  for _, seconds in ipairs(self.windows) do
    local m, why = sli.measure(self.rule, self.host, t, seconds)
    if not m then return self.engine:failed(self, { error = why }, t) end
    measured[seconds] = m
  end
  self.measured, self.health, self.last_error = measured, "ok", nil
  write(self, series(self, measured), t)
end

function M:inherit(old)
  self.written, self.health, self.last_evaluation = old.written, old.health, old.last_evaluation
  local same = true
  for _, seconds in ipairs(self.windows) do same = same and old.measured and old.measured[seconds] ~= nil end
  self.measured = same and old.measured or nil
end

function M:drop(t) write(self, {}, t) end

return M
