--- source.lua - where the events of an SLO come from: how many there were from one moment to another, whatever they are.
--
--   source.count(from, to)           { total=, bad=, absent= (there was nothing to count), parts= (by label, with `by`) }
--   source.history(from, to, step)   list of { t, total, bad }: what happened in the STEP before each t
-- or nil, why.  `grain`: seconds that the shortest stretch takes; `lag`: so much later it is known what happened; `late`: so much
-- later still somebody may add to it (0: nobody does, or stretches of another length would not add up); `asks`: each step of a
-- history is a question of its own.
local latency = require "moonwatch.slo.latency"
local signals = require "moonwatch.slo.signals"
local sli = require "moonwatch.slo.sli"
local state = require "moonwatch.alert.state"

local M = {}
M.__index = M

local COARSE = 240 -- what does not add up in short stretches; below the look-back of five minutes
local LATE = 300 -- senders may be behind by so many seconds
local REPLAN = 600 -- seconds after which buckets are looked for again

-- -- which expressions -----------------------------------------------------

-- Does E, expressions with anchored ranges, parse here?
local function parses(host, e)
  for _, text in pairs(e) do
    if not host.check_expr(text) then return false end
  end
  return true
end

local function rises(text) return text and (text:find "rate%s*%(" or text:find "increase%s*%(" or text:find "delta%s*%(" or text:find "%[%s*%$window%s*:") end

-- Do neighbouring stretches of these expressions add up without anchors?
local function adds_up(rule)
  if rule.check then return true end
  if rule.latency then return false end
  for _, name in ipairs { "good", "bad", "total" } do
    local text = rule[name]
    if text and (not text:find("$window", 1, true) or rises(text)) then return false end
  end
  return true
end

local function settle(self, closed)
  local rule, host = self.rule, self.host
  self.how = { anchored = not rule.check, by = rule.by and table.concat(rule.by, ", ") }
  local subquery = (rule.total or ""):find "%[%s*%$window%s*:" or (rule.good or rule.bad or ""):find "%[%s*%$window%s*:"
  if closed or subquery or not parses(host, sli.expressions(rule, "30s", self.how)) then
    self.how.anchored = false
    self.grain = adds_up(rule) and 0 or COARSE
  end
  self.late = self.how.anchored and LATE or 0
end

-- Buckets may come, go and change while the rule stays.
local function replan(self, t)
  local l = self.rule.latency
  if not l or (self.how.plan and t - self.planned < REPLAN) then return true end
  local plan, why = latency.plan(l, self.host, t)
  if why then return nil, why end
  self.how.plan, self.planned = plan or self.how.plan, t
  self.note = latency.note(l, self.how.plan)
  return true
end

-- -- counting --------------------------------------------------------------

local function bad_of(e, total, part)
  local bad = e.good and total - (part or 0) or part or 0
  return math.min(total, math.max(0, bad))
end

-- The labels of a row that are asked for.
local function part_key(by, labels)
  local out = {}
  for _, name in ipairs(by) do out[name] = labels[name] or "" end
  return state.key(out), out
end

local function parts_of(by, e, totals, partial)
  local out = {}
  for _, row in ipairs(totals) do
    local key, labels = part_key(by, row.labels)
    if row.value > 0 then out[key] = { labels = labels, total = row.value } end
  end
  for _, row in ipairs(partial) do
    local part = out[part_key(by, row.labels)]
    if part then part.part = row.value end
  end
  for _, part in pairs(out) do part.bad = bad_of(e, part.total, part.part) end
  return out
end

local function sum(rows)
  local out
  for _, row in ipairs(rows) do
    if row.value == row.value then out = (out or 0) + row.value end
  end
  return out
end

function M:count(from, to)
  local fine, why = replan(self, to)
  if not fine then return nil, why end
  local rule, seconds = self.rule, to - from
  local e = sli.expressions(rule, sli.range(seconds), self.how)
  local totals, partial
  totals, why = self.host.query(e.total, to)
  if not totals then return nil, why end
  partial, why = self.host.query(e.good or e.bad, to)
  if not partial then return nil, why end
  local total = sum(totals)
  if not total then return { total = 0, bad = 0, absent = true } end
  local scale = sli.scale(rule.total, seconds)
  local bad = bad_of(e, total, sum(partial))
  local parts = rule.by and parts_of(rule.by, e, totals, partial)
  for _, part in pairs(parts or {}) do part.total, part.bad = part.total * scale, part.bad * scale end
  return { total = math.max(0, total * scale), bad = bad * scale, parts = parts }
end

-- Rows of points as moment -> sum.
local function by_time(rows)
  local out = {}
  for _, row in ipairs(rows) do
    for _, p in ipairs(row.points) do
      local key = math.floor(p[1] * 1000 + 0.5)
      if p[2] == p[2] then out[key] = (out[key] or 0) + p[2] end
    end
  end
  return out
end

function M:history(from, to, step)
  local fine, why = replan(self, to)
  if not fine then return nil, why end
  local e = sli.expressions(self.rule, sli.range(step), { anchored = self.how.anchored, plan = self.how.plan })
  local totals, partial
  totals, why = self.host.range(e.total, from + step, to, step)
  if not totals then return nil, why end
  partial, why = self.host.range(e.good or e.bad, from + step, to, step)
  if not partial then return nil, why end
  local out, scale = {}, sli.scale(self.rule.total, step)
  totals, partial = by_time(totals), by_time(partial)
  for i = 1, math.floor((to - from) / step + 1e-6) do
    local t = from + i * step
    local key = math.floor(t * 1000 + 0.5)
    local total = totals[key]
    out[i] = { t, (total or 0) * scale, total and bad_of(e, total, partial[key]) * scale or 0, total == nil }
  end
  return out
end

--- The source of RULE; nil for one that counts nothing (a ratio) or only what others count.  CLOSED: ranges are closed, and
-- know no anchors.
function M.new(rule, host, closed)
  if rule.ratio or rule.of then return nil end
  if rule.logs or rule.spans then return signals.new(rule, host) end
  local self = setmetatable({ rule = rule, host = host, grain = 0, lag = 0, late = 0 }, M)
  settle(self, closed)
  return self
end

return M
