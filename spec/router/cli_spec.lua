--- cli_spec.lua - the commands about alerts, against a router in simulated time.
local world_of = require "router_world"

local function rig(config)
  local world = world_of.new(config or {})
  local host, printed, complained = world.host, {}, {}
  host.on_ask.rules = function() return { status = 200, body = '{"data":{"groups":[]}}' } end
  local ctx = { url = "http://x/", out = function(t) printed[#printed + 1] = t end, err = function(t) complained[#complained + 1] = t end }
  ctx.host = setmetatable({ now = function() return world.now end, call = function(_, arg)
    local path = arg.url:match "^http://x(.*)$"
    if path == "/api/v1/alerts" then return { status = 200, body = '{"data":{"alerts":[]}}' } end
    local _, _, answer = world:http(arg.method, path, arg.body)
    return answer
  end }, { __index = host })
  return world, function(command, ...)
    printed, complained = {}, {}
    local status = require("moonwatch.cli." .. command).main(ctx, { ... })
    return status, table.concat(printed), table.concat(complained)
  end
end

describe("on the command line", function()
  it("a silence is tried before it is made, may mean one receiver, and is prolonged", function()
    local world, run = rig()
    world.host.ask = function(_, _, done) done { status = 200, body = '{"data":{"groups":[]}}' } end
    world:fire("Busy", { job = "api" }):fire("Idle", { job = "api" }):advance "1m"
    local status, text = run("silence", "add", "alertname=Busy", "--for", "1h", "--dry-run")
    assert.equal(0, status)
    assert.is_truthy(text:find("fires now and would be quiet: 1 of 2", 1, true), text)
    assert.equal("no silences\n", select(2, run("silence", "list")))
    local _, id = run("silence", "add", "alertname=Busy", "--for", "1h", "--receiver", "hook", "--comment", "spec")
    id = id:gsub("\n", "")
    assert.same({ "hook" }, world.router.silences:get(id).receivers)
    local ends = world.router.silences:get(id).ends_at
    assert.equal(0, (run("silence", "extend", id, "--for", "2h")))
    assert.equal(ends + 7200, world.router.silences:get(id).ends_at)
    assert.same({ "hook" }, world.router.silences:get(id).receivers)
    local _, night = run("silence", "add", "job=api", "--for", "30d", "--days", "mon-fri", "--times", "02:00-04:00", "--comment", "spec")
    assert.equal("02:00-04:00", world.router.silences:get((night:gsub("\n", ""))).recurring.times)
    local _, short = run("silence", "add", "alertname=Idle", "--until-resolved", "--comment", "spec")
    assert.is_true(world.router.silences:get((short:gsub("\n", ""))).until_resolved)
    assert.equal(0, (run("silence", "expire", id, (night:gsub("\n", "")))))
  end)

  it("alerts say who keeps which of them quiet", function()
    local world, run = rig()
    local function line(name)
      local _, text = run "alerts"
      return text:match("[^\n]* " .. name .. " [^\n]*"):gsub("%s+", " ")
    end
    world:fire("Busy", { job = "api" }):fire("Idle", { job = "api" }):advance "1m"
    assert.equal("firing Busy job=api 2026-05-28T20:26:40.000Z -", line "Busy")
    local id = world:silence("Busy", "1h")
    assert.truthy(line("Busy"):find("silenced Busy job=api 2026-05-28T20:26:40.000Z silence " .. id .. " by spec mutes it until 2026-05-28T21:27:40.000Z", 1, true))
    world:http("POST", "/api/mw/v1/ack", { alert = "Idle", author = "ann" })
    assert.truthy(line("Idle"):find("acknowledged Idle job=api 2026-05-28T20:26:40.000Z ann is on it until it is over", 1, true))
  end)

  it("a list of silences shows all of their matchers, and what narrows them", function()
    local world, run = rig { windows = { { name = "night", times = "00:00-06:00" } } }
    local function m(name, value) return { { name = name, value = value, isRegex = false } } end
    local function listed(body)
      body["for"], body.comment, body.createdBy = "7d", "spec", "ann"
      local status, s = world:http("POST", "/api/mw/v1/silences", body)
      assert.equal(200, status, s.error and s.error.message)
      local _, text = run("silence", "list")
      return text:match("[^\n]*" .. s.id:gsub("%-", "%%-") .. "[^\n]*"):gsub("%s+", " ")
    end
    assert.truthy(listed { matchers = m("a", "1") }:find('active 0 a="1" 2026-06-04T20:26:40.000Z - ann spec', 1, true))
    assert.truthy(listed { matcherSets = { m("a", "1"), m("b", "2") }, receivers = { "hook" } }:find('a="1" or b="2" 2026-06-04T20:26:40.000Z to hook ann', 1, true))
    assert.truthy(listed { matchers = m("c", "1"), recurring = { days = "mon-fri", times = "02:00-04:00", zone = "UTC" } }
      :find("mon-fri 02:00-04:00 UTC next 2026-05-29T02:00:00.000Z ann", 1, true))
    assert.truthy(listed { matchers = m("d", "1"), window = "night" }:find("window night next 2026-05-29T00:00:00.000Z ann", 1, true))
  end)

  it("nobody's words move the cursor, forge a line or change what stands beside them", function()
    local world, run = rig()
    world.host.ask = function(_, _, done) done { status = 200, body = '{"data":{"groups":[]}}' } end
    local evil = "quiet\27[2J\r\nID  \194\155forged"
    world:fire("Busy" .. evil, { job = evil }):fire "Größer":advance "1m"
    assert.equal(200, (world:http("POST", "/api/mw/v1/silences", { matchers = { { name = "job", value = evil, isRegex = false } }, ["for"] = "1h", comment = evil,
      createdBy = evil })))
    assert.equal(200, (world:http("POST", "/api/mw/v1/ack", { labels = { job = evil }, author = evil, comment = evil })))
    for _, command in ipairs { { "silence", "list" }, { "ack" }, { "audit" }, { "alerts" }, { "silence", "add", "job!=", "--for", "1h", "--dry-run" } } do
      local status, text = run(unpack(command))
      assert.equal(0, status)
      assert.truthy(text:find("quiet?[2J", 1, true) or command[1] == "audit", text)
      assert.falsy(text:find "[%z\1-\9\11-\31\127]", text)
      assert.falsy(text:find("\194\155", 1, true), text)
      assert.falsy(text:find("\nID  ?forged", 1, true), text)
    end
  end)

  it("alerts are listed, silenced, acknowledged and explained", function()
    local world, run = rig()
    world:fire("Busy", { job = "api" }):advance "1m"
    local _, text = run "alerts"
    assert.is_truthy(text:find "firing%s+Busy%s+job=api")
    local status, id = run("silence", "add", "alertname=Busy", "job=~a.*", "--for", "1h", "--comment", "spec")
    assert.equal(0, status)
    _, text = run("silence", "list")
    assert.is_truthy(text:find('alertname="Busy" job=~"a.*"', 1, true))
    _, text = run "alerts"
    assert.is_truthy(text:find "silenced%s+Busy")
    assert.equal(0, (run("silence", "expire", (id:gsub("\n", "")))))
    assert.equal(0, (run("ack", "Busy", "job=api", "--comment", "mine")))
    status, text = run("why", "Busy")
    assert.equal(0, status)
    assert.is_truthy(text:find("hook/webhook/1: told", 1, true), text)
    assert.equal(0, (run("notify", "hook", "--test")))
  end)

  it("receivers are listed with what keeps them, and drills are run and listed", function()
    local world, run = rig()
    local status, text = run "receivers"
    local _
    assert.equal(0, status)
    assert.is_truthy(text:find "hook%s+webhook%s+ok%s+%-")
    world.answers.hook = function() return { retry = true, status = 500, error = "answered 500" } end
    world:fire("Busy", { severity = "page" }):advance "3m"
    _, text = run "receivers"
    assert.is_truthy(text:find "hook%s+webhook%s+breaker open until %S+%s+1 pages, 0 tickets, 0 infos%s+%S+%s+nothing taken since %S+: answered 500", text)
    _, text = run("receivers", "--json")
    assert.equal("hook", world.host.json.decode(text).receivers[1].name)
    status, text = run("notify", "hook", "--test", "--json")
    assert.equal(1, status)
    assert.is_false(world.host.json.decode(text).ok)
    _, text = run "drills"
    assert.is_truthy(text:find("no drills", 1, true))
    world:reload { drills = { { name = "way", to = { "hook" }, every = 86400, within = 60 } } }
    status, text = run "drills"
    assert.equal(0, status)
    assert.is_truthy(text:find "way%s+not yet%s+%-%s+%-%s+0 of 0")
    assert.equal(2, (run("drills", "run")))
    assert.equal(1, (run("drills", "run", "other")))
  end)

  it("who is on what is listed, handed over and taken back", function()
    local world, run = rig()
    world:fire("Busy", { job = "api" }):advance "1m"
    local _, text = run "ack"
    assert.equal("nobody has acknowledged anything\n", text)
    run("ack", "Busy", "--author", "ann", "--comment", "mine")
    _, text = run "ack"
    assert.is_truthy(text:find "ann%s+Busy %-%s+1%s+%S+%s+resolved%s+mine")
    local status, complained
    status, _, complained = run("ack", "Busy", "--to", "bob")
    assert.equal(1, status)
    assert.is_truthy(complained:find('there is no person or receiver "bob"', 1, true))
    _, text = run("ack", "Busy", "--to", "hook")
    assert.is_truthy(text:find("Busy acknowledged for hook: 1 firing alert(s)", 1, true))
    assert.equal(0, (run("ack", "Busy", "--undo")))
    assert.equal(1, (run("unack", "Busy")))
    assert.equal(2, (run "unack"))
  end)

  it("who is on call is shown, and taken over", function()
    local world, run = rig()
    local _, text = run "oncall"
    assert.is_truthy(text:find("there are no rotations", 1, true))
    world:reload { names = { "ann", "bob" }, oncalls = { web = { people = { "ann", "bob" }, daily = "21:00", start = "2026-05-27" } } }
    _, text = run "oncall"
    assert.is_truthy(text:find "web%s+ann%s+rotation%s+2026%-05%-28T21:00:00Z%s+bob")
    _, text = run("oncall", "web", "--at", "2026-06-01T12:00:00Z", "--for", "2d")
    assert.is_truthy(text:find "2026%-06%-01T12:00:00Z%s+2026%-06%-01T21:00:00Z%s+%a+%s+rotation\n")
    local status
    status, text = run("oncall", "web", "bob", "--for", "2h", "--author", "bob")
    assert.equal(0, status)
    local id = text:match "%((%x+)%)"
    _, text = run("oncall", "web")
    assert.is_truthy(text:find("exception " .. id .. ": bob from", 1, true))
    assert.equal(0, (run("oncall", "web", "--drop", id)))
    assert.equal(1, (run("oncall", "web", "--drop", id)))
    assert.equal(1, (run("oncall", "wab")))
    for _, wrong in ipairs { { "web", "bob" }, { "web", "--at", "soon" }, { "web", "--for", "x" }, { "--for", "1h" }, { "web", "--from", "x" }, { "a", "b", "c" } } do
      assert.equal(2, (run("oncall", unpack(wrong))))
    end
  end)

  it("a no is status 1 and a misuse status 2", function()
    local _, run = rig()
    assert.equal(1, (run("ack", "Nope")))
    assert.equal(1, (run("silence", "expire", "00000000-0000-0000-0000-000000000000")))
    assert.equal(1, (run("notify", "nobody", "--test")))
    assert.equal(1, (run("why", "Nope")))
    assert.equal(2, (run("silence", "add", "a=b")))
    assert.equal(2, (run("ack", "--undo")))
    assert.equal(2, (run("ack", "Busy", "--undo", "--to", "x")))
    assert.equal(2, (run("alerts", "--bogus")))
  end)

  it("why begins with the verdict, and is asked by labels, for a receiver, as of a time and as JSON", function()
    local world, run = rig()
    world:silence("Busy", "1h")
    world:fire("Busy", { job = "api" }):advance "1m"
    local status, text = run("why", "Busy")
    assert.equal(0, status)
    assert.is_truthy(text:find "^nobody was told because silence %S+ by spec mutes it until ", text)
    for _, part in ipairs { "what happened:", "spec made silence", "route {} -> hook" } do assert.is_truthy(text:find(part, 1, true), text) end
    assert.equal(0, (run("why", "--labels", "alertname=Busy,job=api", "--receiver", "hook")))
    status, text = run("why", "Busy", "--at", tostring(world.start - 60))
    assert.equal(0, status)
    assert.is_truthy(text:find "^it did not fire then", text)
    text = select(2, run("why", "Busy", "--json"))
    assert.is_table(world.host.json.decode(text).alerts)
    status, text = run("why", "--labels", "alertname=Bsy,job=api")
    assert.equal(1, status)
    for _, part in ipairs { "no such alert is known here", "if it fired now: told are hook", "firing Busy {job=api}" } do
      assert.is_truthy(text:find(part, 1, true), text)
    end
    assert.equal(2, (run("why", "--labels", "job")))
    assert.equal(1, (run("why", "Busy", "--receiver", "nobody")))
  end)

  it("why --route says where labels go; nowhere is status 1", function()
    local world, run = rig()
    local status, text = run("why", "--route", "team=web")
    assert.equal(0, status)
    assert.equal("{} -> hook: taken\nreceivers: hook\n", text)
    world:reload { routes = { { match = { team = "db" }, receiver = "hook" } } }
    status, text = run("why", "--route", "team=web")
    assert.equal(1, status)
    assert.is_truthy(text:find('not taken: team="db" says no (it is "web")', 1, true), text)
    assert.equal(2, (run("why", "--route")))
  end)

  it("why prints nothing of a receiver's answer that a terminal would obey", function()
    local world, run = rig()
    world.answers.hook = function() return { retry = false, status = 400, error = "\27]0;evil\7" .. ("x"):rep(9999) } end
    world:fire("Busy"):advance "1m"
    local _, text = run("why", "Busy")
    assert.is_nil(text:find "[\27\7]")
    assert.is_true(#text < 5000)
  end)
end)
