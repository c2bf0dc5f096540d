--- sloth_rules.lua - an SLO as Sloth takes it, and the rules that Sloth 0.11 generates from it for Prometheus.
local M = {}

M.SPEC = [[
version: "prometheus/v1"
service: "shop"
slos:
  - name: "requests"
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="shop",code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="shop"}[{{.window}}]))
    alerting:
      name: ShopErrors
      page_alert: { labels: { severity: page } }
      ticket_alert: { labels: { severity: ticket } }
]]

M.WINDOWS = { "5m", "30m", "1h", "2h", "6h", "1d", "3d" }

local LABELS = '{ sloth_id: shop-requests, sloth_service: shop, sloth_slo: requests, sloth_window: %s }'
local SELECT = '{sloth_id="shop-requests", sloth_service="shop", sloth_slo="requests"}'

--- The share of errors of window W.
function M.ratio(w)
  return ('(sum(rate(http_requests_total{job="shop",code=~"5.."}[%s]))) / (sum(rate(http_requests_total{job="shop"}[%s])))'):format(w, w)
end

--- The recording rules of the SLI.
function M.recording()
  local out = { "groups:", "- name: sloth-slo-sli-recordings-shop-requests", "  rules:" }
  for _, w in ipairs(M.WINDOWS) do
    out[#out + 1] = "  - record: slo:sli_error:ratio_rate" .. w
    out[#out + 1] = "    expr: " .. M.ratio(w)
    out[#out + 1] = "    labels: " .. LABELS:format(w)
  end
  return table.concat(out, "\n") .. "\n"
end

-- Both windows above FACTOR times the budget, as Sloth writes it.
local function both(short, long, factor)
  local function one(w) return ("max(slo:sli_error:ratio_rate%s%s > (%s * 0.001)) without (sloth_window)"):format(w, SELECT, factor) end
  return ("(%s and %s)"):format(one(short), one(long))
end

M.ALERTS = { page = both("5m", "1h", "14.4") .. " or " .. both("30m", "6h", "6"), ticket = both("2h", "1d", "3") .. " or " .. both("6h", "3d", "1") }

--- Sloth's ratio of its period: the mean of the five-minute ratios.
function M.period(w)
  return ("sum_over_time(slo:sli_error:ratio_rate5m%s[%s]) / ignoring (sloth_window) count_over_time(slo:sli_error:ratio_rate5m%s[%s])"):format(SELECT, w, SELECT, w)
end

--- Pyrra's rules for the same objective over four weeks: { short, long, factor, severity, seconds that it holds }.
M.PYRRA = { { "5m", "1h", 14, "critical", 120 }, { "30m", "6h", 7, "critical", 900 }, { "2h", "1d", 2, "warning", 3600 }, { "6h", "4d", 1, "warning", 10800 } }

--- The condition of ROW, of which Pyrra makes one alert.
function M.pyrra(row)
  local function burn(w) return ('(sum(rate(http_requests_total{code=~"5..",job="shop"}[%s])) / sum(rate(http_requests_total{job="shop"}[%s]))) > (%d * (1 - 0.999))'):format(w, w, row[3]) end
  return burn(row[1]) .. " and " .. burn(row[2])
end

return M
