--- alertmanager_spec.lua - what becomes of the configuration of Alertmanager.
local alertmanager = require "moonwatch.import.alertmanager"
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local outputs = require "moonwatch.import.outputs"
local proc = require "proc"
local report = require "moonwatch.import.report"
local testing = require "moonwatch.testing"

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
  it("keeps labels of routes and receivers, names of inhibitions and names of labels with any letters", function()
    local lua, lost = import [[
route:
  receiver: web
  labels: { owner: 'team {{ .GroupLabels.team }}', rule: fixed }
  routes:
    - matchers: [ '"service.name"=~"a|b"', 'ünï=x' ]
      labels: { owner: other }
      group_by: [ service.name ]
receivers: [ { name: web, labels: { owner: me } } ]
inhibit_rules: [ { name: quiet, source_matchers: [ a=b ], target_matchers: [ '"c d"!=e' ], equal: [ 'c d', instance ] } ]
]]
    assert.same({}, lost)
    local routing = loaded(lua)
    local root = routing.routes[1]
    assert.same({ owner = "team ${group_labels.team}", rule = "fixed" }, root.labels)
    assert.same({ owner = "other" }, root.routes[1].labels)
    assert.same({ { name = "service.name", op = "=~", value = "a|b" }, { name = "ünï", op = "=", value = "x" } }, root.routes[1].match)
    assert.same({ "c d", "instance" }, routing.inhibits[1].equal)
    assert.equal("quiet", routing.inhibits[1].name)
    local web = routing.receivers[1] or routing.receivers.web
    assert.same({ owner = "me" }, web.labels)
  end)

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
      - days_of_month: [ '1:2', '20:-4', '-2:-1' ]
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
      match = { 'severity="ticket"', 'team=~"^(?:db.*)$"' }, group_by = "all",
      routes = { { match = { team = "dba" }, receiver = "phone" } },
    },
  },
}

-- A node that is gone explains the rest.
inhibit { source = { alertname = "NodeDown" }, target = { severity = "warning" }, equal = { "instance" } }

window "nights" { days = "mon-fri", times = { "20:00-24:00", "00:00-06:00" }, zone = "Europe/Lisbon" }

-- And all of the first and last days.
window "nights 2" { dates = { "1-2", "20..-4", "-2", "-1" }, months = { "jan-mar", "12" }, years = "2026-2028" }

-- the bot
receiver "web" { webhook { url = "http://127.0.0.1:1/hook", max_alerts = 10 } }

