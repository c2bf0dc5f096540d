--- migrate.lua - what a rule knew, taken over by a newer version of it or by a rule of another name.
--
-- State goes by the id of a rule.  A rule may change that in two ways, and `migrate = function(old, version)` gives the new
-- `ctx.state` in either:
--   version = 2            what was kept was written by another version; without `migrate` it is dropped
--   migrate_from = "Old"   there is nothing under the id of this rule, and the rule "Old" of the same word is gone; its alerts
--                          go on with their progress, under the name and labels of this one
-- What an `expect` knows is the engine's, which reads it whatever the rule: it has `migrate_from` only.
-- The version is kept with the state, so that a reload of the same rule migrates nothing.
local identity = require "moonwatch.config.identity"

local M = {}

M.WORDS = { alert = "alerts", check = "checks", every = "everys", expect = "expects" }

function M.version(rule) return rule.version or 1 end

local function empty(state) return type(state) ~= "table" or next(state) == nil end

--- STATE, of VERSION of RULE, as RULE wants it; nil, message when its `migrate` fails.  call(fn, args) -> result.
function M.state(rule, state, version, call)
  if empty(state) then return {} end
  if not rule.migrate then return {}, nil, true end
  local result = call(rule.migrate, { state, version })
  if not result.ok then return nil, "migrate: " .. tostring(result.error) end
  local value = result.values and result.values[1]
  if value == nil then return {} end
  if type(value) ~= "table" then return nil, "migrate: expected a table, got a " .. type(value) end
  return value
end

--- The ids under which RULE may find what it takes over, best first.
local function sources(rule)
  if not rule.migrate_from then return {} end
  local plain = rule.word .. "/" .. rule.migrate_from
  local same = plain .. identity.labels(rule.word, rule)
  return same ~= plain and { same, plain } or { plain }
end

