-- notify.lua - who is told: the shop itself has a webhook, and prints what it is told.

receiver "shop-owner" { webhook { url = "http://127.0.0.1:9491/hook" } }

route {
  receiver = "shop-owner",
  group_by = { "alertname" },
  group_wait = "5s",
  group_interval = "30s",
  repeat_interval = "1h",
}
