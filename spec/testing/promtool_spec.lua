--- promtool_spec.lua - unit-test files of promtool run on the real engine.
local host = require "moonwatch.host"
local promtool = require "moonwatch.testing.promtool"

-- A host that has FILES beside what is on disk.
local function with(files)
  return setmetatable({
    read_file = function(path)
      if files[path] then return files[path] end
      return host.read_file(path)
    end,
    glob = function(pattern) return files[pattern] and { pattern } or host.glob(pattern) end,
  }, { __index = host })
end

local RULES = [[
groups:
  - name: g
    interval: 10m
    rules:
      - {record: x:double, expr: x * 2}
      - {alert: High, expr: x > 5, for: 2m, labels: {severity: page}, annotations: {summary: "{{ $value }} on {{ $labels.host }}"}}
]]

-- What became of the tests of TEXT: "line ok" or "line message".
local function outcome(text, options, rules)
  local results = promtool.run(with { ["t_test.yml"] = text, ["r.yml"] = rules or RULES }, "t_test.yml", options)
  local out = {}
  for i, r in ipairs(results) do out[i] = r.ok and ("%d ok"):format(r.line) or ("%d %s"):format(r.line, r.text) end
  return out
end

local function alert_test(lines)
  return [[
rule_files: [r.yml]
tests:
  - interval: 1m
    input_series: [{series: 'x{host="a"}', values: 1 6 7x20}]
    alert_rule_test:
]] .. lines
end

