--- breaker.lua - the word `breaker`: a circuit breaker that requests of rules go through.
local rows = require "moonwatch.words.breaker_rows"

local fields = {
  { "failing", "status", default = "5xx", help = 'statuses that count as failures, beside no answer at all: a status, a list, "5xx" or "500-504"' },
}
for i, row in ipairs(rows.fields) do fields[i + 1] = row end

return {
  word = "breaker", shape = "named",
  help = "A circuit breaker for requests of functions: ctx.http.get(url, { breaker = \"NAME\" }). While it is open no request is made, and the " ..
    "answer is { error =, open = true }. Its state survives restarts and is the same on all nodes.",
  example = [[
breaker "payments" { rate = 0.5, calls = 10, slow_rate = 0.8, slow_after = "2s", open = "5m", grow = 2 }
alert "PaymentsDown" { when = function(ctx) if ctx.state.down then ctx:fire {} end end }
every("30s", function(ctx)
  local answer = ctx.http.get("http://127.0.0.1:8080/health", { breaker = "payments" })
  ctx.log.info(answer.open and "not asked" or tostring(answer.status))
end, { name = "ask-payments" })]],
  fields = fields,
  check_name = function(name)
    if name:find "^check/" or name:find "^receiver/" then return "names that begin with check/ and receiver/ are those of the breakers of checks and receivers" end
  end,
  after = function(given, problem) rows.settle(given, {}, problem) end,
}
