--- golden.lua - alerts on the golden signals of every service that measures its requests by convention; docs/golden.md.
--
-- No service is named here: an alert is one per service that sends such metrics, whenever it comes.  Copy it, and change the limits.
local golden = require "moonwatch.golden"

local LIMITS = { errors = 0.05, p99 = 2, full = 0.9 } -- share of requests, seconds, share of what there is
local FEW = 0.01 -- failures each second, three in five minutes: fewer are nobody's alert, however few requests there are

-- How a request went stands in another label here and there: one rule for each that it may be.
local function each_status(c)
  if #c.status == 1 then return { { c.status[1], c.name } } end
  local out = {}
  for i, label in ipairs(c.status) do out[i] = { label, c.name .. " " .. label } end
  return out
end

for _, c in ipairs(golden.conventions) do
  local now, hour = golden.expressions(c, nil, { alone = true }), golden.expressions(c, nil, { alone = true, window = "1h" })
  local service = "${labels." .. c.service .. "}"
  for _, row in ipairs(each_status(c)) do
    local e = golden.expressions(c, nil, { alone = true, status = row[1] })
    alert "ErrorsHigh" { expr = ("(%s) and (%s) >= %g"):format(e.errors, e.failed, FEW), above = LIMITS.errors, hold = "5m", severity = "page",
                         variant = row[2], summary = service .. ": ${value|percent} of its requests fail" }
  end
  if c.histogram then
    alert "LatencyHigh" { expr = now.latency(0.99), above = LIMITS.p99, hold = "5m", variant = c.name,
                          summary = service .. ": one request in a hundred takes longer than ${value|duration}" }
  end
  -- A tenth of what the last hour had, where that was at least one each second; a service that is gone altogether has none.
  alert "TrafficGone" { expr = ("((%s) or (%s) * 0) < 0.1 * (%s > 1)"):format(now.traffic, hour.traffic, hour.traffic), hold = "5m", severity = "page",
                        variant = c.name, summary = service .. " has hardly any requests: ${value|round:2} each second" }
end

for _, row in ipairs(golden.saturation) do
  alert "NearlyFull" { expr = golden.full(row), above = LIMITS.full, hold = "10m", variant = row.name,
                       summary = "${labels." .. row.service .. "}: " .. row.says .. ", ${value|percent} in use" }
end
