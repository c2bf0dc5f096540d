--- blame.lua - is a failing check to blame, or something else?
--
-- What it depends on may fail, or somebody may be at work on it.  Three rules about dependencies:
--   a child whose parent is down is probed as ever, only not blamed;
--   blame that was there before the parent failed stays, and ends when the child is well: creation is held back, not resolution;
--   what counts of a parent is how its own probes go, not whether it is blamed: grandchildren look at their parents only.
-- A parent whose last probe failed is waited for until it is known how that ends, because a child may be quicker to fail.  When an
-- excuse ends, the child has the time of `fail_after` probes to come back before it is blamed, or runner.comeback seconds where it is
-- not probed but has to say something itself.
--
-- A plain value: { at = since when it is blamed, after = failed probes since its excuse ended, last = when it had one }, all of which
-- may be missing.
local maintenance = require "moonwatch.check.maintenance"

local M = {}

function M.new() return {} end

-- Is the check NAME down, or nearly?
local function parent_fails(engine, name)
  local parent = engine.by_id["check/" .. name]
  if not parent then return false end
  if parent:is_down() then return "which fails" end
  return parent.verdict.failures > 0 and "which may be failing"
end

--- Why RUNNER is not blamed at T, whether it fails or not: { kind="maintenance" or "depends", name=, says= }; nil: it is.
function M.excuse(runner, t)
  local window = maintenance.inside(runner.engine, runner.rule.maintenance, t)
  if window then return { kind = "maintenance", name = window, says = ("in maintenance (%s)"):format(window) } end
  if runner.verdict.verdict ~= "bad" or runner.blame.at then return nil end
  for _, name in ipairs(runner.rule.depends_on) do
    local how = parent_fails(runner.engine, name)
    if how then return { kind = "depends", name = name, says = ("depends on %q, %s"):format(name, how) } end
  end
end

local function time_is_up(runner, t)
  if runner.comeback then return t - runner.blame.last >= runner.comeback end
  return runner.blame.after >= runner.rule.fail_after
end

--- A probe of RUNNER came back at T and is part of its verdict.
function M.step(runner, good, t)
  local b = runner.blame
  if runner.verdict.verdict ~= "bad" then
    b.at, b.after, b.last = nil, nil, nil
    return
  end
  local excuse = M.excuse(runner, t)
  if excuse then
    b.after, b.last = 0, t
    if excuse.kind == "maintenance" then b.at = nil end
  elseif not b.at then
    if b.after then b.after = good and 0 or b.after + 1 end
    if not b.after or time_is_up(runner, t) then b.at, b.after, b.last = t, nil, nil end
  end
end

--- Is RUNNER, whose excuse is over, still given time to come back?
function M.is_waiting(runner) return not runner.blame.at and runner.blame.after ~= nil end

--- SAVED by an older run, or nothing.
function M.read(saved)
  local out = M.new()
  for _, name in ipairs { "at", "after", "last" } do
    if type(saved) == "table" and type(saved[name]) == "number" then out[name] = saved[name] end
  end
  if not out.last then out.after = nil end
  return out
end

return M
