--- slo_spec.lua - objectives written for Sloth and in OpenSLO become the word `slo`, and what cannot be carried is told.
local host = require "moonwatch.host"
local testing = require "moonwatch.testing"

local function convert(kind, yaml)
  local notes = {}
  local text = require("moonwatch.import." .. kind).convert(assert(host.yaml(yaml)), {
    note = function(node, said) notes[#notes + 1] = ("%d: %s"):format(node.line, said) end,
  })
  return text, notes
end

-- The Lua must load; gives the objectives by name.
local function loaded(text)
  local world = testing.world(text .. "\n")
  local out = {}
  for _, rule in ipairs(world.engine.set.slos) do out[rule.name] = rule end
  return out, world
end

local SLOTH = [[
version: "prometheus/v1"
service: shop
labels: {owner: web}
slos:
  - name: availability
    objective: 99.9
    description: Requests that are answered.
    labels: {tier: "1"}
    sli:
      events:
        error_query: sum(rate(http_requests_total{code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_requests_total[{{ .window }}]))
    alerting:
      name: ShopErrors
      labels: {category: availability}
      annotations: {runbook: http://runbooks/shop}
      page_alert:
        labels: {severity: critical}
      ticket_alert:
        disable: true
  - name: raw
    objective: 95
    sli: {raw: {error_ratio_query: "job:errors:ratio[{{.window}}]"}}
    alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
]]

describe("an objective of Sloth", function()
  it("becomes an slo with its queries, labels and alerts", function()
    local text, notes = convert("sloth", SLOTH:gsub("job:errors", "avg_over_time(job:errors"):gsub("}}%]\"}}", "}}])\"}}"))
    assert.same({}, notes)
    local slos, world = loaded(text)
    local rule = slos["shop-availability"]
    assert.equal('sum(rate(http_requests_total{code=~"(5..|429)"}[$window]))', rule.bad)
    assert.near(0.999, rule.objective, 1e-12)
    assert.same({ service = "shop", owner = "web", tier = "1" }, rule.labels)
    assert.equal(30 * 86400, rule.window)
    assert.equal(false, slos["shop-raw"].alerts)
    local alerts = {}
    for _, runner in ipairs(world.engine.runners) do
      if runner.rule.slo then alerts[#alerts + 1] = { runner.rule.alertname, runner.rule.severity, runner.rule.labels.category } end
    end
    assert.same({ { "ShopErrors", "critical", "availability" } }, alerts)
  end)

  it("keeps its description as a comment", function()
    assert.truthy((convert("sloth", SLOTH)):find("-- Requests that are answered.", 1, true))
  end)

  it("may be a custom resource", function()
    local text, notes = convert("sloth", [[
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: shop, namespace: monitoring}
spec:
  service: shop
  slos:
    - name: latency
      objective: 99
      sli:
        events: {errorQuery: "sum(rate(slow_total[{{.window}}]))", totalQuery: "sum(rate(all_total[{{.window}}]))"}
      alerting: {name: ShopSlow, pageAlert: {labels: {severity: p1}}, ticketAlert: {disable: true}}
]])
    assert.same({}, notes)
    local rule = loaded(text)["shop-latency"]
    assert.equal("p1", rule.alerting.page.labels.severity)
    assert.equal(false, rule.alerting.ticket)
  end)

  it("that is a plugin is told with its place, and left out", function()
    local text, notes = convert("sloth", [[
version: prometheus/v1
service: shop
slos:
  - name: a
    objective: 99
    sli:
      plugin: {id: some/plugin, options: {job: x}}
]])
    assert.equal("", text)
    assert.same({ "7: the plugin some/plugin is a program of Sloth: write its query as bad and total" }, notes)
  end)

  it("has everything told that is not carried, with its place", function()
    local text, notes = convert("sloth", (SLOTH:gsub("description:", "descripion:"):gsub("category: availability", "category: availability}\n      nam: {x: y")))
    assert.truthy(text:find("shop-availability", 1, true))
    assert.same({ '7: "descripion" is not known here and is not carried', '16: "nam" is not known here and is not carried' }, notes)
  end)
  it("of another version is told", function()
    local _, notes = convert("sloth", "version: other/v2\nservice: x\n")
    assert.truthy(notes[1]:find("^1: not one of Sloth's"))
  end)
end)

local OPENSLO = [[
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: answers}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {metricSourceRef: prom, spec: {query: 'sum(requests_total{code=~"2.."})'}}}
    total: {metricSource: {type: prometheus, spec: {query: requests_total}}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec:
  severity: page
  condition: {kind: burnrate, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: wake}
spec:
  conditions: [{conditionRef: fast}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: web, displayName: The web answers, labels: {team: [a, b]}}
spec:
  service: shop
  indicatorRef: answers
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - target: 0.99
    - targetPercent: 99.9
  alertPolicies: [{alertPolicyRef: wake}]
]]

describe("an SLO of OpenSLO", function()
  it("becomes an slo for each objective, with the objects it names", function()
    local text, notes = convert("openslo", OPENSLO)
    assert.same({}, notes)
    local slos = loaded(text)
    assert.equal(0.99, slos["web-1"].objective)
    assert.near(0.999, slos["web-2"].objective, 1e-12)
    assert.equal('requests_total{code=~"2.."}', slos["web-1"].good)
    assert.equal("requests_total", slos["web-1"].total)
    assert.equal(28 * 86400, slos["web-1"].window)
    assert.same({ service = "shop", team = "a,b" }, slos["web-1"].labels)
    assert.same({ burn = 14.4, long = 3600, short = 300, severity = "page", hold = 300 }, slos["web-1"].alerts[1])
  end)

  it("counts a range in a query as the place of the window", function()
    local text = convert("openslo", (OPENSLO:gsub('sum%(requests_total{code=~"2.."}%)', "sum(rate(requests_total[5m]))")))
    local rule = loaded(text)["web-1"]
    assert.equal("sum(rate(requests_total[$window]))", rule.good)
    assert.equal("sum(rate(requests_total[$window]))", rule.total)
  end)

  it("on a threshold counts the time in which it is kept", function()
    local text, notes = convert("openslo", [[
apiVersion: openslo/v1
kind: SLO
metadata: {name: fast}
spec:
  service: shop
  indicator:
    metadata: {name: latency}
    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: latency_seconds}}}}
  budgetingMethod: RatioTimeslices
  timeWindow: [{duration: 1M, calendar: {startTime: 2020-01-15 00:00:00, timeZone: UTC}}]
  objectives: [{op: lte, value: 0.2, target: 0.95}]
]])
    local rule, world = loaded(text)["fast"], select(2, loaded(text))
    assert.equal("1 - avg_over_time(((latency_seconds) <= bool 0.2)[$window:1m])", rule.ratio)
    assert.same({ "9: budgets of RatioTimeslices are counted by occurrences", "10: a window of the calendar becomes a rolling one of 30d" }, notes)
    world:series("latency_seconds", "0.1x60 0.5x60", { every = "30s" })
    world:advance "1h"
    assert.near(0.5, world:value 'slo:sli_error:ratio_rate1h{slo="fast"}', 0.02)
  end)

  it("with objectives of different weights becomes one more, made of them", function()
    local text, notes = convert("openslo", (OPENSLO:gsub("target: 0.99\n", "target: 0.99\n      compositeWeight: 3\n")))
    local rule = loaded(text)["web"]
    assert.same({}, notes)
    assert.same({ { slo = "web-1", weight = 3 }, { slo = "web-2", weight = 1 } }, rule.of)
    assert.near((3 * 0.99 + 0.999) / 4, rule.objective, 1e-9)
  end)
  it("alerts without data when its policy says so", function()
    local text = convert("openslo", (OPENSLO:gsub("conditions:", "alertWhenNoData: true\n  conditions:")))
    assert.equal("alert", loaded(text)["web-1"].no_data.policy)
  end)
  it("of a stretch of the calendar and of slices of time stays that", function()
    local text, notes = convert("openslo", [[
apiVersion: openslo/v1
kind: SLO
metadata: {name: fast}
spec:
  service: shop
  indicator:
    metadata: {name: latency}
    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: latency_seconds}}}}
  budgetingMethod: Timeslices
  timeWindow: [{duration: 1M, calendar: {startTime: 2020-01-01 00:00:00, timeZone: Europe/Lisbon}}]
  objectives: [{op: lte, value: 0.2, target: 0.95, timeSliceTarget: 0.9, timeSliceWindow: 5m}]
]])
    assert.same({}, notes)
    local rules, world = loaded(text)
    local rule = rules["fast"]
    assert.same({ "month", "Europe/Lisbon", 300, 0.9 }, { rule.calendar, rule.zone, rule.timeslice.length, rule.timeslice.target })
    world:series("latency_seconds", "0.1x60 0.5x60", { every = "30s" })
    world:advance "1h"
    assert.near(5, world:value 'slo_bad_events_total{slo="fast"}', 1)
  end)
  it("has everything told that is not carried", function()
    local _, notes = convert("openslo", (OPENSLO:gsub("conditions:", "alertWhenResolved: true\n  conditions:")))
    local told = table.concat(notes, "\n")
    assert.truthy(told:find('"alertWhenResolved" is not known here', 1, true), told)
  end)
  it("with a source that is not Prometheus is told, and left out", function()
    local text, notes = convert("openslo", (OPENSLO:gsub("type: prometheus", "type: Datadog")))
    assert.equal("", text)
    assert.truthy(notes[1]:find("Datadog", 1, true))
  end)
end)
