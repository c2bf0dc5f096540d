--- signals.lua - events of an SLO that are log records or spans, see source.lua.
--
-- They come late: a record when its sender flushes, a span when its trace is sent.  So they are counted half a minute after, and for
-- two minutes more.
local M = {}
M.__index = M

local LAG, LATE = 30, 120
local EDGE = 1e-6 -- what is of the very moment FROM was counted before

local function query(want, from, to)
  local out = { from = from + EDGE, to = to }
  for name, value in pairs(want) do out[name] = value end
  return out
end

local function of_logs(self, from, to)
  local logs = self.rule.logs
  local total, why = self.host.logs_count(query(logs.total, from, to))
  if not total then return nil, why end
  local part
  part, why = self.host.logs_count(query(logs.good or logs.bad, from, to))
  if not part then return nil, why end
  local bad = logs.good and total - part or part
  return { total = total, bad = math.min(total, math.max(0, bad)), absent = total == 0 }
end

local function of_spans(self, from, to)
  local s = self.rule.spans
  local found, why = self.host.spans_count { service = s.service, name = s.name, tags = s.tags, from = from + EDGE, to = to, under = s.under, errors = s.errors }
  if not found then return nil, why end
  return { total = found.total, bad = found.bad, absent = found.total == 0 }
end

function M:count(from, to) return self.ask(self, from, to) end

function M:history(from, to, step)
  local out = {}
  for i = 1, math.floor((to - from) / step + 1e-6) do
    local found, why = self.ask(self, from + (i - 1) * step, from + i * step)
    if not found then return nil, why end
    out[i] = { from + i * step, found.total, found.bad, found.absent }
  end
  return out
end

function M.new(rule, host)
  return setmetatable({ rule = rule, host = host, grain = 0, lag = LAG, late = LATE, asks = true, ask = rule.logs and of_logs or of_spans }, M)
end

return M
