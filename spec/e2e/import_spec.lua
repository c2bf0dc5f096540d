--- import_spec.lua - rules of a real Prometheus, imported: the same alerts at the same time, with the same texts.
--
-- What the rules see is what they make of the time, so it is the same on both sides.  A second is a tick; one that either side
-- missed is not compared.
local net = require "net"
require "peers" -- real programs
local proc = require "proc"
local server = require "server"

local TICK = 1

local CONFIG = [[
global:
  evaluation_interval: 1s
  external_labels: { dc: lisbon }
rule_files: [ demo.yml ]
]]

local RULES = [==[
# What the demo watches.
groups:
  - name: demo
    rules:
      - record: demo:tick
        expr: floor(vector(time()))
      # Two instances that go up and down.
      - record: demo:load
        expr: |
          label_replace(floor(vector(time())) % 4, "instance", "web-1.example:9100", "", "")
            or
          label_replace(floor(vector(time())) % 7, "instance", "db-2.example:9100", "", "")
        labels: { job: demo }
      - alert: Busy
        expr: demo:load > 1
        labels: { severity: page, team: '{{ $labels.job }}' }
      - alert: Held
        expr: demo:load > 1
        for: 2s
        annotations: { summary: 'held' }
      - alert: Kept
        expr: demo:load > 2
        keep_firing_for: 2s
        labels:
          severity: '{{ if gt $value 4.0 }}critical{{ else }}warning{{ end }}'
      - alert: Twin
        expr: demo:load == 0
      - alert: Twin
        expr: demo:load == 3
      - alert: NoSeverity
        expr: label_replace(demo:load > 5, "severity", "from series", "", "")
  - name: texts
    interval: 1s
    rules:
      - record: demo:sizes
        expr: |
          label_replace(label_replace(vector(1234567.5), "instance", "web-1.example:9100", "", ""), "path", "/var/lib", "", "")
            or label_replace(label_replace(vector(0.04567), "instance", "db-2.example:9100", "", ""), "path", "/", "", "")
      - alert: Texts
        expr: demo:sizes
        labels: { severity: info, where: '{{ $labels.instance | stripPort }}', size: '{{ humanize1024 $value }}' }
        annotations:
          plain: "nothing to fill in"
          value: '{{ $value }} {{ printf "%.2f" $value }} {{ printf "%5.1f|%s|%q" $value $labels.path $labels.path }}'
          summary: 'Size of {{ $labels.path }} on {{ $labels.instance }}: {{ $value | humanize }}, {{ humanizeDuration $value }}'
          description: |
            {{ humanizePercentage $value }} since {{ humanizeTimestamp $value }}
            VALUE = {{ $value }}
              LABELS = {{ $labels }}
          runbook_url: 'https://runbooks/{{ $labels.alertname }}{{ $labels.severity }}?dc={{ $externalLabels.dc }}'
          branch: '{{ if and (match "^web" $labels.instance) (eq $labels.path "/var/lib") }}web{{ else if $labels.nope }}?{{ else }}db{{ end }}'
          asked: '{{ with query "demo:sizes > 1000" }}{{ . | first | value | humanize }} at {{ . | first | label "instance" | toUpper }}{{ end }}'
          listed: '{{ range $i, $s := query "demo:sizes" | sortByLabel "instance" }}{{ if $i }}, {{ end }}{{ $s.Labels.instance | stripDomain }}={{ .Value }}{{ else }}none{{ end }}'
          replaced: '{{ reReplaceAll "([^.]+)\\..*:(\\d+)" "$2-${1}" $labels.instance }}{{ title " some words" }}'
          variables: '{{ $n := len $labels.path }}{{ $x := "a" }}{{ if gt $n 3 }}{{ $x = "b" }}{{ end }}{{ $x }}{{ $n }}'
          defined: '{{ define "it" }}<{{ .Labels.path }} {{ .Value }}>{{ end }}{{ template "it" . }}'
          trimmed: "{{- /* nothing */ -}}  a {{- ` b ` -}} c"
          linked: '{{ graphLink "up{job=\"a b\"}" }}'
      - alert: Broken
        expr: vector(1)
        annotations: { summary: 'all is {{ if gt $value 5 }}well{{ end }}', first: '{{ query "nothing" | first }}' }
]==]

-- -- both sides -------------------------------------------------------------------------

local function imported(config, rules)
  local dir = proc.scratch()
  proc.write(dir .. "/prometheus.yml", config)
  proc.write(dir .. "/demo.yml", rules)
  local status, text = proc.run { server.binary(), "import", "prometheus", dir .. "/prometheus.yml", "-o", dir .. "/out" }
  assert.equal(0, status, text)
  return { config = proc.read(dir .. "/out/moonwatch.lua"), rules = { ["demo.lua"] = proc.read(dir .. "/out/rules/demo.lua") } }
end

local function prometheus()
  local dir, port = proc.scratch(), proc.free_port()
  proc.write(dir .. "/prometheus.yml", CONFIG)
  proc.write(dir .. "/demo.yml", RULES)
  local p = proc.spawn({ "prometheus", "--config.file=" .. dir .. "/prometheus.yml", "--storage.tsdb.path=" .. dir .. "/data",
    "--web.listen-address=127.0.0.1:" .. port }, dir .. "/log")
  return { proc = p, url = "http://127.0.0.1:" .. port }
