--- gotemplate_spec.lua - texts of receivers that are written as in Alertmanager.
local filled = require "moonwatch.to.filled"
local load = require "moonwatch.config.load"
local host = require "moonwatch.host"

local function note(more)
  local out = { receiver = "team.x", status = "firing", group_labels = { alertname = "Disk" }, common_labels = { alertname = "Disk", job = "db" },
    common_annotations = {}, external_url = "http://m", alerts = {
      { status = "firing", fp = "a", starts_at = 1780000000, labels = { alertname = "Disk", job = "db", instance = "a:1" }, annotations = { summary = "full" } },
      { status = "resolved", fp = "b", starts_at = 1780000000, ends_at = 1780000060, labels = { alertname = "Disk", job = "db", instance = "b:1" }, annotations = {} } } }
  for name, value in pairs(more or {}) do out[name] = value end
  return out
end

describe("a text with {{ }}", function()
  it("says what it says in Alertmanager", function()
    for text, said in pairs {
      ['[{{ .Status | toUpper }}:{{ .Alerts.Firing | len }}] {{ .CommonLabels.SortedPairs.Values | join " " }}'] = "[FIRING:1] Disk db",
      ["{{ range .Alerts }}{{ .Labels.instance }}={{ .Annotations.summary }};{{ end }}"] = "a:1=full;b:1=;",
      ['{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ range .SortedPairs }}{{ .Name | title }} {{ .Value }}{{ end }}{{ end }}'] = "Job db",
      ['{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .Status }}${status}'] = "<firing>${status}",
      ['{{ (index .Alerts 1).EndsAt.Format "15:04:05" }}'] = "20:27:40",
      ['{{ reReplaceAll "(.):(\\\\d)" "$2-${1}" (index .Alerts 0).Labels.instance }}{{ if match "^D" .GroupLabels.alertname }}!{{ end }}'] = "1-a!",
      ["{{ .CommonLabels.nothing }}."] = ".",
    } do assert.equal(said, filled.text(text, note()), text) end
  end)

  it("says where it failed in place of what it would have said, and is sent all the same", function()
    assert.equal("<error expanding template: can't evaluate field Nothing in type string>", filled.text("{{ .Status.Nothing }}", note()))
  end)

  it("may not go on for ever", function()
    local many = {}
    for i = 1, 2000 do many[i] = { status = "firing", labels = { n = tostring(i) }, annotations = {} } end
    local text = "{{ range .Alerts }}{{ range $.Alerts }}{{ range $.Alerts }}x{{ end }}{{ end }}{{ end }}"
    assert.equal("<error expanding template: it takes too long>", filled.text(text, note { alerts = many }))
    assert.equal("<error expanding template: templates that call each other too deep>",
      filled.text('{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}', note()))
  end)

  it("lets what stands in its places be escaped, and leaves the rest to its author", function()
    assert.equal("<b>&lt;x&gt;</b>", filled.text("<b>{{ .CommonLabels.job }}</b>", note { common_labels = { job = "<x>" } },
      function(place) return (place:gsub("<", "&lt;"):gsub(">", "&gt;")) end))
  end)

  it("knows its receiver by the name that Alertmanager gives it", function()
    assert.equal("team.x", filled.text("{{ .Receiver }}", note()))
    assert.equal("team\\.x", filled.text("{{ .Receiver }}", note { compat = "alertmanager" }))
  end)

  it("is looked at when the file is loaded", function()
    local function problem(text)
      local _, problems = load.load { host = host, config = "x.lua", source = ('receiver "r" { slack { url = "http://s", title = %q } }'):format(text) }
      return problems and problems[1] and problems[1].text or ""
    end
    assert.equal("", problem "{{ .Status }}")
    for text, why in pairs { ["{{ .Status"] = "unclosed action", ["{{ nothing }}"] = 'function "nothing" not defined', ['{{ template "x" . }}'] = 'template "x" not defined' } do
      assert.truthy(problem(text):find(why, 1, true), text .. ": " .. problem(text))
    end
    local _, problems = load.load { host = host, config = "x.lua", source = 'route { labels = { owner = "{{ .Status }}" } }' }
    assert.truthy(problems[1].text:find("only texts of receivers", 1, true))
  end)
end)
