--- expect.lua - the word `expect`: something that has to arrive, and an alert when it does not.
local checks = require "moonwatch.words.alert_checks"
local deadlines = require "moonwatch.expect.deadlines"
local migrate = require "moonwatch.words.migrate_rows"
local proof = require "moonwatch.expect.proof"
local rows = require "moonwatch.words.alert_rows"

local logs = {
  { "selector", "selector", required = true, help = 'selector of log lines: \'{app="backup"}\'' },
  { "contains", "text", help = "lines that contain this" }, { "level", "text", help = "lines of this level or worse" },
}
local span = {
  { "service", "text", help = "service of the span" }, { "name", "text", help = "name of the span" },
}

local function given(fields)
  local out = {}
  for _, name in ipairs(proof.NAMES) do
    if fields[name] ~= nil then out[#out + 1] = name end
  end
  return out
end

local function check_proof(fields, problem)
  local names = given(fields)
  if #names > 1 then problem(("%q, %q exclude each other"):format(names[1], names[2]), { names[2] }) end
  if fields.span and not fields.span.service and not fields.span.name then problem("span: give service, name or both", { "span" }) end
end

local function check_times(fields, problem, env)
  for _, name in ipairs { "days", "dates", "months", "zone" } do
    if fields[name] and not fields.by then problem(("%q goes with \"by\""):format(name), { name }) end
  end
  if not fields.by then return end
  checks.check_zone(fields.zone, { "zone" }, problem, env)
  if #fields.by == 0 then return problem("by: expected a time of the day such as \"03:00\"", { "by" }) end
  local list, why = deadlines.new({ by = fields.by, days = fields.days, dates = fields.dates, months = fields.months }, env.host)
  if not list then return problem(why, { why:match "^by:" and "by" or why:match "bad (%a+)" or "by" }) end
  if not list:after(0) then problem("there is no day on which it would be due", { "by" }) end
end

return {
  word = "expect", shape = "named",
  help = "Something that has to arrive: a backup by three, a heartbeat every minute. While it has not arrived an alert of this name fires; it " ..
         "resolves when it comes late. What proves it is one of `timestamp`, `counter`, `expr`, `logs` and `span`, or, with none of them, a " ..
         "POST to /api/mw/v1/expect/NAME, which counts in any case. When it was last seen is the series expect_last_seen_timestamp_seconds.",
  example = [[
expect "backup" { by = "03:00", days = "mon-fri", zone = "Europe/Lisbon", grace = "15m", timestamp = "backup_last_success_timestamp_seconds", severity = "page" }
expect "cleanup" { every = "1h", grace = "5m", logs = { selector = '{app="cleanup"}', contains = "done" } }
expect "cron-host" { every = "1m" }   -- curl -X POST http://127.0.0.1:9490/api/mw/v1/expect/cron-host]],
  notes = [[
With `by` an event counts for the deadline that it is nearest to: one that comes after a missed deadline ends the alert, and when it
comes in the first half of the time to the next deadline it does not count for that one. Deadlines before the rule was first loaded
are not asked for. The annotations `last_seen` and `due` say when it was seen last and when it should have come.]],
  exactly_one = { { "by", "every" } },
  fields = rows.with({
    { "by", "texts", help = 'time of the day by which it must have come: "03:00"; or several' },
    { "days", "texts", help = 'days of the week on which it must come: "mon-fri"' },
    { "dates", "texts", help = 'dates, or days of the month: "1", "-1", "2026-12-24"' },
    { "months", "texts", help = '"jan-mar" or numbers' },
    { "zone", "text", help = "IANA name of the time zone of these times; default UTC" },
    { "every", "span", help = "it must come at least so often" },
    { "grace", "duration", default = "0s", help = "how late it may be" },
    { "timestamp", "expr", help = "PromQL whose value is the time of the last event, in unix seconds; each series is expected by itself" },
    { "counter", "expr", help = "PromQL whose value goes up with each event" },
    { "expr", "expr", help = "PromQL that gives something while or just after it happens" },
    { "logs", "table", help = "log lines that it writes", fields = logs },
    { "span", "table", help = "a span of it", fields = span },
    rows.on_error,
    { "severity", "severity", default = "warning", help = "becomes the label `severity`" },
  }, rows.texts, { rows.depends_on, rows.group, migrate.name "rule" }),
  after = function(fields, problem, env)
    check_proof(fields, problem)
    check_times(fields, problem, env)
    rows.check_labels(fields, problem)
  end,
}
