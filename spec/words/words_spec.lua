--- words_spec.lua - what may be written in a rule file, and what a person hears who wrote something else.
local doc = require "moonwatch.words.doc"
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local words = require "moonwatch.words"

-- The problems of a root file with this text, as one text each.
local function problems(text)
  local set, list = load.load { host = host, config = "w.lua", source = text }
  local out = {}
  for i, p in ipairs(list) do out[i] = p.text end
  for _, guest in pairs(set and set.guests or {}) do guest:close() end
  return out
end

local function clean(text) assert.same({}, problems(text)) end
local function refused(text, ...) assert.same({ ... }, problems(text)) end

-- The only problem of TEXT contains PART.
local function refused_with(text, part)
  local list = problems(text)
  assert.equal(1, #list, table.concat(list, "\n"))
  assert.truthy(list[1]:find(part, 1, true), list[1] .. "\n  lacks\n" .. part)
end

describe("a policy", function()
  it("is a function behind the name, or several in braces with what is said beside them", function()
    local function policy(text)
      local set, list = load.load { host = host, config = "w.lua", source = text }
      assert.same({}, list)
      for _, guest in pairs(set.guests) do guest:close() end
      return set.routing.policies[1]
    end
    local one = policy 'policy "silence" (function(s, who) return true end)'
    assert.same({ 1, "refuse", 5 }, { #one.items, one.on_failure, one.timeout })
    local two = policy 'policy "silence" { function() return true end, function() return false, "no" end, on_failure = "allow", timeout = "2s" }'
    assert.same({ 2, "allow", 2 }, { #two.items, two.on_failure, two.timeout })
  end)
end)

describe("a misspelt field", function()
  it("is refused with its place and the nearest right name", function()
    refused('alert "A" {\n  exprr = "up",\n  when = function() end,\n}',
            'w.lua:2:3: alert "A": unknown field "exprr" (did you mean "expr"?)')
  end)
  it("is refused without a suggestion when nothing is near", function()
    refused('record "r" { expr = "up", colour = 1 }', 'w.lua:1:27: record "r": unknown field "colour"')
  end)
  it("is found inside tables of tables", function()
    refused('check "c" { http = { url = "http://x/", expect = { stauts = 200 } } }',
            'w.lua:1:52: check "c": unknown field "http.expect.stauts" (did you mean "status"?)')
  end)
  it("is found inside a receiver's kind and a route's child", function()
    refused_with('receiver "r" { slack { urll = "x", url = "http://x" } }', 'unknown field')
    refused_with('receiver "r" {}\nroute { receiver = "r",\n routes = { { recv = "r" } } }', 'w.lua:3:15: route: unknown field "routes[1].recv"')
  end)
  it("is refused in every word", function()
    for _, def in ipairs(words.list) do
      if (def.shape == "named" or def.shape == "table") and not def.absent then
        local text = ("%s %s { zzqqxx = 1 }"):format(def.word, def.shape == "named" and '"n"' or "")
        local found = false
        for _, p in ipairs(problems(text)) do found = found or p:find('unknown field "zzqqxx"', 1, true) ~= nil end
        assert.truthy(found, def.word)
      end
    end
  end)
end)

describe("a value", function()
  it("of the wrong type is refused, saying what was expected and what was there", function()
    refused('slo "s" { good = "g", total = "t", objective = 99, min_events = "many" }',
            'w.lua:1:52: slo "s": min_events: expected a whole number, 1 or more, got the text "many"')
    refused('alert "A" { expr = "up", summary = {} }',
      'w.lua:1:26: alert "A": summary: expected a text (with ${labels.NAME}, ${value}, ${value|FILTER}) or a function of the alert, got a table')
    refused('alert "A" { expr = "up", limit = true }',
            'w.lua:1:26: alert "A": limit: expected a whole number, 1 or more, got the boolean true')
    refused('alert "A" { expr = function() end }',
            'w.lua:1:13: alert "A": expr: expected a PromQL expression, got a function')
  end)
  it("that is a secret or a receiver kind is no table of fields", function()
    refused_with('scrape "x" { targets = { "a:1" }, auth = secret "X" }', "auth: expected a table, got a secret")
    refused_with('scrape "x" { targets = { "a:1" }, auth = slack { url = "x" } }', "auth: expected a table, got slack{...}")
    refused_with('escalation "e" { slack { url = "x" } }', "got slack{...}")
    refused_with('receiver "r" { "http://me:sesame@h/x" }', 'got the text "http://***@h/x"')
  end)
  it("of every field of every word is refused when it is of a type no field has", function()
    for _, def in ipairs(words.list) do
      for _, row in ipairs((def.shape == "named" or def.shape == "table") and not def.absent and def.fields or {}) do
        -- A function that is hidden in a table fits nothing.
        local text = ("%s %s { %s = { { { { odd = function() end } } } } }"):format(def.word, def.shape == "named" and '"n"' or "", row[1])
        local found = false
        for _, p in ipairs(problems(text)) do found = found or p:find(row[1], 1, true) ~= nil end
        assert.truthy(found, def.word .. "." .. row[1])
      end
    end
  end)
  it("that must be there is missed by name, for every word", function()
    for _, def in ipairs(words.list) do
      local all = table.concat(problems(('%s %s {}'):format(def.word, def.shape == "named" and '"n"' or "")), "\n")
      for _, row in ipairs((def.shape == "named" or def.shape == "table") and def.fields or {}) do
        if row.required then assert.truthy(all:find(('missing field "%s"'):format(row[1]), 1, true), def.word .. "." .. row[1]) end
      end
    end
  end)
  it("out of a choice is refused with the choices", function()
    refused('settings { log = { level = "inof" } }',
      'w.lua:1:20: settings: log.level: "inof" is not one of "debug", "info", "warn", "error" (did you mean "info"?)')
  end)
end)

describe("a duration", function()
  it("may be a number of seconds or a text of units", function()
    for _, ok in ipairs { "30", '"250ms"', '"30s"', '"5m"', '"1h30m"', '"7d"', '"2w"', "0.5" } do
      clean(('alert "A" { expr = "up", hold = %s, every = %s }'):format(ok, ok))
    end
  end)
  it("that is none is refused where it stands", function()
    for _, bad in ipairs { '"5x"', '"m"', '""', '"5 m"', "-1", '"-5m"', '"1m5"', "1/0", "0/0" } do
      local list = problems(('alert "A" { expr = "up",\n hold = %s }'):format(bad))
      assert.equal(1, #list, bad)
      assert.truthy(list[1]:find('^w.lua:2:2: alert "A": hold: '), list[1])
    end
  end)
  it("between evaluations is never nothing", function()
    refused_with('record "r" { expr = "up", every = 0 }', "every: must be at least 100ms")
  end)
end)

describe("bad PromQL", function()
  it("is refused at its own place, also in a text of several lines", function()
    refused('record "r" { expr = "sum(up" }',
            'w.lua:1:28: record "r": expr: bad PromQL: unclosed left parenthesis (at 1:7 of the expression)')
    local list = problems('alert "A" { expr = [[\n up\n   == == 1]] }')
    assert.equal(1, #list)
    assert.truthy(list[1]:find('^w.lua:3:7: alert "A": expr: bad PromQL: '), list[1])
  end)
  it("is refused in unless, and in an SLO, at load", function()
    refused_with('alert "A" { expr = "up", unless = "up ==" }', "unless: bad PromQL")
    refused_with('slo "s" { good = "rate(", total = "t", objective = 99 }', "good: bad PromQL")
    refused_with('slo "s" { good = "rate(x[5m])", total = "t", objective = 99 }', "$window")
    refused_with('slo "s" { latency = { metric = "a b", under = "1s" }, objective = 99 }', "latency.metric: ")
    refused_with('slo "s" { latency = { metric = "a{b=}", under = "1s" }, objective = 99 }', "latency.metric: ")
    clean 'slo "s" { latency = { metric = "a{b=\\"c\\"}", under = "200ms" }, objective = 99 }'
  end)
end)

describe("a name", function()
  it("said twice is refused and both places are named, also across faulty declarations", function()
    refused('alert "A" { expr = "up" }\n\nalert "A" { expr = "up" }',
            'w.lua:3:1: alert "A": this name is already taken at w.lua:1')
    refused('alert "A" { expr = "up", hold = {} }\nalert "A" { expr = "up" }',
            'w.lua:1:26: alert "A": hold: expected a duration such as "30s", "5m", "1h30m" or a number of seconds or {4, of=5} (in 4 of the last 5 evaluations), got a table',
            'w.lua:2:1: alert "A": this name is already taken at w.lua:1')
  end)
  it("may be shared by different words", function()
    clean 'alert "A" { expr = "up" }\nrecord "A" { expr = "up" }'
  end)
  it("is never empty, and of a record it is one of a metric", function()
    refused_with('alert "" { expr = "up" }', "the name is empty")
    refused_with('record "a-b" { expr = "up" }', '"a-b" is not a metric name')
  end)
  it("that nobody declared is refused with the nearest that is", function()
    refused_with('receiver "oncall" {}\nroute { receiver = "onkall" }', 'there is no receiver "onkall" (did you mean "oncall"?)')
    refused_with('alert "A" { expr = "up", depends_on = { "bb" } }\ncheck "b" { tcp = "a:1" }', 'there is no alert or check "bb" (did you mean "b"?)')
    refused_with('receiver "r" {}\nroute { receiver = "r", routes = { { mute = { "w" } } } }', 'there is no window "w"')
    refused_with('escalation "e" { { after = 0, to = "x" } }', 'there is no receiver "x"')
  end)
  it("that depends on itself is refused, whichever way round", function()
    refused_with('alert "A" { expr = "up", depends_on = { "B" } }\nalert "B" { expr = "up", depends_on = { "A" } }',
                 "depends on itself: A -> B -> A")
  end)
end)

describe("a scrape", function()
  it("takes targets of several kinds at once, and several sources of one kind", function()
    assert.same({}, problems [[
scrape "a" {
  targets = { { targets = { "a:1" }, labels = { x = "1" } }, { targets = "b:2" } }, files = { "*.json", "*.yml" },
  dns = { { name = "x.test" }, { name = { "y.test", "z.test" }, type = "A", port = 9100, servers = { "10.0.0.2:8600", "[::1]:53" } } },
  http = { url = secret "SD_URL", every = "10s", auth = { bearer = secret "SD_TOKEN" } },
  drop = { "go_info", '{__name__=~"go_.*", team=""}' }, only = '{team=""}', target_limit = 10,
}
scrape "b" { targets = "https://example.com/", relabel = function(target) return target end, keep = function(sample) return sample end }]])
  end)
  it("needs a source, and sources that can be asked", function()
    refused_with('scrape "s" {}', 'needs one or more of "targets", "files", "dns", "http"')
    refused_with('scrape "s" { targets = { "a:1", "b" } }', 'target "b": expected "host:port"')
    refused_with('scrape "s" { targets = { { targets = { "c" } } } }', 'target "c": expected "host:port"')
    refused_with('scrape "s" { targets = { { labels = {} } } }', 'missing field "targets[1].targets"')
    refused_with('scrape "s" { dns = { type = "A" } }', 'missing field "dns.name"')
    refused_with('scrape "s" { dns = { name = "a", type = "a" } }', 'dns.type: "a" is not one of')
    refused_with('scrape "s" { dns = { name = "a", type = "A" } }', "dns: A records tell no port; give one")
    refused_with('scrape "s" { dns = { { name = "a", servers = "dns.test" } } }', 'dns: server "dns.test": expected an address')
    refused_with('scrape "s" { http = { url = "ftp://a/" } }', 'http: url "ftp://a/": expected')
    refused_with('scrape "s" { http = { url = "http://a/", auth = { user = "u", bearer = "b" } } }', "auth: either bearer or user")
    refused_with('scrape "s" { targets = "a:1", drop = "a{" }', 'drop: bad selector "a{"')
    refused_with('scrape "s" { targets = "a:1", only = {} }', "only: expected a selector")
  end)
end)

describe("a route", function()
  it("has repeats that grow, but none that come faster and faster", function()
    clean 'receiver "r" {}\nroute { receiver = "r", repeat_factor = 2, repeat_most = "6h", routes = { { repeat_factor = 1 } } }'
    refused_with('receiver "r" {}\nroute { receiver = "r", routes = { { repeat_factor = 0.5 } } }', "repeat_factor: must be 1 or more")
  end)
  it("is for alerts with labels from an inventory, which is asked by labels", function()
    clean 'enrich { by = { "a", "b" }, from = { x = { team = "y", n = 1 } }, match = { a = "" }, drop = "c", over = true }'
    refused_with('enrich { from = { x = { team = "y" } } }', '"from" needs "by"')
    refused_with('enrich { by = "a", from = { x = { ["1"] = "y" } } }', 'x: "1" is not a label name')
    refused_with('enrich { by = "a", from = { x = "y" } }', 'x: expected labels such as { team = "db" }')
    refused_with('enrich { labels = { team = "${now}", other = "${nobody}" } }', "nobody")
  end)
  it("or an inhibition may compare labels of two names", function()
    clean 'inhibit { source = { a = "b" }, target = { c = "d" }, equal = { "site", name = "uplink" } }'
    refused_with('inhibit { source = { a = "b" }, target = { c = "d" }, equal = { "site", name = 1 } }', "name: expected the name of a label")
    refused_with('inhibit { source = { a = "b" }, target = { c = "d" }, equal = { { "a", "b" } } }', "1: expected the name of a label")
    refused_with('inhibit { source = { a = "b" }, target = { c = "d" }, equal = 7 }', "expected a list of label names")
  end)
end)

describe("a file with several mistakes", function()
  it("hears of all of them at once, in order", function()
    local list = problems [[
record "a-b" { expr = "up" }
alert "A" { expr = "up", holt = "5m", keep = "x" }
check "c" { tcp = "nowhere" }
scrape "s" { targets = { "host" } }
slo "s" { good = "g", objective = 200 }
]]
    assert.equal(6, #list, table.concat(list, "\n"))
    for i, place in ipairs { "w.lua:1:", "w.lua:2:26:", "w.lua:2:39:", "w.lua:3:", "w.lua:4:26:", "w.lua:5:" } do
      assert.truthy(list[i]:find(place, 1, true) == 1, list[i])
    end
  end)
  it("hears of broken Lua and of words that are none", function()
    assert.truthy(problems('alert "A" { expr = "up" ')[1]:find "^w.lua:1:")
    local list = problems 'alrt "A" { expr = "up" }'
    assert.equal(1, #list)
    assert.truthy(list[1]:find("alrt", 1, true), list[1])
    assert.truthy(list[1]:find('did you mean', 1, true), list[1])
  end)
end)

describe("alternatives", function()
  it("exclude each other and one is needed", function()
    refused_with('alert "A" {}', 'needs one of "expr", "when"')
    refused_with('alert "A" { expr = "up", when = function() end }', '"expr", "when" exclude each other')
    refused_with('alert "A" { expr = "up", above = 1, below = 2 }', '"above", "below" exclude each other')
    refused_with('alert "A" { when = function() end, above = 1 }', "compare inside `when` instead")
    refused_with('slo "s" { good = "g", objective = 99 }', 'missing field "total"')
  end)
end)

describe("what is not there yet", function()
  it("says so plainly: words, fields and receiver kinds", function()
    refused('sink "x" {}', 'w.lua:1:1: sink "x": sink is not available in this version')
    refused("sample {}", "w.lua:1:1: sample: sample is not available in this version")
    for kind, def in pairs(require "moonwatch.words.kinds") do
      if def.absent then refused_with(('receiver "r" { %s { to = "x" } }'):format(kind), kind .. " is not available in this version") end
    end
  end)
end)

describe("an objective", function()
  local function objective(v)
    local set = assert(load.load { host = host, config = "w.lua", source = ('slo "s" { good = "g", total = "t", objective = %s }'):format(v) })
    for _, guest in pairs(set.guests) do guest:close() end
    return set.slos[1].objective
  end
  it("of 99.9 percent may be written 0.999", function()
    assert.near(objective "0.999", objective "99.9", 1e-12)
  end)
  it("that leaves no budget, or is none, is refused", function()
    for _, bad in ipairs { "0", "1", "100", "-1", "101" } do
      refused_with(('slo "s" { good = "g", total = "t", objective = %s }'):format(bad), "objective: must be between")
    end
  end)
end)

describe("settings and include", function()
  it("stand once, in the root file", function()
    refused('settings { node = "a" }\nsettings { node = "b" }', 'w.lua:2:1: settings: is said once only, and was at w.lua:1')
    local _, list = load.load { host = host, bundle = { ["a.lua"] = 'settings {}\ninclude "x"\nrecord "r" { expr = "1" }' } }
    assert.equal(2, #list)
    assert.equal("bundle/a.lua:1:1: settings: belongs into the root file, not into a file of rules", list[1].text)
  end)
end)

describe("origins that may read", function()
  it("are a regular expression", function()
    local set = load.load { host = host, config = "w.lua", source = "settings {}" }
    assert.equal(".*", set.settings.cors)
    clean 'settings { cors = "https?://a[.]example" }'
    refused_with('settings { cors = "(" }', "w.lua:1:12: settings: cors: bad regular expression: ")
    refused_with("settings { cors = 1 }", "cors: expected a regular expression")
  end)
end)

describe("retention and durability", function()
  local function settings(text)
    local set, list = load.load { host = host, config = "w.lua", source = text }
    assert.same({}, list)
    return set.settings
  end
  it("have defaults", function()
    local s = settings "settings {}"
    assert.same({ 15 * 86400, 7 * 86400, 3 * 86400 }, { s.retention.metrics, s.retention.logs, s.retention.traces })
    assert.same({}, s.retention.items or {})
    assert.equal(0.05, s.durability)
    assert.equal(256 * 1024 * 1024, s.limits.in_flight)
  end)
  it("take a duration or \"always\"", function()
    assert.equal(0, settings('settings { durability = "always" }').durability)
    assert.equal(1, settings('settings { durability = "1s" }').durability)
    assert.equal(0.2, settings('settings { durability = 0.2 }').durability)
    refused_with('settings { durability = "alwys" }', 'w.lua:1:12: settings: durability: "alwys" is not a duration such as "50ms", "1s", or "always"')
    refused_with('settings { durability = "2h" }', "must be at most 1h")
    refused_with('settings { durability = true }', "durability: expected")
  end)
  it("keep classes of series for a time of their own", function()
    local keep = settings([[settings { retention = { metrics = "30d", bytes = "1GB",
      { match = '{__name__=~"debug_.*"}', keep = "1d" }, { match = 'up{job="x"}', keep = "90d" }, { match = '{job="x"}', keep = "2d", of = "logs" }, { match = '{status="error"}', keep = "9d", of = "traces" } } }]]).retention
    assert.equal(2 ^ 30, keep.bytes)
    assert.same({ { match = '{__name__=~"debug_.*"}', keep = 86400, of = "metrics" }, { match = 'up{job="x"}', keep = 90 * 86400, of = "metrics" },
      { match = '{job="x"}', keep = 2 * 86400, of = "logs" }, { match = '{status="error"}', keep = 9 * 86400, of = "traces" } }, keep.items)
  end)
  it("count from the next start, which a reload says", function()
    local at_start = require "moonwatch.config.at_start"
    local before = settings 'settings { retention = { { match = "up", keep = "1d" } }, strict = true }'
    assert.same({}, at_start.changed(before, settings 'settings { strict = false, retention = { { match = "up", keep = "24h" } } }'))
    assert.same({ "node", "retention" }, at_start.changed(before, settings 'settings { node = "x", retention = { logs = "1d" } }'))
  end)
  it("take budgets by signal", function()
    assert.same({ metrics = 2 ^ 30, logs = 2 ^ 20 }, settings('settings { retention = { bytes = { metrics = "1GB", logs = "1MB" } } }').retention.bytes)
    refused_with('settings { retention = { bytes = { metric = 1 } } }', 'unknown field "retention.bytes.metric" (did you mean "metrics"?)')
    refused_with('settings { retention = { bytes = "1XB" } }', '"1XB" is not a size')
  end)
  it("refuse matchers that do not parse, with their place in the text", function()
    refused_with('settings { retention = {\n  { match = "up{job=}", keep = "1d" } } }', "w.lua:2:21: settings: retention[1].match: bad selector: ")
    refused_with('settings { retention = { { match = "up", keep = "1d", of = "traces" } } }', 'traces have no metric name: write {service="api"}')
    refused_with('settings { retention = { { match = "rate(up[5m])", keep = "1d" } } }', "expected a series selector")
    refused_with('settings { retention = { { match = "up{a=~\'(\'}", keep = "1d" } } }', "retention[1].match: bad selector")
  end)
  it("refuse rows that lack something, and words that are not there", function()
    refused_with('settings { retention = { { match = "up" } } }', 'missing field "retention[1].keep"')
    refused_with('settings { retention = { { keep = "1d" } } }', 'missing field "retention[1].match"')
    refused_with('settings { retention = { { match = "up", keep = "1d", for_ = 1 } } }', 'unknown field "retention[1].for_"')
    refused_with('settings { retention = { "up" } }', "item 1: expected { match")
    refused_with('settings { retention = { metric = "1d" } }', 'unknown field "retention.metric" (did you mean "metrics"?)')
  end)
end)

describe("every", function()
  it("takes a time, a function and perhaps options, nothing else", function()
    clean 'every("1m", function() end)'
    clean 'every("1m", function() end, { budget = { seconds = "500ms", instructions = 1000 } })'
    refused_with('every("1m", function() end, { budgets = {} })', 'unknown field "[3].budgets" (did you mean "budget"?)')
    refused_with('every("1m", function() end, { budget = { seconds = "2s" } })', "budget.seconds: more than settings.limits.rule_seconds, which is 0.5")
    refused_with('every("1m")', "argument 2: expected a function")
    clean 'every("1m", function() end, { name = "job" })'
    refused_with('every("1m", function() end, 3)', "argument 3: expected a table")
    refused_with('every("1m", function() end, { nam = "job" })', 'unknown field "[3].nam" (did you mean')
    refused_with('every("1m", function() end, {}, 4)', "unexpected argument 4")
  end)
end)

describe("the manual", function()
  local function each_field(fields, path, f)
    for _, row in ipairs(fields or {}) do
      f(row, path .. row[1])
      if row.fields and not row.absent and row.fields ~= fields then each_field(row.fields, path .. row[1] .. ".", f) end
    end
  end
  it("has a text for every word, every field and every receiver kind", function()
    for _, list in ipairs { words.by_name, words.kinds } do
      for name, def in pairs(list) do
        assert.truthy((def.help or "") ~= "", name)
        each_field(def.fields, "", function(row, path) assert.truthy((row.help or "") ~= "", name .. "." .. path) end)
      end
    end
  end)
  it("names every field, on the terminal and as Markdown", function()
    local whole = doc.markdown()
    for _, def in ipairs(words.list) do
      local text = assert(doc.text(def.word))
      each_field(def.fields, "", function(row, path)
        assert.truthy(text:find(path, 1, true), def.word .. "." .. path)
        assert.truthy(whole:find("`" .. path .. "`", 1, true), def.word .. "." .. path)
        assert.is_string(row[1])
      end)
    end
    for _, name in ipairs(words.kind_names()) do assert.truthy(doc.text(name)) end
    assert.is_nil(doc.text "nothing")
  end)
  it("gives examples that load", function()
    for _, def in ipairs(words.list) do
      for _, p in ipairs(def.example and problems(def.example) or {}) do
        -- An example may name receivers, windows and escalations that stand elsewhere.
        assert.truthy(p:find("there is no", 1, true) or p:find("no file", 1, true), p)
      end
    end
  end)
end)

describe("people who are on call", function()
  local PEOPLE = 'person "ann" { webhook { url = "http://a" }, also = "Ann A" }\nreceiver "bob" { webhook { url = "http://b" } }\n'
  it("are persons and receivers, and stand wherever a receiver may", function()
    clean(PEOPLE .. [[
window "night" { times = "18:00-08:00" }
oncall "web" { people = { "ann", "bob" }, weekly = "mon 09:00", zone = "Europe/Lisbon", start = "2026-01-05", ical = secret "CAL",
  layers = { { window = "night", people = { "bob" } } }, overrides = { { from = "2026-01-07 09:00", to = "2026-01-08", person = "bob" } } }
escalation "page" { { after = 0, to = { "oncall:web", "ann" }, every = "5m" }, { after = "15m", to = "bob" }, loops = 3, ack_timeout = "1h" }
route { receiver = "oncall:web", escalate = "page", routes = { { match = { a = "b" }, receiver = "ann" } } }]])
  end)
  it("must be there", function()
    refused_with(PEOPLE .. 'oncall "web" { people = "an", }', 'there is no person or receiver "an" (did you mean "ann"?)')
    refused_with(PEOPLE .. 'oncall "web" { people = "ann" }\nroute { receiver = "oncall:wbe" }', 'there is no oncall "wbe" (did you mean "web"?)')
    refused_with('escalation "e" { { after = 0, to = "oncall:web" } }', 'there is no oncall "web"')
    refused_with(PEOPLE .. 'oncall "web" { people = "ann", layers = { { window = "w", people = "bob" } } }', 'there is no window "w"')
    refused_with(PEOPLE .. 'oncall "web" { people = "ann", overrides = { { from = "2026-01-01", to = "2026-01-02", person = "x" } } }', 'there is no person or receiver "x"')
  end)
  it("have names of their own", function()
    refused_with(PEOPLE .. 'person "bob" { webhook { url = "http://b" } }', "a receiver is called so, at w.lua:2")
    refused_with('receiver "oncall:web" { webhook { url = "http://b" } }', "stands for a rotation")
  end)
  it("take turns at times that can be read", function()
    refused_with(PEOPLE .. 'oncall "web" { people = { "ann", "bob" } }', "take turns")
    refused_with(PEOPLE .. 'oncall "web" { people = { "ann", "bob" }, weekly = "monday" }', 'weekly: "monday" is not a day and a time')
    refused_with(PEOPLE .. 'oncall "web" { people = { "ann", "bob" }, weekly = "mon 09:00", daily = "09:00" }', "exclude each other")
    refused_with(PEOPLE .. 'oncall "web" { people = {}, daily = "09:00" }', "people is empty")
    refused_with(PEOPLE .. 'oncall "web" { people = "ann", zone = "Mars/Base" }', "is not a time zone of this machine")
    refused_with(PEOPLE .. 'oncall "web" { people = "ann", overrides = { { from = "x", to = "2026-01-02", person = "ann" } } }', 'override 1: "x" is not a time')
  end)
end)

describe("an escalation", function()
  local R = 'receiver "r" { webhook { url = "http://r" } }\n'
  it("that goes on needs to know how long to wait", function()
    refused_with(R .. 'escalation "e" { { after = 0, to = "r" }, loops = 2 }', 'pause = "15m"')
    clean(R .. 'escalation "e" { { after = 0, to = "r" }, loops = 2, pause = "10m" }')
    refused_with(R .. 'escalation "e" { { after = 0, to = "r", every = "5s" } }', "at most once a minute")
  end)
end)

describe("what signs posts from outside", function()
  it("may be one secret, or several while it changes", function()
    clean 'settings { ack = { slack = secret "A", pagerduty = { secret "A", "b" }, valid = "1h", secret = "x" } }'
    refused_with('settings { ack = { pagerduty = { 7 } } }', "a text or secret")
    refused_with('settings { ack = { valid = 0 } }', "more than zero")
  end)
end)
