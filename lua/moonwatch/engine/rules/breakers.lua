--- breakers.lua - the breakers that requests of rules go through (the word `breaker`): made, taken over, told about.
--
-- engine.breakers: name → { rule=, breaker=, turns= (those that were told) }; engine.guarded: checks that have one of their own.  Requests turn them in C (src/script/http_breaker.h),
-- so each turn of the engine looks whether one did.
local breaker = require "moonwatch.breaker"
local keys_of = require "moonwatch.keys"
local rows = require "moonwatch.words.breaker_rows"

local M = {}

local MEASURE = 5 -- seconds between two looks at the figures
local STATE = { closed = 0, ["half-open"] = 1, open = 2 }

-- The limits alone: what else stands in a rule changes with its place in the file.
local function limits_of(rule)
  local out = {}
  for _, row in ipairs(rows.fields) do out[row[1]] = rule[row[1]] end
  return out
end

local function tell_requests(engine)
  local list = {}
  for i, name in ipairs(keys_of(engine.breakers)) do
    local one = engine.breakers[name]
    list[i] = { name = name, breaker = one.breaker.raw, failing = one.rule.failing }
  end
  engine.host.http_breakers(list)
end

--- The breakers of SET take the place of those before; one that stays goes on.
function M.load(engine, set)
  local before = engine.breakers
  engine.breakers = {}
  for _, rule in ipairs(set.breakers or {}) do
    local old, limits = before[rule.name], limits_of(rule)
    local own = old and breaker.continue(old.breaker, limits) or breaker.new(limits, engine.shared_breakers[rule.name])
    engine.breakers[rule.name] = { rule = rule, breaker = own, turns = own.raw:turns() }
  end
  if next(engine.breakers) or next(before) then tell_requests(engine) end
  engine.guarded = {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.word == "check" and runner.breaker then table.insert(engine.guarded, runner) end
  end
end

-- -- what became of them -------------------------------------------------------------

-- What this process shares comes back to it, maybe after its breaker has turned again: it is known by this.
local function life_of(engine)
  engine.breaker_life = engine.breaker_life or engine.host.random_hex(8)
  return engine.breaker_life
end

local function keep(engine, name, now)
  engine.generation = engine.generation + 1
  if not engine.cluster then return end
  local saved = engine.breakers[name].breaker:save()
  saved.at, saved.life = now, life_of(engine)
  engine.host.call("cluster.put", { kind = "breaker", id = name, value = saved })
end

local function turned(engine, name, look, now)
  engine.host.metric("add", "moonwatch_breaker_transitions_total", { breaker = name, to = look.state }, 1, "How often a circuit breaker turned.")
  local why = look.state == "open" and look.cause and (" by " .. look.cause) or ""
  engine.host.log(look.state == "open" and "warn" or "info", ("breaker %q is %s%s"):format(name, look.state, why))
  keep(engine, name, now)
end

local function tell(engine, labels, look)
  engine.host.metric("set", "moonwatch_breaker_state", labels, STATE[look.forced or look.state], "Circuit breaker: 0 closed, 1 half-open, 2 open.")
  engine.host.metric("set", "moonwatch_breaker_refused", labels, look.refused, "Calls that were not made because a breaker was open.")
end

local function measure(engine, now)
  for name, one in pairs(engine.breakers) do tell(engine, { breaker = name }, one.breaker:look(now)) end
  for _, runner in ipairs(engine.guarded) do tell(engine, { check = runner.rule.name }, runner.breaker:look(now)) end
  engine.breakers_measured = now
end

--- See whether one turned.
function M.tick(engine, now)
  if not next(engine.breakers) and not engine.guarded[1] then return end
  for name, one in pairs(engine.breakers) do
    local turns = one.breaker.raw:turns()
    if turns ~= one.turns then
      one.turns = turns
      turned(engine, name, one.breaker:look(now), now)
    end
  end
  if now >= (engine.breakers_measured or 0) + MEASURE then measure(engine, now) end
end

--- Somebody wants NAME forced: HOW is "open", "closed" or nil.
function M.force(engine, name, how, now)
  engine.breakers[name].breaker:force(how)
  keep(engine, name, now)
  measure(engine, now)
end

-- -- restarts, other nodes -----------------------------------------------------------

--- A plain value for `restore`; nil when there are none.
function M.save(engine)
  local out = {}
  for name, one in pairs(engine.breakers) do out[name] = one.breaker:save() end
  return next(out) and out or nil
end

local function take_up(engine, name, saved)
  local one = engine.breakers[name]
  if not one or type(saved) ~= "table" then return end
  one.breaker:restore(saved)
end

--- SAVED: what `save` gave in another life.
function M.restore(engine, saved)
  if type(saved) ~= "table" or not next(engine.breakers) then return end
  for name, value in pairs(saved) do take_up(engine, name, value) end
end

--- Another node's breaker NAME is as VALUE says.
function M.shared(engine, name, value)
  engine.shared_breakers[name] = value
  if type(value) == "table" and value.life ~= life_of(engine) then take_up(engine, name, value) end
end

return M
