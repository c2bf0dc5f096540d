--- signals.lua - the four golden signals of each service: latency, traffic, errors, saturation, now and over a time.
--
-- What metrics say counts; a service without any is told by its spans.  All services of one convention are asked at once.
--   { service=, from="metrics"|"spans", convention=, says=, latency={p50=,p95=,p99=, or mean=} (seconds), traffic= (requests per second), errors=
--     (share, 0 to 1), saturation={ value=, name=, says=, parts={ {name=,says=,value=,expr=} } }, expressions={ p50=, ... } }
local found = require "moonwatch.golden.found"
local golden = require "moonwatch.guest.golden"
local keys_of = require "moonwatch.keys"

local M = {}

local QUANTILES = { p50 = 0.5, p95 = 0.95, p99 = 0.99 }

local function finite(v) return v and v == v and math.abs(v) < math.huge and v or nil end

-- The values of EXPR by LABEL; what cannot be asked is said in WARNINGS.
local function by_label(host, expr, label, t, warnings)
  local rows, why = host.query(expr, t)
  if not rows and warnings[#warnings] ~= why then warnings[#warnings + 1] = why end
  local out = {}
  for _, row in ipairs(rows or {}) do out[row.labels[label] or ""] = finite(row.value) end
  return out
end

-- The expressions of one service that was FOUND, by the names of their signals.
local function expressions(service, of, window)
  local e = golden.expressions(of.convention, service, { window = window, native = of.timed == "native", status = of.status })
  local out = { traffic = e.traffic, errors = of.status and e.errors or nil }
  if of.timed == "mean" then
    out.mean = e.mean
  elseif of.timed then
    for name, q in pairs(QUANTILES) do out[name] = e.latency(q) end
  end
  return out
end

-- -- all of them, now ---------------------------------------------------------

-- Services that are asked alike: key -> { of=, services = { name } }.
local function alike(services)
  local out = {}
  for _, service in ipairs(keys_of(services)) do
    local of = services[service]
    local key = ("%s/%s/%s"):format(of.convention.name, of.status or "", of.timed or "")
    out[key] = out[key] or { of = of, services = {} }
    table.insert(out[key].services, service)
  end
  return out
end

local function read_group(host, group, rows, window, t, warnings)
  local of, alone = group.of, #group.services == 1 and group.services[1] or nil
  for name, expr in pairs(expressions(alone, of, window)) do
    local values = by_label(host, expr, of.convention.service, t, warnings)
    for _, service in ipairs(group.services) do
      local row, value = rows[service], values[alone and "" or service]
      if QUANTILES[name] or name == "mean" then row.latency[name] = value else row[name] = value end
    end
  end
end

-- What is fullest of a service counts.
local function read_saturation(host, services, rows, t, warnings)
  for _, row in ipairs(golden.saturation) do
    local wanted = {}
    for service, of in pairs(services) do
      for _, full in ipairs(of.full) do
        if full == row then wanted[#wanted + 1] = service end
      end
    end
    local alone = #wanted == 1 and wanted[1] or nil
    local values = #wanted > 0 and by_label(host, golden.full(row, alone), row.service, t, warnings) or {}
    for _, service in ipairs(wanted) do
      local value = values[alone and "" or service]
      if value then
        local parts = rows[service].saturation.parts
        parts[#parts + 1] = { name = row.name, says = row.says, value = value, expr = golden.full(row, service) }
      end
    end
  end
  for _, row in pairs(rows) do
    local s = row.saturation
    for _, part in ipairs(s.parts) do
      if not s.value or part.value > s.value then s.value, s.name, s.says = part.value, part.name, part.says end
    end
  end
end

-- SERVICES: those that have metrics; ONLY: the one that is wanted, or nil.
local function from_spans(host, services, rows, seconds, t, only)
  local known = {}
  for service in pairs(services) do known[service], known[service:match "[^/]*$"] = true, true end
  for _, step in ipairs(host.traces_rates { from = t - seconds, to = t, service = only } or {}) do
    if not known[step.service] then
      rows[step.service] = { service = step.service, from = "spans", says = "spans", latency = { p50 = step.p50, p95 = step.p95, p99 = step.p99 },
                             traffic = step.spans / seconds, errors = step.errors / step.spans, saturation = { parts = {} }, expressions = {} }
    end
  end
end

--- Of all services at T, or of ONLY one, over WINDOW (a text such as "5m") of SECONDS: list of signals, what could not be asked, and
-- the names of all that have metrics.  nil, why.
function M.all(host, t, window, seconds, only)
  local services, why = found.services(host, t)
  if not services then return nil, why end
  local rows, out, warnings, names = {}, {}, {}, keys_of(services)
  local wanted = only and { [only] = services[only] } or services
  for service, of in pairs(wanted) do
    rows[service] = { service = service, from = "metrics", convention = of.convention.name, says = of.convention.says, latency = {}, saturation = { parts = {} },
                      expressions = expressions(service, of, window) }
  end
  for _, group in pairs(alike(wanted)) do read_group(host, group, rows, window, t, warnings) end
  read_saturation(host, wanted, rows, t, warnings)
  from_spans(host, services, rows, seconds, t, only)
  for _, service in ipairs(keys_of(rows)) do out[#out + 1] = rows[service] end
  return out, warnings, names
end

-- -- one of them, over a time -------------------------------------------------

local function points(host, expr, from, to, step)
  local rows, out = host.range(expr, from, to, step) or {}, {}
  for _, point in ipairs(rows[1] and rows[1].points or {}) do
    if finite(point[2]) then out[#out + 1] = { point[1], point[2] } end
  end
  return out
end

local function span_points(host, service, from, to, step)
  local out = { p50 = {}, p95 = {}, p99 = {}, traffic = {}, errors = {} }
  for _, s in ipairs(host.traces_rates { service = service, from = from, to = to, step = step } or {}) do
    local t = s.from + step
    for name in pairs(QUANTILES) do table.insert(out[name], { t, s[name] }) end
    table.insert(out.traffic, { t, s.spans / step })
    table.insert(out.errors, { t, s.errors / s.spans })
  end
  return out
end

--- The signals of ROW, one of M.all, from FROM to TO: name -> { {t, value} }: p50, p95, p99, traffic, errors, and one for each part of
-- its saturation, "saturation NAME".
function M.range(host, row, from, to, step)
  if row.from == "spans" then return span_points(host, row.service, from, to, step) end
  local out = {}
  for name, expr in pairs(row.expressions) do out[name] = points(host, expr, from, to, step) end
  for _, part in ipairs(row.saturation.parts) do out["saturation " .. part.name] = points(host, part.expr, from, to, step) end
  return out
end

return M
