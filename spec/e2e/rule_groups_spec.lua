--- rule_groups_spec.lua - groups of rules in a running server, beside those of a real Prometheus.
local net = require "net"
local peers = require "peers"
local proc = require "proc"
local server = require "server"

local OURS = {
  ["chain.lua"] = [[
record "a:one" { expr = "vector(1)", labels = { team = "x" }, every = "1s", limit = 5 }
record "a:two" { expr = "a:one * 2", every = "1s", limit = 5 }
alert "Two" { expr = "a:two > 1", hold = "1s", keep = "1s", severity = "page", annotations = { text = "is ${value} of ${labels.team}" },
              every = "1s", limit = 5 }
alert "Five" { expr = "a:two > 5", severity = "page", every = "1s", limit = 5 }
record "a:same" { expr = '{__name__=~"a:(one|two)"}', every = "1s", limit = 5 }
]],
  ["later.lua"] = [[
alert "Odd" { expr = "a:two % 2 == 1", severity = "none", labels = { kind = "odd" }, every = "2s", group = "parity" }
alert "Even" { expr = "a:two % 2 == 0", hold = "1h", severity = "none", labels = { kind = "even" }, every = "2s", group = "parity" }
]],
}
local THEIRS = [[
groups:
- name: chain
  interval: 1s
  limit: 5
  rules:
  - {record: "a:one", expr: "vector(1)", labels: {team: x}}
  - {record: "a:two", expr: "a:one * 2"}
  - {alert: Two, expr: "a:two > 1", for: 1s, keep_firing_for: 1s, labels: {severity: page},
     annotations: {text: "is {{ $value }} of {{ $labels.team }}"}}
  - {alert: Five, expr: "a:two > 5", labels: {severity: page}}
  - {record: "a:same", expr: '{__name__=~"a:(one|two)"}'}
- name: parity
  interval: 2s
  rules:
  - {alert: Odd, expr: "a:two % 2 == 1", labels: {severity: none, kind: odd}}
  - {alert: Even, expr: "a:two % 2 == 0", for: 1h, labels: {severity: none, kind: even}}
]]

