--- evidence.lua - what made an alert fire: its last samples, log lines and traces, taken once, at the moment it fires.
--
--   { at=, samples={ {t, value}, ... }, logs={ {time=, level=, message=, trace=}, ... }, traces={ {trace=, service=, name=,
--     duration=, errors=}, ... }, facts={ name = text or number } }
--
-- It travels with the alert wherever that goes, so it is small: at most BYTES of text, whatever is found.
local fill = require "moonwatch.alert.fill"
local text = require "moonwatch.alert.text"

local M = {}

M.BYTES = 4096   -- of texts, all in all
M.LINE = 300     -- of one of them
M.ITEMS = 20     -- log lines, traces, facts: of each
M.SAMPLES = 10
M.SEARCHES = 20  -- alerts of one rule and moment for which logs and traces are searched
M.ALERTS = 200   -- alerts of one rule and moment that have any
local SINCE = 300

-- -- bounds ----------------------------------------------------------------

local function cut(s, most)
  if #s <= most then return s end
  local n = most
  while n > 0 and s:byte(n + 1) >= 128 and s:byte(n + 1) < 192 do n = n - 1 end
  return s:sub(1, n) .. "..."
end

-- A purse of bytes: gives TEXT as it may be kept, or nil when there is no room.
local function purse()
  local left = M.BYTES
  return function(value)
    if value == nil then return nil end
    local s = cut(tostring(value), M.LINE)
    if #s > left then return nil end
    left = left - #s
    return s
  end
end

local function number(v)
  v = tonumber(v)
  return v and v == v and v > -math.huge and v < math.huge and v or nil
end

local function list_of(v) return type(v) == "table" and (v[1] ~= nil and v or next(v) ~= nil and { v } or {}) or v ~= nil and { v } or {} end

