--- promtool.lua - unit tests of Prometheus rules: the YAML files that `promtool test rules` reads.
--
-- What promtool does is done: all groups at every evaluation_interval from the start on, one after the other in
-- group_eval_order; alerts are looked at as the last evaluation left them, firing ones only; expressions at the end, over
-- what was there by then.  A rule that fails ends its test.  Different: NaN is equal to NaN, `rule_files` may be .lua files,
-- and with `intervals` a group comes up at its own interval.
local compare = require "moonwatch.testing.promtool_compare"
local metric = require "moonwatch.testing.metric"
local notation = require "moonwatch.testing.notation"
local read_rules = require("moonwatch.testing.promtool_rules").read
local engine = require "moonwatch.engine.rules"
local yaml = require "moonwatch.testing.promtool_yaml"

local M = {}

-- -- the file ----------------------------------------------------------------------------------

local function file_shape(host)
  local duration = yaml.duration(host)
  local function start(node, path)
    local t = tonumber(node.text) or host.parse_time(node.text or "")
    if not t then yaml.refuse(node, "%s is a time such as 2026-03-01T00:00:00Z, not %q", path, node.text or "?") end
    return t
  end
  local alert = yaml.object { exp_labels = yaml.texts, exp_annotations = yaml.texts }
  local sample = yaml.object { labels = yaml.text, value = yaml.number, histogram = yaml.text }
  local test = yaml.object {
    name = yaml.text, interval = duration, start_timestamp = start, external_labels = yaml.texts, external_url = yaml.text,
    input_series = yaml.list(yaml.object { series = yaml.text, values = yaml.text }),
    alert_rule_test = yaml.list(yaml.object { eval_time = duration, alertname = yaml.text, exp_alerts = yaml.list(alert) }),
    promql_expr_test = yaml.list(yaml.object { expr = yaml.text, eval_time = duration, exp_samples = yaml.list(sample) }),
  }
  return yaml.object {
    rule_files = yaml.list(yaml.text), evaluation_interval = duration, group_eval_order = yaml.list(yaml.text), fuzzy_compare = yaml.bool,
    tests = yaml.list(test),
  }
end

