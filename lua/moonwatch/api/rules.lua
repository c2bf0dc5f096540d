--- rules.lua - /api/v1/rules and /api/v1/alerts as Prometheus answers them, /api/mw/v1/rules with all we know.
local answer = require "moonwatch.api.answer"
local state = require "moonwatch.alert.state"

local M = {}

local function sorted_alerts(runner)
  local out = {}
  for _, alert in pairs(runner.alerts) do
    if alert.state ~= "inactive" then out[#out + 1] = alert end
  end
  table.sort(out, function(a, b) return state.key(a.labels) < state.key(b.labels) end)
  return out
end

local function alert_row(host, alert)
  return {
    labels = alert.labels, annotations = alert.annotations or {}, state = alert.state,
    activeAt = host.rfc3339(alert.active_at), value = answer.exponent(alert.value),
    keepFiringSince = alert.keep_since and host.rfc3339(alert.keep_since) or nil,
  }
end

local function plain(t)
  local out = {}
  for name, value in pairs(t or {}) do out[name] = type(value) == "string" and value or "function" end
  return out
end

local function texts(rule)
  local out = plain(rule.annotations)
  for field, name in pairs { summary = "summary", description = "description", runbook = "runbook_url" } do
    if rule[field] then out[name] = type(rule[field]) == "string" and rule[field] or "function" end
  end
  return out
end

-- What the rule compares, as one expression.
local function shown_query(rule)
  if not rule.expr then return "function" end
  if rule.above then return ("(%s) > %s"):format(rule.expr, rule.above) end
  if rule.below then return ("(%s) < %s"):format(rule.expr, rule.below) end
  return rule.expr
end

local function common(host, runner)
  return {
    name = runner.rule.alertname or runner.rule.name, query = shown_query(runner.rule), health = runner.health,
    lastError = runner.last_error, evaluationTime = runner.seconds or 0,
    lastEvaluation = host.rfc3339(runner.last_evaluation or 0),
  }
end

local function alerting(host, runner)
  local rule, row = runner.rule, common(host, runner)
  local labels = plain(rule.labels)
  labels.severity = rule.severity
  row.type, row.state, row.duration, row.keepFiringFor = "alerting", runner:status(), rule.hold, rule.keep
  row.labels, row.annotations, row.alerts = labels, texts(rule), host.json.array {}
  for i, alert in ipairs(sorted_alerts(runner)) do row.alerts[i] = alert_row(host, alert) end
  return row
end

local function recording(host, runner)
  local row = common(host, runner)
  row.type, row.labels = "recording", runner.rule.labels
  return row
end

local PROMETHEUS = { alert = alerting, record = recording }

local function wanted(req)
  local kind = answer.param(req, "type")
  local names = {}
  for _, name in ipairs(answer.params(req, "rule_name")) do names[name] = true end
  return function(row)
    if kind == "alert" and row.type ~= "alerting" then return false end
    if kind == "record" and row.type ~= "recording" then return false end
    return next(names) == nil or names[row.name]
  end
end

local function groups(engine, req)
  local host, by, out, want = engine.host, {}, engine.host.json.array {}, wanted(req)
  for _, runner in ipairs(engine.runners) do
    local make = PROMETHEUS[runner.rule.word]
    local row = make and make(host, runner)
    if row and want(row) then
      local file = runner.rule.file
      local group = by[file]
      if not group then
        group = { name = (file:match "([^/]*)%.lua$" or file), file = file, interval = runner.rule.every, limit = 0,
                  rules = {}, evaluationTime = 0, lastEvaluation = row.lastEvaluation }
        by[file], out[#out + 1] = group, group
      end
      group.interval = math.min(group.interval, runner.rule.every)
      group.evaluationTime = group.evaluationTime + row.evaluationTime
      if row.lastEvaluation > group.lastEvaluation then group.lastEvaluation = row.lastEvaluation end
      table.insert(group.rules, row)
    end
  end
  return out
end

local function all_alerts(engine)
  local out = engine.host.json.array {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.word == "alert" then
      for _, alert in ipairs(sorted_alerts(runner)) do out[#out + 1] = alert_row(engine.host, alert) end
    end
  end
  return out
end

-- One rule with all we know of it.
local function ours(engine, runner)
  local host, rule = engine.host, runner.rule
  local row = common(host, runner)
  row.name, row.word, row.file, row.line, row.every = rule.name, rule.word, rule.file, rule.line, rule.every or runner.every
  row.traceback, row.problem, row.slot = runner.traceback, runner.problem, engine.slot_of(runner.id)
  row.evaluated_here = not runner.owned or engine:owns(runner.id)
  row.next = host.rfc3339(runner.entry.next)
  if rule.word == "alert" then
    row.state, row.hold, row.keep, row.severity = runner:status(), rule.hold, rule.keep, rule.severity
    row.threshold, row.alerts = rule.above or rule.below, host.json.array {}
    for i, alert in ipairs(sorted_alerts(runner)) do row.alerts[i] = alert_row(host, alert) end
  elseif rule.word ~= "record" then
    row.query = nil
  end
  return row
end

local function list(engine)
  local out, problems = engine.host.json.array {}, engine.host.json.array {}
  for i, runner in ipairs(engine.runners) do out[i] = ours(engine, runner) end
  for i, p in ipairs(engine.problems) do problems[i] = p.text end
  return answer.json(engine.host, 200, { rules = out, problems = problems })
end

local function one(engine, _, _, name)
  local out = engine.host.json.array {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.name == name or runner.id == name then out[#out + 1] = ours(engine, runner) end
  end
  if #out == 0 then return answer.problem(engine.host, 404, "not_found", ("there is no rule %q"):format(name)) end
  return answer.json(engine.host, 200, { rules = out })
end

M["/api/v1/rules"] = function(engine, req) return answer.success(engine.host, { groups = groups(engine, req) }) end
M["/api/v1/alerts"] = function(engine) return answer.success(engine.host, { alerts = all_alerts(engine) }) end
M["/api/mw/v1/rules"] = list
M["/api/mw/v1/rules/**"] = one

return M
