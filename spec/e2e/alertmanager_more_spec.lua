--- alertmanager_more_spec.lua - beside Debian's real Alertmanager, case by case: what is easy to get wrong in its manners.
--
-- All cases live in one configuration at the same time, each below a route of its own (label `case`).  What happens happens at whole
-- seconds, timers end between them.
local am_pair = require "am_pair"
local proc = require "proc"

local SECONDS = 13

-- -- how a case is written ------------------------------------------------------------

-- An alert that fires; MORE = { starts=, ends=, annotations=, generatorURL= }, seconds from now.
local function fire(name, labels, more)
  local a = { labels = { alertname = name }, starts = 0, ends = 60 }
  for k, v in pairs(labels or {}) do a.labels[k] = v end
  for k, v in pairs(more or {}) do a[k] = v ~= "none" and v or nil end
  return a
end
local function ends(name, labels, more)
  local a = fire(name, labels, more)
  a.starts, a.ends = nil, more and more.ends or 0
  return a
end
local function alerts(...) return { "alerts", { ... } } end
local function silence(name, value, from, to)
  return { "silence", { name = name, value = value, starts = from, ends = to } }
end
local BY = "group_by: [alertname]"
local CRIT = "{ source_matchers: [ sev=crit ], target_matchers: [ sev=warn ], equal: [ cluster ] }"

