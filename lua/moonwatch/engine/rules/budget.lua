--- budget.lua - what each rule may use at a time, and what it did use.
--
-- A rule has a meter of its own from its first evaluation in full on.  Everybody's figures stand in the rules API; as series of
-- their own (moonwatch_rule_*{word=,rule=}) they exist for rules that are programs, that say `budget`, that had a slow query
-- or went beyond their budget: thousands of plain rules that ask and find nothing must not make thousands of series.
local words = require "moonwatch.words.budget"

local M = {}

local SERIES_OF = 1000 -- rules with series of their own

local FIGURES = {
  { "instructions", "moonwatch_rule_instructions_total", "add", "Lua instructions that a rule used." },
  { "query_samples", "moonwatch_rule_query_samples_total", "add", "Samples that the queries of a rule read." },
  { "query_seconds", "moonwatch_rule_query_seconds_total", "add", "Time that the queries of a rule took." },
  { "queries", "moonwatch_rule_queries_total", "add", "Queries of a rule." },
  { "slow_queries", "moonwatch_rule_slow_queries_total", "add", "Queries of a rule that did not end at once and were asked beside." },
  { "emissions", "moonwatch_rule_emissions_total", "add", "Alerts fired, samples, log lines and measurements of a rule." },
  { "memory", "moonwatch_rule_memory_bytes", "set", "The most memory of the file of a rule while it ran." },
}

--- What RULE may use: its own `budget`, and what settings.limits says where it says nothing or more.
function M.limits(engine, rule)
  local out, settings = {}, engine.set and engine.set.settings.limits or {}
  for _, name in ipairs(words.NAMES) do
    local own, most = rule.budget and rule.budget[name], settings["rule_" .. name]
    out[name] = own and most and math.min(own, most) or own or most
  end
  return out
end

local function has_function(value, depth)
  if type(value) ~= "table" or depth > 4 then return false end
  if value["@fn"] then return true end
  for _, item in pairs(value) do
    if has_function(item, depth + 1) then return true end
  end
  return false
end

--- RUNNER is about to be evaluated.
function M.begin(engine, runner)
  local settings = engine.set and engine.set.settings
  if not runner.meter or runner.metered_by ~= settings then
    runner.metered_by = settings
    runner.meter, runner.counted = engine.host.meter(M.limits(engine, runner.rule)), nil
    runner.figured = runner.rule.budget ~= nil or has_function(runner.rule, 0) or nil
  end
  engine.host.meter_begin(runner.meter)
end

--- The meter of what host.quiet asks: each query has what a rule has.
function M.of_quiet(engine)
  if engine.quiet_of ~= engine.set then
    engine.quiet_of, engine.quiet_meter = engine.set, engine.host.meter(M.limits(engine, {}))
  end
  return engine.quiet_meter
end

-- -- series ----------------------------------------------------------------

-- The instruments of RUNNER, as long as there is room for more.
local function instruments(engine, runner)
  if runner.figures or engine.figured >= SERIES_OF then return runner.figures end
  engine.figured = engine.figured + 1
  local labels = { word = runner.rule.word, rule = runner.rule.name }
  runner.figures = {}
  for i, row in ipairs(FIGURES) do runner.figures[i] = engine.host.instrument(row[3], row[2], labels, row[4]) end
  return runner.figures
end

--- What RUNNER used since the last time counts.
function M.account(engine, runner)
  if not runner.meter then return end
  local _, total, exceeded = engine.host.usage(runner.meter)
  runner.exceeded = exceeded or nil
  runner.figured = runner.figured or exceeded or total.slow_queries > 0 or nil
  local figures = runner.figured and instruments(engine, runner)
  if not figures then return end
  runner.counted = runner.counted or {}
  for i, row in ipairs(FIGURES) do
    local name = row[1]
    if figures[i] then
      if row[3] == "set" then figures[i](total[name])
      elseif total[name] > (runner.counted[name] or 0) then figures[i](total[name] - (runner.counted[name] or 0)) end
    end
    runner.counted[name] = total[name]
  end
end

-- -- for people ------------------------------------------------------------

--- { limits=, last=, total= } of RUNNER, or nil before its first evaluation.
function M.usage(engine, runner)
  if not runner.meter then return nil end
  local last, total = engine.host.usage(runner.meter)
  last.seconds = runner.seconds
  return { limits = M.limits(engine, runner.rule), last = last, total = total }
end

return M
