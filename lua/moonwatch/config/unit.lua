--- unit.lua - a file that was loaded, and whether it has to be again.
--
--   unit = { path=, source=, root=, bundle= (path -> text), guest=, items=, declared=, budget=, seen= (path of a module that it
--            asked for -> its text, false: there was none) }
-- A file says the same again as long as its own text, its modules and its budget are the same: what else it could read, the
-- environment, stays as long as the process.
local keys_of = require "moonwatch.keys"

local M = {}

-- Read once for all that ask.
local function module_text(run, unit, path)
  if unit.bundle then return unit.bundle[path] or false end
  if run.read[path] == nil then run.read[path] = run.host.read_file(path) or false end
  return run.read[path]
end

--- The text of the module at PATH for UNIT, which remembers it; nil: there is none.
function M.module(run, unit, path)
  local source = unit.from_seen and (unit.from_seen[path] or false) or not unit.from_seen and module_text(run, unit, path)
  unit.seen[path] = source
  return source or nil
end

--- The unit that ran under the path of UNIT before, if it would be the same again.
function M.unchanged(run, unit, budget)
  local before = run.before[unit.path]
  if not before or before.source ~= unit.source or before.root ~= unit.root then return nil end
  if before.budget.cpu ~= budget.cpu or before.budget.memory ~= budget.memory then return nil end
  for path, source in pairs(before.seen) do
    if module_text(run, unit, path) ~= source then return nil end
  end
  return before
end

--- All that UNIT says as one text, its modules with it.
function M.text(unit)
  local out = { unit.source }
  for _, path in ipairs(keys_of(unit.seen)) do out[#out + 1] = path .. "\0" .. (unit.seen[path] or "") end
  return table.concat(out, "\0")
end

return M
