--- query_spec.lua - what `moonwatch query` asks for and how it shows the answers.
local dkjson = require "dkjson"
local fake_host = require "fake_host"

local function rig(answers)
  local host, printed, complained, asked = fake_host.new(), {}, {}, {}
  local ctx = { url = "http://x/", out = function(t) printed[#printed + 1] = t end, err = function(t) complained[#complained + 1] = t end }
  ctx.host = setmetatable({
    now = function() return 1000 end,
    rfc3339 = function(t) return "at " .. t end,
    call = function(_, arg)
      asked[#asked + 1] = arg.method .. " " .. arg.url:match "^http://x(.*)$"
      local answer = answers or {}
      return { status = answer.status or 200, body = answer.status == 204 and "" or dkjson.encode(answer) }
    end,
  }, { __index = host })
  return asked, function(...)
    local status = require("moonwatch.cli.query").main(ctx, { ... })
    return status, table.concat(printed), table.concat(complained)
  end
end

local function node(fields)
  local base = { text = "up", kind = "selector", does = "selector, 1 matcher", hints = {}, children = {}, selfSeconds = 0.0123, share = 0.25,
    samples = 1204331, rows = 12, streamed = false }
  for k, v in pairs(fields) do base[k] = v end
  return base
end

describe("moonwatch query", function()
  it("explains as a tree with aligned columns and hints", function()
    local leaf = node { text = "up[5m]", hints = { "name the metric" }, streamed = true }
    local asked, run = rig { analyzed = true, steps = 11, hints = { "a larger step takes less" },
      totals = { seconds = 1.5, series = 10, samples = 1204331, rows = 12, peakBytes = 3 * 2 ^ 20, threads = 2 },
      plan = node { text = "sum(rate(up[5m])) / 2", does = "/", children = { node { text = "sum(rate(up[5m]))", does = "sum: 10 → 1 row" }, leaf } } }
    local status, text = run("--explain", "sum(rate(up[5m])) / 2", "--from", "900", "--to", "1000", "--step", "10")
    assert.equal(0, status)
    assert.same({ "GET /api/mw/v1/explain?query=sum%28rate%28up%5B5m%5D%29%29%20%2F%202&start=900.000&end=1000.000&step=10" }, asked)
    assert.equal([[
                         own time       share     samples        rows
sum(rate(up[5m])) / 2        12ms         25%   1,204,331          12
│    /
├─ sum(rate(up[5m]))         12ms         25%   1,204,331          12
│       sum: 10 → 1 row
└─ up[5m]                    12ms         25%   1,204,331          12
        selector, 1 matcher; rows pass by one at a time
        ! name the metric

1.50s, 10 series, 1,204,331 samples, 12 rows, 3.0 MiB of memory, 11 steps, 2 threads
! a larger step takes less
]], text)
  end)

  it("shows only the plan when asked to", function()
    local asked, run = rig { analyzed = false, steps = 1, hints = {}, plan = node {} }
    local status, text = run("--explain", "--plan", "up", "--at", "5")
    assert.equal(0, status)
    assert.same({ "GET /api/mw/v1/explain?query=up&time=5.000&analyze=false" }, asked)
    assert.equal("up\n     selector, 1 matcher\n\n", text)
  end)

  it("lists what runs and what cost most", function()
    local asked, run = rig { running = { { id = 7, ageSeconds = 75, origin = "api", query = "a +\n b", cancelled = true } },
      top = { { query = "up", totalSeconds = 0.0004, count = 1200, avgSeconds = 0.004, maxSeconds = 3, avgSamples = 12.2, failed = 2 } } }
    local status, text = run("--top", "--by", "samples", "--limit", "5")
    assert.equal(0, status)
    assert.same({ "GET /api/mw/v1/queries?by=samples&limit=5" }, asked)
    assert.is_truthy(text:find("7   1m15s  api   a + b  (told to end)", 1, true), text)
    assert.is_truthy(text:find("0.4ms  1,200  4.0ms  3.00s  12             2       up", 1, true), text)
  end)

  it("ends a query by its number only", function()
    local asked, run = rig { status = 204 }
    assert.equal(0, (run("--cancel", "7")))
    assert.same({ "DELETE /api/mw/v1/queries/7" }, asked)
    assert.equal(2, (run("--cancel", "../rules")))
    assert.equal(1, #asked)
  end)

  it("counts series by metric, with the last query, and by label", function()
    local asked, run = rig { label = "__name__", series = 4, without = 0, values = 2, queriedSince = 10, top = {
      { value = "up", series = 3, share = 0.75, queries = 2, lastQueried = 910 },
      { value = "old", series = 1, share = 0.25, queries = 0, lastQueried = "never" } } }
    local status, text = run("--cardinality", "--match", '{job="a"}', "--unread")
    assert.equal(0, status)
    assert.same({ "GET /api/mw/v1/cardinality?limit=20&match[]=%7Bjob%3D%22a%22%7D&unread=1" }, asked)
    assert.is_truthy(text:find("up      3       75.0%  2        1m30s ago", 1, true), text)
    assert.is_truthy(text:find("old     1       25.0%  0        never", 1, true), text)
    assert.is_truthy(text:find("queries are known since at 10", 1, true), text)
    asked, run = rig { label = "job", series = 4, without = 1, values = 1, queriedSince = 10, top = { { value = "a", series = 3, share = 0.75 } } }
    status, text = run("--cardinality", "job")
    assert.equal(0, status)
    assert.same({ "GET /api/mw/v1/cardinality?limit=20&label=job" }, asked)
    assert.equal("job  SERIES  SHARE\na    3       75.0%\n4 series, 1 value of job; 1 series without it\n", text)
  end)

  it("shows how a query is written", function()
    local asked, run = rig { data = "sum by (x) (\n  up\n)" }
    local _, text = run("--format", "sum(up)by(x)")
    assert.same({ "GET /api/v1/format_query?query=sum%28up%29by%28x%29" }, asked)
    assert.equal("sum by (x) (\n  up\n)\n", text)
  end)

  it("says what an option takes", function()
    local asked, run = rig {}
    for _, case in ipairs { { "--explain", "--explain takes one EXPR" }, { "--top", "up", "--top takes no EXPR" },
      { "--cardinality", "a", "b", "--cardinality takes at most one LABEL" }, { "--explain", "up", "-o", "csv", "--explain is shown as a tree" } } do
      local want = table.remove(case)
      local status, _, complaint = run(unpack(case))
      assert.equal(2, status)
      assert.is_truthy(complaint:find(want, 1, true), complaint)
    end
    assert.same({}, asked)
  end)

  it("refuses a time that is none, and an option that would do nothing", function()
    local asked, run = rig {}
    for _, case in ipairs { { "up", "--at", "yesterday", "a time is RFC 3339" }, { "up", "--from", "x", "a time is RFC 3339" },
      { "up", "--step", "5s", "--to and --step go with --from" }, { "up", "--at", "5", "--from", "4", "give one of them" },
      { "up", "--plan", "--plan means nothing here" }, { "--top", "-o", "json", "-o means nothing with --top" },
      { "--top", "--cardinality", "means nothing with --" }, { "up", "-o", "-o needs a value" } } do
      local want = table.remove(case)
      local status, _, complaint = run(unpack(case))
      assert.equal(2, status)
      assert.is_truthy(complaint:find(want, 1, true), complaint)
    end
    assert.same({}, asked)
  end)

  it("says no when nothing matched", function()
    local _, run = rig { data = { resultType = "vector", result = {} } }
    local status, text, complaint = run "nope"
    assert.equal(1, status)
    assert.equal("SERIES  VALUE\n", text)
    assert.equal("nothing matched\n", complaint)
    _, run = rig { data = { resultType = "scalar", result = { 5, "1" } } }
    assert.equal(0, (run("1", "--at", "5")))
  end)

  it("takes the answer of a large server", function()
    local sizes = {}
    local ctx = { url = "http://x", out = function() end, err = function() end, host = setmetatable({ call = function(_, arg)
      sizes[#sizes + 1] = arg.max_body
      return { status = 200, body = "{}" }
    end }, { __index = fake_host.new() }) }
    require("moonwatch.cli.client").ask(ctx, "GET", "/")
    require("moonwatch.cli.client").print(ctx, "/")
    assert.same({ 64 * 2 ^ 20, 64 * 2 ^ 20 }, sizes)
  end)

  it("draws series over their time, with what happened meanwhile below", function()
    local values = {}
    for i = 5, 10 do values[#values + 1] = { 900 + i * 10, tostring(i) } end
    local asked, run = rig { data = { resultType = "matrix", result = { { metric = { __name__ = "x\27" }, values = values } } },
      marks = { { time = 920, at = "then", title = "deploy shop 1.2" }, { time = 950, ["until"] = 970, at = "later", title = "a note" } } }
    local status, text = run("x", "--from", "900", "--to", "1000", "--step", "10", "-o", "plot")
    assert.equal(0, status)
    assert.equal("GET /api/mw/v1/marks?from=900.000&to=1000.000", asked[2])
    assert.equal("x?\n     ▁▂▄▅▇█  5 to 10\n  ▲  ▲──\n▲ then  deploy shop 1.2\n▲ later  a note\n", text)
  end)
end)