receiver "phone" {
  pagerduty { routing_key = secret "/etc/key", severity = "error" },
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
    slack_configs: [ { api_url: "http://127.0.0.1:1", text: '{{ template "mine" . }}', callback_id: red } ]
    pagerduty_configs: [ { service_key: k } ]
]]
    local heads = {}
    for i, line in ipairs(lost) do heads[i] = line:match "^%d+:%d+: [^;]*" end
    assert.same({
      "1:32: global: wechat_api_url: nothing here uses it", "2:14: templates: /etc/*.tmpl: there is no such file",
      '3:45: there is no receiver "nobody"',
      '3:69: bad regular expression: invalid regular expression "(": missing closing parenthesis at offset 1',
      '3:106: there is no time interval "never"',
      "6:5: wechat_configs: there is no such kind of receiver in this version",
      '7:33: note: a secret is written into the Lua file', '7:55: text: this template cannot be carried over: template "mine" not defined',
      "7:88: callback_id: slack has no such field", "8:26: pagerduty: needs routing_key", "8:28: service_key: version 1 of the Events API is not spoken",
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

  it("can be tried in simulated time: routes, windows, inhibitions, and the message that leaves", function()
    local world = testing.world((import [[
route:
  receiver: chat
  group_by: [alertname]
  routes: [ { matchers: [ severity="page" ], receiver: pager, mute_time_intervals: [ night ] } ]
receivers:
  - { name: chat, slack_configs: [ { api_url: 'https://hooks.slack.com/services/T/B/X' } ] }
  - { name: pager, pagerduty_configs: [ { routing_key: '0123456789abcdef0123456789abcdef' } ] }
inhibit_rules: [ { source_matchers: [ alertname="NodeDown" ], target_matchers: [ severity=~"warning|page" ], equal: [ instance ] } ]
time_intervals: [ { name: night, time_intervals: [ { times: [ { start_time: '00:00', end_time: '06:00' } ] } ] } ]
]]), { at = "2026-03-02T23:00:00Z" })
    assert.routes(world, { severity = "page" }, { "pager" })
    world:post({ alertname = "Db", severity = "page", instance = "a" }):advance "5m"
    local told = assert.sent(world, { receiver = "pager", alert = "Db" }, 1) and world:sent({ receiver = "pager" })[1]
    assert.equal("trigger", told.requests[1].json.event_action)
    world:advance_to "2026-03-03T01:00:00Z"
    world:post({ alertname = "Web", severity = "page", instance = "b" }):advance "1h"
    assert.silent(world, { alert = "Web" })
    world:advance_to "2026-03-03T06:10:00Z"
    assert.sent(world, { receiver = "pager", alert = "Web" }, 1)
    world:post({ alertname = "NodeDown", instance = "c" }):post({ alertname = "Disk", severity = "warning", instance = "c" }):advance "10m"
    assert.sent(world, { receiver = "chat", alert = "NodeDown" }, 1)
    assert.silent(world, { alert = "Disk" })
  end)

  it("is told where it is none at all", function()
    for text, why in pairs { ["[]"] = "1:1: alertmanager.yml: expected a map, got a list", ["route: x"] = '1:8: route: expected a map, got "x"',
                             ["route: {receiver: {}}"] = "1:19: receiver: expected a text, got a map", ["a: [b"] = "no YAML" } do
      local _, lost = import(text)
      assert.truthy(table.concat(lost, "\n"):find(why, 1, true), table.concat(lost, "\n"))
    end
  end)
end)

describe("receivers of Alertmanager that are chat programs", function()
  local function told(text)
    local out, lost = import(text .. "\nroute: { receiver: a }\n")
    for i, line in ipairs(lost) do lost[i] = line:match "^%d+:%d+: ([^;]*)" end
    loaded(out)
    return out, lost
  end
  local function has(out, text) assert.is_truthy(out:find(text, 1, true), out) end

  it("are carried over with what global says for them", function()
    local out, lost = told [[
global:
  slack_api_url_file: /etc/slack
  telegram_bot_token_file: /etc/tg
  rocketchat_api_url: https://chat/
  rocketchat_token_file: /etc/rc
  rocketchat_token_id_file: /etc/rcid
  mattermost_webhook_url_file: /etc/mm
receivers:
- name: a
  slack_configs: [ { channel: '#x', short_fields: true, fields: [ { title: T, value: '{{ .CommonLabels.job }}' } ], actions: [ { type: button, text: Runbook, url: '{{ .CommonAnnotations.runbook }}' } ] } ]
  discord_configs: [ { webhook_url_file: /etc/d, message: '{{ range .Alerts }}{{ .Annotations.description }} {{ end }}' } ]
  telegram_configs: [ { chat_id: -1001234567890, parse_mode: '', message: '{{ .Status | toUpper }} {{ .Alerts.Firing | len }}', disable_notifications: true } ]
  rocketchat_configs: [ { channel: '#r' } ]
  mattermost_configs: [ { channel: town, priority: { priority: urgent, persistent_notifications: true } } ]
  msteamsv2_configs: [ { webhook_url_file: /etc/t } ]
  webex_configs: [ { room_id: R, http_config: { authorization: { credentials_file: /etc/w } } } ]
]]
    assert.same({}, lost)
    has(out, [[slack {]])
    has(out, [[fields = { { title = "T", value = "${common_labels.job}" } }]])
    has(out, [[buttons = { { text = "Runbook", url = "${common_annotations.runbook}" } }]])
    has(out, [[discord { url = secret "/etc/d", text = "${annotations.description}" }]])
    has(out, [[chat_id = "-1001234567890"]])
    has(out, [[text = "${status|upper} ${firing}"]])
    has(out, [[url = "https://chat/"]])
    has(out, [[user_id = secret "/etc/rcid"]])
    has(out, [[priority = { priority = "urgent", persistent_notifications = true }]])
    has(out, [[teams { url = secret "/etc/t" }]])
    has(out, [[webex { room_id = "R", token = secret "/etc/w" }]])
  end)
  it("post with a token where they had one, and change messages only where they did", function()
    local out = told [[
global: { slack_app_token_file: /etc/tok }
receivers:
- name: a
  slack_configs: [ { channel: c, update_message: true }, { channel: d }, { channel: e, api_url_file: /etc/hook } ]
]]
    has(out, [[slack { token = secret "/etc/tok", channel = "c", send_resolved = false }]])
    has(out, [[slack { token = secret "/etc/tok", channel = "d", send_resolved = false, update = false }]])
    has(out, [[slack { url = secret "/etc/hook", channel = "e", send_resolved = false }]])
  end)
  it("list what they cannot carry", function()
    local _, lost = told [[
receivers:
- name: a
  slack_configs: [ { api_url_file: /s, callback_id: x, actions: [ { type: button, name: n, value: v, text: t } ] } ]
  telegram_configs: [ { bot_token_file: /t, chat_id_file: /c } ]
  webex_configs: [ { room_id: R } ]
]]
    local all = table.concat(lost, "\n")
    for _, part in ipairs { "callback_id: slack has no such field", "actions.name: a button here is a link", "a button without a link", "chat_id_file: write chat_id itself",
                            "telegram: needs chat_id", "webex: needs http_config.authorization" } do assert.is_truthy(all:find(part, 1, true), all) end
  end)
end)
