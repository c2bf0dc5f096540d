--- prometheus_spec.lua - what becomes of the YAML of Prometheus: rules, texts, prometheus.yml.
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local outputs = require "moonwatch.import.outputs"
local proc = require "proc"
local prometheus = require "moonwatch.import.prometheus"
local report = require "moonwatch.import.report"

-- FILES (name → text) in a folder; the first one imported.  Gives name → Lua, and what is lost without the folder.
local function import(name, files, options)
  local dir = proc.scratch()
  for file, text in pairs(files) do proc.write(dir .. "/" .. file, text) end
  local told, out = report.new(), outputs.new(host)
  prometheus.import(dir .. "/" .. name, { host = host, report = told, out = out, how = "moonwatch import prometheus", every = options and options.every })
  local texts, lines = {}, told:lines()
  for _, file in ipairs(out.list) do texts[file.name] = file.text:gsub("^%-%- Imported from[^\n]*\n\n?", "") end
  for i, line in ipairs(lines) do lines[i] = line:sub(#dir + 2) end
  return texts, lines, told:count()
end

local function rules(text) return import("web.yml", { ["web.yml"] = text }) end

-- The fields of what LUA declares, as the server would have them.
local function loaded(lua)
  local set, problems = load.load { host = host, config = "moonwatch.lua", source = lua }
  assert(set, problems[1] and problems[1].text)
  return set
end

after_each(function() proc.cleanup() end)

describe("a rule file of Prometheus", function()
  it("may say nothing in each of the words that YAML has for it", function()
    for _, null in ipairs { "", "~", "null", "Null", "NULL" } do
      local out, lost = rules(("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: %s\n    labels: %s\n"):format(null, null))
      assert.same({}, lost, null)
      assert.same({ nil, {} }, { loaded(out["web.lua"]).alerts[1].hold ~= 0 or nil, loaded(out["web.lua"]).alerts[1].labels })
    end
  end)

  it("becomes rules as a person would write them, with their comments", function()
    local out, lost = rules [[
# What the web is like.
groups:
  - name: web   # of the web team
    interval: 30s
    rules:
      # Requests by job.
      - record: job:requests:rate5m
        expr: sum by (job) (rate(requests_total[5m]))
      - alert: Slow
        # The slowest tenth.
        expr: |
          histogram_quantile(0.9, sum by (le) (
            rate(latency_bucket{code=~"2\\d\\d"}[5m])
          )) > 0.5
        for: 10m # a while
        labels:
          severity: page
          team: web
        annotations:
          summary: 'Slow: {{ $value | humanizeDuration }} on {{ $labels.instance }}'
          runbook_url: https://runbooks/slow
          dashboard: https://boards/{{ $labels.instance }}
      # - alert: Old
      #   expr: 1
# The end.
]]
    assert.same({}, lost)
    assert.equal([==[
-- What the web is like.

-- group web, every 30s ------------------------------------------------------
-- of the web team

-- Requests by job.
record "job:requests:rate5m" { expr = "sum by (job) (rate(requests_total[5m]))", every = "30s", group = "web" }

alert "Slow" {
  -- The slowest tenth.
  expr = [[
    histogram_quantile(0.9, sum by (le) (
      rate(latency_bucket{code=~"2\\d\\d"}[5m])
    )) > 0.5]],
  hold = "10m", -- a while
  severity = "page", every = "30s", group = "web",
  labels = { team = "web" },
  summary = "Slow: ${value|duration} on ${labels.instance}",
  runbook = "https://runbooks/slow",
  annotations = { dashboard = "https://boards/${labels.instance}" },
}

-- - alert: Old
--   expr: 1
-- The end.
]==], out["web.lua"])
  end)

  it("says what Prometheus does by default where moonwatch does otherwise", function()
    local rule = loaded(rules("groups: [{name: g, rules: [{alert: A, expr: up}]}]")["web.lua"]).alerts[1]
    assert.same({ 60, "", 0, "g" }, { rule.every, rule.severity, rule.hold, rule.group })
  end)

  it("takes the interval that is given for groups that say none", function()
    local out = import("web.yml", { ["web.yml"] = "groups: [{name: g, rules: [{alert: A, expr: up}]}]" }, { every = "7s" })
    assert.equal(7, loaded(out["web.lua"]).alerts[1].every)
  end)

  it("gives labels of the group to its rules, whose own ones win", function()
    local out = rules "groups: [{name: g, labels: {team: web, dc: a}, rules: [{record: x, expr: up, labels: {dc: b}}]}]"
    assert.same({ team = "web", dc = "b" }, loaded(out["web.lua"]).records[1].labels)
  end)

  it("may say the same name and labels twice", function()
    local out, lost = rules "groups: [{name: g, rules: [{alert: A, expr: up == 0}, {alert: A, expr: up == 1}, {record: r, expr: a}, {record: r, expr: b}]}]"
    assert.same({}, lost)
    local set = loaded(out["web.lua"])
    assert.same({ 2, 2 }, { #set.alerts, #set.records })
  end)

  it("may be a PrometheusRule of Kubernetes", function()
    local out, lost = rules "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\nspec: {groups: [{name: g, rules: [{record: a, expr: up}]}]}"
    assert.same({}, lost)
    assert.equal("a", loaded(out["web.lua"]).records[1].name)
  end)

  it("keeps rules that cannot be read as comments, and tells where they are wrong", function()
    local out, lost = rules [[
groups:
  - name: g
    rules:
      - record: a
        expr: sum(rate(x[5m]) by
      - alert: B
        expr: |
          up
            == (
      - alert: C
        expr: up
        annotations: { summary: "{{ .Value" }
      - alert: D
        expr: [ up ]
      - alert: E
        expr: up
        for: soon
        lables: { a: b }
]]
    assert.same({
      '5:31: bad PromQL', '10:1', '12:33: bad template: unclosed action', '13:9: a rule needs expr', '14:15: expr: expected a text, got a list',
      '17:14: for: expected a duration such as "5m", got "soon"', '18:9: rule: there is no field "lables" (did you mean "labels"?)',
    }, (function()
      local heads = {}
      for i, line in ipairs(lost) do heads[i] = line:gsub("^web.yml:", "") end
      heads[1], heads[2] = heads[1]:match "^[^:]*:[^:]*: bad PromQL", heads[2]:match "^%d+:%d+"
      return heads
    end)())
    assert.truthy(out["web.lua"]:find('-- not imported: record "a": bad PromQL', 1, true))
    assert.same({ "C", "E" }, { loaded(out["web.lua"]).alerts[1].name, loaded(out["web.lua"]).alerts[2].name })
  end)

  it("is split when it is larger than a rule file may be", function()
    local text = { "groups:" }
    for g = 1, 3 do
      text[#text + 1] = ("- name: g%d\n  rules:"):format(g)
      for r = 1, 300 do text[#text + 1] = ("  - {record: 'r%d_%d', expr: 'sum(%s)'}"):format(g, r, ("x"):rep(400)) end
    end
    local out, lost = rules(table.concat(text, "\n"))
    assert.same({}, lost)
    local n = 0
    for _, lua in pairs(out) do n = n + #loaded(lua).records end
    assert.equal(900, n)
  end)

  it("is the same Lua each time", function()
    local text = "groups: [{name: g, rules: [{alert: A, expr: up, labels: {b: x, a: y}, annotations: {q: w, e: r, summary: s}}]}]"
    assert.same(rules(text), rules(text))
  end)
end)

describe("YAML from a stranger", function()
  local cases = {
    { "is told where it is none", "groups:\n  - [a\n  b: c", "web.yml:%d+:%d+: no YAML: " },
    { "may be nothing at all", "", nil },
    { "is no rule file when it is a list", "- a\n- b", "web.yml:1:1: rule file: expected a map, got a list" },
    { "is refused when it is too deep", ("["):rep(5000), "web.yml:%d+:%d+: no YAML: " },
    { "is refused when anchors make too much of it", (function()
      local out = { "a0: &a0 [x,x,x,x,x,x,x,x,x,x]" }
      for i = 1, 12 do out[#out + 1] = ("a%d: &a%d [%s]"):format(i, i, ("*a" .. i - 1 .. ","):rep(10)) end
      return table.concat(out, "\n")
    end)(), "web.yml:%d+:%d+: no YAML: " },
    { "cannot escape into the Lua", 'groups: [{name: "g\\n]] os.exit() --", rules: [{alert: "A\\" {} x", expr: "up # ]] {}", annotations: {summary: "]]]=] ${x} \\n]]"}}]}]', nil },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local out, lost = rules(case[2])
      if case[3] then assert.truthy((lost[1] or ""):find("^" .. case[3]), lost[1]) end
      for _, lua in pairs(out) do loaded(lua) end
    end)
  end

  it("leaves no doubt about the texts in it", function()
    local rule = loaded(rules('groups: [{name: "g\\n]] os.exit() --", rules: [{alert: "A\\" {} x", expr: "up", annotations: {summary: "]]]=] \\n]]\\e"}}]}]')["web.lua"]).alerts[1]
    assert.same({ 'A" {} x', "]]]=] \n]]\27", "g\n]] os.exit() --" }, { rule.name, rule.summary, rule.group })
  end)
end)

describe("prometheus.yml", function()
  it("becomes the root file: settings, its rules, its jobs", function()
    local out, lost = import("prometheus.yml", { ["a.yml"] = "groups: [{name: g, rules: [{record: x, expr: up}]}]", ["prometheus.yml"] = [[
global:
  scrape_interval: 20s
  evaluation_interval: 5s
  external_labels: { dc: lisbon } # here
rule_files: [ "?.yml" ]
scrape_configs:
  # Ourselves.
  - job_name: self
    static_configs:
      - targets: [ "localhost:9090", "other" ]
        labels: { role: server }
  - job_name: fleet
    scrape_interval: 1m
    metrics_path: /probe
    params: { module: [ http ], target: [ a, b ] }
    honor_labels: true
    sample_limit: 500
    authorization: { credentials_file: /etc/token }
    dns_sd_configs: [ { names: [ _m._tcp.example.com ] } ]
    http_sd_configs: [ { url: "http://127.0.0.1:1/sd", refresh_interval: 30s } ]
    relabel_configs:
      - source_labels: [ __meta_url ]
        regex: "https?://(.+)/.*"
        target_label: source
      # Only these.
      - { source_labels: [ role ], regex: "web|api", action: keep }
      - { source_labels: [ __address__ ], target_label: __param_target }
      - { regex: "__meta_(.+)", action: labelmap }
    metric_relabel_configs:
      - { source_labels: [ __name__ ], regex: "go_.*", action: drop }
      - { source_labels: [ a, b ], separator: /, target_label: ab }
]] })
    assert.same({}, lost)
    assert.truthy(out["rules/a.lua"]:find('every = "5s"', 1, true))
    local root = out["moonwatch.lua"]
    assert.truthy(root:find('dc = "lisbon", -- here', 1, true), root)
    assert.truthy(root:find('include "rules/*.lua"', 1, true))
    assert.truthy(root:find([==[
-- Ourselves.
scrape "self" { targets = { "localhost:9090", "other:80" }, labels = { role = "server" }, every = "20s" }
]==], 1, true), root)
    assert.truthy(root:find([==[
  relabel = function(target)
    local labels = target.labels
    labels.source = regex.expand("https?://(.+)/.*", labels.__meta_url or "", "$1") or labels.source
    -- Only these.
    if not (labels.role == "web" or labels.role == "api") then return nil end
    labels.__param_target = labels.__address__ or ""
    for name, value in t.sorted(labels) do
      local to = regex.expand("__meta_(.+)", name, "$1")
      if to then labels[to] = value end
    end
    return target
  end,
  drop = '{__name__=~"go_.*"}',
  keep = function(sample)
    local labels = sample.labels
    labels.__name__ = sample.name
    labels.ab = (labels.a or "") .. "/" .. (labels.b or "")
    return sample
  end,
}
]==], 1, true), root)
    local job = loaded((root:gsub('include "rules/%*.lua"', ""))).scrapes[2]
    assert.same({ 60, "/probe", { module = { "http" }, target = { "a", "b" } }, true, 500 }, { job.every, job.path, job.params, job.honor_labels, job.sample_limit })
  end)

  it("carries over which times count, and what is the default is not said", function()
    local out, lost = import("prometheus.yml", { ["prometheus.yml"] = [[
scrape_configs:
  - job_name: s
    honor_labels: false
    honor_timestamps: false
    track_timestamps_staleness: true
    static_configs: [ { targets: [ "a:1" ] } ]
]] })
    assert.same({}, lost)
    assert.falsy(out["moonwatch.lua"]:find "honor_labels")
    local job = loaded(out["moonwatch.lua"]).scrapes[1]
    assert.same({ false, true }, { job.honor_timestamps, job.track_timestamps_staleness })
  end)

  it("carries over certificates, of targets and of lists of them", function()
    local out, lost = import("prometheus.yml", { ["prometheus.yml"] = [[
scrape_configs:
  - job_name: s
    scheme: https
    tls_config: { ca_file: ca.pem, cert_file: /etc/c.pem, key_file: /etc/k.pem, server_name: metrics.internal, min_version: TLS12 }
    http_sd_configs: [ { url: "https://list/", tls_config: { insecure_skip_verify: true } } ]
]] })
    assert.same({}, lost)
    local job = loaded(out["moonwatch.lua"]).scrapes[1]
    assert.truthy(job.tls.ca:find "ca%.pem$")
    assert.same({ "/etc/c.pem", "/etc/k.pem", "metrics.internal", false }, { job.tls.cert, job.tls.key, job.tls.server_name, job.tls.insecure })
    assert.is_true(job.http[1].tls.insecure)
  end)

  it("lists what there is no word for, and writes the rest", function()
    local out, lost, count = import("prometheus.yml", { ["prometheus.yml"] = [[
remote_write: [ { url: "http://127.0.0.1:1" } ]
scrape_configs:
  - job_name: k
    kubernetes_sd_configs: [ { role: pod } ]
  - job_name: s
    basic_auth: { username: u, password: p }
    tls_config: { insecure_skip_verify: true, max_version: TLS12 }
    static_configs: [ { targets: [ "a:1" ] } ]
]] })
    assert.same({
      "prometheus.yml:1:1: remote_write: samples are not passed on",
      "prometheus.yml:4:5: kubernetes_sd_configs: this kind of discovery is not there; file, DNS and HTTP discovery are",
      'prometheus.yml:6:42: note: a secret is written into the Lua file; secret "NAME" would read it from the environment or a file',
      "prometheus.yml:7:47: tls_config: max_version: cannot be chosen; TLS 1.2 and later are spoken",
    }, lost)
    assert.equal(3, count)
    assert.same({ "s" }, { loaded(out["moonwatch.lua"]).scrapes[1].name })
  end)
end)
