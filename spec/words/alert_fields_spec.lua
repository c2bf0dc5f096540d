--- alert_fields_spec.lua - fields of an alert that do not go together, and what a person hears who wrote them.
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local refused = require "refused"

-- What is wrong with an alert that has FIELDS beside an expression.
local function problems(fields, more)
  return refused.problems(('alert "A" { expr = "up",\n%s }\n%s'):format(fields, more or ""), 'alert "A": ')
end

local REFUSED = {
  { "clear_below = 1", '"clear_below" goes with "above"' },
  { "clear_above = 1", '"clear_above" goes with "below"' },
  { "above = 1, clear_above = 2", '"clear_above" goes with "below"' },
  { "above = 0.05, clear_below = 0.06", 'clear_below: 0.06 must be less than "above", which is 0.05' },
  { "above = 0.05, clear_below = 0.05", 'clear_below: 0.05 must be less than "above", which is 0.05' },
  { "below = 10, clear_above = 9", 'clear_above: 9 must be greater than "below", which is 10' },
  { 'above = "x", clear_below = 1', '"clear_below" needs a number in "above"' },
  { "above = { warning = 1, page = 5 }, clear_below = { pge = 2 }", 'clear_below: there is no level "pge" in "above"' },
  { "above = { warning = 1, page = 5 }, clear_below = { page = 6 }", 'clear_below: 6 must be less than "above", which is 5' },
  { "above = { warning = 1, page = 1 }", 'above: "page" and "warning" begin at the same value' },
  { 'above = { warning = 1, page = 2 }, severity = "x"', '"above" names the severities; leave "severity" out' },
  { 'above = { warning = "x" }', 'above: level "warning": expected a number' },
  { "above = 1, below = 2", '"above", "below" exclude each other' },
  { "above = 1, baseline = {}", '"above", "baseline" exclude each other' },
  { 'above = "sum("', "above: bad PromQL: unclosed left parenthesis (at 1:5 of the expression)" },
  { "hold = { 4, of = 3 }", "hold: 4 of 3 can never be" },
  { "hold = { 4, of = 300 }", "hold: of must be at most 100" },
  { "hold = { 4.5, of = 5 }", "hold: expected whole numbers, 1 or more, as in {4, of=5}" },
  { "hold = { 4, off = 5 }", "hold: expected {4, of=5} (in 4 of the last 5 evaluations)" },
  { 'absent = "keep"', '"absent" needs "above", "below" or "baseline": an expression that compares gives nothing when all is well, too' },
  { 'absent = "fire"', '"absent" needs "above", "below" or "baseline": an expression that compares gives nothing when all is well, too' },
  { 'above = 1, absent = "fier"', 'absent: "fier" is not one of "resolve", "keep", "fire" (did you mean "fire"?)' },
  { 'above = 1, absent = "keep", absent_for = "1h"', '"absent_for" goes with absent = "fire"' },
  { 'on_error = "ignore"', 'on_error: "ignore" is not one of "keep", "fire", "resolve"' },
  { "baseline = { weeks = 2, min_weeks = 3 }", "baseline.min_weeks: must be at most weeks, which is 2" },
  { "baseline = { deviations = 0 }", "baseline.deviations: must be more than zero" },
  { "baseline = { deviations = 3, clear = 4 }", 'baseline.clear: 4 must be less than "deviations", which is 3' },
  { 'baseline = { zone = "Nowhere/Land" }', 'baseline.zone: "Nowhere/Land" is not a time zone of this machine' },
  { 'baseline = { direction = "up" }', 'baseline.direction: "up" is not one of "above", "below", "both"' },
  { "flap = { changes = 1 }", "flap.changes: must be 2 to 100" },
  { "flap = { changes = 5, calm = 5 }", "flap.calm: must be less than changes, which is 5" },
  { 'flap = { changes = 5, within = "1m" }', "flap.within: 5 changes take at least so many evaluations, one each 15s" },
  { "evidence = {}", "evidence: give logs, traces or both; samples are always there" },
  { 'evidence = { logs = "{app=" }', "evidence.logs: bad selector: " },
  { 'evidence = { logs = "{app=\\"${nothing}\\"}" }', "evidence.logs: ${nothing}: write value, threshold, expected" },
  { 'evidence = { contains = "x", traces = {} }', "evidence.contains goes with evidence.logs" },
  { 'evidence = { logs = "{a=\\"b\\"}", lines = 21 }', "evidence.lines: must be at most 20" },
  { 'evidence = { traces = { most = 21 } }', "evidence.traces.most: must be at most 20" },
  { 'limit = 3, labels = { limit = "x" }', 'label "limit" is set by moonwatch itself' },
}

describe("fields of an alert that make no sense", function()
  refused.each(it, REFUSED, problems)
  it("of a function are refused", function()
    local function of(fields)
      local _, list = load.load { host = host, config = "w.lua", source = 'alert "A" { when = function() end, ' .. fields .. " }" }
      return list[1] and list[1].text
    end
    assert.equal('w.lua:1:36: alert "A": "above" compares the value of `expr`; compare inside `when` instead', of "above = 1")
    assert.equal('w.lua:1:36: alert "A": "absent" is about the series of `expr`; a function sees for itself what is missing', of 'absent = "fire"')
    assert.equal('w.lua:1:36: alert "A": "baseline" is about the values of `expr`', of "baseline = {}")
  end)
end)

describe("fields of an alert that make sense", function()
  for _, fields in ipairs {
    "above = 0.05, clear_below = 0.03, hold = { 4, of = 5 }, keep = '1m'", "below = { warning = 10, page = 5 }, clear_above = { page = 6 }",
    "above = { warning = 1, page = 2 }, clear_below = 0.5, flap = {}", "above = 'limits', absent = 'keep'", "above = '5 * 2', absent = 'fire'",
    "baseline = {}", "baseline = { deviations = { warning = 3, page = 6 }, clear = 2, direction = 'above', zone = 'Europe/Lisbon' }",
    "above = 1, absent = 'fire', absent_for = '2h', on_error = 'fire'", "evidence = false", "evidence = true",
    "evidence = { logs = '{app=\"${labels.app}\"}', contains = '${labels.x}', traces = { service = '${labels.app}', errors = true } }",
  } do
    it("are taken: " .. fields, function() assert.same({}, problems(fields)) end)
  end
end)
