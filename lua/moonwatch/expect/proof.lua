--- proof.lua - when was what is expected last seen?  By a metric, a log line, a span, or a word of itself.
--
-- Each kind gives a list of { labels=, at= }: most know one event, a timestamp knows one of each series.  They look at T and
-- at what was stored before, so that a spec and a backtest see what the server saw.
local state = require "moonwatch.alert.state"

local M = {}

M.SERIES = "expect_last_seen_timestamp_seconds"
local MOST = 1000 -- series of one expectation

local MARKS = { ["\254"] = "\1", ["\255"] = "\2" } -- what is saved is JSON

local kinds = {}

local function without_name(labels)
  local out = {}
  for name, value in pairs(labels) do
    if name ~= "__name__" then out[name] = value end
  end
  return out
end

local function finite(v) return v == v and v > -math.huge and v < math.huge end

local function rows_of(runner, expr, t)
  local rows, why = runner.host.query(expr, t - runner.engine:behind(runner.rule))
  if rows and #rows > MOST then return nil, ("more than %d series; sum them up"):format(MOST) end
  return rows, why
end

-- The value of a series is the time of its last event.
function kinds.timestamp(runner, expr, t)
  local rows, why = rows_of(runner, expr, t)
  if not rows then return nil, why end
  local out = {}
  for _, row in ipairs(rows) do
    if finite(row.value) and row.value <= t then out[#out + 1] = { labels = without_name(row.labels), at = row.value } end
  end
  return out
end

-- A value that went up since the last evaluation is an event; so is one that began anew.
function kinds.counter(runner, expr, t)
  local rows, why = rows_of(runner, expr, t)
  if not rows then return nil, why end
  local before, now, event = runner.state.counts, {}, false
  for _, row in ipairs(rows) do
    local key = state.key(without_name(row.labels)):gsub("[\254\255]", MARKS)
    if finite(row.value) then
      local old = before and before[key]
      event = event or before ~= nil and (row.value > (old or 0) or old ~= nil and row.value < old and row.value > 0)
      now[key] = row.value
    end
  end
  for key, value in pairs(before or {}) do
    if now[key] == nil and #rows < MOST then now[key] = value end
  end
  runner.state.counts = now
  return event and { { labels = {}, at = t } } or {}
end

function kinds.expr(runner, expr, t)
  local rows, why = rows_of(runner, expr, t)
  if not rows then return nil, why end
  return rows[1] and { { labels = {}, at = t } } or {}
end

function kinds.logs(runner, want, t, from)
  local found, why = runner.host.logs_search { selector = want.selector, contains = want.contains, level = want.level, from = from, to = t, limit = 1 }
  if not found then return nil, why end
  return found[1] and { { labels = {}, at = found[1].time } } or {}
end

function kinds.span(runner, want, t, from)
  local found, why = runner.host.traces_search { service = want.service, name = want.name, from = from, to = t, limit = 1 }
  if not found then return nil, why end
  return found[1] and { { labels = {}, at = found[1].start } } or {}
end

-- What was posted to us, or written down when it was.
function kinds.heartbeat(runner, _, t)
  local rows, why = runner.host.query(("max(%s{expect=%q})"):format(M.SERIES, runner.rule.name), t)
  if not rows then return nil, why end
  local at = rows[1] and rows[1].value
  return at and at <= t and { { labels = {}, at = at } } or {}
end

M.NAMES = { "timestamp", "counter", "expr", "logs", "span" }

--- What proves RULE, a name of `kinds`, and what the rule says about it.
function M.of(rule)
  for _, name in ipairs(M.NAMES) do
    if rule[name] ~= nil then return name, rule[name] end
  end
  return "heartbeat"
end

--- Events up to T; FROM is how far back logs and traces are looked at.
function M.seen(runner, t, from)
  local list, why = kinds[runner.proof.kind](runner, runner.proof.want, t, from)
  if not list then return nil, why end
  local beat = runner.state.beat
  if beat and beat <= t then list[#list + 1] = { labels = {}, at = beat } end
  return list
end

return M
