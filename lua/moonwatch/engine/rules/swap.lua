--- swap.lua - another set of rules in the place of the one that runs, between two evaluations.
--
-- A rule keeps what it knows by its id; one of which nothing changed keeps its runner.  Groups keep their times, and one that
-- was at work goes on where it was.
local alert_state = require "moonwatch.alert.state"
local breakers = require "moonwatch.engine.rules.breakers"
local burn = require "moonwatch.slo.burn"
local groups = require "moonwatch.engine.rules.group"
local identity = require "moonwatch.config.identity"
local change = require "moonwatch.engine.rules.change"
local line = require "moonwatch.engine.rules.line"
local migrate = require "moonwatch.engine.rules.migrate"
local schedule = require "moonwatch.engine.rules.schedule"
local shadow = require "moonwatch.engine.rules.shadow"
local suspend = require "moonwatch.engine.rules.suspend"

local M = {}

local RUNNERS = {
  { list = "records", new = require("moonwatch.engine.rules.record").new, word = "record", grouped = true },
  { list = "slos", new = require("moonwatch.slo.rule").new, word = "slo", grouped = true },
  { list = "checks", new = require("moonwatch.check").new, word = "check" },
  { list = "alerts", new = require("moonwatch.alert.rule").new, word = "alert", owned = true, grouped = true },
  { list = "expects", new = require("moonwatch.expect.rule").new, word = "expect", owned = true, grouped = true },
  { list = "canaries", new = require("moonwatch.canary.rule").new, word = "canary", owned = true },
  { list = "experiments", new = require("moonwatch.experiment.rule").new, word = "experiment", owned = true },
  { list = "everys", new = require("moonwatch.engine.rules.every").new, word = "every", owned = true },
}

-- -- groups ----------------------------------------------------------------

-- The groups of a file, in the order of its rules: FILE;NAME with the interval behind all but the first of a name.
local function group_of(self, found, spec, runner, every)
  local rule = runner.rule
  local name, file = groups.name_of(rule), rule.file or ""
  local options = { engine = self, every = every, name = name, file = file, listed = spec.grouped }
  if not spec.grouped then
    options.name, options.key = runner.id, runner.id
    return groups.new(options), true
  end
  local of_name = found[file .. ";" .. name] or {}
  found[file .. ";" .. name] = of_name
  local group = of_name[every]
  if group then return group, false end
  if next(of_name) then options.name = name .. " " .. self.host.duration_text(every) end
  options.key = file .. ";" .. options.name
  of_name[every] = groups.new(options)
  return of_name[every], true
end