local function keys(t)
  local out = {}
  for key in pairs(t) do out[#out + 1] = key end
  table.sort(out)
  return out
end

-- What Prometheus does not have and its clients pass over.
local ADDED = { evidence = true, suspended = true, usage = true, traceback = true, shadow = true }

-- What must be there but cannot be the same: times, the file, and what stands behind the text of an error.
local function same_shape(a, b, path)
  assert.equal(type(a), type(b), path)
  if type(a) ~= "table" then
    if path:find "lastError$" then
      assert.equal(b, a:sub(1, #b), path)
    elseif path:find "Evaluation$" or path:find "activeAt$" then
      assert.truthy(a:find "^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d[%.%d]*Z$", path .. " " .. a)
    elseif path:find "evaluationTime$" then
      assert.truthy(a > 0 and a < 10, path)
    elseif not path:find "file$" then
      assert.equal(b, a, path)
    end
    return
  end
  for key in pairs(ADDED) do a[key] = nil end
  assert.same(keys(b), keys(a), path)
  for key in pairs(a) do same_shape(a[key], b[key], path .. "." .. key) end
end

-- What Prometheus 2 says otherwise than 3, and texts that each writes in a language of its own.
local function as_new(answer)
  -- Alerts come in any order.
  table.sort(answer.data.alerts or {}, function(a, b) return a.labels.alertname < b.labels.alertname end)
  local groups = answer.data.groups or {}
  for i = #groups, 1, -1 do
    if #groups[i].rules == 0 then table.remove(groups, i) end
    for _, rule in ipairs(groups[i] and groups[i].rules or {}) do
      rule.labels = rule.labels or {}
      if rule.annotations and rule.annotations.text then
        rule.annotations.text = rule.annotations.text:gsub("%${(.-)}", "{{ $%1 }}")
      end
    end
  end
  return answer
end

describe("groups of rules", function()
  local node, peer
  setup(function()
    node = server.start { rules = OURS }
    peer = peers.prometheus_rules(THEIRS)
    for _, url in ipairs { node.url, peer.url } do
      proc.eventually(function()
        local seen = {}
        for _, group in ipairs(net.json(url .. "/api/v1/rules").data.groups) do
          for _, rule in ipairs(group.rules) do seen[rule.name] = rule.state or rule.health end
        end
        return seen.Two == "firing" and seen.Even == "pending" and seen.Odd == "inactive" and seen["a:same"] == "err"
      end, 15, "the rules of " .. url .. " were evaluated")
    end
  end)
  teardown(function()
    node:stop()
    peer.proc:stop()
    proc.cleanup()
  end)

  local function ask(query)
    local answer, status = node:json("/api/v1/rules?" .. query)
    return answer, status
  end
  local function names(query)
    local out = {}
    for _, group in ipairs(ask(query).data.groups) do
      local rules = {}
      for i, rule in ipairs(group.rules) do rules[i] = rule.name end
      out[#out + 1] = group.name .. ":" .. table.concat(rules, ",")
    end
    return table.concat(out, " ")
  end

  for _, path in ipairs { "/api/v1/rules", "/api/v1/rules?type=alert", "/api/v1/rules?type=record", "/api/v1/alerts" } do
    it("are shown at " .. path .. " as Prometheus shows them", function()
      same_shape(as_new(node:json(path)), as_new(net.json(peer.url .. path)), path)
    end)
  end

  it("give the same series as those of Prometheus", function()
    proc.eventually(function()
      return #net.json(peer.url .. "/api/v1/query?query=ALERTS").data.result == 2
    end, 15, "Prometheus has restored and writes ALERTS")
    for _, expr in ipairs { "a:one", "a:two", "ALERTS", 'count by (alertname) (ALERTS_FOR_STATE)' } do
      local function rows(url)
        local out = {}
        for _, row in ipairs(net.json(url .. "/api/v1/query?query=" .. net.escape(expr)).data.result) do
          local labels = {}
          for _, name in ipairs(keys(row.metric)) do labels[#labels + 1] = name .. "=" .. row.metric[name] end
          out[#out + 1] = table.concat(labels, ",") .. " " .. row.value[2]
        end
        table.sort(out)
        return out
      end
      local want = rows(peer.url)
      assert.truthy(#want > 0, expr)
      assert.same(want, rows(node.url), expr)
    end
    local one, two = node:query("timestamp(a:one)")[1], node:query("timestamp(a:two)")[1]
    assert.truthy(math.abs(one.value[2] - two.value[2]) < 1.1)
  end)

  it("are filtered by type, name, group, file and labels", function()
    assert.equal("chain:Two,Five parity:Odd,Even", names "type=alert")
    assert.equal("chain:a:one,a:two,a:same", names "type=RECORD")
    assert.equal("chain:Two parity:Odd", names "rule_name[]=Two&rule_name[]=Odd&rule_name[]=None")
    assert.equal("parity:Odd,Even", names "rule_group[]=parity")
    assert.equal("chain:Two,Five", names("type=alert&file[]=" .. net.escape(node.dir .. "/rules/chain.lua")))
    assert.equal("", names "file[]=chain.lua")
    assert.equal("parity:Even", names("match[]=" .. net.escape '{kind="even"}'))
    assert.equal("chain:a:one parity:Odd", names("match[]=" .. net.escape '{team=~".+"}' .. "&match[]=" .. net.escape '{kind=~"o.*",severity!="page"}'))
    local rule = ask("exclude_alerts=true&rule_name[]=Two").data.groups[1].rules[1]
    assert.equal("firing", rule.state)
    local _, text = node:get "/api/v1/rules?exclude_alerts=true&rule_name[]=Two"
    assert.truthy(text:find('"alerts":null', 1, true), text)
  end)

  it("come in pages", function()
    local first = ask "group_limit=1"
    assert.equal(1, #first.data.groups)
    assert.equal("chain", first.data.groups[1].name)
    local token = first.data.groupNextToken
    assert.equal(64, #token)
    local second = ask("group_limit=1&group_next_token=" .. token)
    assert.equal("parity", second.data.groups[1].name)
    assert.equal(nil, second.data.groupNextToken)
    assert.equal(nil, ask("group_limit=2").data.groupNextToken)
  end)

  local wrong = {
    { "type=some", 'invalid parameter "type": not supported value "some"' },
    { "exclude_alerts=perhaps", 'invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "perhaps": invalid syntax' },
    { "group_limit=0", 'invalid parameter "group_limit": group_limit needs to be greater than 0' },
    { "group_limit=many", 'invalid parameter "group_limit": group_limit needs to be a valid number: strconv.ParseInt: parsing "many": invalid syntax' },
    { "group_next_token=x", 'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups' },
    { "group_limit=1&group_next_token=x", 'invalid parameter "group_next_token": invalid group_next_token \'x\'. were rule groups changed?' },
    { "match[]={}", "match[] must contain at least one non-empty matcher" },
    { "match[]=%7Ba", nil },
  }
  for _, row in ipairs(wrong) do
    it("are refused for " .. row[1], function()
      local answer, status = ask(row[1])
      assert.equal(400, status)
      assert.equal("bad_data", answer.errorType)
      assert.equal("error", answer.status)
      if row[2] then assert.equal(row[2], answer.error) end
    end)
  end

  it("count their turns at /metrics", function()
    local _, text = node:get "/metrics"
    local group = ('{rule_group="%s/rules/chain.lua;chain"} '):format(node.dir)
    for _, name in ipairs { "evaluations_total", "group_iterations_total", "iterations_missed_total", "group_last_duration_seconds",
                            "group_last_evaluation_timestamp_seconds", "group_last_evaluation_samples", "group_interval_seconds", "group_rules" } do
      assert.truthy(text:find("moonwatch_rule_" .. name .. group, 1, true), name)
    end
  end)

  it("end the series of a rule that is gone after a reload", function()
    node:write("gone.lua", 'record "gone" { expr = "vector(7)", every = "500ms" }')
    assert.is_true(node:reload().ok)
    proc.eventually(function() return node:value "gone" == 7 end, 10, "the rule records")
    os.remove(node.dir .. "/rules/gone.lua")
    assert.is_true(node:reload().ok)
    assert.equal(nil, node:value "gone")
    assert.equal(1, node:value "a:one")
  end)
end)
