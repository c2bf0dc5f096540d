--- alertmanager_receivers_spec.lua - receivers of Alertmanager for programs and incidents, with what `global` says for them.
local alertmanager = require "moonwatch.import.alertmanager"
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local outputs = require "moonwatch.import.outputs"
local proc = require "proc"
local report = require "moonwatch.import.report"

-- The targets of receiver "r" whose configuration is YAML, how they are written, and what was lost.  FILES stand beside it.
local function import(yaml, global, files)
  local folder = proc.scratch()
  local path = folder .. "/am.yml"
  for name, text in pairs(files or {}) do proc.write(folder .. "/" .. name, text) end
  proc.write(path, (global or "") .. "route: { receiver: r }\nreceivers:\n  - name: r\n" .. yaml:gsub("[^\n]+", "    %0"))
  local told, out = report.new(), outputs.new(host)
  alertmanager.import(path, { host = host, report = told, out = out, how = "x" })
  local lines = told:lines()
  for i, line in ipairs(lines) do lines[i] = line:match "am.yml:%d+:%d+: (.*)$" end
  local text = out.list[1].text
  local set, problems = load.load { host = host, config = "am.lua", source = text }
  assert(set, text .. (problems and problems[1] and problems[1].text or ""))
  local items = {}
  for _, receiver in pairs(set.routing.receivers) do
    for i, item in ipairs(receiver.items or receiver.targets or {}) do items[i] = item end
  end
  return items, lines, text
end

after_each(function() proc.cleanup() end)

local SECRET = 'a secret is written into the Lua file; secret "NAME" would read it from the environment or a file'

