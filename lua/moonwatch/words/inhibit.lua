--- inhibit.lua - the word `inhibit`: one alert that makes others unnecessary.
return {
  word = "inhibit", shape = "table",
  help = "While an alert matches `source`, alerts that match `target` and agree on the labels in `equal` are not told.",
  example = [[
inhibit { source = { alertname = "NodeDown" }, target = { severity = "warning" }, equal = { "instance" } }
inhibit { source = { alertname = "SwitchDown" }, target = { alertname = "NodeDown" }, equal = { "site", name = "uplink" } }]],
  notes = [[
A label that both lack counts as the same, but one of those in `equal` must be there: two alerts that lack all of them have nothing in
common. Below a root with `compat = "alertmanager"` they have, as in Alertmanager.]],
  fields = {
    { "source", "matchers", required = true, help = "the alert that explains" },
    { "target", "matchers", required = true, help = "the alerts it explains" },
    { "equal", "equal", default = {}, help = 'labels that must be the same on both; node = "instance": node of the source is instance of the target' },
    { "name", "text", help = "name shown as the reason" },
  },
}
