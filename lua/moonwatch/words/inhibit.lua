--- inhibit.lua - the word `inhibit`: one alert that makes others unnecessary.
return {
  word = "inhibit", shape = "table",
  help = "While an alert matches `source`, alerts that match `target` and agree on the labels in `equal` are not told.",
  example = [[
inhibit { source = { alertname = "NodeDown" }, target = { severity = "warning" }, equal = { "instance" } }]],
  fields = {
    { "source", "matchers", required = true, help = "the alert that explains" },
    { "target", "matchers", required = true, help = "the alerts it explains" },
    { "equal", "texts", default = {}, help = "labels that must be the same on both" },
    { "name", "text", help = "name shown as the reason" },
  },
}
