--- test.lua - `moonwatch test`: busted specs in this process; the last line is "N passed, N failed".
local M = {}

M.usage = "test [PATH...] [busted options]"
M.help = "run busted specs (default ./spec) against rules, in simulated time"
M.raw = true

-- busted ends the process when it is done, or raises an error that is nil when something failed; here both are only
-- the end of the run.  Its exit status; or nil and why, when busted itself broke.
local function run_to_exit(run)
  local real, status = os.exit, nil
  os.exit = function(code) -- luacheck: ignore 122
    status = (code == true or code == nil) and 0 or tonumber(code) or 1
    error "the run is over"
  end
  local ok, why = xpcall(run, function(e) return e ~= nil and debug.traceback(tostring(e), 2) or nil end)
  os.exit = real -- luacheck: ignore 122
  if status then return status end
  if ok then return 0 end
  if why == nil then return 1 end
  return nil, why
end

function M.main(ctx, argv)
  local found, runner = pcall(require, "busted.runner")
  if not found then
    ctx.err "moonwatch: busted is not installed (Debian: apt-get install lua-busted)\n"
    return 1
  end
  local tally = require "moonwatch.testing.tally"
  package.preload["busted.outputHandlers.moonwatch"] = function() return tally.handler end
  local args = { [0] = "moonwatch test", "--output=moonwatch", "--lpath=./?.lua;./spec/support/?.lua", "--pattern=_spec%.lua$" }
  for _, word in ipairs(argv) do args[#args + 1] = word end
  rawset(_G, "arg", args)
  local status, why = run_to_exit(function() runner { standalone = false } end)
  if not status then
    ctx.err(tostring(why) .. "\n")
    tally.failed = tally.failed + 1
  end
  ctx.out(("%d passed, %d failed\n"):format(tally.passed, tally.failed))
  return status == 0 and tally.failed == 0 and 0 or 1
end

return M
