--- am_texts.lua - texts for receivers of Alertmanager with templates in them: those that people have, and others by chance.
local labels = require "am_labels"

local M = {}

M.known = {
  "plain", '{{ "${" }}x}', "{{ .Status }}", "{{.Status|toUpper}}", "{{- .Status -}}  x", "a {{- /* nothing */ -}} b", "{{ .Receiver }}", "{{ .ExternalURL }}",
  [==[[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }} {{ if gt (len .CommonLabels) (len .GroupLabels) }}({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}]==],
  "{{ range .Alerts }}{{ .Labels.instance }} {{ .Annotations.runbook }};{{ end }}", "{{ range $i, $a := .Alerts }}{{ $i }}{{ $a.Status }}{{ $.Status }} {{ end }}",
  "{{ range .Alerts.Firing }}F{{ .Labels.severity }}{{ end }}{{ range .Alerts.Resolved }}R{{ .EndsAt.Unix }}{{ end }}",
  "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}", "{{ range $k, $v := .CommonLabels }}{{ $k }}:{{ $v }} {{ end }}",
  "{{ .CommonLabels }} {{ .CommonLabels.SortedPairs }} {{ .CommonLabels.Names }} {{ .GroupLabels.Values }}", "{{ (index .Alerts 0).Labels.instance }}",
  '{{ index .CommonLabels "job" }}', "{{ with index .Alerts 1 }}{{ .Labels.instance }} {{ .StartsAt }} {{ .EndsAt }}{{ end }}", "{{ index .Alerts.Firing 0 }}",
  '{{ range .Alerts }}{{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}|{{ .StartsAt.Format "Mon, 02 Jan 06 3:04PM -0700" }}|{{ .StartsAt.Format "Monday 2 January Z07:00 _2" }}{{ end }}',
  '{{ reReplaceAll "(.*):(\\d+)" "$2 of ${1}" (index .Alerts 0).Labels.instance }}', '{{ .CommonLabels.job | reReplaceAll "[0-9]" "" }}', '{{ "abc" | reReplaceAll "" "-" }}',
  '{{ "aab" | reReplaceAll "a*" "<$0>" }}', '{{ "k=v" | reReplaceAll "(?P<n>\\w)=(?P<m>\\w)" "${m}=$n$$x" }}', '{{ match "^node-" .CommonLabels.job }}', '{{ if match "x$" .CommonLabels.job }}y{{ else }}n{{ end }}',
  '{{ stringSlice "a" "b" | join "+" }}', '{{ .CommonAnnotations.summary | title }} {{ title "hELLO wORLD of_things" }}', "{{ .CommonLabels.team | toUpper }} {{ toLower \"ÀÉ\" }}",
  "{{ len .Alerts }} {{ len .CommonLabels.team }} {{ .Alerts | len }}", '{{ printf "%s has %d, %v, %q, %5d|%-5s|" .Status (len .Alerts) .CommonLabels.job "x\\"y" 7 "ab" }}',
  '{{ print "a" 1 2 "b" true }} {{ print 1 2 }} {{ println "x" 1 }}', "{{ .CommonLabels.nothing }}|{{ .CommonAnnotations.nothing | toUpper }}", "{{ if .CommonLabels.nothing }}y{{ else if .Alerts }}z{{ end }}",
  '{{ and 1 0 }} {{ and "a" "b" }} {{ or "" 0 "c" }} {{ not "" }} {{ not .Alerts }}', '{{ eq 1 1 }} {{ eq "a" "b" "a" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge "b" "a" }} {{ le 2 2 }}', '{{ eq 1 "a" }}',
  '{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ $y := 1 }}{{ end }}{{ $x }}', '{{ $n := 0 }}{{ range .Alerts }}{{ $n = len .Labels }}{{ end }}{{ $n }}', "{{ with $a := .Status }}{{ $a }}{{ . }}{{ end }}",
  '{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" .Status }}{{ template "x" }}', '{{ define "r" }}{{ range . }}{{ .Status }}{{ end }}{{ end }}{{ template "r" .Alerts }}', '{{ block "b" .Status }}[{{ . }}]{{ end }}',
  "{{ range .Alerts }}{{ if eq .Status \"resolved\" }}{{ break }}{{ end }}{{ .Status }}{{ else }}none{{ end }}", "{{ range .Alerts.Resolved }}{{ continue }}x{{ end }}.", "{{ range .CommonLabels.Remove (.CommonLabels.Names) }}x{{ else }}none{{ end }}",
  '{{ slice "abcdef" 1 3 }} {{ slice "abc" 1 }}', '{{ html "<a & \'b\'>" }} {{ urlquery "a b&c" }} {{ safeHtml "<b>" }}', "{{ .Nothing }}", "{{ .Status.Nothing }}", "{{ .Alerts.Nothing }}", "{{ range .Status }}x{{ end }}",
  "{{ index .Alerts 7 }}", '{{ join "," .Status }}', "{{ toUpper 1 }}", '{{ reReplaceAll "(" "" "x" }}', "{{ (.Status) }} {{ ((len .Alerts)) }}", "{{ true }} {{ 1 }} {{ -3 }} {{ `raw\\n` }} {{ \"tab\\t\\u00e9\" }}",
  "{{ (index .Alerts 1).EndsAt.IsZero }} {{ (index .Alerts 0).EndsAt.IsZero }}", '{{ range $i, $p := .CommonLabels.SortedPairs }}{{ if $i }}, {{ end }}{{ $p.Name | title }}: {{ $p.Value }}{{ end }}',
  "{{ .GroupLabels.alertname | len }}", "{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ .Value }} {{ end }}{{ with .Annotations.summary }}{{ . }}{{ end }}\n{{ end }}", "{{ if not (eq .Status \"firing\") }}a{{ else }}b{{ end }}",
}

