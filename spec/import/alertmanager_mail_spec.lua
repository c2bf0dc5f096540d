--- alertmanager_mail_spec.lua - what becomes of email_configs and sns_configs.
local alertmanager = require "moonwatch.import.alertmanager"
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local outputs = require "moonwatch.import.outputs"
local proc = require "proc"
local report = require "moonwatch.import.report"

-- The first receiver of an Alertmanager with these lines, and what the report says.
local function import(text)
  local path = proc.scratch() .. "/am.yml"
  proc.write(path, text .. "\nroute: { receiver: a }\n")
  local told, out = report.new(), outputs.new(host)
  alertmanager.import(path, { host = host, report = told, out = out, how = "moonwatch import alertmanager" })
  local set, problems = load.load { host = host, config = "am.lua", source = out.list[1].text }
  assert(set, problems[1] and problems[1].text .. "\n" .. out.list[1].text)
  local lines = told:lines()
  for i, line in ipairs(lines) do lines[i] = line:match "am.yml:%d+:%d+: (.*)$" end
  return set.routing.receivers[1].items, lines
end

local function told(lines, what)
  local all = table.concat(lines, "\n")
  assert.truthy(all:find(what, 1, true), what .. "\n" .. all)
end

after_each(function() proc.cleanup() end)

describe("email_configs", function()
  it("take what global says, and say that nobody hears of the end", function()
    local items, lines = import [[
global:
  smtp_from: alertmanager@example.com
  smtp_smarthost: mail.example.com:587
  smtp_hello: watch.example.com
  smtp_auth_username: am
  smtp_auth_password_file: /etc/mail.password
  smtp_auth_identity: me
  smtp_require_tls: false
  smtp_tls_config: { ca_file: /etc/ca.pem }
receivers:
- name: a
  email_configs:
  - to: 'Ann <ann@example.com>, bob@example.com'
  - { to: c@example.com, from: other@example.com, smarthost: 'm:465', require_tls: true, send_resolved: true, auth_username: x, auth_password: y,
      force_implicit_tls: false, threading: { enabled: true, thread_by_date: none }, html: '', text: 'On {{ .GroupLabels.job }}',
      headers: { Subject: 'Down: {{ .CommonLabels.alertname }}', X-Team: web } }]]
    assert.same({ "note: a secret is written into the Lua file; secret \"NAME\" would read it from the environment or a file" }, lines)
    local first, second = items[1], items[2]
    assert.same({ { "Ann <ann@example.com>, bob@example.com" }, "alertmanager@example.com", "mail.example.com:587", "watch.example.com", false, false, "none" },
      { first.to, first.from, first.smarthost, first.hello, first.require_tls, first.send_resolved, first.thread })
    assert.same({ user = "am", password = { ["@secret"] = "/etc/mail.password" }, identity = "me" }, first.auth)
    assert.equal("/etc/ca.pem", first.tls.ca)
    assert.same({ "other@example.com", "m:465", true, "group", false, "", "On ${group_labels.job}", "Down: ${common_labels.alertname}" },
      { second.from, second.smarthost, second.require_tls, second.thread, second.implicit_tls, second.html, second.text, second.subject })
    assert.same({ ["X-Team"] = "web" }, second.headers)
    assert.equal("x", second.auth.user)
    assert.is_nil(second.send_resolved == false or nil)
  end)
  it("with a shared secret sign in by CRAM-MD5", function()
    local items = import [[
receivers:
- name: a
  email_configs: [ { to: a@b.c, from: d@e.f, smarthost: 'm:25', auth_username: u, auth_secret_file: /etc/s } ]
]]
    assert.same({ user = "u", password = { ["@secret"] = "/etc/s" }, mechanism = "CRAM-MD5" }, items[1].auth)
  end)
  it("go to whom the alert names", function()
    local items = import [[
receivers:
- name: a
  email_configs: [ { to: '{{ .CommonLabels.owner }}, x@y.z', from: a@b.c, smarthost: 'm:25' } ]
]]
    assert.same({ "${common_labels.owner}, x@y.z" }, items[1].to)
  end)
  it("tell what cannot be carried over", function()
    local items, lines = import [[
receivers:
- name: a
  email_configs:
  - { to: a@b.c, from: '{{ .CommonLabels.owner }}', smarthost: 'm:25' }
  - { to: a@b.c, from: a@b.c, smarthost: 'm:25', auth_username: u, html: '{{ template "mine" . }}', headers: { From: x, X-A: '{{ .CommonLabels.job }}' } }
  - { to: a@b.c, smarthost: nowhere }
  - { to: a@b.c, from: a@b.c, smarthost: 'm:25', text: hello, surprise: 1 }
  - { to: a@b.c, from: a@b.c, smarthost: 'm:25', html: '{{ template "email.default.html" . }}', headers: { Subject: '{{ template "email.default.subject" . }}' } }]]
    for _, what in ipairs { "from: an address that depends on the alert cannot be carried over", "email: needs from", "auth_username: without auth_password",
                            "html: this template cannot be carried over", "headers: From is written by moonwatch; give from",
                            "smarthost: expected host:port", "surprise: email has no such field",
                            "note: text: the mail has this text only" } do told(lines, what) end
    assert.equal(3, #items)
    assert.is_nil(items[3].html)
    assert.is_nil(items[3].subject)
  end)
end)

describe("sns_configs", function()
  it("become sns, with the keys they have", function()
    local items, lines = import [[
receivers:
- name: a
  sns_configs:
  - { topic_arn: 'arn:aws:sns:eu-west-1:1:t', sigv4: { region: eu-west-1, access_key: AK, secret_key: SK, profile: p, role_arn: r }, subject: 'On {{ .GroupLabels.job }}',
      message: '{{ template "sns.default.message" . }}', attributes: { team: '{{ .CommonLabels.team }}' }, api_url: 'https://sns.example.com' }
  - { phone_number: '+351', sigv4: { region: eu-west-1 }, send_resolved: false }]]
    local first, second = items[1], items[2]
    assert.same({ "arn:aws:sns:eu-west-1:1:t", "eu-west-1", "AK", "SK", "On ${group_labels.job}", { team = "${common_labels.team}" }, "https://sns.example.com" },
      { first.topic_arn, first.region, first.access_key, first.secret_key, first.subject, first.attributes, first.url })
    assert.is_nil(first.message)
    assert.same({ "+351", "eu-west-1", false }, { second.phone_number, second.region, second.send_resolved })
    told(lines, "sigv4: profile: only keys are used")
    told(lines, "sigv4: role_arn: only keys are used")
  end)
end)
