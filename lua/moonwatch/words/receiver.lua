--- receiver.lua - the word `receiver`: where notifications go.
local kinds = require "moonwatch.words.kinds"
local tls = require "moonwatch.words.tls_rows"

return {
  word = "receiver", shape = "named",
  help = "One or several ways to tell somebody: slack{...}, pagerduty{...}, webhook{...} and functions, any number of them.",
  example = [[
receiver "web-team" {
  slack { url = secret "SLACK_URL", channel = "#web" },
  webhook { url = "http://127.0.0.1:5001/hook" },
  function(n, ctx) ctx.log.info(n.status .. " " .. #n.alerts) end,
}]],
  items = { says = "slack{...}, pagerduty{...}, webhook{...} or a function", kinds = kinds, fn = true },
  fields = {
    { "rate", "table", help = "at most n messages per `per`; what is over waits and is told together", fields = {
      { "n", "count", required = true, help = "messages" }, { "per", "interval", default = "1m", help = "time" } } },
    { "send_resolved", "boolean", default = true, help = "tell when an alert ends" },
  },
  after = function(fields, problem)
    for i, item in ipairs(fields.items or {}) do tls.check(item.tls, { i, "tls" }, problem) end
  end,
}
