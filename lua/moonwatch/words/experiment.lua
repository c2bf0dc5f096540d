--- experiment.lua - the word `experiment`: a fault injected on purpose, to see whether the system bears it.
local budget = require "moonwatch.words.budget"
local deadlines = require "moonwatch.expect.deadlines"

local function condition(what)
  return {
    { "expr", "expr", required = true, help = "PromQL" },
    { "name", "text", help = "what it is called; default the expression" },
    { "above", "number", help = what .. " above this" },
    { "below", "number", help = what .. " below this" },
  }
end

local function action(name, help)
  return { name, { "fn", "table" }, required = true, help = help, fields = {
    { "exec", "table", help = "a program, of a folder of settings.programs; exit status 0 is well", fields = {
      { "command", "texts", required = true, help = "the program and its arguments; no shell" },
      { "env", "text_map", default = {}, help = "variables of its environment, beside MOONWATCH_EXPERIMENT and MOONWATCH_SERVICE" },
      { "dir", "text", help = "folder in which it runs" } } },
    { "http", "table", help = "a request; 2xx is well", fields = {
      { "url", "text", required = true, help = "address" }, { "method", "text", default = "POST", help = "request method" },
      { "headers", "text_map", default = {}, help = "request headers" }, { "body", "text", help = "request body" } } } } }
end

local function check_action(fields, name, problem)
  local what = fields[name]
  if what["@fn"] then return end
  if (what.exec == nil) == (what.http == nil) then return problem(('%s: give a function, or one of "exec" and "http"'):format(name), { name }) end
  if what.exec and (#what.exec.command == 0 or what.exec.command[1] == "") then problem(name .. ".exec.command: which program?", { name, "exec", "command" }) end
  if what.http and not what.http.url:find "^https?://[^/%s]" then
    problem(("%s.http.url: expected an address that starts with http:// or https://"):format(name), { name, "http", "url" })
  end
end

local function check_conditions(fields, list, problem)
  local names = {}
  for i, row in ipairs(fields[list]) do
    row.name = row.name or row.expr
    if names[row.name] then problem(("%s[%d]: %q is there already"):format(list, i, row.name), { list, i }) end
    names[row.name] = true
    if row.above and row.below and row.above >= row.below and list == "steady" then
      problem(("steady[%d]: nothing is above %g and below %g"):format(i, row.above, row.below), { list, i, "above" })
    end
  end
end

local function check_schedule(s, problem, env)
  if #s.at == 0 then return problem('schedule.at: expected a time of the day such as "10:00"', { "schedule", "at" }) end
  local list, why = deadlines.new({ by = s.at, days = s.days, dates = s.dates, months = s.months, zone = s.zone }, env.host)
  if not list then return problem("schedule." .. why:gsub("^by:", "at:"), { "schedule" }) end
  if not list:after(0) then problem("schedule: there is no such day", { "schedule" }) end
end

return {
  word = "experiment", shape = "named",
  help = "Injects a fault on purpose and says whether the system bore it: the steady state must hold before, is watched while the fault is " ..
         "there, and must hold again after it was rolled back. An abort condition rolls it back at once. It runs when it is told to " ..
         "(`moonwatch experiment start NAME`), one at a time in a service, and by itself only where `schedule` says so. docs/canary.md.",
  example = [[
experiment "cache away" {
  service = "shop", lasts = "5m", every = "5s",
  steady = { { name = "errors", expr = 'sum(rate(http_requests_total{job="shop",code=~"5.."}[1m])) / sum(rate(http_requests_total{job="shop"}[1m]))', below = 0.01 } },
  abort = { { name = "orders", expr = 'sum(rate(orders_created_total[1m]))', below = 0.1 } },
  inject = function(ctx)
    local answer = ctx.http.post("http://chaos.internal/cache/stop", { body = "{}" })
    return answer.status == 200, answer.error
  end,
  rollback = { http = { url = "http://chaos.internal/cache/start" } },
}]],
  notes = [[
`rollback` is called again until it works, also after a restart of moonwatch, so it must do no harm when there is nothing to take
back. An alert ExperimentNotRolledBack fires while it fails. `for` is a word of Lua, hence `lasts`.]],
  check_name = function(name)
    if name:find "/" then return "the name is part of an address: write it without /" end
  end,
  fields = {
    { "service", "text", required = true, help = "the service in which it is; one experiment at a time runs there" },
    { "steady", "list", required = true, help = "the steady state: there is a value, and each one is within the bounds", fields = condition "values must be" },
    { "abort", "list", required = true, help = "what rolls the fault back at once: some value beyond a bound, or, without bounds, any value", fields = condition "ends it when a value is" },
    action("inject", "function(ctx) that injects the fault (false, why: it did not work), a program or a request"),
    action("rollback", "function(ctx) that rolls the fault back, a program or a request; ctx.state is that of inject"),
    { "lasts", "interval", default = "5m", help = "how long the fault stays" },
    { "every", "interval", default = "5s", help = "time between two looks" },
    { "recover", "duration", default = "2m", help = "time after which the steady state must hold again" },
    { "timeout", "interval", default = "30s", help = "time that inject and rollback may take, each time" },
    { "schedule", "table", help = "when it begins by itself", fields = {
      { "at", "texts", required = true, help = 'times of the day: "10:00"' }, { "days", "texts", help = '"tue", "mon-thu"' },
      { "dates", "texts", help = 'dates, or days of the month' }, { "months", "texts", help = '"jan-mar" or numbers' },
      { "zone", "text", help = "IANA name of the time zone; default UTC" } } },
    budget.row { "seconds", "instructions", "memory", "query_samples", "query_seconds", "emissions" },
  },
  after = function(fields, problem, env)
    for _, list in ipairs { "steady", "abort" } do
      if #fields[list] == 0 then problem(list .. ": name at least one condition", { list }) end
      check_conditions(fields, list, problem)
    end
    check_action(fields, "inject", problem)
    check_action(fields, "rollback", problem)
    if fields.service == "" then problem("service: which?", { "service" }) end
    if fields.timeout > 300 then problem("timeout: at most 5m", { "timeout" }) end
    if fields.schedule then check_schedule(fields.schedule, problem, env) end
  end,
}
