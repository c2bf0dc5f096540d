--- alertmanager_spec.lua - what becomes of the configuration of Alertmanager.
local alertmanager = require "moonwatch.import.alertmanager"
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local outputs = require "moonwatch.import.outputs"
local proc = require "proc"
local report = require "moonwatch.import.report"

local function import(text)
  local path = proc.scratch() .. "/am.yml"
  proc.write(path, text)
  local told, out = report.new(), outputs.new(host)
  alertmanager.import(path, { host = host, report = told, out = out, how = "moonwatch import alertmanager" })
  local lines = told:lines()
  for i, line in ipairs(lines) do lines[i] = line:match "am.yml:(.*)$" end
  return out.list[1] and out.list[1].text:gsub("^%-%- Imported from[^\n]*\n\n?", "") or "", lines
end

local function loaded(lua)
  local set, problems = load.load { host = host, config = "am.lua", source = lua }
  assert(set, problems[1] and problems[1].text)
  return set.routing
end

after_each(function() proc.cleanup() end)

describe("the configuration of Alertmanager", function()
  it("becomes a tree, inhibitions, windows and receivers, with its comments", function()
    local lua, lost = import [[
# Who hears of what.
route:
  receiver: web   # everybody else
  group_by: [ alertname, job ]
  group_wait: 10s
  routes:
    # Pages go to the phone.
    - matchers: [ severity="page", team=~"web|api" ]
      receiver: phone
      continue: true
      mute_time_intervals: [ nights ]
    - match: { severity: ticket }
      match_re: { team: "db.*" }
      group_by: [ '...' ]
      routes:
        - match: { team: dba }
          receiver: phone
inhibit_rules:
  # A node that is gone explains the rest.
  - source_matchers: [ alertname = NodeDown ]
    target_match: { severity: warning }
    equal: [ instance ]
time_intervals:
  - name: nights
    time_intervals:
      - times: [ { start_time: "20:00", end_time: "24:00" }, { start_time: "00:00", end_time: "06:00" } ]
        weekdays: [ 'monday:friday' ]
        location: Europe/Lisbon
      # And all of the first and last days.
      - days_of_month: [ '1:2', '-2:-1' ]
        months: [ 'january:march', '12' ]
        years: [ '2026:2028' ]
receivers:
  - name: web
    webhook_configs:
      - url: http://127.0.0.1:1/hook   # the bot
        max_alerts: 10
  - name: phone
    pagerduty_configs: [ { routing_key_file: /etc/key } ]
    slack_configs: [ { api_url_file: /etc/slack, channel: '#ops', title: 'On {{ .GroupLabels.job }}' } ]
]]
    assert.same({}, lost)
    assert.equal([==[
-- Who hears of what.
route {
  compat = "alertmanager",
  receiver = "web", -- everybody else
  group_by = { "alertname", "job" }, group_wait = "10s",
  routes = {
    -- Pages go to the phone.
    {
      match = { 'severity="page"', 'team=~"web|api"' }, receiver = "phone", continue = true,
      mute = { "nights", "nights 2" },
    },
    {
      match = { 'severity="ticket"', 'team=~"db.*"' }, group_by = "all",
      routes = { { match = { team = "dba" }, receiver = "phone" } },
    },
  },
}

-- A node that is gone explains the rest.
inhibit { source = { alertname = "NodeDown" }, target = { severity = "warning" }, equal = { "instance" } }

window "nights" { days = "mon-fri", times = { "20:00-24:00", "00:00-06:00" }, zone = "Europe/Lisbon" }

-- And all of the first and last days.
window "nights 2" { dates = { "1-2", "-2", "-1" }, months = { "jan-mar", "12" }, years = "2026-2028" }

-- the bot
receiver "web" { webhook { url = "http://127.0.0.1:1/hook", max_alerts = 10 } }

receiver "phone" {
  pagerduty { routing_key = secret "/etc/key" },
  slack {
    url = secret "/etc/slack", channel = "#ops", title = "On ${group_labels.job}", send_resolved = false,
  },
}
]==], lua)
    local routing = loaded(lua)
    assert.same({ "web", "phone" }, { routing.receivers[1].name, routing.receivers[2].name })
    assert.equal("all", routing.routes[1].routes[2].group_by)
  end)

  it("lists what is not there, and still loads", function()
    local lua, lost = import [[
global: { resolve_timeout: 7m, wechat_api_url: x }
templates: [ /etc/*.tmpl ]
route: { receiver: a, routes: [ { receiver: nobody }, { matchers: [ 'a=~"("' ], active_time_intervals: [ never ] } ] }
receivers:
  - name: a
    wechat_configs: [ { to_user: x } ]
    slack_configs: [ { api_url: "http://127.0.0.1:1", text: '{{ range .Alerts }}{{ end }}', color: red } ]
    pagerduty_configs: [ { service_key: k } ]
]]
    local heads = {}
    for i, line in ipairs(lost) do heads[i] = line:match "^%d+:%d+: [^;]*" end
    assert.same({
      "1:32: global: wechat_api_url: nothing here uses it", "2:14: templates: /etc/*.tmpl: templates of messages are not read",
      '3:45: there is no receiver "nobody"',
      '3:69: bad regular expression: invalid regular expression "(": missing closing parenthesis at offset 1',
      '3:106: there is no time interval "never"',
      "6:5: wechat_configs: there is no such kind of receiver in this version",
      '7:33: note: a secret is written into the Lua file', "7:55: text: this template cannot be carried over",
      "7:93: color: slack has no such field", "8:26: pagerduty: needs routing_key", "8:28: service_key: version 1 of the Events API is not spoken",
    }, heads)
    local routing = loaded(lua)
    assert.equal(420, routing.routes[1].resolve_timeout)
    assert.equal("a", routing.receivers[1].name)
    -- A route whose matchers cannot be read would take everything.
    assert.equal(1, #routing.routes[1].routes)
  end)

  it("tells receivers with the certificates that it had", function()
    local lua, lost = import [[
receivers:
- name: a
  webhook_configs: [ { url: "https://x/", http_config: { tls_config: { ca_file: /etc/ca.pem, server_name: hook.internal } } } ]
- name: b
  slack_configs: [ { api_url: "https://y/", channel: c, http_config: { tls_config: { insecure_skip_verify: true } } } ]
route: { receiver: a }
]]
    for _, line in ipairs(lost) do assert.truthy(line:find("note: ", 1, true), line) end
    local receivers = loaded(lua).receivers
    assert.same({ ca = "/etc/ca.pem", server_name = "hook.internal", insecure = false }, receivers[1].items[1].tls)
    assert.is_true(receivers[2].items[1].tls.insecure)
  end)

  it("is told where it is none at all", function()
    for text, why in pairs { ["[]"] = "1:1: alertmanager.yml: expected a map, got a list", ["route: x"] = '1:8: route: expected a map, got "x"',
                             ["route: {receiver: {}}"] = "1:19: receiver: expected a text, got a map", ["a: [b"] = "no YAML" } do
      local _, lost = import(text)
      assert.truthy(table.concat(lost, "\n"):find(why, 1, true), table.concat(lost, "\n"))
    end
  end)
end)
