--- amtool_spec.lua - Debian's amtool, told to speak with us: it says what it says to Debian's Alertmanager.
--
-- Both servers have the same configuration; each command goes to both, and what it prints and how it ends must be the same.
local am_pair = require "am_pair"
local json = require "dkjson"
local proc = require "proc"
local server = require "server"

local CONFIG = [[
route:
  receiver: web
  group_by: [ alertname ]
  group_wait: 1s
  routes:
    - matchers: [ team="db" ]
      receiver: db
      continue: true
      group_interval: 1m
      mute_time_intervals: [ nights ]
    - matchers: [ 'severity=~"page|critical"' ]
      receiver: phone
      group_by: [ '...' ]
      active_time_intervals: [ always ]
      routes: [ { matchers: [ 'service!~"toy.*"' ], receiver: web, repeat_interval: 90m } ]
inhibit_rules:
  - source_matchers: [ severity="page" ]
    target_matchers: [ severity="warning" ]
    equal: [ service ]
time_intervals:
  - name: nights
    time_intervals: [ { times: [ { start_time: '22:00', end_time: '24:00' } ], weekdays: [ 'monday:friday' ] } ]
  - name: always
    time_intervals: [ { days_of_month: [ '1:31' ] } ]
receivers:
  - name: web
    webhook_configs: [ { url: '%s/web' } ]
  - name: db
    webhook_configs: [ { url: '%s/db' } ]
  - name: phone
    pagerduty_configs: [ { routing_key: sesame, url: '%s/pd' } ]
]]

-- Queries of alerts and silences; each must print the same, in each form of output.
local QUERIES = {
  "alert", "alert query", "alert query Down", "alert query alertname=Down", "alert query severity=~page|warning service!=shop",
  "alert query service!~sh.p", "alert query nothing=''", "alert query missing!=''", "alert query --active", "alert query --silenced",
  "alert query --inhibited", "alert query --unprocessed", "alert query -a -s", "alert query -s -i -a -u", "alert query -r web", "alert query -r 'w.*|db'",
  "alert query -r nobody", [[alert query 'note=a "b"']], [[alert query 'note="a \"b\""']], "alert query 'alertname=~('", "alert query 'town=~M.*nchen'",
  "silence", "silence query", "silence query -q", "silence query alertname=Quiet", "silence query team=~d.*", "silence query --created-by=ann",
  "silence query --within=30m", "silence query --within=3h", "silence query --expired", "silence query --expired --within=1h", "silence query nothing=here",
}

local ROUTES = {
  "config routes", "config routes show", "config routes test team=db", "config routes test team=db severity=page service=shop", "config routes test severity=page service=toys",
  "config routes test --tree team=db severity=critical service=shop", "config routes test --verify.receivers=db,web team=db severity=page service=shop",
  "config routes test --verify.receivers=web team=db", "config routes test x=y", "config routes test team",
}

-- What either refuses, before or after asking the server.
local REFUSED = {
  "alert query -r '('", "alert add", "alert add a=b --start=yesterday", "silence add", "silence add x=y",
  "silence add '' -c c", "silence add 'a=' -c c", "silence add a=b -c c -d 0s", "silence add a=b -c c --end=2001-01-01T00:00:00Z",
  "silence expire", "silence expire 00000000-0000-0000-0000-000000000000", "silence expire nonsense", "silence update",
  "silence update 00000000-0000-0000-0000-000000000000 -c x", "silence import /nonexistent",
}

