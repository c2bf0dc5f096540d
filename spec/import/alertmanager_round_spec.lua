--- alertmanager_round_spec.lua - what we show as our Alertmanager configuration is one, and means what we do.
local alertmanager = require "moonwatch.import.alertmanager"
local config = require "moonwatch.engine.router.config"
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local outputs = require "moonwatch.import.outputs"
local proc = require "proc"
local report = require "moonwatch.import.report"
local yaml = require "moonwatch.api.alertmanager_yaml"

local function read(lua)
  local set, problems = load.load { host = host, config = "am.lua", source = lua }
  assert(set, problems[1] and problems[1].text)
  return assert(config.read(set.routing, host))
end

-- The text that TEXT becomes when it is imported, what the importer gave up, and the routing it made.
local function around(text)
  local path = proc.scratch() .. "/am.yml"
  proc.write(path, text)
  local told, out = report.new(), outputs.new(host)
  alertmanager.import(path, { host = host, report = told, out = out, how = "spec" })
  local lost = {}
  for _, line in ipairs(told:lines()) do
    if not line:find("a secret is written into the Lua file", 1, true) then lost[#lost + 1] = line end
  end
  local routing = read(out.list[1].text)
  return yaml.text(routing), lost, routing
end

local TREE = [[
window "nights" { days = "mon-fri", times = { "20:00-24:00", "00:00-06:00" }, zone = "Europe/Lisbon" }
window "weekend" { days = "sat-mon" }
window "ends" { dates = { "1-7", "-2" }, months = { "nov-feb" }, years = "2026-2028" }
inhibit { source = { alertname = "NodeDown" }, target = { 'severity!="page"', 'team=~"web|api"' }, equal = { "instance", "cluster" } }
inhibit { source = { a = "b" }, target = { c = "" } }
receiver "hooks" { webhook { url = "http://me:pw@127.0.0.1:9/T0/sesame?key=sesame", max_alerts = 3 }, webhook { url = secret "HOOK", send_resolved = false } }
receiver "many" {
  pagerduty { routing_key = "sesame", url = "https://me:sesame@events.example.com/v2/enqueue" }, opsgenie { api_key = "sesame", url = "https://api.eu.opsgenie.com" },
  victorops { api_key = "sesame", routing_key = "team" }, pushover { token = "sesame", user_key = "sesame" },
  slack { url = secret "SLACK", channel = "#${common_labels.team}" }, discord { url = "http://127.0.0.1/sesame" }, telegram { token = "sesame", chat_id = -12, url = "https://me:sesame@tg.example.com" },
  webex { token = "sesame", room_id = "r" },
}
receiver "mail" { email { to = { "a@b.c", "${group_labels.owner}", "{{ .CommonLabels.team }}@b.c" }, from = "m@b.c", smarthost = "mail:587", auth = { user = "me", password = "sesame" }, require_tls = false } }
receiver "sms" { sns { phone_number = "+351", region = "eu-west-1", access_key = "sesame", secret_key = "sesame" } }
receiver "silent: one" {}
route {
  receiver = "hooks", group_by = { "alertname", "job" }, group_wait = "10s", resolve_timeout = "7m",
  routes = {
    { match = { 'severity=~"page|critical"', 'team!~"web|.*x"' }, receiver = "many", continue = true, mute = { "nights", "ends" }, repeat_interval = "90m" },
    { match = { severity = "ticket" }, group_by = "all", active = "weekend", group_interval = "500ms", routes = { { match = { a = "\"\\" }, receiver = "mail" } } },
    { match = { b = "" }, receiver = "silent: one" },
  },
}
]]

after_each(function() proc.cleanup() end)

describe("the configuration that is shown to clients of Alertmanager", function()
  it("is read again as the same", function()
    local text = yaml.text(read(TREE))
    local again, lost = around(text)
    assert.same({}, lost)
    assert.equal(text, again)
    assert.is_nil(text:match "^#")
    assert.truthy(text:find('channel: "#{{ .CommonLabels.team }}"', 1, true) and text:find('to: "a@b.c, {{ .GroupLabels.owner }}, {{ .CommonLabels.team }}@b.c"', 1, true), text)
  end)

  it("tells no secret", function()
    local text = yaml.text(read(TREE))
    assert.is_nil(text:find("sesame", 1, true))
    assert.is_nil(text:find("me:pw", 1, true))
    assert.truthy(text:find("<secret>", 1, true))
  end)

  it("is one for Debian's amtool", function()
    local path = proc.scratch() .. "/am.yml"
    proc.write(path, yaml.text(read(TREE)))
    local status, said = proc.run { "amtool", "check-config", path }
    assert.equal(0, status, said)
    for _, what in ipairs { "5 receivers", "2 inhibit rules", "route", "global config" } do assert.truthy(said:find(what, 1, true), said) end
  end)

  it("says windows over midnight, over the end of a week and of whole dates in pieces that mean the same", function()
    local routing = read [[
window "night" { times = "22:00-06:00", zone = "Europe/Lisbon" }
window "worknight" { days = "fri-sun", times = { "22:00-06:00", "12:00-13:00" } }
window "holidays" { dates = { "2026-12-24..2027-01-06", "2026-05-01", "3" }, times = "08:00-20:00" }
receiver "x" {}
route { receiver = "x", routes = { { match = { a = "b" }, mute = { "night", "worknight" }, active = "holidays" } } }
]]
    local _, lost, again = around(yaml.text(routing))
    assert.same({}, lost)
    local node, copy = routing.tree.root.routes[1], again.tree.root.routes[1]
    local function open(all, names, t)
      for _, name in ipairs(names) do
        if all[name]:contains(t) then return true end
      end
      return false
    end
    local seen = 0
    for t = 1777000000, 1777000000 + 300 * 86400, 1740 do
      for _, lists in ipairs { { node.mute, copy.mute }, { node.active[1], copy.active[1] } } do
        local was = open(routing.windows, lists[1], t)
        assert.equal(was, open(again.windows, lists[2], t), os.date("!%c", t))
        seen = seen + (was and 1 or 0)
      end
    end
    assert.truthy(seen > 1000)
  end)

  it("leaves out a text that it could not say", function()
    local text = yaml.text(read [[
receiver "x" { slack { url = "http://127.0.0.1/x", channel = "#${value}" }, email { to = "${labels.owner}", from = "m@b.c", smarthost = "mail:587" } }
route { receiver = "x" }
]])
    assert.is_nil(text:find("channel", 1, true))
    assert.truthy(text:find('# receiver "x" also tells by email', 1, true), text)
  end)

  it("says in comments what that language has no word for", function()
    local text = yaml.text(read [[
settings { programs = { "/bin" } }
window "odd" { months = "jan", times = "22:00-06:00" }
receiver "x" { teams { url = "http://127.0.0.1/x" }, function() end, exec { command = "true" } }
enrich { labels = { team = "x" } }
inhibit { source = { alertname = "Down" }, target = { alertname = "Slow" }, equal = { "site", name = "uplink" } }
route { receiver = "x", active = "odd", routes = { { match = { a = "b" }, mute = "odd" } } }
]])
    for _, what in ipairs { '# window "odd" cannot be said', "# the root route has windows", "also tells by teams", "also tells by function", "also tells by exec",
      "# alerts that are posted get further labels",
      '# the inhibition of {alertname="Slow"} by {alertname="Down"} compares' } do
      assert.truthy(text:find(what, 1, true), text)
    end
    assert.is_nil(text:find("time_intervals", 1, true))
    assert.is_nil(text:find("inhibit_rules", 1, true))
    local _, lost = around(text)
    assert.same({}, lost)
  end)
end)