-- By their order in their files, then by the words; sorted by counting, because there may be ten thousand.
local function in_file_order(runners)
  local buckets, orders, out = {}, {}, {}
  for _, item in ipairs(runners) do
    local order = item.runner.rule.order or 0
    local bucket = buckets[order]
    if not bucket then
      bucket, orders[#orders + 1] = {}, order
      buckets[order] = bucket
    end
    bucket[#bucket + 1] = item
  end
  table.sort(orders)
  for _, order in ipairs(orders) do
    for _, item in ipairs(buckets[order]) do out[#out + 1] = item end
  end
  return out
end

-- When GROUP comes up: where the one with its name did before, when its interval is the same.
local function enter(self, group, order, now, eager)
  local before = self.keyed[group.key]
  local entry = { group = group, every = group.every, order = order,
                  offset = self.spread and schedule.hash(group.key) % math.floor(group.every * 1000) / 1000 or 0 }
  local last, jitter = now, not group.listed and group.members[1].rule.jitter or 0
  if jitter > 0 then entry.jitter, entry.name = jitter, group.key end
  group.entry = entry
  group:complete(self.host, before)
  if before then group:wait_with(before) end
  if before and before.every == group.every then
    group.seconds, group.last_evaluation = before.seconds, before.last_evaluation
    if before.running then
      group:resume(before)
      entry.next = before.entry.next
      self.busy:add(entry)
      return
    end
    last = before.entry.next - group.every
  end
  self.schedule:add(entry, math.max(last, now - group.every), eager and now or nil)
end

-- Put RUNNERS, { runner=, spec=, eager= }, into groups.  A group that was at work goes on where it was.
local function regroup(self, runners, now)
  local found, keyed, eager = {}, {}, {}
  self.groups, self.busy = {}, line.new()
  for _, item in ipairs(in_file_order(runners)) do
    local runner = item.runner
    local group, fresh = group_of(self, found, item.spec, runner, runner.rule.every or runner.every)
    group:add(runner)
    if fresh then self.groups[#self.groups + 1] = group end
    eager[group] = eager[group] or item.eager
    keyed[group.key] = group
  end
  for order, group in ipairs(self.groups) do enter(self, group, order, now, eager[group]) end
  for key, group in pairs(self.keyed) do
    if not keyed[key] then group:close() end
  end
  self.keyed = keyed
end

-- The alerts of the files, and those that SLOs ask for: the same ones for the same SLO.
local function with_burn_alerts(self, set)
  local out, burns = {}, {}
  for _, rule in ipairs(set.alerts) do out[#out + 1] = rule end
  for _, rule in ipairs(set.slos) do
    burns[rule] = self.burns[rule] or burn.alerts(rule)
    for _, alert in ipairs(burns[rule]) do out[#out + 1] = alert end
  end
  self.burns = burns
  return out
end

-- Of all runners, which are thousands, those that have something to keep over a restart.
local function find_keepers(self)
  local before = self.keeping
  self.keeping = {}
  for id, runner in pairs(self.by_id) do
    if before[id] == runner or (runner.save and migrate.save(runner)) then self.keeping[id] = runner end
  end
end

-- RUNNER is no more.  Series whose record got other labels go on until those are there.
local function leave(self, runner, now)
  if runner.silent then return end
  local heir = runner.rule.word == "record" and self:called("record", runner.rule.name)[1]
  if heir then heir:take(runner) else runner:drop(now) end
end

-- RUNNER begins with what MOVE says of the one that was before it.
local function take_over(runner, old, move)
  if not (move and move.renamed) then runner:inherit(old) end
  if not move then return end
  if move.renamed and old.alerts then
    runner.alerts = migrate.alerts(old.alerts, old.rule, runner.rule, alert_state.id)
  end
  if runner.remember then return runner:remember(old) end
  runner.state, runner.held = move.state or old.state, nil
end

-- What there is to take over; whoever did not plan must not meet a `migrate` that fails.
local function moves_of(self, set, now)
  local moves, problems = migrate.prepare(self.by_id, set, now, M.ids(self, set))
  local p = problems[1]
  if p then error(("%s:%d: %s %q: %s"):format(p.rule.file, p.rule.line, p.rule.word, p.rule.name, p.message), 3) end
  return moves
end

--- How the rules of SET are known here: a function that gives the id of a rule, or nil when it does not run; and the ids of
-- promotions that would be over.
function M.ids(self, set)
  local skip, live, over = shadow.settle(set, self.promoted, self.host)
  return function(rule)
    if not skip[rule] then return live[rule] or identity.id(rule) end
  end, over
end

-- The runner of RULE under ID, with what was known before.
local function runner_of(self, spec, rule, id, before, move)
  local silent, was = identity.id(rule) == id and rule.shadow or false, rule.shadow and before[identity.id(rule)]
  local old = before[move and move.from or id]
  if old and not move and (old.silent or false) == silent and (old.rule == rule or change.same(old.rule, rule)) then
    old.rule = rule -- nothing of it changed but perhaps its place in the file
    return old, old
  end
  local runner = (silent and rule.word == "record" and shadow.record or spec.new)(rule, self)
  runner.silent = silent or nil
  if move and move.beside then
    shadow.begin(runner, old, move.state)
    return runner, nil
  end
  if not silent and was then shadow.become(runner, before[id], was)
  elseif old then take_over(runner, old, move) end
  return runner, old or was
end

-- What is done for RUNNER when it comes in.
local function settle_in(self, runner, spec, name)
  runner.owned, runner.pair, runner.live = spec.owned, nil, nil
  self.runners[#self.runners + 1], self.by_id[runner.id] = runner, runner
  if runner.silent then return end
  self.named[name] = self.named[name] or {}
  table.insert(self.named[name], runner)
end

local function pair_shadows(self, before)
  for id, runner in pairs(self.by_id) do
    if runner.silent then shadow.pair(runner, self.by_id[identity.live(runner.rule)], before[id]) end
  end
end

-- Promotions whose rules were edited are over: the files say what is live.
local function end_promotions(self, over)
  for _, id in ipairs(over) do
    self.promoted[id] = nil
    self.host.log("warn", ("the promotion of %s is over: its files were edited, and what they say is live"):format(id))
  end
  if #over > 0 and self.keep_promoted then self.keep_promoted(self.promoted) end
end

--- Run SET from now on.  Rules that were there before keep their state; those that are gone end.  MOVES: of the plan, if there
-- was one.
function M.load(self, set, now, moves)
  moves = moves or moves_of(self, set, now)
  local before, runners = self.by_id, {}
  local id_of, over = M.ids(self, set)
  end_promotions(self, over)
  self.runners, self.by_id, self.named, self.schedule = {}, {}, {}, schedule.new()
  self.set, self.external_labels = set, set.settings.external_labels or {}
  self.external_url = set.settings.external_url
  for _, spec in ipairs(RUNNERS) do
    for _, rule in ipairs(spec.word == "alert" and with_burn_alerts(self, set) or set[spec.list] or {}) do
      local id = id_of(rule)
      if id then
        local runner, old = runner_of(self, spec, rule, id, before, moves[id])
        runner.id = id
        if old and old ~= runner then suspend.inherit(self, runner, old, change.same(old.rule, rule), now) end
        settle_in(self, runner, spec, spec.word .. "/" .. rule.name)
        runners[#runners + 1] = { runner = runner, spec = spec, eager = runner.eager and not old }
        local shared = not old and self.shared[id]
        if shared and runner.restore then runner:restore(shared, now, 0) end
      end
    end
  end
  pair_shadows(self, before)
  self:abandon()
  regroup(self, runners, now)
  for id, runner in pairs(before) do
    if not self.by_id[id] then
      suspend.lift(self, runner, now)
      leave(self, runner, now)
    end
  end
  self.guests:swap(set.units, now)
  breakers.load(self, set)
  find_keepers(self)
  self.generation = self.generation + 1
end

return M