local function lost_of(lines)
  local out = {}
  for _, line in ipairs(lines) do
    if line ~= SECRET and not line:find "^note: " then out[#out + 1] = line end
  end
  return out
end

describe("a receiver of Alertmanager", function()
  it("that is Opsgenie keeps its key, texts, tags and responders", function()
    local items, lines = import([[
opsgenie_configs:
  - api_key_file: /etc/og
    message: 'On {{ .GroupLabels.job }}'
    description: '{{ template "opsgenie.default.description" . }}'
    tags: 'a, b,{{ .CommonLabels.team }}'
    priority: P2
    update_alerts: true
    responders: [ { name: ops, type: team }, { username: me@x, type: user } ]
    details: { k: v }
]], "global: { opsgenie_api_url: https://api.eu.opsgenie.com/ }\n")
    assert.same({}, lost_of(lines))
    local o = items[1]
    assert.same({ "opsgenie", { ["@secret"] = "/etc/og" }, "On ${group_labels.job}", nil, { "a", "b", "${common_labels.team}" }, "P2", true, { k = "v" }, "https://api.eu.opsgenie.com/" },
      { o.kind, o.api_key, o.message, o.description, o.tags, o.priority, o.update_alerts, o.details, o.url })
    assert.same({ { name = "ops", type = "team" }, { username = "me@x", type = "user" } }, o.responders)
  end)
  it("that is PagerDuty has the severity that Alertmanager gives, also one that is filled in", function()
    local items, lines = import [[
pagerduty_configs:
  - { routing_key_file: /k }
  - { routing_key_file: /k, severity: '{{ .CommonLabels.severity }}', client: 'am {{ .Status }}', client_url: 'http://{{ .CommonLabels.a }}/' }
  - { routing_key_file: /k, severity: '{{ if eq .Status "firing" }}critical{{ else }}info{{ end }}' }
]]
    assert.same({}, lost_of(lines))
    assert.same({ "error", "${common_labels.severity}", '{{ if eq .Status "firing" }}critical{{ else }}info{{ end }}' },
      { items[1].severity, items[2].severity, items[3].severity })
    assert.same({ "am ${status}", "http://${common_labels.a}/" }, { items[2].client, items[2].client_url })
  end)
  it("that is a webhook may have an address of each group", function()
    local items, lines = import [[
webhook_configs: [ { url: 'http://h/{{ .GroupLabels.team }}/in' } ]
]]
    assert.same({}, lost_of(lines))
    assert.equal("http://h/${group_labels.team}/in", items[1].url)
  end)
  it("that is Slack may choose channel, name and pictures by the message", function()
    local items, lines = import [[
slack_configs:
  - api_url_file: /s
    channel: '#{{ .CommonLabels.team }}'
    username: '{{ .GroupLabels.job }}'
    icon_emoji: '{{ if eq .Status "firing" }}:fire:{{ else }}:ok:{{ end }}'
    title_link: '{{ .CommonAnnotations.dashboard }}'
    pretext: '<!here>'
    fallback: x
    mrkdwn_in: [ text ]
]]
    assert.same({}, lost_of(lines))
    local s = items[1]
    assert.same({ "#${common_labels.team}", "${group_labels.job}", '{{ if eq .Status "firing" }}:fire:{{ else }}:ok:{{ end }}', "${common_annotations.dashboard}", "<!here>" },
      { s.channel, s.username, s.icon, s.link, s.pretext })
  end)
  it("that has one part which cannot be keeps the others, so that its route has a receiver", function()
    local items, lines, text = import [[
webhook_configs: [ { url: 'http://x/' } ]
opsgenie_configs: [ { api_key_file: /k, responders: [ { name: a, type: '{{ .CommonLabels.type }}' } ] } ]
]]
    assert.same({ "webhook" }, { items[1].kind, items[2] })
    assert.truthy(lost_of(lines)[1]:find("is not one of", 1, true))
    assert.truthy(text:find("-- not imported: ", 1, true) and text:find("-- opsgenie {", 1, true))
  end)
  it("that is Splunk On-Call opens an incident for whatever fires, as there", function()
    local items, lines = import([[
victorops_configs: [ { routing_key: ops, custom_fields: { env: prod } } ]
]], "global: { victorops_api_key: k }\n")
    assert.same({}, lost_of(lines))
    assert.same({ "k", "ops", "CRITICAL", { env = "prod" } }, { items[1].api_key, items[1].routing_key, items[1].message_type, items[1].custom_fields })
  end)
  it("that is Pushover rings for whatever fires, as there, unless it says otherwise", function()
    local items, lines = import [[
pushover_configs:
  - { user_key: u, token_file: /t, retry: 2m, html: true, url: 'http://x' }
  - { user_key: u, token: t, priority: '{{ if eq .Status "firing" }}1{{ else }}-1{{ end }}' }
  - { user_key: u, token: t, priority: '0' }
]]
    assert.same({}, lost_of(lines))
    assert.same({ 2, 120, true, "http://x" }, { items[1].priority, items[1].retry, items[1].html, items[1].link })
    assert.same({ 1, -1 }, { items[2].priority, items[2].resolved_priority })
    assert.equal("0", items[3].priority)
  end)
  it("that is Jira keeps transitions, texts that are not brought up to date, fields and the sign-in", function()
    local items, lines = import([[
jira_configs:
  - project: OPS
    issue_type: Bug
    summary: { template: 'On {{ .CommonLabels.job }}', enable_update: false }
    labels: [ alert, '{{ .GroupLabels.alertname }}' ]
    reopen_transition: Reopen
    resolve_transition: Done
    reopen_duration: 30d
    wont_fix_resolution: "Won't Fix"
    fields: { customfield_1: { value: red }, customfield_2: 7, customfield_3: [ a ] }
    http_config: { basic_auth: { username: me, password_file: /p } }
]], "global: { jira_api_url: https://x.atlassian.net/rest/api/2/ }\n")
    assert.same({}, lost_of(lines))
    local j = items[1]
    assert.same({ "https://x.atlassian.net/rest/api/2/", "On ${common_labels.job}", false, { "alert", "${group_labels.alertname}" }, "Reopen", 30 * 86400, "Won't Fix" },
      { j.url, j.summary, j.update_summary, j.labels, j.reopen_transition, j.reopen_within, j.wont_fix_resolution })
    assert.same({ customfield_1 = { value = "red" }, customfield_2 = 7, customfield_3 = { "a" } }, j.fields)
    assert.same({ user = "me", password = { ["@secret"] = "/p" } }, j.auth)
  end)
  it("that is incident.io keeps its token, also when it is in http_config", function()
    local items, lines = import [[
incidentio_configs:
  - { url: 'https://i/1', alert_source_token: t, max_alerts: 5 }
  - { url_file: /u, http_config: { authorization: { credentials_file: /t } } }
]]
    assert.same({}, lost_of(lines))
    assert.same({ "t", 5 }, { items[1].token, items[1].max_alerts })
    assert.same({ { ["@secret"] = "/u" }, { ["@secret"] = "/t" } }, { items[2].url, items[2].token })
  end)
  it("that is a webhook keeps a body of its own, and name and password", function()
    local items, lines = import [[
webhook_configs:
  - url: http://h
    payload: { text: 'On {{ .CommonLabels.job }}', n: 3, list: [ a, { b: true } ] }
    http_config: { basic_auth: { username: me, password: p } }
]]
    assert.same({}, lost_of(lines))
    assert.same({ text = "On ${common_labels.job}", n = 3, list = { "a", { b = true } } }, items[1].body)
    assert.same({ user = "me", password = "p" }, items[1].auth)
  end)
  it("that is PagerDuty keeps links, images, fields and the address that global gives", function()
    local items, lines = import([[
pagerduty_configs:
  - routing_key: k
    description: 'On {{ .GroupLabels.job }}'
    component: '{{ .CommonLabels.job }}'
    class: c
    source: '{{ template "pagerduty.default.client" . }}'
    links: [ { href: 'http://l', text: L } ]
    images: [ { src: 'https://i', alt: A } ]
    details: { team: web, deep: { a: 1 } }
    timeout: 20s
]], "global: { pagerduty_url: 'https://events.eu.pagerduty.com/v2/enqueue' }\n")
    assert.same({}, lost_of(lines))
    local p = items[1]
    assert.same({ "https://events.eu.pagerduty.com/v2/enqueue", "On ${group_labels.job}", "${common_labels.job}", "c", nil, { { href = "http://l", text = "L" } },
      { { src = "https://i", alt = "A" } }, { team = "web", deep = { a = 1 } }, 20 },
      { p.url, p.summary, p.component, p.class, p.source, p.links, p.images, p.details, p.timeout })
  end)
  it("has the places of its templates that a message of ours knows, too", function()
    local items, lines = import [[
opsgenie_configs:
  - { api_key: k, message: '[{{ .Status | toUpper }}{{- .Alerts.Firing | len -}} ] {{ .CommonAnnotations.summary }}', source: '{{ .ExternalURL }}', entity: '{{ .Receiver }}' }
]]
    assert.same({}, lost_of(lines))
    assert.same({ "[${status|upper}${firing}] ${common_annotations.summary}", "${external_url}", "${receiver}" },
      { items[1].message, items[1].source, items[1].entity })
  end)
  it("keeps templates that say more as they are, each with what it calls in files of templates", function()
    local items, lines = import([[
slack_configs:
  - api_url: http://s
    title: '{{ template "mine" . }}'
    text: "{{ range .Alerts }}{{ .StartsAt.Unix }}{{ end }}"
    footer: "costs ${more}"
opsgenie_configs:
  - { api_key: k, tags: '{{ .CommonLabels.Values | join "," }},one' }
]], "templates: [ '*.tmpl' ]\n", { ["mine.tmpl"] = [[
{{/* ours */}}
{{ define "inner" }}{{ if . }}{{ . }}{{ end }}{{ end }}
{{- define "mine" -}}
[{{ .Status }}] {{ template "inner" .Receiver }}
{{- end -}}
{{ define "slack.default.title" }}never asked for{{ end }}]] })
    assert.same({}, lost_of(lines))
    assert.equal('{{ define "inner" }}{{ if . }}{{ . }}{{ end }}{{ end }}{{ define "mine" -}}\n[{{ .Status }}] {{ template "inner" .Receiver }}\n{{- end }}'
      .. '{{ template "mine" . }}', items[1].title)
    assert.equal("{{ range .Alerts }}{{ .StartsAt.Unix }}{{ end }}", items[1].text)
    assert.equal('costs {{ "${" }}more}', items[1].footer)
    assert.same({ '{{ .CommonLabels.Values | join "," }},one' }, items[2].tags)
  end)
  it("loses what cannot be carried, says so, and keeps the rest", function()
    local items, lines = import [[
victorops_configs: [ { api_key: k, routing_key: '{{ template "mine" . }}' } ]
jira_configs:
  - { api_url: 'http://j/rest/api/2', project: P, issue_type: Bug, reopen_transition: Reopen, description: '{ "type": "doc" }', summary: '{{ range .Alerts }}x{{ .StartsAt | ago }}{{ end }}' }
webhook_configs:
  - { url: 'http://h/{{ template "mine" . }}' }
  - { url: 'http://h', http_config: { proxy_url: 'http://p:3128', no_proxy: h, proxy_from_environment: true } }
  - { url: 'http://h', http_config: { proxy_url: 'http://u:p@p:3128', no_proxy: '', proxy_from_environment: false } }
]]
    assert.same({ "jira", "webhook" }, { items[1].kind, items[2].kind })
    assert.same({ "http://p:3128", "http://u:p@p:3128" }, { items[2].proxy, items[3].proxy })
    local lost = lost_of(lines)
    table.sort(lost)
    assert.same({
      "description: a document of version 3; ours makes one of a plain text", "no_proxy: a proxy is asked for each address",
      "proxy_from_environment: proxies of the environment are not asked",
      "reopen_transition: without reopen_duration it is never used",
      'routing_key: this template cannot be carried over: template "mine" not defined',
      'summary: this template cannot be carried over: function "ago" not defined', 'url: this template cannot be carried over: template "mine" not defined',
      "victorops: needs routing_key", "webhook: needs url" }, lost)
  end)
end)
