--- golden_spec.lua - services of a real server that nobody configured: over HTTP, on the command line, on the page.
local browser = require "browser"
local proc = require "proc"
local server = require "server"

describe("the services of a server", function()
  local node, json
  setup(function()
    json = require("moonwatch.host").json
    node = server.start {}
    local now, lines = os.time(), {}
    for i = 0, 40 do
      local at = (now - 600 + i * 15) * 1000
      for le, n in pairs { ["0.1"] = 10, ["0.5"] = 19, ["+Inf"] = 20 } do
        lines[#lines + 1] = ('http_server_request_duration_seconds_bucket{job="shop",http_response_status_code="200",le="%s"} %d %d'):format(le, n * i * 15, at)
      end
      lines[#lines + 1] = ('http_server_request_duration_seconds_count{job="shop",http_response_status_code="200"} %d %d'):format(19 * i * 15, at)
      lines[#lines + 1] = ('http_server_request_duration_seconds_count{job="shop",http_response_status_code="503"} %d %d'):format(i * 15, at)
      lines[#lines + 1] = ('process_open_fds{job="shop",instance="<b id=evil>"} 85 %d'):format(at)
      lines[#lines + 1] = ('process_max_fds{job="shop",instance="<b id=evil>"} 100 %d'):format(at)
    end
    node:push(table.concat(lines, "\n") .. "\n")
    local spans = {}
    for i = 1, 20 do
      spans[i] = { traceId = ("%032x"):format(i), spanId = ("%016x"):format(i), name = "POST /pay", kind = 2, status = { code = i > 19 and 2 or 0 },
                   startTimeUnixNano = ("%d000000000"):format(now - i), endTimeUnixNano = ("%d%09d"):format(now - i, i * 1e6) }
    end
    assert.equal(200, (node:post("/v1/traces", json.encode { resourceSpans = { { resource = { attributes = { { key = "service.name", value = { stringValue = "eu/<i>pay</i>" } } } },
      scopeSpans = { { spans = spans } } } } })))
    node:cli("mark", "deploy", "--service", "shop", "--version", "1.2", "--at", "-5m")
  end)
  teardown(function()
    if node then node:stop() end
    proc.cleanup()
  end)

  it("are found without any rule", function()
    local found = proc.eventually(function()
      local answer = node:json "/api/mw/v1/golden"
      return #answer.services == 2 and answer
    end, 10, "both are there")
    assert.same({}, found.warnings)
    local pay, shop = found.services[1], found.services[2]
    assert.same({ "eu/<i>pay</i>", "spans", "shop", "otel-http" }, { pay.service, pay.from, shop.service, shop.convention })
    assert.near(0.05, pay.errors, 1e-9)
    assert.near(20, shop.traffic, 0.5)
    assert.near(0.05, shop.errors, 0.001)
    assert.near(0.85, shop.saturation.value, 1e-9)
  end)
  it("are a table on the command line, and one of them with its expressions", function()
    local status, text = node:cli "golden"
    assert.equal(0, status, text)
    assert.matches("shop +20/s +5%.00 %% +100 ms +500 ms", text)
    status, text = node:cli("golden", "shop")
    assert.equal(0, status)
    assert.truthy(text:find('rate(http_server_request_duration_seconds_count{job="shop"}[300s])', 1, true), text)
    assert.matches("there is no service", select(2, node:cli("golden", "shpo")))
    assert.equal(2, (node:cli("golden", "a", "b")))
  end)
  it("have a page, and a plot of each signal with what happened", function()
    if not browser.is_there() then return pending "no browser is installed" end
    local page = browser.start()
    finally(function() page:stop() end)
    page:go(node.url .. "/#golden")
    page:see "OpenTelemetry HTTP server metrics"
    page:see "eu/<i>pay</i>"
    page:press "shop"
    page:see "Where this comes from"
    page:wait "document.querySelectorAll('.uplot').length === 4"
    page:wait "document.querySelectorAll('.u-over .mark-deploy').length === 4"
    page:see "deploy shop 1.2"
    assert.is_false(page:value "!!document.getElementById('evil')")
    page:go(node.url .. "/#golden?service=eu%2F%3Ci%3Epay%3C%2Fi%3E")
    page:see "From the spans of its requests"
    page:wait "document.querySelectorAll('.uplot').length === 3"
  end)
end)