-- -- by chance ---------------------------------------------------------------------------

local TEXTS = { ".Status", ".CommonLabels.job", ".CommonLabels.nothing", ".GroupLabels.alertname", ".CommonAnnotations.summary", ".Receiver", '"a b"', "(index .Alerts 0).Labels.instance" }
local FILTERS = { "toUpper", "toLower", "title", 'reReplaceAll "[aeiou]" "-"', 'reReplaceAll "(\\\\w+)" "<$1>"', 'printf "%s!"', 'printf "%q"', "html", "urlquery", "len", 'match "[a-f]"' }
local LISTS = { ".CommonLabels.SortedPairs.Values", ".CommonLabels.Names", ".GroupLabels.Values", '(stringSlice "x" "y" .Status)', "(.CommonLabels.Remove .GroupLabels.Names).Values" }
local TESTS = { 'eq .Status "firing"', "gt (len .Alerts) 1", ".CommonLabels.nothing", "not .Alerts.Resolved", 'match "^D" .GroupLabels.alertname', "and .Status .Alerts", "or .CommonLabels.nothing .Alerts.Resolved",
  "lt (len .Alerts.Firing) (len .Alerts)" }
local RANGES = { ".Alerts", ".Alerts.Firing", ".Alerts.Resolved" }
local OF_ALERT = { "{{ .Labels.instance }}", "{{ .Labels.team | toUpper }}", "{{ .Annotations.summary }}", "{{ .Status }}", "{{ .Labels.SortedPairs.Values | join \"/\" }}", "{{ .Fingerprint }}",
  "{{ range .Labels.Remove (stringSlice \"alertname\") }}{{ . }},{{ end }}", "{{ if .Labels.severity }}{{ .Labels.severity }}{{ else }}-{{ end }}", "{{ $.Status }}", "{{ .GeneratorURL }}" }

local piece

local function pieces(c, depth)
  local out = {}
  for i = 1, 1 + c:next(3) do out[i] = piece(c, depth) end
  return table.concat(out, c:one { "", " ", "\n" })
end

