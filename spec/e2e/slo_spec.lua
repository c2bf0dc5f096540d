--- slo_spec.lua - an SLO on a real server: its past, its figures over HTTP and on the command line, its page, and kill -9.
local net = require "net"
local proc = require "proc"
local remote = require "remote"
local server = require "server"

local RULES = [[
slo "shop-pay" { bad = 'pay_total{code="500"}', total = "pay_total", objective = 99, by = "region", labels = { service = "shop" } }
slo "shop-fast" { latency = { metric = "took_seconds", under = "200ms", quantile = 0.95 }, calendar = "month", zone = "Europe/Lisbon" }
]]
local BROWSER, HOURS = "chromium", 5

local function has_browser() return os.execute(("command -v %s >/dev/null"):format(BROWSER)) == 0 end

describe("an SLO on a server", function()
  local node, json, now
  -- Five hours of a request a second in each region; in the fourth hour a tenth of one of them fails.
  local function push_past()
    local list = {}
    for _, row in ipairs { { "eu", "200" }, { "eu", "500" }, { "us", "200" }, { "us", "500" } } do
      local s, value = { labels = { __name__ = "pay_total", region = row[1], code = row[2] } }, 0
      for t = now - HOURS * 3600, now, 30 do
        local failing = row[1] == "eu" and t > now - 2 * 3600 and t <= now - 3600 and 3 or 0
        value = value + (row[2] == "500" and failing or 30 - (row[2] == "200" and failing or 30))
        s[#s + 1] = remote.sample(t * 1000, value)
      end
      list[#list + 1] = s
    end
    assert.equal(204, (remote.write(node, list)))
  end

  local function push_live()
    node:push(('pay_total{region="eu",code="200"} %d\npay_total{region="us",code="200"} %d\npay_total{region="eu",code="500"} 360\npay_total{region="us",code="500"} 0\n'
      .. 'took_seconds_bucket{le="0.1"} %d\ntook_seconds_bucket{le="0.25"} %d\ntook_seconds_bucket{le="+Inf"} %d\ntook_seconds_count %d\n'):format(
      HOURS * 3600 - 330, HOURS * 3600 + 30, 10, 20, 20, 20))
  end

  setup(function()
    json = require("moonwatch.host").json
    node = server.start { config = 'settings { out_of_order = "all" }\n' }
    now = os.time()
    push_past()
    push_live()
    node:write("slo.lua", RULES)
    assert.equal(200, (node:post "/-/reload"))
    proc.eventually(function()
      local about = node:json "/api/mw/v1/slos/shop-pay"
      return (about.total or 0) > 1000
    end, 60, "the past is counted")
  end)
  teardown(function()
    if node then node:stop() end
    proc.cleanup()
  end)

  local function cli(...)
    local argv = { server.binary(), "slo", ... }
    argv[#argv + 1], argv[#argv + 2] = "--url", node.url
    return proc.run(argv, 30)
  end

  it("knows what was before it was written, and who spent its budget in which hour", function()
    local about = node:json "/api/mw/v1/slos/shop-pay"
    assert.near(2 * HOURS * 3600, about.total, 200)
    assert.near(360, about.bad, 10)
    assert.near(0, about.budget_remaining, 0.05)
    assert.is_true(about.hours[1].share > 0.4)
    assert.is_true(#about.burn_down > 100)
  end)

  it("is told of on the command line", function()
    local status, text = cli()
    assert.equal(0, status)
    assert.matches("SLO%s+OBJECTIVE%s+BUDGET LEFT", text)
    assert.matches("shop%-pay%s+99.000 %%", text)
    status, text = cli "shop-pay"
    assert.equal(0, status)
    assert.matches("shop%-pay: 99.0%d%d %% of the last 30d, objective 99.000 %%", text)
    assert.matches("spent by hour:", text)
    status, text = cli("report", "shop-pay", "--per", "month")
    assert.equal(0, status)
    assert.matches("shop%-pay%s+20%d%d%-%d%d", text)
    status, text = cli("report", "--format", "csv")
    assert.equal(0, status)
    assert.matches("^slo,period,from,to,", text)
    assert.matches("\r\nshop%-pay,20%d%d%-W%d%d,", text)
    assert.equal(1, (cli "shop-nothing"))
    assert.equal(2, (cli("gate")))
    assert.equal(2, (cli("correct", "shop-pay", "--for", "1h")))
  end)

  it("has a gate that closes and, when the incident does not count, opens", function()
    local status, text = cli("gate", "shop-pay", "--min", "50%", "--author", "ana & bob")
    assert.equal(1, status)
    assert.matches("^closed: shop%-pay ", text)
    assert.equal(409, (node:get "/api/mw/v1/slos/shop-pay/gate?min=0.5"))
    assert.equal("ana & bob", node:json("/api/mw/v1/audit?what=gate.refused").audit[2].who)
    status, text = cli("correct", "shop-pay", "--from", os.date("!%Y-%m-%dT%H:%M:%SZ", now - 2 * 3600 - 60), "--to", os.date("!%Y-%m-%dT%H:%M:%SZ", now - 3600 + 60),
      "--reason", "the provider's fault", "--author", "ana")
    assert.equal(0, status, text)
    proc.eventually(function() return node:json("/api/mw/v1/slos/shop-pay").budget_remaining > 0.9 end, 45, "it does not count")
    proc.eventually(function() return (cli("gate", "shop-pay", "--min", "50%")) == 0 end, 60, "the gate is open")
    status, text = cli("corrections", "shop-pay")
    assert.equal(0, status)
    assert.matches("ana%s+the provider's fault", text)
    local audit = node:json("/api/mw/v1/audit?limit=50").audit
    local found = false
    for _, e in ipairs(audit) do found = found or e.what == "slo.corrected" and e.who == "ana" end
    assert.is_true(found, "it stands in the audit")
  end)

  it("is shown on its page", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    local function shown(hash)
      local _, text = proc.run({ BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=" .. proc.scratch(), "--virtual-time-budget=6000", "--dump-dom",
        node.url .. "/" .. hash }, 120)
      return text
    end
    local function see(hash, ...)
      local text
      for _ = 1, 4 do
        text = shown(hash)
        local lacks
        for _, part in ipairs { ... } do lacks = lacks or not text:find(part, 1, true) and part end
        if not lacks then return end
      end
      error(hash .. " lacks something:\n" .. text)
    end
    see("#slos", '<a href="#slo?name=shop-pay"><b>shop-pay</b></a>', "Budget left", "at the rate of the last")
    see("#slo?name=shop-pay", "Hours that spent it", "the provider's fault", "Burn rates", "<canvas", "each week", "Who spent it", "that may fail")
  end)

  it("goes on counting after kill -9, with its corrections", function()
    local before = tonumber((node:query 'slo_events_total{slo="shop-pay"}')[1].value[2])
    node:push(('pay_total{region="eu",code="200"} %d\n'):format(HOURS * 3600 + 170))
    local after
    proc.eventually(function()
      after = tonumber((node:query 'slo_events_total{slo="shop-pay"}')[1].value[2])
      return after >= before + 500
    end, 60, "five hundred more are counted")
    local total = node:json("/api/mw/v1/slos/shop-pay").total
    node.proc:kill()
    node = server.start { dir = node.dir, port = node.port, config = 'settings { out_of_order = "all" }\n' }
    proc.eventually(function() return (node:json("/api/mw/v1/slos/shop-pay").total or 0) > 0 end, 60, "it counts again")
    local about = node:json "/api/mw/v1/slos/shop-pay"
    assert.near(total, about.total, 60)
    assert.equal("ana", about.corrections[1].author)
    assert.is_true(tonumber((node:query 'slo_events_total{slo="shop-pay"}')[1].value[2]) >= after)
  end)

  it("says that a bound between two buckets is interpolated", function()
    node:push 'took_seconds_bucket{le="0.1"} 20\ntook_seconds_bucket{le="0.25"} 40\ntook_seconds_bucket{le="+Inf"} 40\ntook_seconds_count 40\n'
    proc.eventually(function()
      local notes = json.encode(node:json("/api/mw/v1/slos/shop-fast").notes)
      return notes:find("between 0.1s and 0.25s it is interpolated", 1, true)
    end, 60, "it says so")
    assert.equal("month", node:json("/api/mw/v1/slos/shop-fast").window)
  end)

  it("refuses what makes no sense, in our shape", function()
    for path, status in pairs { ["/api/mw/v1/slos/nothing"] = 404, ["/api/mw/v1/slos/shop-pay/report?per=age"] = 400, ["/api/mw/v1/slos/shop-pay/gate?min=x"] = 400 } do
      local got, text = node:get(path)
      assert.equal(status, got)
      assert.is_string(json.decode(text).error.message)
    end
    assert.equal(200, (node:get("/api/mw/v1/slos?x=" .. net.escape "y z")))
  end)
end)
