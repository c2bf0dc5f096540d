--- starter.lua - `moonwatch init [DIR]`: a folder to begin with: rules, a module, a spec and what editors want to know.
--
-- What is there already is left alone, except for the description of the words, which belongs to the program's version.
local annotations = require "moonwatch.words.annotations"
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "init [DIR]"
M.help = "a starter folder with rules, a spec and editor support; files that are there are left alone"

local ROOT = [[
-- moonwatch.lua - the server itself.  Start it with `moonwatch run`; `moonwatch help settings` tells what may stand here.
settings { listen = "127.0.0.1:9490", data = "./data" }

include "rules/*.lua"

-- This server, as a first target.  `moonwatch help scrape` tells more.
scrape "moonwatch" { targets = { "127.0.0.1:9490" } }

-- Who is told.  A receiver may also be slack{...}, webhook{...}, pagerduty{...}: `moonwatch help receiver`.
receiver "log" {
  function(n, ctx)
    for _, alert in ipairs(n.alerts) do ctx.log.warn(("%s is %s"):format(alert.labels.alertname, alert.status), alert.labels) end
  end,
}
route { receiver = "log", group_by = { "alertname" } }
]]

local RULES = [[
-- first.lua - rules to begin with.  Check them with `moonwatch check moonwatch.lua`, try them with `moonwatch test`.
local limits = require "lib.limits"

alert "TargetDown" {
  expr = "up == 0",
  hold = "1m",
  severity = "page",
  summary = "${labels.job} at ${labels.instance} does not answer since ${active_at|since|duration}",
}

-- A rule is a program: one alert for each team.
for team, limit in pairs(limits.error_ratio) do
  alert("ErrorRatio_" .. team) {
    expr = ('sum(rate(http_requests_total{team="%s",code=~"5.."}[5m])) / sum(rate(http_requests_total{team="%s"}[5m]))'):format(team, team),
    above = limit,
    hold = "5m",
    labels = { team = team },
    summary = "${value|percent} of the requests fail; ${threshold|percent} are allowed",
  }
end
]]

local LIMITS = [[
-- limits.lua - what each team allows.  Rules say require "lib.limits".
return {
  error_ratio = { shop = 0.01, search = 0.05 },
}
]]

local SPEC = [[
-- first_spec.lua - the rules in simulated time; `moonwatch test` runs this.
local testing = require "moonwatch.testing"

describe("TargetDown", function()
  it("fires once a target has not answered for a minute", function()
    local world = testing.world "rules/first.lua"
    world:set('up{job="web",instance="a:1"}', 0):advance "45s"
    assert.same({}, world:firing())
    world:advance "30s"
    assert.same({ "TargetDown" }, world:firing())
  end)
end)

describe("ErrorRatio", function()
  it("of a team is judged by the team's own limit", function()
    local world = testing.world "rules/first.lua"
    for _, team in ipairs { "shop", "search" } do
      world:series(('http_requests_total{team="%s",code="500"}'):format(team), "0+3x100")
      world:series(('http_requests_total{team="%s",code="200"}'):format(team), "0+97x100")
    end
    world:advance "20m"
    assert.same({ "ErrorRatio_shop" }, world:firing())
  end)
end)
]]

local LUARC = [[
{
  "runtime.version": "LuaJIT",
  "workspace.library": [".moonwatch/library"],
  "workspace.checkThirdParty": false
}
]]

local LIBRARY = ".moonwatch/library/" -- always written anew

-- In the order in which they are told.
local function files()
  return {
    { "moonwatch.lua", ROOT, "the server: what it listens on, whom it tells" },
    { "rules/first.lua", RULES, "rules" },
    { "rules/lib/limits.lua", LIMITS, "a module of theirs" },
    { "spec/first_spec.lua", SPEC, "their spec" },
    { ".luarc.json", LUARC, "for the Lua language server" },
    { ".luacheckrc", annotations.luacheckrc(), "for luacheck" },
    { LIBRARY .. "moonwatch.lua", annotations.library(), "the words, for both to know" },
    { LIBRARY .. "objects.lua", annotations.objects(), "what functions are given, likewise" },
  }
end

local function put(ctx, path, text, always)
  local host = ctx.host
  if host.stat(path) and not always then return "kept" end
  local ok, why = host.mkdir(path:match "^(.*)/")
  if ok then ok, why = host.write_file(path, text) end
  if not ok then
    ctx.err(("moonwatch: %s: %s\n"):format(path, tostring(why)))
    return nil
  end
  return "written"
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, {})
  if not options or #rest > 1 then return client.misused(ctx, M, options and "init takes one folder" or rest) end
  local dir = (rest[1] or "."):gsub("(.)/+$", "%1")
  local rows = {}
  for _, file in ipairs(files()) do
    local done = put(ctx, dir .. "/" .. file[1], file[2], file[1]:sub(1, #LIBRARY) == LIBRARY)
    if not done then return 1 end
    rows[#rows + 1] = { done, file[1], file[3] }
  end
  ctx.out(client.columns(rows))
  ctx.out(("\nNext: %smoonwatch check moonwatch.lua && moonwatch test && moonwatch run\n"):format(dir == "." and "" or "cd " .. dir .. " && "))
  return 0
end

return M
