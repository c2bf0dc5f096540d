--- rules.lua - /api/v1/rules and /api/v1/alerts as Prometheus answers them, /api/mw/v1/rules with all we know.
local answer = require "moonwatch.api.answer"
local filter = require "moonwatch.api.rules_filter"
local budget = require "moonwatch.engine.rules.budget"
local keys_of = require "moonwatch.keys"
local state = require "moonwatch.alert.state"
local suspend = require "moonwatch.engine.rules.suspend"
local threshold = require "moonwatch.alert.threshold"

local M = {}

local NEVER = "0001-01-01T00:00:00Z"

local function time_text(host, t) return t and host.rfc3339(t) or NEVER end

-- -- alerts ----------------------------------------------------------------

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
    keepFiringSince = alert.keep_since and host.rfc3339(alert.keep_since) or nil, evidence = alert.evidence,
  }
end

local function alert_rows(host, runner)
  local out = host.json.array {}
  for i, alert in ipairs(sorted_alerts(runner)) do out[i] = alert_row(host, alert) end
  return out
end

-- -- rules -----------------------------------------------------------------

local function plain(t)
  local out = {}
  for name, value in pairs(t or {}) do out[name] = type(value) == "string" and value or "function" end
  return out
end

--- The labels that the file gives RULE.
local function labels_of(rule)
  local out = plain(rule.labels)
  out.severity = out.severity or rule.severity
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
local function shown_query(runner)
  if runner.says then return runner:says() end
  return runner.rule.expr and threshold.shown(runner.rule) or "function"
end

-- What finds something and begins no alert, because something that the rule depends on is down; nil when there is nothing.
local function held_back(host, runner)
  if not runner.held_back then return nil end
  local out = host.json.array {}
  for _, name in ipairs(keys_of(runner.held_back)) do out[#out + 1] = { by = name, alerts = runner.held_back[name] } end
  return out
end

local function common(host, runner)
  if runner.refresh then runner:refresh() end
  return {
    name = runner.rule.alertname or runner.rule.name, query = shown_query(runner), health = runner.health,
    lastError = runner.last_error, evaluationTime = runner.seconds or 0,
    lastEvaluation = time_text(host, runner.last_evaluation), traceback = runner.traceback,
    suspended = suspend.shown(host, runner), heldBack = held_back(host, runner),
  }
end

local function alerting(host, runner, query)
  local rule, row = runner.rule, common(host, runner)
  row.type, row.state, row.duration, row.keepFiringFor = "alerting", runner:status(), rule.hold, rule.keep
  row.labels, row.annotations = labels_of(rule), texts(rule)
  row.alerts = query.exclude_alerts and host.json.null or alert_rows(host, runner)
  return row
end

local function recording(host, runner)
  local row = common(host, runner)
  row.type, row.labels = "recording", labels_of(runner.rule)
  return row
end

local PROMETHEUS = { alert = alerting, expect = alerting, record = recording }

-- -- groups ----------------------------------------------------------------

-- What QUERY wants of GROUP, or nil when that is no rule at all.
local function group_row(host, group, query)
  local rules = host.json.array {}
  for _, runner in ipairs(group.members) do
    local rule = runner.rule
    if PROMETHEUS[rule.word] and not runner.silent and query:takes(rule, rule.alertname or rule.name, labels_of(rule)) then
      rules[#rules + 1] = PROMETHEUS[rule.word](host, runner, query)
    end
  end
  if #rules == 0 then return nil end
  return {
    name = group.name, file = group.file, interval = group.every, limit = group:limit(), rules = rules,
    evaluationTime = group.seconds, lastEvaluation = time_text(host, group.last_evaluation),
  }
end

local function listed(engine)
  local out = {}
  for _, group in ipairs(engine.groups) do
    if group.listed then out[#out + 1] = group end
  end
  table.sort(out, function(a, b)
    if a.file ~= b.file then return a.file < b.file end
    return a.name < b.name
  end)
  return out
end

-- The page of groups that QUERY asks for, and the token of the next one.
local function page(engine, query)
  local out, started = engine.host.json.array {}, query.token == nil
  for _, group in ipairs(listed(engine)) do
    local token = query.limit and engine.host.sha256(group.key)
    started = started or token == query.token
    local row = started and query:takes_group(group) and group_row(engine.host, group, query)
    if row then
      if #out == query.limit then return out, token end
      out[#out + 1] = row
    end
  end
  if not started then
    return nil, ("invalid parameter %q: invalid group_next_token '%s'. were rule groups changed?"):format("group_next_token", query.token)
  end
  return out
end

local function rules(engine, req)
  local query, why = filter.new(req, engine.host)
  local groups, token
  if query then
    groups, token = page(engine, query)
    if not groups then why = token end
  end
  if why then return answer.bad_data(engine.host, why) end
  return answer.success(engine.host, { groups = groups, groupNextToken = token })
end

-- Alerts of one rule after the other, those of firing rules first, as Prometheus sorts its rules in each group.
local WORSE = { firing = 3, pending = 2, inactive = 1, unknown = 0 }
local function all_alerts(engine)
  local out = engine.host.json.array {}
  for _, group in ipairs(listed(engine)) do
    local runners = {}
    for _, runner in ipairs(group.members) do
      if runner.alerts and not runner.silent then runners[#runners + 1] = { runner = runner, rank = WORSE[runner:status()] } end
    end
    table.sort(runners, function(a, b)
      if a.rank ~= b.rank then return a.rank > b.rank end
      return a.runner.id < b.runner.id
    end)
    for _, item in ipairs(runners) do
      for _, alert in ipairs(sorted_alerts(item.runner)) do out[#out + 1] = alert_row(engine.host, alert) end
    end
  end
  return out
end

-- -- our own ---------------------------------------------------------------

-- One rule with all we know of it.
local function ours(engine, runner)
  local host, rule = engine.host, runner.rule
  local row = common(host, runner)
  row.id, row.name, row.word, row.file, row.line, row.every = runner.id, rule.name, rule.word, rule.file, rule.line, runner.group.every
  row.group, row.query_offset = runner.group.name, rule.expr and engine:behind(rule) or nil
  row.usage = budget.usage(engine, runner)
  row.problem, row.slot, row.waiting = runner.problem, engine.slot_of(runner.id), runner.turn ~= nil or nil
  row.shadow, row.promoted = runner.silent or nil, (rule.shadow and not runner.silent) or nil
  row.evaluated_here = not runner.owned or engine:owns(runner.id)
  row.next = host.rfc3339(runner.group.entry.next)
  if runner.alerts then
    row.state, row.hold, row.keep, row.severity = runner:status(), rule.hold, rule.keep, rule.severity
    row.threshold, row.levels, row.alerts = rule.above or rule.below, rule.levels, alert_rows(host, runner)
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

M["/api/v1/rules"] = rules
M["/api/v1/alerts"] = function(engine) return answer.success(engine.host, { alerts = all_alerts(engine) }) end
M["/api/mw/v1/rules"] = list
M["/api/mw/v1/rules/**"] = one

return M