describe("a promtool file", function()
  it("passes as it passes with promtool", function()
    local results, warnings = promtool.run(host, "spec/testing/promtool/shop_test.yml", { closed = true })
    assert.same({}, warnings)
    assert.equal(13, #results)
    for _, r in ipairs(results) do assert.is_nil(r.text) end
  end)
  it("tells what was expected and what there was, with its line", function()
    assert.same({ [[
6 alert "High" at 3m
  expected: nothing
  got:
    {alertname="High", host="a", severity="page"}
        summary: 7 on a]] }, outcome(alert_test "      - {eval_time: 3m, alertname: High}\n"))
    assert.same({ "6 ok" }, outcome(alert_test "      - {eval_time: 2m59s, alertname: High}\n"))
  end)
  it("looks at the last evaluation before the time of a test", function()
    local text = alert_test "      - {eval_time: 3m59s, alertname: High, exp_alerts: [{exp_labels: {host: a, severity: page}, exp_annotations: {summary: 7 on a}}]}\n"
    assert.same({ "6 ok" }, outcome(text))
  end)
  it("takes the interval of a group for nothing, as promtool does, unless asked to", function()
    local text = [[
rule_files: [r.yml]
tests:
  - interval: 1m
    input_series: [{series: x, values: 0+1x20}]
    promql_expr_test:
      - {expr: x:double, eval_time: 12m, exp_samples: [{labels: x:double, value: 24}]}
]]
    assert.same({ "6 ok" }, outcome(text))
    assert.truthy(outcome(text, { intervals = true })[1]:find("x:double 20", 1, true))
  end)
  it("begins when start_timestamp says", function()
    local text = [[
tests:
  - start_timestamp: 2026-03-01T09:00:00Z
    promql_expr_test:
      - {expr: hour(), eval_time: 1h, exp_samples: [{labels: '{}', value: 10}]}
  - start_timestamp: 1000
    promql_expr_test:
      - {expr: time(), eval_time: 1m, exp_samples: [{labels: '{}', value: 1060}]}
]]
    assert.same({ "4 ok", "7 ok" }, outcome(text))
  end)
  it("compares to the bit, with fuzzy_compare to the last bit but one", function()
    local text = [[
fuzzy_compare: %s
tests:
  - input_series: [{series: x, values: 0.1}]
    promql_expr_test:
      - {expr: x * 3, eval_time: 0, exp_samples: [{labels: '{}', value: 0.3}]}
      - {expr: x * 3 + 0.0001, eval_time: 0, exp_samples: [{labels: '{}', value: 0.3}]}
]]
    local strict, fuzzy = outcome(text:format "false"), outcome(text:format "true")
    assert.truthy(strict[1]:find "0.30000000000000004")
    assert.equal("5 ok", fuzzy[1])
    assert.truthy(fuzzy[2]:find "expected")
  end)
  it("takes NaN for NaN", function()
    assert.same({ "3 ok" }, outcome [[
tests:
  - promql_expr_test:
      - {expr: vector(0) / 0, eval_time: 0, exp_samples: [{labels: '{}', value: .nan}]}
]])
  end)
  it("knows native histograms", function()
    assert.same({ "4 ok", "5 ok" }, outcome [[
tests:
  - input_series: [{series: h, values: '{{sum:3 count:2 buckets:[2]}}+{{sum:1 count:1 buckets:[1]}}x2'}]
    promql_expr_test:
      - {expr: h, eval_time: 2m, exp_samples: [{labels: h, histogram: '{{sum:5 count:4 buckets:[4]}}'}]}
      - {expr: histogram_count(h), eval_time: 1m, exp_samples: [{labels: '{}', value: 3}]}
]])
  end)
  it("runs groups in the order that it gives", function()
    local rules = [[
groups:
  - {name: second, rules: [{record: b, expr: a + 1}]}
  - {name: first, rules: [{record: a, expr: x}]}
]]
    local text = [[
rule_files: [r.yml]
%s
tests:
  - input_series: [{series: x, values: 0+1x9}]
    promql_expr_test: [{expr: b, eval_time: 5m, exp_samples: [{labels: b, value: %d}]}]
]]
    assert.same({ "5 ok" }, outcome(text:format("group_eval_order: [first, second]", 6), nil, rules))
    assert.same({ "5 ok" }, outcome(text:format("group_eval_order: [second, first]", 5), nil, rules))
    assert.truthy(outcome(text:format("group_eval_order: [first, first]", 5), nil, rules)[1]:find "twice")
  end)
  it("takes rules in Lua too", function()
    local text = alert_test("      - {eval_time: 3m, alertname: High, exp_alerts: [{exp_labels: {host: a, severity: warning}}]}\n"):gsub("r%.yml", "r.lua")
    local results = promtool.run(with { ["t_test.yml"] = text, ["r.lua"] = 'alert "High" { expr = "x > 5", hold = "2m" }' }, "t_test.yml")
    assert.is_nil(results[1].text)
  end)
  it("goes on with a Lua rule that has more alerts than its limit, as the server does", function()
    local text = [[
rule_files: [r.lua]
tests:
  - input_series: [{series: 'x{host="a"}', values: 1x9}, {series: 'x{host="b"}', values: 2x9}]
    alert_rule_test:
      - eval_time: 3m
        alertname: Many
        exp_alerts:
          - {exp_labels: {host: b, severity: warning}}
          - {exp_labels: {limit: exceeded, severity: warning}, exp_annotations: {left_out: '1', summary: '1 of 2 alerts of Many are left out, its limit is 1'}}
]]
    local results = promtool.run(with { ["t_test.yml"] = text, ["r.lua"] = 'alert "Many" { expr = "x", above = 0, limit = 1 }' }, "t_test.yml")
    assert.is_nil(results[1].text)
  end)
  it("ends a test in which a rule fails", function()
    local got = outcome([[
rule_files: [r.yml]
tests:
  - name: two
    input_series: [{series: 'x{a="1"}', values: 1x5}, {series: 'x{a="2"}', values: 1x5}]
    promql_expr_test: [{expr: x, eval_time: 1m}]
]], nil, "groups: [{name: g, rules: [{record: y, expr: x * on() x}]}]")
    assert.equal(1, #got)
    assert.truthy(got[1]:find('record "y" failed at 0s', 1, true))
  end)
  it("chooses tests by name", function()
    local text = "tests:\n  - {name: one}\n  - {name: two}\n  - {}\n"
    assert.same({ "3 ok" }, outcome(text, { filter = "tw." }))
    assert.same({ "2 ok", "3 ok" }, outcome(text, { run = host.regex "(?s:.*(?:one|two).*)" }))
    assert.equal(3, #outcome(text))
  end)
end)

describe("a promtool file with a mistake", function()
  local function refused(text, why)
    local got = outcome(text)
    assert.equal(1, #got)
    assert.truthy(got[1]:find(why, 1, true), got[1])
  end
  it("is told where", function()
    refused("tests: [{nam: x}]", 't_test.yml:1:10: an item of "tests" has no field "nam"')
    refused("tests: {}", '"tests" is a list, not a map')
    refused("tests:\n  - interval: soon", 't_test.yml:2:15: "interval" is a duration')
    refused("tests: [", "t_test.yml:2:1: while parsing")
    refused("tests: [{start_timestamp: noon}]", "is a time such as")
    refused("tests: [{alert_rule_test: [{eval_time: 1m}]}]", "has no alertname")
    refused("tests: [{input_series: [{series: x, values: 1+x}]}]", 'values of x: "1+x" is no series notation')
    refused("tests: [{input_series: [{series: 'x{', values: 1}]}]", "series x{:")
    refused("tests: [{promql_expr_test: [{expr: 'sum(', eval_time: 1m}]}]", "sum( at 1m")
    refused("evaluation_interval: 1ms\ntests: [{promql_expr_test: [{expr: x, eval_time: 10y}]}]", "more than 10000000 evaluations")
    refused("tests: [{promql_expr_test: [{expr: x, exp_samples: [{labels: 'x{'}]}]}]", 'labels "x{"')
  end)
  it("is told of its rules too", function()
    local got = outcome(alert_test "      - {eval_time: 3m, alertname: High}\n", nil, "groups: [{name: g, rules: [{alert: A, expr: 'sum('}, {expr: x}]}]")
    assert.truthy(got[1]:find('r.yml:1: "A": expr:1:', 1, true), got[1])
    got = outcome(alert_test "      - {eval_time: 3m, alertname: High}\n", nil, "groups: [{name: g, rules: [{alert: A, expr: x, annotations: {s: '{{ nope }}'}}]}]")
    assert.truthy(got[1]:find('annotation "s":', 1, true), got[1])
  end)
end)
