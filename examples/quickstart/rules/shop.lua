-- shop.lua - is the shop keeping its promises?

local errors = 'sum(rate(shop_requests_total{code="500"}[1m]))'
local all = "sum(rate(shop_requests_total[1m]))"

-- The shop fails a tenth of its payments: this one fires within a minute.
alert "ShopErrorRate" {
  expr = errors .. " / " .. all,
  above = 0.02,
  every = "5s",
  hold = "10s",
  severity = "critical",
  labels = { team = "shop" },
  summary = "${value|percent} of requests to the shop fail",
}

-- A rule is a program: it may look at logs and traces too, and bring them as evidence.
alert "PaymentDeclined" {
  every = "5s",
  when = function(ctx)
    local declined = ctx.logs:count { selector = '{service_name="shop"}', contains = "payment declined", from = ctx.now - 60 }
    if declined < 3 then return end
    local slowest = ctx.traces:slowest { service = "shop", from = ctx.now - 60 }
    ctx:fire { value = declined, trace = slowest[1] and slowest[1].trace, summary = declined .. " payments declined in a minute" }
  end,
  severity = "warning",
  labels = { team = "shop" },
}

alert "TargetDown" { expr = "up == 0", every = "5s", hold = "15s", summary = "${labels.job} at ${labels.instance} does not answer" }

record "shop:requests:rate1m" { expr = "sum by (path) (rate(shop_requests_total[1m]))", every = "15s" }

-- A promise with a budget, and which of its paths spends it: `moonwatch slo shop-availability`.
slo "shop-availability" {
  bad = 'shop_requests_total{code="500"}',
  total = "shop_requests_total",
  objective = 95,
  window = "1h",
  by = "path",
  labels = { service = "shop" },
}

check "shop" { http = { url = "http://127.0.0.1:9491/health", expect = { status = 200 } }, every = "5s" }
check "disk" {
  every = "30s",
  run = function(ctx)
    local used = ctx:value "disk_usage_bytes / on() disk_total_bytes"
    if used and used > 0.95 then return "degraded", "the disk is nearly full" end
    return "healthy"
  end,
}
