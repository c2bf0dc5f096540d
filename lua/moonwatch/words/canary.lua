--- canary.lua - the word `canary`: is a new version worse than the one before?
local budget = require "moonwatch.words.budget"
local canary = require "moonwatch.canary.rule"
local expand = require "moonwatch.canary.expand"

local metrics = {
  { "expr", "text", required = true, help = "PromQL with $labels where the labels of a version go: sum(rate(errors_total{job=\"shop\",$labels}[1m])); " ..
    "or a selector, which gets them. It gives one series" },
  { "name", "text", help = "what it is called; default the expression" },
  { "bad", "text", default = "up", choices = { "up", "down", "both" }, help = "which way is worse" },
  { "weight", "number", default = 1, help = "how much it counts in the score" },
  { "critical", "boolean", default = false, help = "when it fails, or has no data, the canary fails" },
  { "tolerance", "number", default = 0, help = "how much worse it may be, as a share: 0.05 is 5 %" },
  { "allow", "number", default = 0, help = "how much worse it may be, in its own unit; on top of tolerance" },
}

local traffic = {
  { "requests", "text", required = true, help = "counter of requests: a selector, with or without $labels" },
  { "min", "count", default = 100, help = "requests that each version must have had" },
  { "share", "number", help = "share of the requests that the candidate should get, 0 to 1" },
  { "within", "number", default = 0.5, help = "how much the share may differ, as a share of it" },
}

local function check_metric(i, m, fields, problem, env, names)
  local ok, why = expand.check(env.host, m.expr, fields.baseline)
  if not ok then problem(("metrics[%d].expr: %s"):format(i, why), { "metrics", i, "expr" }) end
  if m.weight < 0 then problem(("metrics[%d].weight: must not be negative"):format(i), { "metrics", i, "weight" }) end
  if m.tolerance < 0 then problem(("metrics[%d].tolerance: must not be negative"):format(i), { "metrics", i, "tolerance" }) end
  if m.allow < 0 then problem(("metrics[%d].allow: must not be negative"):format(i), { "metrics", i, "allow" }) end
  m.name = m.name or m.expr
  if names[m.name] then problem(("metrics[%d]: %q is there already"):format(i, m.name), { "metrics", i }) end
  names[m.name] = true
end

local function check_traffic(t, fields, problem, env)
  local ok, why = expand.check(env.host, t.requests, fields.baseline)
  if not ok then problem("traffic.requests: " .. why, { "traffic", "requests" }) end
  if t.share and (t.share <= 0 or t.share >= 1) then problem("traffic.share: must be between 0 and 1", { "traffic", "share" }) end
  if t.within <= 0 then problem("traffic.within: must be more than 0", { "traffic", "within" }) end
end

local function check_numbers(fields, problem)
  for name, row in pairs { alpha = { 0, 0.5 }, effect = { 0, 1 }, pass = { 0, 100 }, marginal = { 0, 100 } } do
    local v = fields[name]
    if v <= row[1] or v > row[2] then problem(("%s: must be more than %g and at most %g"):format(name, row[1], row[2]), { name }) end
  end
  if fields.marginal > fields.pass then problem("marginal must not be above pass", { "marginal" }) end
  if fields.lasts < fields.warmup + fields.every * fields.min_samples then
    problem("lasts is too short for min_samples values: make it longer, or every shorter", { "lasts" })
  elseif fields.lasts > fields.every * canary.MOST then
    problem(("lasts / every: more than %d values; make every longer"):format(canary.MOST), { "every" })
  end
end

return {
  word = "canary", shape = "named",
  help = "Compares two versions of a service while both run: each metric by a Mann-Whitney test and the size of its effect, and whether both " ..
         "got enough requests. It runs when it is told to (`moonwatch canary start NAME`, POST /api/mw/v1/canaries/NAME/start), and its " ..
         "verdict, pass, marginal or fail with reasons, is a gate for pipelines. docs/canary.md has the arithmetic and how often it errs.",
  example = [[
canary "shop" {
  baseline = { version = "1.1" }, candidate = { version = "1.2" }, lasts = "30m", every = "30s", labels = { service = "shop" },
  metrics = {
    { name = "errors", critical = true, allow = 0.001,
      expr = 'sum(rate(http_requests_total{job="shop",code=~"5..",$labels}[1m])) / sum(rate(http_requests_total{job="shop",$labels}[1m]))' },
    { name = "p95", tolerance = 0.05,
      expr = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{job="shop",$labels}[1m])))' },
  },
  traffic = { requests = 'http_requests_total{job="shop"}', min = 500, share = 0.1 },
}]],
  notes = [[
`for` is a word of Lua, hence `lasts`. `start` may give other labels than the rule: `moonwatch canary start shop --candidate version=1.3`.]],
  check_name = function(name)
    if name:find "/" then return "the name is part of an address: write it without /" end
  end,
  fields = {
    { "baseline", "labels", required = true, help = "labels of the version that is known" },
    { "candidate", "labels", required = true, help = "labels of the version that is new" },
    { "metrics", "list", required = true, help = "what is compared", fields = metrics },
    { "traffic", "table", help = "whether both got enough requests, and the candidate its share", fields = traffic },
    { "lasts", "interval", default = "30m", help = "how long it runs" },
    { "every", "interval", default = "1m", help = "time between two values; not less than the ranges in the expressions, or the values resemble each other" },
    { "warmup", "duration", default = "0s", help = "time after the start that does not count" },
    { "min_samples", "count", default = 10, help = "values of each version without which a metric is not judged" },
    { "alpha", "number", default = 0.05, help = "how often versions that are alike may be called different, over all metrics" },
    { "effect", "number", default = 0.33, help = "Cliff's delta below which a difference does not matter: 0.15 small, 0.33 medium, 0.47 large" },
    { "pass", "number", default = 95, help = "score from which it passes" },
    { "marginal", "number", default = 75, help = "score from which it is marginal" },
    { "fail_fast", "boolean", default = true, help = "end as soon as a critical metric is worse beyond doubt" },
    { "labels", "labels", default = {}, help = "added to its series; `service` names the service of its mark" },
    budget.row { "query_samples", "query_seconds" },
  },
  after = function(fields, problem, env)
    if #fields.metrics == 0 then problem("metrics: name at least one", { "metrics" }) end
    local names = {}
    for i, m in ipairs(fields.metrics) do check_metric(i, m, fields, problem, env, names) end
    if fields.traffic then check_traffic(fields.traffic, fields, problem, env) end
    if expand.matchers(fields.baseline) == expand.matchers(fields.candidate) then
      problem("baseline and candidate have the same labels: nothing could differ", { "candidate" })
    end
    check_numbers(fields, problem)
  end,
}
