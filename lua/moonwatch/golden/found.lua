--- found.lua - which services there are, and by which convention each is known: asked of the store.
local golden = require "moonwatch.guest.golden"

local M = {}

-- Metric -> the conventions that it may belong to; all labels that say a service or how a request went.
local function index()
  local metrics, labels, seen = {}, { "__name__" }, { __name__ = true }
  local function label(name)
    if not seen[name] then seen[name], labels[#labels + 1] = true, name end
  end
  local function metric(name)
    if not seen[name .. "()"] then seen[name .. "()"], metrics[#metrics + 1] = true, name end
  end
  for _, c in ipairs(golden.conventions) do
    metric(golden.count_of(c))
    for _, part in ipairs(c.histogram and { "", "_bucket", "_count" } or {}) do metric(c.histogram .. part) end
    label(c.service)
    for _, name in ipairs(c.status) do label(name) end
  end
  for _, row in ipairs(golden.saturation) do
    metric(row.used)
    label(row.service)
  end
  table.sort(metrics)
  return metrics, labels
end

-- Buckets are many, and say no more than that they are there: they are asked for one bound only.  A metric with quantiles is a summary.
local METRICS, LABELS = index()
local EXPR = ('group by (%s) ({__name__=~"%s",le=~"|%%s",quantile=""})'):format(table.concat(LABELS, ", "), table.concat(METRICS, "|"))

--- The expression that finds them.
M.expr = EXPR:format "[+]Inf"

-- by_name[metric][service label][service] = { status label -> true } out of ROWS.
local function sorted(rows)
  local out = {}
  for _, row in ipairs(rows) do
    local of = out[row.labels.__name__] or {}
    out[row.labels.__name__] = of
    of[#of + 1] = row.labels
  end
  return out
end

-- The services of METRIC under LABEL: service -> labels that its series have.
local function services(by_name, metric, label)
  local out = {}
  for _, labels in ipairs(by_name[metric] or {}) do
    local service = labels[label]
    if service and service ~= "" then
      out[service] = out[service] or {}
      for name in pairs(labels) do out[service][name] = true end
    end
  end
  return out
end

local function status_of(c, labels)
  for _, name in ipairs(c.status) do
    if labels[name] then return name end
  end
end

-- By which part of a histogram requests are known to be timed, the best first.
local TIMED = { { "_bucket", "classic" }, { "", "native" }, { "_count", "mean" } }
local WORTH = { classic = 2, native = 2, mean = 1 }

-- Service -> how CONVENTION times its requests.
local function timed_by(by_name, c)
  local out = {}
  for _, row in ipairs(c.histogram and TIMED or {}) do
    for service in pairs(services(by_name, c.histogram .. row[1], c.service)) do out[service] = out[service] or row[2] end
  end
  return out
end

-- What CONVENTION has of a service: { convention=, status=, timed="classic"|"native"|"mean"|nil }.
local function by_convention(by_name, c)
  local out, timed = {}, timed_by(by_name, c)
  for _, metric in ipairs { golden.count_of(c), not c.count and c.histogram or nil } do
    for service, labels in pairs(services(by_name, metric, c.service)) do
      out[service] = out[service] or { convention = c, status = status_of(c, labels), timed = timed[service] }
    end
  end
  return out
end

local function worth(found) return found and WORTH[found.timed] or found and 0 or -1 end

--- At T: service -> { convention=, status=, timed=, full = { rows of golden.saturation } }; or nil, why.
function M.services(host, t)
  local rows, why = host.query(M.expr, t)
  if not rows then return nil, why end
  local by_name, out = sorted(rows), {}
  for _, c in ipairs(golden.conventions) do
    for service, found in pairs(by_convention(by_name, c)) do
      if worth(found) > worth(out[service]) then
        found.full, out[service] = {}, found
      end
    end
  end
  for _, row in ipairs(golden.saturation) do
    for service in pairs(services(by_name, row.used, row.service)) do
      if out[service] then table.insert(out[service].full, row) end
    end
  end
  return out
end

return M