--- In KNOWN (id -> anything) the id that RULE, which has nothing of its own, takes over from; TAKEN: ids that stay with others.
function M.source(rule, known, taken)
  for _, id in ipairs(sources(rule)) do
    if known[id] and not taken[id] then return id end
  end
  if not rule.migrate_from then return nil end
  local found, prefix = nil, rule.word .. "/" .. rule.migrate_from .. "{"
  for id in pairs(known) do
    if id:sub(1, #prefix) == prefix and not taken[id] then
      if found then return nil end -- several: nobody knows which
      found = id
    end
  end
  return found
end

--- ALERTS (key -> alert) of rule OLD as those of rule NEW.
function M.alerts(alerts, old, new, key_of)
  local out = {}
  for _, alert in pairs(alerts) do
    local labels = {}
    for name, value in pairs(alert.labels) do labels[name] = value end
    for name in pairs(old.labels or {}) do labels[name] = nil end
    for name, value in pairs(new.labels or {}) do
      if type(value) == "string" and value ~= "" and not value:find("${", 1, true) then labels[name] = value end
    end
    labels.alertname = new.alertname or new.name
    if new.severity or type(new.above or new.below) ~= "table" then labels.severity = new.severity or identity.SEVERITY end
    if alert.state ~= "inactive" then
      local copy = { labels = labels, value = alert.value, state = alert.state, active_at = alert.active_at, fired_at = alert.fired_at,
                     keep_since = alert.keep_since, extra = alert.extra, grace_until = alert.grace_until, key = key_of(labels) }
      out[copy.key] = copy
    end
  end
  return out
end

-- Runs functions of a set that does not run yet.
local function caller(set, now)
  return function(fn, args)
    local answer = { ok = false, error = "the function waits, which is not allowed here" }
    set.units[fn.guest].guest:call(fn["@fn"], args, { kind = "text", now = now }, function(result) answer = result end)
    return answer
  end
end
M.caller = caller

--- What is kept of RUNNER, and the version that wrote it: not its own while a `migrate` has failed.
function M.kept(runner)
  if runner.held then return runner.held.state, runner.held.version end
  return runner.state, M.version(runner.rule)
end

--- What RUNNER saves, or nil.
function M.save(runner)
  local saved = runner:save()
  if runner.held or runner.silent then saved = saved or {} end -- a shadow that knows nothing is not one that begins
  if saved and M.WORDS[runner.rule.word] then
    local version
    saved.state, version = M.kept(runner)
    saved.version = version ~= 1 and version or nil
  end
  return saved
end

-- The labels that are named in ID.
local function labels_in(id)
  local out = {}
  for name in (id:match "{(.*)}$" or ""):gmatch '([%a_][%w_]*)="' do out[name] = true end
  return out
end

--- SAVED, which was under the id FROM, taken up by RUNNER: what it restores.  When its `migrate` fails the state is held as it
-- was, for a version that does better; the second value says why.
function M.saved(runner, saved, from, call, key_of)
  local rule, version, out = runner.rule, tonumber(saved.version) or 1, {}
  if not M.WORDS[rule.word] or (from == runner.id and version == M.version(rule)) then return saved end
  for name, value in pairs(saved) do out[name] = value end
  if from ~= runner.id and type(saved.alerts) == "table" then
    local list = {}
    for _, alert in pairs(M.alerts(saved.alerts, { labels = labels_in(from) }, rule, key_of)) do list[#list + 1] = alert end
    out.alerts = list
    if not rule.migrate then return out end
  end
  local why
  out.state, why = M.state(rule, saved.state, version, call)
  if why then runner.held = { state = saved.state, version = version } end
  return out, why
end

local function each_rule(set, id_of, f)
  for _, list in pairs(M.WORDS) do
    for _, rule in ipairs(set[list] or {}) do
      local id = id_of(rule)
      if id then f(rule, id) end
    end
  end
end

-- What RULE, under ID, takes over from, and whether that stays beside it: a shadow begins with what the live rule knows.
local function origin(runners, rule, id, ids)
  if runners[id] then return id end
  local live = rule.shadow and identity.live(rule)
  if live and live ~= id and runners[live] then return live, true end
  return M.source(rule, runners, ids)
end

-- Does a promotion make RULE live, which was a shadow until now and has its own state?
local function promoted(runners, rule, id) return rule.shadow and id == identity.live(rule) and runners[identity.id(rule)] end

--- What SET takes over from RUNNERS (id -> runner): moves, problems, lost.  id_of(rule): its id, or nil when it does not run.
-- moves: id -> { from = id, state = new ctx.state or nil (as it was), renamed =, beside = the other stays }; lost: list of
-- { id=, why= }.
function M.prepare(runners, set, now, id_of)
  local moves, problems, lost, ids, taken = {}, {}, {}, {}, {}
  local call = caller(set, now)
  each_rule(set, id_of, function(_, id) ids[id] = true end)
  each_rule(set, id_of, function(rule, id)
    local from, beside = origin(runners, rule, id, ids)
    local old = from and runners[from]
    if not old or promoted(runners, rule, id) then return end
    local renamed = from ~= id and not beside
    local kept, version = M.kept(old)
    local same = not renamed and M.version(rule) == version
    if same and not beside then return end
    local move = { from = from, renamed = renamed, beside = beside }
    if not same and (not renamed or rule.migrate) then
      local why, dropped
      move.state, why, dropped = M.state(rule, kept, version, call)
      if why then table.insert(problems, { rule = rule, message = why }) end
      if dropped and not beside then table.insert(lost, { id = id, why = "version changed, and there is no migrate" }) end
    end
    moves[id] = move
    if not beside then taken[from] = true end
  end)
  for id, runner in pairs(runners) do
    local mine = M.WORDS[runner.rule.word] and runner.rule.word ~= "expect" -- what a person keeps
    if mine and not ids[id] and not taken[id] and not empty(runner.state) then
      table.insert(lost, { id = id, why = "the rule is removed" })
    end
  end
  table.sort(lost, function(a, b) return a.id < b.id end)
  return moves, problems, lost
end

return M
