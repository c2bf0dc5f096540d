--- expect_fields_spec.lua - fields of an expectation that do not go together, and what a person hears who wrote them.
local refused = require "refused"

local function problems(fields) return refused.problems(('expect "e" { %s }'):format(fields), 'expect "e": ') end

local REFUSED = {
  { "", 'needs one of "by", "every"' },
  { 'by = "03:00", every = "1h"', '"by", "every" exclude each other' },
  { 'by = "3am"', 'by: "3am": expected a time of the day such as "03:00"' },
  { 'by = "24:00"', 'by: "24:00": expected a time of the day such as "03:00"' },
  { "by = {}", 'by: expected a time of the day such as "03:00"' },
  { 'by = "03:00", days = "mon-fry"', 'bad days "mon-fry"' },
  { 'by = "03:00", dates = "31", months = "feb"', "there is no day on which it would be due" },
  { 'by = "03:00", zone = "Nowhere/Land"', 'zone: "Nowhere/Land" is not a time zone of this machine' },
  { 'every = "1h", days = "mon"', '"days" goes with "by"' },
  { "every = 0", "every: must be more than zero" },
  { 'every = "1h", timestamp = "a", counter = "b"', '"timestamp", "counter" exclude each other' },
  { 'every = "1h", timestamp = "a("', "timestamp: bad PromQL: " },
  { 'every = "1h", span = {}', "span: give service, name or both" },
  { 'every = "1h", logs = {}', 'missing field "logs.selector"' },
  { 'every = "1h", labels = { severity = "x" }', 'label "severity" is set by moonwatch itself: write severity = ... beside labels' },
  { 'every = "1h", depends_on = "nothing"', 'there is no alert or check "nothing"' },
}

describe("fields of an expectation that make no sense", function()
  refused.each(it, REFUSED, problems)
end)

describe("fields of an expectation that make sense", function()
  for _, fields in ipairs {
    'by = { "03:00", "15:00" }, days = "mon-fri", zone = "Europe/Lisbon", grace = "15m"', 'every = "1h", counter = "sum(runs_total)", severity = "page"',
    [[every = 60, logs = { selector = '{app="x"}', contains = "done" }]], 'by = "23:59", dates = "-1", span = { name = "run" }, on_error = "fire"',
  } do
    it("are taken: " .. fields, function() assert.same({}, problems(fields)) end)
  end
end)
