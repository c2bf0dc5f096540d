--- quarantine.lua - with settings{strict=false}: which files run, when some of them have problems.
--
-- A bad file is left out alone, and the version of it that ran before goes on running, if there was one and it still fits the
-- others; it keeps its state.  What cannot be replaced so is left out whole:
--   the root file         nothing is loaded: it says what the others are
--   a module              every file that asks for it is bad, each with its own version before
--   a rule said twice     of two files the one that changed is at fault; of two that did, the later one
--   a name nobody has     the file that says it, even if another one took the name away
-- Over a restart the texts of such versions are kept by the actor (run.kept).
local problems_of = require "moonwatch.config.problems"

local M = {}

-- A version from before a restart, run again; nil when it does not load any more.
local function revive(run, unit, kept, tools)
  local again = { path = unit.path, source = kept.source, from_seen = kept.seen, bundle = unit.bundle }
  local problems = run.problems
  run.problems = problems_of.new()
  tools.run_unit(run, again)
  local good = #run.problems.list == 0
  run.problems = problems
  if good then return again end
  if again.guest then again.guest:close() end
  run.fresh[unit.path] = nil
end

local function close(run, unit)
  if not unit.guest or run.fresh[unit.path] ~= unit then return end
  unit.guest:close()
  run.fresh[unit.path] = nil
end

-- What runs in the place of UNIT, which is bad: a unit, or false.
local function stand_in(run, unit, tools)
  close(run, unit)
  if unit.root then return false end
  local before, kept = run.before[unit.path], run.kept[unit.path]
  if before then return before ~= unit and before end
  return kept and revive(run, unit, kept, tools) or false
end

-- Those that ran before come first: they have the older right to their names.
local function declared(run, list)
  local out = {}
  for _, first in ipairs { true, false } do
    for _, unit in ipairs(list) do
      if (run.before[unit.path] == unit) == first then
        for _, item in ipairs(unit.declared) do out[#out + 1] = item end
      end
    end
  end
  return out
end

local function those(chosen)
  local list = {}
  for i = 1, #chosen do
    if chosen[i] then list[#list + 1] = chosen[i] end
  end
  return list
end

--- The units that run, in their order; run.quarantined says which do not: path -> { running = the version before runs }.
-- tools: what load.lua lends: link=, gather=, report=, run_unit=.
function M.settle(run, tools)
  local chosen, bad, standing = {}, run.problems:files(), {}
  local function replace(i)
    local unit = run.units[i]
    chosen[i] = not standing[unit.path] and stand_in(run, unit, tools) or false
    standing[unit.path] = true
    run.quarantined[unit.path] = { running = chosen[i] ~= false }
  end
  for i, unit in ipairs(run.units) do
    chosen[i] = unit
    if bad[unit.path] or not unit.guest then replace(i) end -- a module's problems bear the module's name
  end
  while true do
    local list, fell = those(chosen), {}
    local function problem(item, path, message)
      fell[item.file] = true
      if not standing[item.file] then tools.report(item, path, message) end
    end
    tools.link.duplicates(declared(run, list), problem)
    if next(fell) == nil then tools.link.check(tools.gather(list), run.host, problem, run.settings.limits) end
    if next(fell) == nil then return list end
    for i, unit in ipairs(run.units) do
      if fell[unit.path] then replace(i) end
    end
  end
end

return M
