--- test.lua - `moonwatch test`: busted specs and promtool files in this process; the last line is "N passed, N failed".
local files = require "moonwatch.testing.files"
local junit = require "moonwatch.testing.junit"
local nonet = require "moonwatch.testing.nonet"
local promtool = require "moonwatch.testing.promtool"
local tally = require "moonwatch.testing.tally"

local M = {}

M.usage = "test [PATH...] [--filter PATTERN] [--run REGEX] [--junit FILE] [--allow-network] [--group-intervals] [--closed-ranges] [busted options]"
M.help = "run tests of rules in simulated time: busted specs (*_spec.lua) and promtool files (*_test.yml); default ./spec"
M.raw = true

-- Ours; `filter` is busted's as well.
local SWITCHES = { ["--allow-network"] = "network", ["--group-intervals"] = "intervals", ["--closed-ranges"] = "closed" }
local VALUES = { ["--run"] = "run", ["--junit"] = "junit", ["--filter"] = "filter" }
-- Those of busted that take a value, which is no path.
local BUSTED = {}
for word in ([[-o --output -p --pattern --exclude-pattern -e -C --directory -f --config-file --coverage-config-file -t --tags --exclude-tags
  --filter-out --name -m --lpath --cpath -r --repeat --seed --lang --loaders --helper --lua -Xoutput -Xhelper]]):gmatch "%S+" do BUSTED[word] = true end

-- ARGV -> options, paths, words for busted; nil and why.
local function parse(argv)
  local options, paths, rest, i = {}, {}, {}, 1
  while i <= #argv do
    local word = argv[i]
    local name, equals, value = word:match "^(%-%-?[%w%-]+)(=?)(.*)$"
    if name and VALUES[name] then
      if equals == "" then
        i = i + 1
        value = argv[i]
      end
      if not value then return nil, name .. " needs a value" end
      options[VALUES[name]] = value
      if name == "--filter" then rest[#rest + 1] = "--filter=" .. value end
    elseif SWITCHES[word] then options[SWITCHES[word]] = true
    elseif name then
      rest[#rest + 1] = word
      if BUSTED[word] then
        i = i + 1
        rest[#rest + 1] = argv[i]
      end
    else paths[#paths + 1] = word end
    i = i + 1
  end
  return options, paths, rest
end

-- -- busted ------------------------------------------------------------------------------------

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

local function without_yaml(paths)
  local out = {}
  for _, path in ipairs(paths) do
    if not path:find "%.ya?ml$" then out[#out + 1] = path end
  end
  return out
end

-- The exit status of busted over PATHS.
local function run_specs(ctx, options, paths, rest)
  local found, runner = pcall(require, "busted.runner")
  if not found then
    ctx.err "moonwatch: busted is not installed, and specs need it (Debian: apt-get install lua-busted; promtool files run without)\n"
    return 1
  end
  if not options.network then nonet.close(ctx.host) end
  package.preload["busted.outputHandlers.moonwatch"] = function() return tally.handler end
  local args = { [0] = "moonwatch test", "--output=moonwatch", "--lpath=./?.lua;./spec/support/?.lua", "--pattern=_spec%.lua$" }
  for _, word in ipairs(rest) do args[#args + 1] = word end
  for _, path in ipairs(without_yaml(paths)) do args[#args + 1] = path end
  rawset(_G, "arg", args)
  local status, why = run_to_exit(function() runner { standalone = false } end)
  if status then return status end
  ctx.err(tostring(why) .. "\n")
  tally.failed = tally.failed + 1
  return 1
end

-- -- promtool ----------------------------------------------------------------------------------

local function run_promtool(ctx, options, list)
  for _, path in ipairs(list) do
    local results, warnings = promtool.run(ctx.host, path, options)
    for _, text in ipairs(warnings) do ctx.err(("moonwatch: %s\n"):format(text)) end
    for _, r in ipairs(results) do
      if r.ok then tally.pass(path, r.name) else tally.fail("FAILED", ("%s:%d"):format(path, r.line or 1), r.name, r.text) end
    end
  end
end

-- -- the command -------------------------------------------------------------------------------

local function usage(ctx, why)
  ctx.err(("moonwatch: %s\nusage: moonwatch %s\n"):format(why, M.usage))
  return 2
end

function M.main(ctx, argv)
  local options, paths, rest = parse(argv)
  if not options then return usage(ctx, paths) end
  if options.run then
    local regex, why = ctx.host.regex("(?s:.*(?:" .. options.run .. ").*)")
    if not regex then return usage(ctx, "--run: " .. why) end
    options.run = regex
  end
  if #paths == 0 then paths = { "spec" } end
  local found, why = files.find(ctx.host, paths)
  if not found then return usage(ctx, why) end
  if #found.specs + #found.promtool == 0 then
    ctx.err(("moonwatch: no tests in %s (specs are called *_spec.lua, promtool files *_test.yml)\n"):format(table.concat(paths, ", ")))
    return 1
  end
  run_promtool(ctx, options, found.promtool)
  local status = 0
  if #found.specs > 0 and not options.run then status = run_specs(ctx, options, paths, rest) end
  if options.junit then
    local ok, failure = ctx.host.write_file(options.junit, junit.text(tally.results))
    if not ok then
      ctx.err(("moonwatch: %s: %s\n"):format(options.junit, tostring(failure)))
      status = 1
    end
  end
  ctx.out(("%d passed, %d failed\n"):format(tally.passed, tally.failed))
  return status == 0 and tally.failed == 0 and 0 or 1
end

return M
