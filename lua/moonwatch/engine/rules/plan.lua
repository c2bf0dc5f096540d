--- plan.lua - what a reload would do, before it does: rules, alerts, state and targets.
--
-- The same table is the answer of `moonwatch check --against`, which stops here, and of a reload, which goes on.
local alert_rule = require "moonwatch.alert.rule"
local burn = require "moonwatch.slo.burn"
local change = require "moonwatch.engine.rules.change"
local identity = require "moonwatch.config.identity"
local migrate = require "moonwatch.engine.rules.migrate"
local state = require "moonwatch.alert.state"

local M = {}

local TRIED, ASKING = 200, 0.3 -- changed rules whose condition is asked for the alerts that they have; seconds that may take

-- -- alerts ----------------------------------------------------------------

local function active(runner)
  local out = {}
  for key, alert in pairs(runner.alerts) do
    if alert.state ~= "inactive" then out[#out + 1] = { key = key, alert = alert } end
  end
  table.sort(out, function(a, b) return a.key < b.key end)
  return out
end

local function row(plan, engine, title, alert, becomes, why)
  table.insert(plan.resolves, {
    rule = title, state = alert.state, labels = alert.labels, since = engine.host.rfc3339(alert.fired_at or alert.active_at),
    becomes = becomes, why = why,
  })
end

-- The alerts that the condition of RULE gives now, under the labels it would give them; nil when it is not asked.
local function would_be(engine, set, rule, old, now)
  if rule.when or type(rule.unless) == "table" or (rule.absent and rule.absent ~= "resolve") then return nil end
  for _, value in pairs(rule.labels or {}) do
    if type(value) == "table" then return nil end
  end
  local face = setmetatable({ set = set }, { __index = engine })
  local scratch = alert_rule.new(rule, face)
  scratch:inherit(old) -- judging changes nothing of it
  local found = scratch.judge(scratch, now, false)
  return found and found.seen
end

-- Fields that do not decide which alerts there are.
local BESIDE = {}
for name in ("every hold keep flap summary description runbook annotations evidence depends_on group version migrate migrate_from"):gmatch "%S+" do
  BESIDE[name] = true
end
local function condition_changed(fields)
  for _, name in ipairs(fields) do
    if not BESIDE[name] then return true end
  end
  return false
end

-- Would ALERT, which fires, still have held long enough?
local function holds(alert, rule, now)
  return type(rule.hold) ~= "number" or now - alert.active_at >= rule.hold
end

-- May one more condition be asked?  Rules that are due wait for this.
local function may_ask(plan, engine)
  plan.tried = plan.tried + 1
  return plan.tried <= TRIED and not (plan.untill and engine.clock() >= plan.untill)
end

local function of_changed(plan, engine, set, pair, now)
  local old, rule = pair.runner, pair.rule
  local alerts = active(old)
  if #alerts == 0 then return end
  local seen
  if condition_changed(pair.fields) and may_ask(plan, engine) then
    seen = would_be(engine, set, rule, old, now)
  end
  for _, item in ipairs(alerts) do
    local alert = item.alert
    if seen and not seen[item.key] then
      local kept = alert.state == "firing" and (rule.keep or 0) > 0
      row(plan, engine, pair.title, alert, kept and "resolved after keep" or "resolved", "the condition no longer gives it")
    elseif alert.state == "firing" and not holds(alert, rule, now) then
      row(plan, engine, pair.title, alert, "pending", "it has not held as long as the new hold")
    end
  end
end

local function of_gone(plan, engine, runner, title, heir)
  for _, item in ipairs(active(runner)) do
    row(plan, engine, title, item.alert, heir and "another alert" or "resolved",
        heir and "it goes on as " .. heir or "the rule is removed")
  end
end

-- -- targets ---------------------------------------------------------------

local function targets(set)
  local out = {}
  for _, rule in ipairs(set and set.scrapes or {}) do
    for _, item in ipairs(rule.targets or {}) do
      for _, address in ipairs(type(item) == "table" and item.targets or { item }) do out[rule.name .. " " .. address] = true end
    end
  end
  return out
end

local function missing(from, than)
  local out = {}
  for name in pairs(from) do
    if not than[name] then out[#out + 1] = name end
  end
  table.sort(out)
  return out
end

-- -- the whole -------------------------------------------------------------

--- What ENGINE would do with SET at NOW: the plan, and what `engine:load` wants to know of it (moves).  plan.problems: what
-- refuses it although every file is fine, a list of { rule=, message= }.
function M.of(engine, set, now)
  local diff = change.between(engine.set, set)
  local plan = { added = diff.added, changed = diff.changed, removed = diff.removed, fields = diff.fields, total = diff.total,
                 resolves = {}, tried = 0, untill = engine.clock and engine.clock() + ASKING, migrated = {} }
  local id_of, over = engine:ids(set)
  local moves, problems, lost = migrate.prepare(engine.by_id, set, now, id_of)
  plan.demoted = over
  local heirs = {}
  for id, move in pairs(moves) do
    if move.renamed then heirs[move.from] = diff.titles[id] or id end
    if move.state or not move.beside then table.insert(plan.migrated, diff.titles[id] or id) end
  end
  table.sort(plan.migrated)
  for _, item in ipairs(lost) do item.rule, item.id = diff.titles[item.id] or item.id, nil end
  plan.lost, plan.problems = lost, problems
  for _, pair in ipairs(diff.pairs) do
    pair.runner = engine.by_id[pair.id]
    if pair.rule.word == "alert" and pair.runner and not pair.runner.silent then of_changed(plan, engine, set, pair, now) end
  end
  for _, rule in ipairs(set.slos) do
    for _, alert in ipairs(burn.alerts(rule)) do diff.after[identity.id(alert)] = alert end
  end
  for id, runner in pairs(engine.by_id) do
    if runner.alerts and not runner.silent and not diff.after[id] then
      of_gone(plan, engine, runner, diff.titles[id] or id, heirs[id])
    end
  end
  table.sort(plan.resolves, function(a, b)
    if a.rule ~= b.rule then return a.rule < b.rule end
    return state.key(a.labels) < state.key(b.labels)
  end)
  local before, after = targets(engine.set), targets(set)
  plan.targets = { added = missing(after, before), removed = missing(before, after) }
  plan.tried, plan.untill = nil, nil
  return plan, moves
end

--- PLAN in one line.
function M.summary(plan)
  local text = change.summary(plan)
  local ends = 0
  for _, r in ipairs(plan.resolves) do
    if r.state == "firing" and r.becomes ~= "another alert" then ends = ends + 1 end
  end
  if ends > 0 then text = text .. (", %d firing alert%s will end"):format(ends, ends == 1 and "" or "s") end
  return text
end

--- PLAN as it goes out over HTTP.
function M.answer(plan, host)
  local array = host.json.array
  local fields = {}
  for title, names in pairs(plan.fields) do fields[title] = array(names) end
  return {
    summary = M.summary(plan), added = array(plan.added), changed = array(plan.changed), removed = array(plan.removed),
    fields = fields, resolves = array(plan.resolves), lost = array(plan.lost), migrated = array(plan.migrated),
    demoted = array(plan.demoted),
    targets = { added = array(plan.targets.added), removed = array(plan.targets.removed) },
  }
end

return M