-- { what is promised, id=, says=how many messages of Alertmanager, route=, routes=, inhibit=, options= of its webhook, more= receivers,
--   answers=function(nth) → status, at=what happens at which second }
local CASES = {
  -- routes
  { "routes below each other, with and without continue", id = "deep", says = 6, more = { b = "", c = "", d = "" }, routes = {
      "{ matchers: [ t=1 ], receiver: deep-b, continue: true, routes: [ { matchers: [ u=1 ], receiver: deep-c, continue: true }, " ..
        "{ matchers: [ u=~\"1|2\" ], receiver: deep-d }, { matchers: [ u=1 ] } ] }",
      "{ matchers: [ t=1 ], receiver: deep-c, group_by: [u] }" },
    at = { [1] = { alerts(fire("A", { t = "1", u = "1" }), fire("B", { t = "1" }), fire("C", { u = "1" })) } } },
  { "times of a route that are its child's, windows that are not", id = "inherit", says = 2, more = { b = "" }, routes = {
      "{ matchers: [ t=1 ], mute_time_intervals: [ always ], routes: [ { matchers: [ u=1 ], receiver: inherit-b } ] }",
      "{ matchers: [ t=2 ], active_time_intervals: [ never ], routes: [ { matchers: [ u=1 ], receiver: inherit-b } ] }" },
    at = { [1] = { alerts(fire("A", { t = "1" }), fire("B", { t = "1", u = "1" }), fire("C", { t = "2" }), fire("D", { t = "2", u = "1" })) } } },
  { "matchers: anchored, missing is empty, a dot is no line break", id = "match", says = 9, route = "group_by: ['...']", more = { b = "", c = "", d = "", e = "", f = "" }, routes = {
      "{ matchers: [ 'x=~\"a.*b|c\"' ], receiver: match-b }", "{ matchers: [ 'x!~\".+\"' ], receiver: match-c }", "{ matchers: [ 'x=\"\\\"q\\\\\"' ], receiver: match-d }",
      "{ matchers: [ 'x=~\"(?i)ÄÖ.\"' ], receiver: match-e }", "{ match: { y: \"1\" }, match_re: { x: \"x.z?\" }, receiver: match-f }" },
    at = { [1] = { alerts(fire("A", { x = "a-b" }), fire("A", { x = "xa-b" }), fire("A", { x = "a\nb" }), fire("A"), fire("A", { x = '"q\\' }), fire("A", { x = "Äöü" }),
      fire("A", { x = "xy", y = "1" }), fire("A", { x = "xyzz", y = "1" }), fire("A", { x = "cc" })) } } },
  -- groups
  { "groups by labels that are missing, empty or odd", id = "odd", says = 5, route = "group_by: [zone, alertname]",
    at = { [1] = { alerts(fire("A", { zone = "a" }), fire("A"), fire("A", { zone = "", i = "2" }), fire("A", { zone = '"\\\n{},' }), fire("A", { zone = "<ü>&" }), fire(" A")) } } },
  { "an empty group_by, and one of a child", id = "none", says = 3, route = "group_by: []", more = { b = "" }, routes = { "{ matchers: [ t=1 ], receiver: none-b, group_by: ['...'] }" },
    at = { [1] = { alerts(fire("A"), fire("B"), fire("A", { t = "1" }), fire("B", { t = "1" })) } } },
  { "a repeat that waits for the next group_interval", id = "repeat", says = 4, route = "repeat_interval: 3s",
    at = { [1] = { alerts(fire("A")) }, [6] = { alerts(fire("A", { i = "2" })) } } },
  { "a repeat_interval below group_interval", id = "often", says = 4, route = "group_interval: 4s, repeat_interval: 1s", at = { [1] = { alerts(fire("A")) } } },
  { "an alert that is older than group_wait", id = "old", says = 3, route = BY .. ", group_wait: 3500ms",
    at = { [1] = { alerts(fire("A", nil, { starts = -100 }), fire("B")) }, [2] = { alerts(fire("B", { i = "2" }, { starts = -10 }), fire("A", { i = "2" })) } } },
  { "what joins a group that had resolved, before and after that was told", id = "joins", says = 4, route = "group_by: [], group_interval: 3s",
    at = { [1] = { alerts(fire "A") }, [3] = { alerts(ends "A", fire "B") }, [6] = { alerts(ends "B") }, [9] = { alerts(fire "C") } } },
  { "what came and went between two flushes", id = "brief", says = 2, route = "group_by: [], group_interval: 4s",
    at = { [1] = { alerts(fire "A") }, [2] = { alerts(fire "B") }, [3] = { alerts(ends "B") } } },
  { "an alert that ends before anybody was told", id = "early", says = 0, route = "group_wait: 1500ms", at = { [1] = { alerts(fire "A") }, [2] = { alerts(ends "A") } } },
  { "annotations that change", id = "texts", says = 2, route = "group_by: []",
    at = { [1] = { alerts(fire("A", nil, { annotations = { s = "1", t = "x" } })) }, [3] = { alerts(fire("A", nil, { annotations = { s = "2" }, generatorURL = "http://g/2" })) },
    [6] = { alerts(fire("B", nil, { annotations = { s = "2" } })) } } },
  -- ends
  { "one that ends and begins again between two flushes", id = "flap", says = 1, route = "group_interval: 4s",
    at = { [1] = { alerts(fire "A") }, [3] = { alerts(ends "A") }, [4] = { alerts(fire "A") } } },
  { "one that begins again once its end was told", id = "again", says = 4,
    at = { [1] = { alerts(fire "A") }, [3] = { alerts(ends "A") }, [6] = { alerts(fire "A") }, [8] = { alerts(ends "A") } } },
  { "an end that is reported again, and one of something unknown", id = "twice", says = 2,
    at = { [1] = { alerts(fire "A", ends("B", nil, { ends = -1 })) }, [3] = { alerts(ends "A") }, [6] = { alerts(ends("A", nil, { ends = -1 })) } } },
  { "ends that come by themselves, that move on, and that are taken back", id = "moves", says = 6, route = BY,
    at = { [1] = { alerts(fire("A", nil, { ends = 2 }), fire("B", nil, { ends = 2 }), fire("C", nil, { ends = 30 })) },
    [2] = { alerts(fire("B", nil, { ends = 4 }), fire("C", nil, { ends = 3 })) }, [9] = { alerts(ends "C") } } },
  { "alerts without an end, which have that of resolve_timeout", id = "timeout", says = 7, route = BY,
    at = { [1] = { alerts(fire("A", nil, { ends = "none" }), fire("B", nil, { ends = "none" }), fire "C") }, [4] = { alerts(fire("B", nil, { ends = "none" }), fire("C", nil, { ends = "none" })) } } },
  { "an end alone: now, later, and long ago", id = "alone", says = 2, route = BY,
    at = { [1] = { alerts(fire("A", nil, { starts = "none", ends = 4 }), fire("B", nil, { starts = "none", ends = 0 }), fire("C", nil, { starts = "none", ends = -9 })) } } },
  { "a start in the future", id = "future", says = 1, at = { [1] = { alerts(fire("A", nil, { starts = 5 })) } } },
  { "the same alert with other times: the earliest start, the end that is said last", id = "merge", says = 2, route = "group_by: []",
    at = { [1] = { alerts(fire "A") }, [2] = { alerts(fire("A", nil, { starts = -20, ends = 9 })) }, [4] = { alerts(fire("A", nil, { starts = -1 }), fire "B") } } },
  { "a receiver that does not hear of ends", id = "quiet", says = 3, route = "group_by: []", options = "send_resolved: false",
    at = { [1] = { alerts(fire "A", fire "B") }, [3] = { alerts(ends "A") }, [5] = { alerts(fire "C") }, [7] = { alerts(ends "B", ends "C") }, [10] = { alerts(fire "B") } } },
  { "max_alerts, which counts what it leaves out", id = "most", says = 2, route = "group_by: []", options = "max_alerts: 2",
    at = { [1] = { alerts(fire("A", { i = "1" }), fire("A", { i = "2" }), fire("A", { i = "3" })) }, [3] = { alerts(ends("A", { i = "1" }), ends("A", { i = "3" })) } } },
  { "the order of alerts: job, instance, the rest", id = "order", says = 1, route = "group_by: []",
    at = { [1] = { alerts(fire("B", { job = "b", instance = "2" }), fire("A", { job = "b", instance = "10" }), fire("C", { job = "a" }), fire("D", { instance = "1" }), fire "Z") } } },
  -- inhibition
  { "a label of `equal` that both lack is the same on both", id = "lacks", says = 3, route = BY, inhibit = { CRIT },
    at = { [1] = { alerts(fire("S", { sev = "crit" }), fire("T", { sev = "warn" }), fire("U", { sev = "warn", cluster = "" }), fire("V", { sev = "warn", cluster = "a" })) },
    [4] = { alerts(fire("X", { sev = "crit", cluster = "b" }), fire("W", { sev = "warn", cluster = "c" }, { ends = 0 })) } } },
  { "one on both sides, which no other on both sides inhibits", id = "both", says = 2, route = BY,
    inhibit = { "{ source_matchers: [ x=~\".+\" ], target_matchers: [ sev=~\".+\" ] }" },
    at = { [1] = { alerts(fire("A", { x = "1", sev = "1" }), fire("B", { x = "1", sev = "1" }), fire("C", { sev = "1" })) } } },
  { "sources that are silenced, muted or inhibited themselves", id = "hidden", says = 1, route = BY,
    inhibit = { "{ source_matchers: [ l=1 ], target_matchers: [ l=2 ] }", "{ source_matchers: [ l=2 ], target_matchers: [ l=3 ] }", "{ source_matchers: [ l=5 ], target_matchers: [ l=6 ] }" },
    routes = { "{ matchers: [ l=5 ], mute_time_intervals: [ always ] }" },
    at = { [1] = { silence("hidden", "1", 0, 60), alerts(fire("A", { l = "1", hidden = "1" }), fire("B", { l = "2" }), fire("C", { l = "3" }), fire("D", { l = "4" }), fire("E", { l = "5" }), fire("F", { l = "6" })) } } },
  { "a source that resolves, or whose end comes", id = "freed", says = 6, route = BY, inhibit = { CRIT },
    at = { [1] = { alerts(fire("S", { sev = "crit" }), fire("T", { sev = "warn" }), fire("P", { sev = "crit", cluster = "p" }, { ends = 5 }), fire("Q", { sev = "warn", cluster = "p" })) },
    [4] = { alerts(ends("S", { sev = "crit" })) } } },
  { "an end while it is inhibited, which is not told, and one after it, which is", id = "held", says = 7, route = BY, inhibit = { CRIT },
    at = { [1] = { alerts(fire("T", { sev = "warn" }), fire("U", { sev = "warn", cluster = "u" })) }, [2] = { alerts(fire("S", { sev = "crit" }), fire("V", { sev = "crit", cluster = "u" })) },
    [5] = { alerts(ends("T", { sev = "warn" })) }, [7] = { alerts(ends("S", { sev = "crit" }), ends("V", { sev = "crit", cluster = "u" })) },
    [9] = { alerts(ends("U", { sev = "warn", cluster = "u" })) } } },
  -- silences
  { "an end while it is silenced, which is not told, nor is that it begins again", id = "muted", says = 1, at = { [1] = { alerts(fire("A", { muted = "1" })) }, [2] = { silence("muted", "1", 0, 5) },
    [4] = { alerts(ends("A", { muted = "1" })) }, [9] = { alerts(fire("A", { muted = "1" })) } } },
  { "one of a group that is silenced, and comes back", id = "part", says = 4, route = "group_by: []", at = { [1] = { alerts(fire("A", { part = "1" }), fire "B") },
    [2] = { silence("part", "1", 0, 6) }, [4] = { alerts(fire "C") }, [6] = { alerts(ends "B") } } },
  { "a silence that begins later, and one that ends before group_wait does", id = "later", says = 5, route = BY .. ", repeat_interval: 1s",
    at = { [1] = { silence("later", "1", 3, 60), silence("later", "2", 0, 1), alerts(fire("A", { later = "1" })) }, [2] = { alerts(fire("B", { later = "2" }, { ends = 4 })) } } },
  -- receivers that fail
  { "429, which is tried again at the next flush only", id = "busy", says = 3, route = BY, answers = function(nth) return nth == 1 and 429 or 200 end,
    at = { [1] = { alerts(fire "A") }, [5] = { alerts(ends "A") } } },
  { "400, after which the end of what nobody took is not told", id = "bad", says = 1, answers = function(nth) return nth == 1 and 400 or 200 end,
    at = { [1] = { alerts(fire "A") }, [2] = { alerts(ends "A") } } },
  { "500, tried again with the same words", id = "broken", says = 3, route = "group_by: [], group_interval: 5s", answers = function(nth) return nth == 1 and 500 or 200 end,
    at = { [1] = { alerts(fire "A") }, [3] = { alerts(fire "B") } } },
}