local MAKE = {
  function() return "text" end,
  function(c) return "{{ " .. c:one(TEXTS) .. " }}" end,
  function(c) return "{{ " .. c:one(TEXTS) .. " | " .. c:one(FILTERS) .. " }}" end,
  function(c) return "{{- " .. c:one(TEXTS) .. " | " .. c:one { "toUpper", "title", "toLower" } .. " | " .. c:one(FILTERS) .. " -}}" end,
  function(c) return "{{ " .. c:one(LISTS) .. ' | join "' .. c:one { ", ", "" } .. '" }}' end,
  function(c) return "{{ " .. c:one(RANGES) .. " | len }}" end,
  function(c, depth) return "{{ if " .. c:one(TESTS) .. " }}" .. pieces(c, depth + 1) .. (c:often(50) and "{{ else }}" .. pieces(c, depth + 1) or "") .. "{{ end }}" end,
  function(c, depth) return "{{ with " .. c:one(TEXTS) .. " }}{{ . }}{{ else }}" .. pieces(c, depth + 1) .. "{{ end }}" end,
  function(c)
    local out = {}
    for i = 1, 1 + c:next(3) do out[i] = c:one(OF_ALERT) end
    return "{{ range " .. c:one(RANGES) .. " }}" .. table.concat(out, " ") .. (c:often(30) and "{{ else }}none" or "") .. "{{ end }}"
  end,
  function(c) return "{{ range $i, $p := " .. c:one { ".CommonLabels", ".GroupLabels.SortedPairs" } .. " }}{{ $i }}:{{ $p }} {{ end }}" end,
}

function piece(c, depth)
  if depth > 2 then return "{{ " .. c:one(TEXTS) .. " }}" end
  return c:one(MAKE)(c, depth)
end

--- A text with templates.
function M.text(c) return pieces(c, 1) end

-- -- in a configuration -------------------------------------------------------------------

-- A text of a field, never empty, as YAML.
local function field(c)
  local own = c:often(25) and c:one { '{{ template "own.line" . }}', '{{ range .Alerts }}{{ template "own.alert" . }}{{ end }}' }
  return labels.yaml(c, c:one { "T ", "* " } .. (own or M.text(c)))
end

--- A file of templates.
function M.definitions(c)
  return '{{/* our own */}}\n{{ define "own.line" }}[{{ template "own.mark" . }}] ' .. M.text(c) .. '{{ end }}\n{{ define "own.mark" -}} {{ .Status | toUpper }} {{- end }}\n'
    .. '{{ define "own.alert" }}\n- {{ .Labels.alertname }}{{ if .Annotations.summary }}: {{ .Annotations.summary }}{{ end }}{{ end }}\n{{ define "own.unused" }}{{ end }}\n'
end

local KINDS = {}

function KINDS.r0(c, hook, add)
  add("slack_configs:", "  - api_url: " .. hook .. "/r0/1", "    send_resolved: " .. c:one { "true", "false" }, "    title: " .. field(c), "    text: " .. field(c),
    "    footer: " .. field(c), '    color: \'{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}\'')
  if c:often(60) then add("    fields: [{title: " .. field(c) .. ", value: " .. field(c) .. ", short: " .. c:one { "true", "false" } .. "}]") end
end

function KINDS.r1(c, hook, add)
  add("pagerduty_configs:", "  - url: " .. hook .. "/r1/1", "    routing_key: k", "    description: " .. field(c))
  for _, name in ipairs { "class", "component", "group", "source" } do add("    " .. name .. ": " .. field(c)) end
  add("    details: {one: " .. field(c) .. ", two: " .. field(c) .. "}")
end

function KINDS.r2(c, hook, add)
  add("opsgenie_configs:", "  - api_url: " .. hook .. "/r2/1/", "    api_key: k")
  for _, name in ipairs { "message", "description", "note" } do add("    " .. name .. ": " .. field(c)) end
  add("    source: 'from {{ .Receiver | title }}'", "    entity: '{{ .CommonLabels.instance }}.'") -- Opsgenie takes less of these
  add('    tags: \'a,{{ .CommonLabels.Values | join "," }},,{{ .Status }}\'', "    details: {one: " .. field(c) .. "}", "    priority: P" .. 1 + c:next(5))
end

function KINDS.r3(c, hook, add)
  add("victorops_configs:", "  - api_url: " .. hook .. "/r3/1/", "    api_key: k", "    routing_key: rk")
  for _, name in ipairs { "state_message", "entity_display_name", "monitoring_tool" } do add("    " .. name .. ": " .. field(c)) end
end

--- The configuration of the receiver NAME below HOOK into OUT: programs with texts of their own.
function M.receiver(c, _, name, hook, out)
  KINDS[name](c, hook, function(...)
    for _, line in ipairs { ... } do out[#out + 1] = "    " .. line end
  end)
end

return M
