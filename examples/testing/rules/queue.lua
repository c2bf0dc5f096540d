-- queue.lua - is the queue of orders being worked off?

alert "QueueGrows" {
  expr = "queue_length", above = 100,
  hold = "10m", keep = "5m",
  severity = "page",
  summary = "${value} orders wait in ${labels.queue}",
}

-- A rule that is a program: no order has been shipped for half an hour, and the log says why.
alert "NothingShipped" {
  every = "1m",
  when = function(ctx)
    if (ctx:value "sum(increase(orders_shipped_total[30m]))" or 0) > 0 then return end
    local refused = ctx.logs:count { selector = '{service="shipping"}', contains = "refused", from = ctx.now - 1800 }
    if refused > 0 then ctx:fire { value = refused, summary = refused .. " orders refused, none shipped" } end
  end,
}

receiver "oncall" { webhook { url = "https://oncall.example/hook" } }
receiver "chat" { slack { url = secret "SLACK_URL", channel = "#orders" } }

route {
  receiver = "chat", group_by = { "alertname" }, group_wait = "30s", group_interval = "5m",
  routes = { { match = { severity = "page" }, receiver = "oncall" } },
}