-- -- one configuration of all ---------------------------------------------------------------

local function yaml(hook)
  local out = { "global: { resolve_timeout: 2s }", "route:", "  receiver: 'null'", "  group_wait: 500ms", "  group_interval: 2s", "  repeat_interval: 1h", "  routes:" }
  local function add(line, ...) out[#out + 1] = line:format(...) end
  for _, case in ipairs(CASES) do
    add("  - { matchers: [ case=%s ], receiver: %s, %s, routes: [ %s ] }", case.id, case.id, case.route or BY, table.concat(case.routes or {}, ", "))
  end
  add "inhibit_rules:"
  for _, case in ipairs(CASES) do
    for _, rule in ipairs(case.inhibit or {}) do add("  - %s", (rule:gsub("_matchers: %[", "_matchers: [ case=" .. case.id .. ","))) end
  end
  add "time_intervals: [ { name: always, time_intervals: [ { times: [ { start_time: '00:00', end_time: '24:00' } ] } ] }, { name: never, time_intervals: [ { years: ['1999'] } ] } ]"
  add "receivers:"
  add "  - { name: 'null' }"
  for _, case in ipairs(CASES) do
    add("  - { name: %s, webhook_configs: [ { url: '%s/%s/', %s } ] }", case.id, hook, case.id, case.options or "")
    for name, options in pairs(case.more or {}) do
      add("  - { name: %s-%s, webhook_configs: [ { url: '%s/%s/%s', %s } ] }", case.id, name, hook, case.id, name, options)
    end
  end
  return table.concat(out, "\n") .. "\n"
end

-- What happens in all of them, by second.
local function story()
  local out, silences = {}, 0
  for _, case in ipairs(CASES) do
    for t = 1, SECONDS do
      out[t] = out[t] or {}
      for _, event in ipairs(case.at[t] or {}) do
        if event[1] == "silence" then
          silences = silences + 1
          local s = event[2]
          event = { "silence", { matchers = { { name = s.name, value = s.value, isRegex = false } }, comment = "c", starts = s.starts, ends = s.ends } }
        else
          for _, alert in ipairs(event[2]) do alert.labels.case = case.id end
        end
        table.insert(out[t], event)
      end
    end
  end
  return out
end

-- The server side of each webhook, by the case that it is of.
local function answering(sink)
  local asked, by_id = {}, {}
  for _, case in ipairs(CASES) do by_id[case.id] = case end
  sink.answer = function(request)
    local id = request.path:match "^/([^/]+)/"
    asked[id] = (asked[id] or 0) + 1
    return by_id[id].answers and by_id[id].answers(asked[id]) or 200
  end
end

describe("an imported configuration of Alertmanager keeps to it in", function()
  local pair, until_
  setup(function()
    pair = am_pair.start(yaml)
    for i = 1, 2 do answering(pair.sinks[i]) end
    until_ = am_pair.live({ pair }, { story() }, SECONDS) - 0.6
  end)
  teardown(function()
    if pair then pair:stop() end
    proc.cleanup()
  end)

  for _, case in ipairs(CASES) do
    it(case[1], function()
      local told = 0
      for _, request in ipairs(pair.sinks[1].requests) do
        if request.path:match "^/([^/]+)/" == case.id then told = told + 1 end
      end
      assert.equal("", table.concat(pair:differences(until_, "/" .. case.id .. "/"), "\n"))
      assert.equal(case.says, told, "as many messages as Alertmanager sends")
    end)
  end

  it("what it answers to all that was done", function() assert.same({}, pair.refusals) end)
end)