local function logs_of(records, most, keep)
  local out = {}
  for _, r in ipairs(list_of(records)) do
    if #out >= most then break end
    local row = type(r) == "table" and r or { message = r }
    local message = type(row.message) ~= "table" and keep(row.message)
    if message then
      out[#out + 1] = { time = number(row.time), level = row.level and keep(row.level), message = message, trace = row.trace and keep(row.trace) }
    end
  end
  return out
end

local function traces_of(traces, most, keep)
  local out, seen = {}, {}
  for _, r in ipairs(list_of(traces)) do
    if #out >= most then break end
    local row = type(r) == "table" and r or { trace = r }
    local id = type(row.trace) == "string" and not seen[row.trace] and keep(row.trace)
    if id then
      seen[row.trace] = true
      out[#out + 1] = { trace = id, service = row.service and keep(row.service), name = row.name and keep(row.name),
                        duration = number(row.duration), errors = number(row.errors) }
    end
  end
  return out
end

local function facts_of(facts, keep)
  local names, out = {}, {}
  for name in pairs(type(facts) == "table" and facts or {}) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for i = 1, math.min(#names, M.ITEMS) do
    local name, value = names[i], facts[names[i]]
    local known = keep(name)
    if known and type(value) ~= "table" then out[known] = number(value) or keep(value) end
  end
  return out
end

local function put(out, name, value)
  if next(value) ~= nil then out[name] = value end
end

-- -- samples ---------------------------------------------------------------

local function same(a, b)
  for name, value in pairs(a) do
    if name ~= "__name__" and b[name] ~= value then return false end
  end
  return true
end

-- The last values of all series of the rule, asked once for all alerts of the moment.
local function ranges(runner, t)
  local at = t - runner.engine:behind(runner.rule)
  local step = math.max(1, math.floor(SINCE / M.SAMPLES))
  return runner.host.range(runner.rule.expr, at - step * (M.SAMPLES - 1), at, step) or {}
end

local function samples_of(rows, sample)
  for _, row in ipairs(rows) do
    if same(row.labels, sample) and same(sample, row.labels) then
      local out = {}
      for i = math.max(1, #row.points - M.SAMPLES + 1), #row.points do
        local p = row.points[i]
        out[#out + 1] = { p[1], number(p[2]) or text.number(p[2]) }
      end
      return out
    end
  end
  return {}
end

--- The values of ALERT's series from FROM to TO, at most SAMPLES of them; nil when its rule has no expression.
function M.between(runner, alert, from, to)
  if not runner.rule.expr or not alert.sample then return nil end
  local behind = runner.engine:behind(runner.rule)
  local step = math.max(1, (to - from) / (M.SAMPLES - 1))
  local rows = runner.host.range(runner.rule.expr, from - behind, to - behind, step)
  local out = rows and samples_of(rows, alert.sample) or {}
  return #out > 0 and out or nil
end

-- -- logs and traces -------------------------------------------------------

local function escaped(s) return (s:gsub('[\\"]', "\\%0"):gsub("\n", "\\n")) end

local function search(runner, spec, alert, t, keep, out)
  local view = fill.view(runner, alert, t)
  local function filled(template, through) return template and fill.text(runner, template, view, through) end
  local at = t - runner.engine:behind(runner.rule)
  local from = at - (spec.since or SINCE)
  if spec.logs then
    local found = runner.host.logs_search { selector = filled(spec.logs, escaped), contains = filled(spec.contains),
                                            level = spec.level, from = from, to = at, limit = spec.lines }
    put(out, "logs", logs_of(found, spec.lines, keep))
  end
  if spec.traces then
    local want = spec.traces
    local found = runner.host.traces_search { service = filled(want.service), name = filled(want.name), min = want.min,
                                              errors = want.errors or nil, slowest = want.slowest or nil, from = from, to = at, limit = want.most }
    put(out, "traces", traces_of(found, want.most, keep))
  end
end

local function samples_read(list)
  local out = {}
  for i = 1, math.min(type(list) == "table" and #list or 0, M.SAMPLES) do
    local p = list[i]
    if type(p) == "table" and number(p[1]) then out[#out + 1] = { p[1], number(p[2]) or type(p[2]) == "string" and p[2]:sub(1, 8) or "NaN" } end
  end
  return out
end

--- E, which came from a file or another node, as evidence of this form and size; nil when there is nothing in it.
function M.read(e)
  if type(e) ~= "table" then return nil end
  local out, keep = { at = number(e.at) or 0 }, purse()
  put(out, "samples", samples_read(e.samples))
  put(out, "logs", logs_of(e.logs, M.ITEMS, keep))
  put(out, "traces", traces_of(e.traces, M.ITEMS, keep))
  put(out, "facts", facts_of(e.facts, keep))
  return (out.logs or out.traces or out.samples or out.facts) and out or nil
end

-- -- the whole -------------------------------------------------------------

-- What a function said and searched for itself.
local function from_function(runner, row, out, keep)
  local own, found = type(row.evidence) == "table" and row.evidence or {}, type(runner.found) == "table" and runner.found or {}
  local traces = list_of(own.traces)
  if row.extra and row.extra.trace then traces = { row.extra.trace, unpack(traces, 1, M.ITEMS) } end
  put(out, "traces", traces_of(#traces > 0 and traces or found.traces, M.ITEMS, keep))
  put(out, "logs", logs_of(own.logs or found.logs, M.ITEMS, keep))
  local facts = {}
  for name, value in pairs(own) do
    if name ~= "traces" and name ~= "logs" then facts[name] = value end
  end
  put(out, "facts", facts_of(facts, keep))
end

--- Give every alert that began to fire, or got worse, among CHANGES its evidence.  FOUND: see condition.judge.
function M.collect(runner, changes, found, t)
  local rule, rows, searches, left = runner.rule, nil, 0, M.ALERTS
  if rule.evidence == false then return end
  for _, c in ipairs(changes) do
    local alert, row = c.alert, found.seen[c.alert.key]
    if c.to == "firing" and not c.milder and row and left > 0 then
      left = left - 1
      local out, keep = { at = t }, purse()
      if rule.when then from_function(runner, row, out, keep) end
      if rule.expr and alert.sample then
        rows = rows or ranges(runner, t)
        put(out, "samples", samples_of(rows, alert.sample))
      end
      if type(rule.evidence) == "table" and searches < M.SEARCHES then
        searches = searches + 1
        search(runner, rule.evidence, alert, t, keep, out)
      end
      put(out, "facts", out.facts or facts_of(row.facts, keep))
      alert.evidence = (out.logs or out.traces or out.samples or out.facts) and out or nil
    end
  end
end

return M