end

local function key_of(labels)
  local out = {}
  for name, value in pairs(labels) do out[#out + 1] = name .. "=" .. value end
  table.sort(out)
  return table.concat(out, ",")
end

-- Time → series → value, of the samples themselves: the instant vector of each tick, of what was written within it.
local function history(url, expr, from, to)
  local answer = assert(net.json(("%s/api/v1/query_range?query=%s&start=%d&end=%d&step=%d"):format(url, net.escape(expr), from, to, TICK)))
  local out = {}
  for _, row in ipairs(answer.data.result) do
    for _, point in ipairs(row.values) do
      local t = tonumber(point[1])
      out[t] = out[t] or {}
      out[t][key_of(row.metric)] = tonumber(point[2])
    end
  end
  return out
end

local function keys(t)
  local out = {}
  for key in pairs(t) do out[#out + 1] = key end
  table.sort(out)
  return out
end

-- The ticks that both sides evaluated in their time.
local function common_ticks(a, b)
  local out = {}
  for t, row in pairs(a) do
    local other = b[t] or {}
    local wanted = t / TICK - 1
    if row["__name__=demo:tick"] == wanted and other["__name__=demo:tick"] == wanted then out[#out + 1] = t end
  end
  table.sort(out)
  return out
end

local function texts_of(url)
  local out = {}
  for _, alert in ipairs(net.json(url .. "/api/v1/alerts").data.alerts) do
    if alert.labels.alertname == "Texts" or alert.labels.alertname == "Broken" then out[key_of(alert.labels)] = alert.annotations end
  end
  return out
end

describe("rules of Prometheus, imported,", function()
  local ours, theirs, from, to
  setup(function()
    ours, theirs = server.start(imported(CONFIG, RULES)), prometheus()
    local function newest(url)
      local answer = net.json(url .. "/api/v1/query?query=demo:tick")
      return tonumber(answer.data.result[1].value[2])
    end
    local first
    proc.eventually(function()
      first = first or math.max(newest(ours.url), newest(theirs.url))
      return math.min(newest(ours.url), newest(theirs.url)) > first + 24
    end, 90, "both evaluated for 24 ticks")
    -- By then each alert was inactive once, and Prometheus, which writes none in the beginning, writes them.
    from, to = (first + 10) * TICK, (first + 24) * TICK
  end)
  teardown(function()
    ours:stop()
    theirs.proc:stop()
    proc.cleanup()
  end)

  local function compare(expr)
    local a, b = history(ours.url, "demo:tick", from, to), history(theirs.url, "demo:tick", from, to)
    local ticks = common_ticks(a, b)
    assert.truthy(#ticks >= 5, "too few ticks that both evaluated: " .. #ticks)
    a, b = history(ours.url, expr, from, to), history(theirs.url, expr, from, to)
    local seen = 0
    for _, t in ipairs(ticks) do
      assert.same(b[t] or {}, a[t] or {}, ("%s at %d"):format(expr, t))
      seen = seen + #keys(a[t] or {})
    end
    assert.truthy(seen > 10, "hardly anything to compare")
  end

  it("record the same series", function() compare "demo:load" end)
  it("have the same ALERTS at every tick", function() compare 'ALERTS{alertname!="Texts",alertname!="Broken"}' end)
  it("have the same ALERTS_FOR_STATE at every tick", function()
    compare 'ALERTS_FOR_STATE{alertname!="Texts",alertname!="Broken"}'
  end)

  it("say the same texts", function()
    local a, b = texts_of(ours.url), texts_of(theirs.url)
    assert.same(keys(b), keys(a))
    for key, annotations in pairs(b) do
      for name, text in pairs(annotations) do
        -- Where a template failed: Go tells its own place in it.
        local failed, why = text:match "^<error expanding template: .*: (error calling [^:]*): (.*)>$"
        if failed then assert.truthy(a[key][name]:find("<error expanding template: ", 1, true) == 1 and a[key][name]:find(why, 1, true), name .. ": " .. a[key][name])
        else assert.equal(text, a[key][name], key .. " " .. name) end
      end
    end
  end)

  it("are listed with the same names, times and queries", function()
    local function listed(url)
      local out = {}
      for _, group in ipairs(net.json(url .. "/api/v1/rules").data.groups) do
        for i, rule in ipairs(group.rules) do
          local query = net.json(theirs.url .. "/api/v1/format_query?query=" .. net.escape(rule.query)).data
          out[#out + 1] = { group = group.name, interval = group.interval, place = i, name = rule.name, type = rule.type, query = query,
                            duration = rule.duration, keep = rule.keepFiringFor, health = rule.health }
        end
      end
      table.sort(out, function(x, y) return x.group .. ("%03d"):format(x.place) < y.group .. ("%03d"):format(y.place) end)
      return out
    end
    assert.same(listed(theirs.url), listed(ours.url))
  end)
end)