describe("amtool", function()
  local pair, home
  local ids = { {}, {} } -- of each side: id → what the spec calls it

  setup(function()
    home = proc.scratch()
    pair = am_pair.start(function(hook) return (CONFIG:gsub("%%s", hook)) end)
  end)
  teardown(function()
    if pair then pair:stop() end
    proc.cleanup()
  end)

  -- COMMAND against side I (1: theirs, 2: ours): status, output with what is chance taken out.
  local function run(i, command)
    local line = ("env HOME=%s XDG_CONFIG_HOME=%s TZ=UTC amtool --alertmanager.url=%s %s"):format(home, home, pair.urls[i],
      command:gsub("{(%w+)}", function(name)
        for id, called in pairs(ids[i]) do
          if called == name then return id end
        end
        error("no silence is called " .. name)
      end))
    local status, said = proc.run { "sh", "-c", line }
    local plain = said:gsub("%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x", function(id) return ids[i][id] or "<id>" end)
      :gsub("%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:%d%d[%d.]*Z?", "<time>"):gsub("127%.0%.0%.1:%d+", "<server>")
    return status, plain, said
  end

  -- Numbers of spaces follow the widths of ids; the order is that of the servers, which Alertmanager gives by chance among equals.
  local function lines(text)
    local list = {}
    for line in text:gmatch "[^\n]+" do list[#list + 1] = (line:gsub("  +", "  "):gsub("%s+$", "")) end
    table.sort(list)
    return table.concat(list, "\n")
  end

  local function same(command)
    local status, theirs = run(1, command)
    local own, ours = run(2, command)
    assert.equal(("%s\n(%d)\n%s"):format(command, status, lines(theirs)), ("%s\n(%d)\n%s"):format(command, own, lines(ours)))
    return status, ours
  end

  local function silence(name, command)
    for i = 1, 2 do
      local status, _, said = run(i, command)
      assert.equal(0, status, said)
      ids[i][said:match "^%s*(%S+)%s*$"] = name
    end
  end

  it("adds alerts", function()
    for _, command in ipairs {
      "alert add Down instance=a service=shop severity=page --annotation=summary='it is down' --generator-url=http://g/1",
      "alert add alertname=Slow instance=b service=shop severity=warning",
      [[alert add alertname=Quiet team=db 'note=a \"b\"' town=München --start=2026-01-01T00:00:00Z --end=2099-01-01T00:00:00Z]],
      "alert add alertname=Over --start=2020-01-01T00:00:00Z --end=2020-01-02T00:00:00Z",
    } do assert.equal(0, same(command)) end
  end)

  it("adds silences", function()
    silence("quiet", "silence add alertname=Quiet -a ann -c 'for a while'")
    silence("team", "silence add team=~'d.*' severity!=page env!~'x|y' -d 2h -a bob -c b")
    silence("later", "silence add alertname=Later --start=2098-01-01T00:00:00Z --end=2099-01-01T00:00:00Z -a ann -c later")
    silence("gone", "silence add alertname=Gone -a ann -c gone")
    silence("bare", "silence add Bare -a ann -c bare")
    assert.equal(0, same "silence expire {gone}")
  end)

  it("asks for them in each way, and is told the same in each form", function()
    proc.eventually(function()
      local _, inhibited = run(2, "alert query -i")
      local _, theirs = run(1, "alert query -i")
      local _, unprocessed = run(1, "alert query -u")
      local _, ours = run(2, "alert query -u")
      return inhibited:find "Slow" and theirs:find "Slow" and not unprocessed:find "Down" and not ours:find "Down"
    end, 10, "both have looked at all alerts")
    for _, query in ipairs(QUERIES) do
      same(query)
      same(query .. " -o extended")
    end
  end)

  it("is told the same as JSON", function()
    local function told(i, command)
      local status, _, said = run(i, command)
      assert.equal(0, status, said)
      local list, out = json.decode(said), {}
      for _, item in ipairs(list) do
        for _, field in ipairs { "updatedAt", "startsAt", "endsAt", "id" } do
          if item[field] then item[field] = field == "id" and ids[i][item.id] or "there" end
        end
        for n, id in ipairs(item.status.silencedBy or {}) do item.status.silencedBy[n] = ids[i][id] end
        table.sort(item.status.silencedBy or {})
        out[item.fingerprint or item.id] = item
      end
      return out
    end
    for _, command in ipairs { "alert query -s -a -i -o json", "silence query -o json", "silence query --expired -o json" } do
      assert.same(told(1, command), told(2, command))
    end
  end)

  it("changes silences", function()
    assert.equal(0, (same "silence update {quiet} -d 3h -c longer"))
    assert.equal(0, (same "silence update {team} --end=2097-05-05T05:05:05Z"))
    same "silence query -o extended"
    same "silence update {bare} -c 'no, bare'"
    assert.equal(0, (same "silence expire {quiet} {bare}"))
    same "silence query"
  end)

  it("carries silences over from a file, with any number of workers", function()
    for i = 1, 2 do
      local list = {}
      for n = 1, 60 do
        list[n] = { matchers = { { name = "n", value = tostring(n), isRegex = false, isEqual = true } }, createdBy = "file", comment = "c " .. n,
          startsAt = "2026-01-01T00:00:00Z", endsAt = "2099-01-01T00:00:00Z" }
      end
      proc.write(("%s/silences%d.json"):format(home, i), json.encode(list))
    end
    assert.equal(0, (same(("silence import -w 8 %s/silences1.json"):format(home))))
    assert.equal(0, (same(("silence import --force -w 1 %s/silences2.json"):format(home))))
    for i = 1, 2 do
      local _, out = run(i, "silence query -q --created-by=file")
      assert.equal(120, select(2, out:gsub("<id>", "")))
    end
    proc.write(home .. "/bad.json", '[{"matchers":[],"comment":"c","createdBy":"x","startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z"}]')
    -- amtool counts refusals in a thread that it does not wait for: its sum and its status are by chance, what it was told is not.
    local command = ("silence import %s/bad.json 2>&1 | grep -v \"couldn't import\""):format(home)
    local _, refused = same(command)
    assert.truthy(refused:find("Error adding silence", 1, true), refused)
    -- What one server printed the other takes.
    for from = 1, 2 do
      local _, _, said = run(from, "silence query --created-by=ann -o json")
      proc.write(("%s/from%d.json"):format(home, from), said)
      assert.equal(0, (run(3 - from, ("silence import --force %s/from%d.json"):format(home, from))))
    end
  end)

  it("draws the routes and says which an alert would take", function()
    for _, command in ipairs(ROUTES) do same(command) end
  end)

  it("takes our configuration for a good one", function()
    local status, shown, said = run(2, "config show")
    assert.equal(0, status, said)
    assert.is_nil(said:find("sesame", 1, true))
    assert.truthy(shown:find("inhibit_rules:", 1, true))
    assert.equal(0, (run(2, "config")))
    local _, answer = pair.ours:get "/api/v2/status"
    proc.write(home .. "/original.yml", json.decode(answer).config.original)
    local good, text = proc.run { "amtool", "check-config", home .. "/original.yml" }
    assert.equal(0, good, text)
    assert.truthy(text:find("3 receivers", 1, true), text)
    assert.truthy(text:find("1 inhibit rules", 1, true), text)
  end)

  it("shows the cluster", function()
    for _, command in ipairs { "cluster", "cluster show" } do
      assert.equal((run(1, command)), (run(2, command)))
    end
  end)

  it("is refused the same things", function()
    for _, command in ipairs(REFUSED) do
      local status, theirs = run(1, command)
      local own, ours = run(2, command)
      assert.are_not.equal(0, status, command)
      assert.equal(status, own, command)
      -- How a server refuses is the matter of its version; what amtool refuses itself it must not have asked either for.
      if not (theirs .. ours):find("status", 1, true) and not theirs:find "%[%d+%]" then assert.equal(theirs, ours) end
    end
  end)
end)

-- What Alertmanager has no word for.
local OWN = [[
window "office" { days = "fri-mon", times = "22:00-06:00", zone = "Europe/Lisbon" }
window "odd" { months = "jan", times = "22:00-06:00" }
receiver "pager" { function() end, teams { url = secret "TEAMS" }, webhook { url = secret "HOOK" }, fallback = "chat" }
receiver "chat" { slack { token = secret "SLACK", channel = "#ops" } }
person "ann" { webhook { url = "http://127.0.0.1:9/sesame" } }
oncall "web" { people = { "ann" }, weekly = "mon 09:00", start = "2026-01-05" }
drill "daily" { to = "pager", every = "1d", within = "2m" }
escalation "up" { { after = "15m", to = { "oncall:web" } } }
inhibit { source = { severity = "page" }, target = { a = "b" } }
route { receiver = "chat", escalate = "up",
  routes = { { match = { team = "web" }, receiver = "oncall:web", mute = { "office", "odd" } }, { match = { 'team=~"a|b"' }, receiver = "pager", active = "office" } } }
]]

describe("amtool with a tree of our own words", function()
  local s
  setup(function() s = server.start { rules = { ["own.lua"] = OWN } } end)
  teardown(function()
    if s then s:stop() end
    proc.cleanup()
  end)

  local function amtool(...)
    local status, said = proc.run { "amtool", "--no-version-check", "--alertmanager.url=" .. s.url, ... } -- the versions are not the same
    assert.equal(0, status, said)
    return said
  end

  it("draws it, tests it and takes it for good", function()
    local drawn = amtool("config", "routes", "show")
    for _, what in ipairs { 'team="web"', "receiver: oncall:web", "receiver: pager" } do assert.truthy(drawn:find(what, 1, true), drawn) end
    assert.equal("oncall:web", amtool("config", "routes", "test", "team=web"):match "%S+")
    assert.equal("pager", amtool("config", "routes", "test", "team=a", "--verify.receivers=pager"):match "%S+")
    assert.equal("chat", amtool("config", "routes", "test", "x=y"):match "%S+")
    local _, answer = s:get "/api/v2/status"
    local text = json.decode(answer).config.original
    assert.is_nil(text:find("sesame", 1, true))
    assert.truthy(text:find('# receiver "pager" also tells by teams', 1, true), text)
    local path = proc.scratch() .. "/original.yml"
    proc.write(path, text)
    local status, said = proc.run { "amtool", "check-config", path }
    assert.equal(0, status, said)
    assert.truthy(said:find("4 receivers", 1, true), said)
  end)

  it("reads what a newer Alertmanager says", function()
    amtool("alert", "add", "Down", "team=web")
    amtool("silence", "add", "team=web", "-c", "c")
    assert.truthy(amtool("alert", "query", "-s"):find("Down", 1, true))
    assert.truthy(amtool("silence", "query"):find("team", 1, true))
  end)
end)
