--- receiver.lua - the word `receiver`: where notifications go.
local keys_of = require "moonwatch.keys"
local breaker = require "moonwatch.words.breaker_rows"
local kinds = require "moonwatch.words.kinds"
local tls = require "moonwatch.words.tls_rows"

return {
  word = "receiver", shape = "named",
  help = "One or several ways to tell somebody: slack{...}, pagerduty{...}, webhook{...} and the other kinds, and functions, any number of them.",
  example = [[
receiver "web-team" {
  slack { url = secret "SLACK_URL", channel = "#web" },
  webhook { url = "http://127.0.0.1:5001/hook" },
  function(n, ctx) ctx.log.info(n.status .. " " .. #n.alerts) end,
}]],
  items = { says = "slack{...}, pagerduty{...}, webhook{...} or a function", kinds = kinds, fn = true },
  notes = "Kinds, each with fields of its own (`moonwatch help KIND`): " .. table.concat(keys_of(kinds), ", ") .. ".",
  fields = {
    { "rate", "table", help = "at most n messages per `per`; pages go first, and what is over waits and is told together", fields = {
      { "n", "count", required = true, help = "messages" }, { "per", "interval", default = "1m", help = "time" },
      { "burst", "count", help = "so many at once after a quiet time; default n" },
      { "pages", "count", help = "so many more per `per`, for pages only" } } },
    { "digest", "boolean", default = true,
      help = "messages that would come too late, pages not among them, are told as one with counts; never for pagerduty and its like" },
    { "digest_over", "count", default = 1000, help = "so when more than this many wait" },
    { "digest_after", "interval", default = "5m", help = "so when they have waited or would have to wait for this long" },
    { "fallback", "text", help = "a receiver that is told, too, when this one does not take its messages" },
    { "fallback_after", "interval", default = "5m", help = "what has waited for this long; at once what was refused for good" },
    breaker.row "leave a receiver alone that keeps failing",
    { "send_resolved", "boolean", default = true, help = "tell when an alert ends" },
    { "labels", "labels", default = {}, help = "by which lists of receivers, alerts and groups can be asked for" },
  },
  after = function(fields, problem)
    breaker.settle(fields.breaker, { "breaker" }, problem)
    for i, item in ipairs(fields.items or {}) do
      tls.check(item.tls, { i, "tls" }, problem)
      tls.check_proxy(item.proxy, { i, "proxy" }, problem)
      local kind = kinds[item.kind]
      if kind and kind.check then
        kind.check(item, function(message, path) problem(message, { i, unpack(path) }) end)
      end
    end
  end,
}
