--- texts_spec.lua - what a text with ${...} becomes, number by number.
local host = require "moonwatch.host"
local text = require "moonwatch.alert.text"
local testing = require "moonwatch.testing"

local function filled(template, view, query)
  return text.expand(assert(text.compile(template)), view, query)
end

-- What Prometheus 2.42 wrote into the annotations of alerts with these values: humanize, humanize1024, humanizeDuration,
-- humanizePercentage, humanizeTimestamp.  "": it overflowed there.
local RECORDED = {
  { 0, "0", "0", "0s", "0%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1, "1", "1", "1s", "100%", "1970-01-01 00:00:01 +0000 UTC" },
  { -1, "-1", "-1", "-1s", "-100%", "1969-12-31 23:59:59 +0000 UTC" },
  { 0.5, "500m", "0.5", "500ms", "50%", "1970-01-01 00:00:00.5 +0000 UTC" },
  { 1.5, "1.5", "1.5", "1.5s", "150%", "1970-01-01 00:00:01.5 +0000 UTC" },
  { 123, "123", "123", "2m 3s", "1.23e+04%", "1970-01-01 00:02:03 +0000 UTC" },
  { 1000, "1k", "1000", "16m 40s", "1e+05%", "1970-01-01 00:16:40 +0000 UTC" },
  { 1234, "1.234k", "1.205ki", "20m 34s", "1.234e+05%", "1970-01-01 00:20:34 +0000 UTC" },
  { 12345, "12.35k", "12.06ki", "3h 25m 45s", "1.234e+06%", "1970-01-01 03:25:45 +0000 UTC" },
  { 123456, "123.5k", "120.6ki", "1d 10h 17m 36s", "1.235e+07%", "1970-01-02 10:17:36 +0000 UTC" },
  { 999999, "1000k", "976.6ki", "11d 13h 46m 39s", "1e+08%", "1970-01-12 13:46:39 +0000 UTC" },
  { 1e6, "1M", "976.6ki", "11d 13h 46m 40s", "1e+08%", "1970-01-12 13:46:40 +0000 UTC" },
  { 1234567, "1.235M", "1.177Mi", "14d 6h 56m 7s", "1.235e+08%", "1970-01-15 06:56:07 +0000 UTC" },
  { 1e9, "1G", "953.7Mi", "11574d 1h 46m 40s", "1e+11%", "2001-09-09 01:46:40 +0000 UTC" },
  { 1e18, "1E", "888.2Pi", "11574074074074d 1h 46m 40s", "1e+20%", "" },
  { 1e21, "1Z", "867.4Ei", "", "1e+23%", "" },
  { 1e27, "1000Y", "827.2Yi", "", "1e+29%", "" },
  { 1e30, "1e+06Y", "8.272e+05Yi", "", "1e+32%", "" },
  { -1234, "-1.234k", "-1.205ki", "-20m 34s", "-1.234e+05%", "1969-12-31 23:39:26 +0000 UTC" },
  { -0.001234, "-1.234m", "-0.001234", "-1.234ms", "-0.1234%", "1969-12-31 23:59:59.999 +0000 UTC" },
  { 0.1, "100m", "0.1", "100ms", "10%", "1970-01-01 00:00:00.1 +0000 UTC" },
  { 0.012, "12m", "0.012", "12ms", "1.2%", "1970-01-01 00:00:00.012 +0000 UTC" },
  { 0.00123, "1.23m", "0.00123", "1.23ms", "0.123%", "1970-01-01 00:00:00.001 +0000 UTC" },
  { 0.000123, "123u", "0.000123", "123us", "0.0123%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1.2e-5, "12u", "1.2e-05", "12us", "0.0012%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1.2e-7, "120n", "1.2e-07", "120ns", "1.2e-05%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1e-10, "100p", "1e-10", "100ps", "1e-08%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1e-25, "0.1y", "1e-25", "0.1ys", "1e-23%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1e-28, "0.0001y", "1e-28", "0.0001ys", "1e-26%", "1970-01-01 00:00:00 +0000 UTC" },
  { 1024, "1.024k", "1ki", "17m 4s", "1.024e+05%", "1970-01-01 00:17:04 +0000 UTC" },
  { 1025, "1.025k", "1.001ki", "17m 5s", "1.025e+05%", "1970-01-01 00:17:05 +0000 UTC" },
  { 1536, "1.536k", "1.5ki", "25m 36s", "1.536e+05%", "1970-01-01 00:25:36 +0000 UTC" },
  { 1048576, "1.049M", "1Mi", "12d 3h 16m 16s", "1.049e+08%", "1970-01-13 03:16:16 +0000 UTC" },
  { 1073741824, "1.074G", "1Gi", "12427d 13h 37m 4s", "1.074e+11%", "2004-01-10 13:37:04 +0000 UTC" },
  { 1.2345678e13, "12.35T", "11.23Ti", "142889791d 16h 0m 0s", "1.235e+15%", "" },
  { 59.9, "59.9", "59.9", "59.9s", "5990%", "1970-01-01 00:00:59.9 +0000 UTC" },
  { 60, "60", "60", "1m 0s", "6000%", "1970-01-01 00:01:00 +0000 UTC" },
  { 61.7, "61.7", "61.7", "1m 1s", "6170%", "1970-01-01 00:01:01.7 +0000 UTC" },
  { 3599, "3.599k", "3.515ki", "59m 59s", "3.599e+05%", "1970-01-01 00:59:59 +0000 UTC" },
  { 3600, "3.6k", "3.516ki", "1h 0m 0s", "3.6e+05%", "1970-01-01 01:00:00 +0000 UTC" },
  { 86400, "86.4k", "84.38ki", "1d 0h 0m 0s", "8.64e+06%", "1970-01-02 00:00:00 +0000 UTC" },
  { 90061.5, "90.06k", "87.95ki", "1d 1h 1m 1s", "9.006e+06%", "1970-01-02 01:01:01.5 +0000 UTC" },
  { 31536000, "31.54M", "30.08Mi", "365d 0h 0m 0s", "3.154e+09%", "1971-01-01 00:00:00 +0000 UTC" },
  { -60, "-60", "-60", "-1m 0s", "-6000%", "1969-12-31 23:59:00 +0000 UTC" },
  { -3661, "-3.661k", "-3.575ki", "-1h 1m 1s", "-3.661e+05%", "1969-12-31 22:58:59 +0000 UTC" },
  { 0.9999, "999.9m", "0.9999", "999.9ms", "99.99%", "1970-01-01 00:00:00.999 +0000 UTC" },
  { 0.99995, "1000m", "1", "1000ms", "100%", "1970-01-01 00:00:00.999 +0000 UTC" },
  { 999.95, "1000", "1000", "16m 39s", "1e+05%", "1970-01-01 00:16:39.95 +0000 UTC" },
  { 1.7e9, "1.7G", "1.583Gi", "19675d 22h 13m 20s", "1.7e+11%", "2023-11-14 22:13:20 +0000 UTC" },
  { 1609459200, "1.609G", "1.499Gi", "18628d 0h 0m 0s", "1.609e+11%", "2021-01-01 00:00:00 +0000 UTC" },
  { 1609459200.5, "1.609G", "1.499Gi", "18628d 0h 0m 0s", "1.609e+11%", "2021-01-01 00:00:00.5 +0000 UTC" },
  { 1609459200.123456, "1.609G", "1.499Gi", "18628d 0h 0m 0s", "1.609e+11%", "2021-01-01 00:00:00.123 +0000 UTC" },
  { 0.05, "50m", "0.05", "50ms", "5%", "1970-01-01 00:00:00.05 +0000 UTC" },
  { 0.123456, "123.5m", "0.1235", "123.5ms", "12.35%", "1970-01-01 00:00:00.123 +0000 UTC" },
  { 0.1234567890123456, "123.5m", "0.1235", "123.5ms", "12.35%", "1970-01-01 00:00:00.123 +0000 UTC" },
  { 123456789, "123.5M", "117.7Mi", "1428d 21h 33m 9s", "1.235e+10%", "1973-11-29 21:33:09 +0000 UTC" },
  { 12345678.9, "12.35M", "11.77Mi", "142d 21h 21m 18s", "1.235e+09%", "1970-05-23 21:21:18.9 +0000 UTC" },
  { 0/0, "NaN", "NaN", "NaN", "NaN%", "NaN" },
  { math.huge, "+Inf", "+Inf", "+Inf", "+Inf%", "+Inf" },
  { -math.huge, "-Inf", "-Inf", "-Inf", "-Inf%", "-Inf" },
}

describe("a number in a text", function()
  it("looks as it does in Prometheus", function()
    for _, row in ipairs(RECORDED) do
      for i, filter in ipairs { "humanize", "humanize1024", "duration", "percent", "timestamp" } do
        if row[i + 1] ~= "" then
          assert.equal(row[i + 1], filled("${value|" .. filter .. "}", { value = row[1] }), filter .. " of " .. tostring(row[1]))
        end
      end
    end
  end)
  it("may be written with the names that Prometheus has", function()
    assert.equal("2m 3s 50% 1970-01-01 00:02:03 +0000 UTC",
      filled("${value|humanizeDuration} ${threshold|humanizePercentage} ${value|humanizeTimestamp}", { value = 123, threshold = 0.5 }))
  end)
  it("is plain when nothing else is said, with as many digits as it takes", function()
    for value, shown in pairs { [3] = "3", [-0.25] = "-0.25", [1e6] = "1000000", [0.1] = "0.1", [1 / 3] = "0.3333333333333333",
                                [1e15] = "1e+15", [math.huge] = "+Inf", [123456.789] = "123456.789" } do
      assert.equal(shown, filled("${value}", { value = value }))
    end
    assert.equal("NaN", filled("${value}", { value = 0 / 0 }))
  end)
  it("can be rounded, printed and counted in bytes", function()
    assert.equal("3.14 3 3.142 1.5KiB", filled('${value|round:2} ${value|round} ${value|printf:"%.3f"} ${threshold|bytes}',
      { value = 3.14159, threshold = 1536 }))
    assert.equal("at 3.14159%", filled('${value|printf:"at %v%%"}', { value = 3.14159 }))
  end)
  it("of the past can be told as the time since", function()
    assert.equal("2m 0s", filled("${active_at|since|duration}", { now = 1000, active_at = 880 }))
  end)
end)

describe("a text", function()
  it("names labels, external labels, the rule and where the server is", function()
    assert.equal("web lisbon Up http://m/", filled("${labels.job} ${external_labels.dc} ${name} ${external_url}",
      { labels = { job = "web" }, external_labels = { dc = "lisbon" }, name = "Up", external_url = "http://m/" }))
  end)
  it("leaves out what is not there, or says something in its place", function()
    assert.equal("[] [none] [NONE]", filled('[${labels.x}] [${labels.x|default:"none"}] [${labels.x|default:"none"|upper}]', { labels = {} }))
  end)
  it("changes letters", function()
    assert.equal("ABC abc Two Words", filled("${labels.a|upper} ${labels.b|lower} ${labels.c|title}",
      { labels = { a = "abc", b = "ABC", c = "two words" } }))
  end)
  it("leaves alone what is no number where a number is wanted", function()
    assert.equal("abc", filled("${labels.a|humanize}", { labels = { a = "abc" } }))
    assert.equal("1.5k", filled("${labels.a|humanize}", { labels = { a = "1500" } }))
  end)
  it("may hold } inside quotes", function()
    assert.equal("}", filled('${labels.x|default:"}"}', { labels = {} }))
  end)
end)

describe("a query in a text", function()
  local asked
  local function query(expr)
    asked = expr
    return { { labels = { instance = "i1" }, value = 2500 }, { labels = { instance = "i2" }, value = 1 } }
  end
  it("gives the value of its first row", function()
    assert.equal("2.5k", filled("${query(\"up{job='x'}\")|humanize}", {}, query))
    assert.equal("up{job='x'}", asked)
    assert.equal("i1", filled("${query('up')|label:instance}", {}, query))
  end)
  it("has labels filled in, fit for the quotes they stand in", function()
    filled("${query(\"up{job='${labels.job}'}\")}", { labels = { job = "it's \\ \"so\"" } }, query)
    assert.equal("up{job='it\\'s \\\\ \\\"so\\\"'}", asked)
  end)
  it("that finds nothing is empty, and one that fails says so", function()
    assert.equal("[] [0]", filled('[${query("x")}] [${query("x")|default:"0"}]', {}, function() return {} end))
    assert.equal("<error expanding template: no such thing>", filled('${query("x")}', {}, function() return nil, "no such thing" end))
  end)
end)

describe("a text that cannot be understood", function()
  local function why(template)
    local ok, message = text.compile(template)
    assert.is_nil(ok)
    return message
  end
  it("is refused with the place that is meant", function()
    assert.truthy(why("a ${valu} b"):find("${valu}: write value, threshold, expected", 1, true))
    assert.truthy(why("${value|nope}"):find('unknown filter "nope" (there are bytes, default, ', 1, true))
    assert.equal("${ without its }", why "a ${value")
    assert.equal("${value humanize}: expected | and a filter, or }", why "${value humanize}")
    assert.equal('${value|default}: write default:"..."', why "${value|default}")
    assert.equal("${value|percent:2}: percent takes nothing after :", why "${value|percent:2}")
    assert.equal("${value|round:x}: round wants a number of digits", why "${value|round:x}")
    assert.truthy(why('${value|printf:"%d %d"}'):find('printf wants a text with one place such as "%.2f"', 1, true))
    assert.truthy(why("${query(up)}"):find('query takes a quoted expression', 1, true))
    assert.truthy(why("${query(\"a${query('b')}\")}"):find("write value", 1, true))
  end)
end)

describe("a text that is a function", function()
  -- The summary of an alert on m{job="x"} = 1500 beside spare{job="x"} = 3 and spare{job="y"} = 4.
  local function summary_of(body)
    local world = testing.world(('alert "A" { expr = "m", labels = { team = "a" },\n summary = function(alert) %s end }'):format(body))
    world:series('m{job="x"}', "1500x20"):series('spare{job="x"}', "3x20"):series('spare{job="y"}', "4x20")
    world:advance "1m"
    return world:alerts("firing")[1].annotations.summary
  end
  it("has the same ways of writing numbers", function()
    assert.equal("1.5k 25m 0s 1.5e+05% 1.465ki 1970-01-01 00:25:00 +0000 UTC 1.465KiB",
      summary_of [[return humanize(alert.value) .. " " .. duration(alert.value) .. " " .. percent(alert.value) .. " " ..
                   humanize1024(alert.value) .. " " .. timestamp(alert.value) .. " " .. bytes(alert.value)]])
  end)
  it("can ask, and take apart what it hears", function()
    assert.equal("2 3 3 x x 4", summary_of [[local rows = query("sort(spare)")
      return #rows .. " " .. value("sort(spare)") .. " " .. value(first(rows)) .. " " .. label(rows, "job") .. " " ..
             label(first(rows), "job") .. " " .. rows[2].value ]])
    assert.equal("[] [nil] [nil]", summary_of [[return ("[%s] [%s] [%s]"):format(label(first(query "none"), "job"), tostring(value "none"),
      tostring(first(query "none"))) ]])
  end)
  it("hears what was wrong with its question", function()
    assert.truthy(summary_of [[return query("sum(")]]:find("<error expanding template: .*sum%(: unclosed left parenthesis"))
  end)
  it("sees when its alert began", function()
    assert.equal("45s", summary_of [[return duration(alert.now - alert.active_at)]])
  end)
  it("cannot be asked while the file is read", function()
    local load = require "moonwatch.config.load"
    local _, problems = load.load { host = host, config = "w.lua", source = 'local x = query "up"' }
    assert.equal("w.lua:1:1: query(expr) works only while a text or a rule is evaluated, not while the file loads", problems[1].text)
  end)
end)

describe("a text of a rule", function()
  it("is filled in with what the server knows at that time", function()
    local world = testing.world [[
settings { external_labels = { dc = "lisbon" }, external_url = "http://m/" }
alert "A" { expr = "m", annotations = {
  a = "${external_labels.dc} ${external_url} ${query(\"sum(spare{job='${labels.job}'})\")|humanize} ${active_at|since|duration}" } }]]
    world:series('m{job="x"}', "1500x20"):series('spare{job="x"}', "3000x20")
    world:advance "1m"
    assert.equal("lisbon http://m/ 3k 45s", world:alerts("firing")[1].annotations.a)
  end)
  it("names no threshold where there was none: a series that others are compared with is not one by itself", function()
    local world = testing.world [[
alert "A" { expr = "m", above = "most", absent = "fire", annotations = { a = "at most <${threshold}>" } }]]
    world:series('m{job="x"}', "5x10"):series('most{job="x"}', "3x10")
    world:advance "1m"
    assert.equal("at most <3>", world:alerts("firing")[1].annotations.a)
    world:advance "15m"
    assert.equal("at most <>", world:alerts("firing")[1].annotations.a)
  end)
end)