-- The rule files that the patterns of FILE name, beside it; and warnings about those that name none.
local function rule_files(host, path, file)
  local dir, out, warnings = path:match "^(.*/)[^/]*$" or "", {}, {}
  for _, pattern in ipairs(file.rule_files or {}) do
    local whole = pattern:sub(1, 1) == "/" and pattern or dir .. pattern
    local found = host.glob(whole)
    if #found == 0 then warnings[#warnings + 1] = ("%s: no file matches %q"):format(path, pattern) end
    for _, name in ipairs(found) do out[#out + 1] = name end
  end
  return out, warnings
end

-- -- one test ----------------------------------------------------------------------------------

local Test = {}
Test.__index = Test

function Test:fail(line, text)
  self.results[#self.results + 1] = { line = line, name = self.name, text = text }
end

function Test:pass(line) self.results[#self.results + 1] = { line = line, name = self.name, ok = true } end

local function load_series(self)
  for _, input in ipairs(self.test.input_series or {}) do
    local labels, why = metric.parse(input.series or "{}", self.host)
    if not labels then return self:fail(input.line, ("series %s: %s"):format(input.series, why)) end
    local values
    values, why = notation.parse(input.values or "", self.host)
    if not values then return self:fail(input.line, ("values of %s: %s"):format(input.series, why)) end
    table.insert(self.series, { labels = labels, values = values, done = 0 })
  end
  return true
end

local function load_rules(self)
  local set, problems = read_rules(self.host, self.paths, self.every, { labels = self.test.external_labels or {}, url = self.test.external_url or "" })
  if not set then
    for _, problem in ipairs(problems) do self:fail(self.test.line, problem) end
    return false
  end
  self.engine = engine.new { host = self.host, spread = false, emit = function() end }
  self.engine:load(set, self.start)
  -- Groups that group_eval_order does not name are as early as the first that it does.
  local order, rank, place = self.file.group_eval_order or {}, {}, {}
  for i, name in ipairs(order) do rank[name] = i end
  for i, group in ipairs(self.engine.groups) do
    self.groups[i], place[group] = group, i
  end
  table.sort(self.groups, function(a, b)
    local x, y = rank[a.name] or 1, rank[b.name] or 1
    if x ~= y then return x < y end
    return place[a] < place[b]
  end)
  return true
end

local function feed(self, t)
  local last = math.floor((t - self.start) / self.interval + 1e-9) + 1
  for _, series in ipairs(self.series) do
    local to = math.min(last, #series.values)
    if to > series.done then
      self.host.series_append(series.labels, self.start, self.interval, series.values, series.done + 1, to)
      series.done = to
    end
  end
end

local function is_due(self, group, t)
  local interval = self.options.intervals and group.members[1] and group.members[1].rule.interval
  if not interval or interval == 0 then return true end
  local steps = (t - self.start) / interval
  return math.abs(steps - math.floor(steps + 0.5)) * interval < 1e-6
end

-- Why RUNNER's last evaluation counts as failed.  More alerts than `limit` are an error to Prometheus; a rule written in
-- Lua goes on and tells of it, as it does live.
local function failure(runner)
  if runner.health == "err" then return runner.last_error end
  return not (runner.rule.file or ""):find "%.lua$" and runner.problem or nil
end

-- Everything at T.  False: some rule failed.
local function evaluate(self, t)
  self.host.set_clock(t)
  feed(self, t)
  local fine = true
  for _, group in ipairs(self.groups) do
    if is_due(self, group, t) then
      group:begin(t, 0)
      repeat local _, done = group:go(math.huge) until done
      for _, runner in ipairs(group.members) do
        local why = failure(runner)
        if why then
          self:fail(self.test.line, ("%s %q failed at %s: %s"):format(runner.rule.word, runner.rule.name, self:when(t - self.start), why))
          fine = false
        end
      end
    end
  end
  return fine
end

function Test:when(seconds) return seconds == 0 and "0s" or self.host.duration_text(seconds) end

-- -- what is expected --------------------------------------------------------------------------

local function firing(self, name)
  local out = {}
  for _, runner in ipairs(self.engine.runners) do
    if runner.rule.word == "alert" and not runner.silent and runner.rule.name == name then
      for _, alert in pairs(runner.alerts) do
        if alert.state == "firing" then out[#out + 1] = { labels = alert.labels, annotations = alert.annotations or {} } end
      end
    end
  end
  return out
end

local function check_alert(self, case)
  local expected = {}
  for i, alert in ipairs(case.exp_alerts or {}) do
    local labels = {}
    for k, v in pairs(alert.exp_labels or {}) do labels[k] = v end
    labels.alertname = case.alertname
    expected[i] = { labels = labels, annotations = alert.exp_annotations or {} }
  end
  local why = compare.alerts(expected, firing(self, case.alertname))
  if not why then return self:pass(case.line) end
  self:fail(case.line, ("alert %q at %s\n%s"):format(case.alertname, self:when(case.eval_time or 0), why))
end

local function expected_samples(self, case)
  local out = {}
  for i, sample in ipairs(case.exp_samples or {}) do
    local labels, why = metric.parse(sample.labels or "{}", self.host)
    if not labels then return nil, ("labels %q: %s"):format(sample.labels, why) end
    out[i] = { labels = labels, value = sample.value or 0 }
    if sample.histogram then
      local values
      values, why = notation.parse(sample.histogram, self.host)
      if not values then return nil, why end
      if #values ~= 1 or type(values[1]) ~= "userdata" then return nil, ("%q is not one histogram"):format(sample.histogram) end
      out[i].histogram = values[1]
    end
  end
  return out
end

local function check_expression(self, case)
  local function told(why) self:fail(case.line, ("%s at %s\n%s"):format(case.expr, self:when(case.eval_time or 0), why)) end
  local expected, why = expected_samples(self, case)
  if not expected then return told("  " .. why) end
  local got
  got, why = self.host.samples(case.expr or "", self.start + (case.eval_time or 0))
  if not got then return told("  " .. why) end
  why = compare.samples(expected, got, self.file.fuzzy_compare)
  if why then told(why) else self:pass(case.line) end
end

-- Cases of alerts in the order of their times.
local function alert_cases(self)
  local out, last = {}, 0
  for i, case in ipairs(self.test.alert_rule_test or {}) do
    if not case.alertname then
      self:fail(case.line, "an item of alert_rule_test has no alertname")
      return nil
    end
    out[i], case.place = case, i
    last = math.max(last, case.eval_time or 0)
  end
  table.sort(out, function(a, b)
    local x, y = a.eval_time or 0, b.eval_time or 0
    if x ~= y then return x < y end
    return a.place < b.place
  end)
  for _, case in ipairs(self.test.promql_expr_test or {}) do last = math.max(last, case.eval_time or 0) end
  return out, last
end

local MOST = 10000000 -- evaluations of one test

local function run(self)
  local cases, last = alert_cases(self)
  if not cases then return end
  if last / self.every > MOST then
    return self:fail(self.test.line, ("more than %d evaluations: eval_time is far away and evaluation_interval short"):format(MOST))
  end
  if not load_series(self) or not load_rules(self) then return end
  local at, n = 1, 0
  while n * self.every <= last + 1e-9 do
    if not evaluate(self, self.start + n * self.every) then return end
    while cases[at] and (cases[at].eval_time or 0) < (n + 1) * self.every - 1e-9 do
      check_alert(self, cases[at])
      at = at + 1
    end
    n = n + 1
  end
  for _, case in ipairs(self.test.promql_expr_test or {}) do check_expression(self, case) end
  if #self.results == 0 then self:pass(self.test.line) end
end

-- -- a file ------------------------------------------------------------------------------------

local function wanted(name, options)
  if options.filter and not name:find(options.filter) then return false end
  return not options.run or options.run:match(name)
end

--- Run the tests of the file PATH.  options: { filter= (Lua pattern), run= (regular expression, see host.regex), on the names of
-- tests; intervals=true; closed=true (ranges as in Prometheus 2) }.
-- Gives a list of { line=, name=, ok=true } or { line=, name=, text= }, and warnings.
function M.run(host, path, options)
  options = options or {}
  local text, why = host.read_file(path)
  local file
  if text then file, why = yaml.read(host, path, text, file_shape(host), "the file") end
  if not file then return { { line = 1, name = path, text = why } }, {} end
  local every = file.evaluation_interval or 60
  if every == 0 then every = 60 end
  local paths, warnings = rule_files(host, path, file)
  local results, seen = {}, {}
  for _, name in ipairs(file.group_eval_order or {}) do
    if seen[name] then return { { line = 1, name = path, text = ("group_eval_order names %q twice"):format(name) } }, warnings end
    seen[name] = true
  end
  for i, test in ipairs(file.tests or {}) do
    local name = test.name or ("test %d"):format(i)
    if wanted(test.name or "", options) then
      local interval = test.interval or 0
      local self = setmetatable({ host = host.world(), options = options, file = file, test = test, paths = paths, name = name, every = every,
                                  interval = interval > 0 and interval or every, start = test.start_timestamp or 0, series = {}, groups = {},
                                  results = {} }, Test)
      self.host.promql { closed = options.closed, default_step = every }
      self.host.log = function() end -- what fails is in the results
      self.host.read_file, self.host.glob = host.read_file, host.glob
      run(self)
      for _, result in ipairs(self.results) do results[#results + 1] = result end
    end
  end
  return results, warnings
end

return M
