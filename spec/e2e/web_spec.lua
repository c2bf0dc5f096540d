--- web_spec.lua - the page, as a browser shows it.
local net = require "net"
local proc = require "proc"
local server = require "server"

local BROWSER = "chromium"
local TRACE = "0af7651916cd43dd8448eb211c80319c"
local HOSTILE = [[<b id=evil>declined</b> & "more"]]

local function has_browser() return os.execute(("command -v %s >/dev/null"):format(BROWSER)) == 0 end

describe("the page", function()
  local node, json
  setup(function()
    json = require("moonwatch.host").json
    node = server.start { rules = { ["r.lua"] = [[
receiver "hook" { webhook { url = "http://127.0.0.1:1/hook" } }
route { receiver = "hook", group_wait = "10ms", routes = { { match = { team = "<b id=evil>" }, receiver = "hook" } } }
alert "Stage" { expr = "stage > 5", every = "200ms", summary = "stage is ${value}", runbook = "https://wiki.example/stage",
  annotations = { script = "javascript:alert(1)" }, evidence = { logs = '{app="shop"}', traces = { service = "shop" } } }
check "till/1" { run = function() return "degraded", "<b id=evil>slow</b>" end, every = "200ms", depends_on = { "net" } }
check "net" { run = function() return true end, every = "200ms", breaker = {} }
alert "Idle" { expr = "stage > 5", every = "200ms", hold = "1h" }]] } }
    local now = os.time()
    assert.equal(200, (node:post("/v1/traces", json.encode { resourceSpans = { {
      resource = { attributes = { { key = "service.name", value = { stringValue = "shop" } } } },
      scopeSpans = { { spans = { { traceId = TRACE, spanId = "b7ad6b7169203331", name = "pay", kind = 2,
        startTimeUnixNano = ("%d000000000"):format(now), endTimeUnixNano = ("%d250000000"):format(now) } } } } } } })))
    node:post("/loki/api/v1/push", json.encode { streams = { { stream = { app = "shop" }, values = { { ("%d000000000"):format(now), HOSTILE } } } } })
    proc.eventually(function()
      return #node:json("/api/mw/v1/traces?service=shop").traces == 1 and #node:json("/api/mw/v1/logs?selector=" .. net.escape '{app="shop"}').records == 1
    end, 10, "logs and traces are there")
    node:push "stage 9\n"
    proc.eventually(function() return node:state "Stage" == "firing" and node:state "Idle" == "pending" end, 10, "it fires")
  end)
  teardown(function()
    if node then node:stop() end
    proc.cleanup()
  end)

  -- The document at HASH once its scripts have run.
  local function shown(hash)
    local _, text = proc.run({ BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=" .. proc.scratch(),
      "--virtual-time-budget=4000", "--dump-dom", node.url .. "/" .. hash }, 120)
    return assert(text:match "<body>.*</body>", text)
  end
  local function lacking(text, parts)
    for _, part in ipairs(parts) do
      if not text:find(part, 1, true) then return part end
    end
  end

  -- The same, which has these PARTS; a machine under load may need another look, as a person would take.
  local function see(hash, ...)
    local text, part
    for _ = 1, 4 do
      text = shown(hash)
      part = lacking(text, { ... })
      if not part then return text end
    end
    assert.is_nil(part, text .. "\n  lacks\n" .. tostring(part))
  end

  it("shows what made an alert fire, and leads to the trace", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    local link = see("#home", "alertname=Stage"):match '<a href="(#alert%?[^"]*alertname=Stage[^"]*)">'
    assert.truthy(link)
    local text = see((link:gsub("&amp;", "&")), '<span class="state bad">firing</span> <b>Stage</b>', "stage is 9", "What made it fire",
      '<a href="https://wiki.example/stage" rel="noopener noreferrer">', "<td>javascript:alert(1)</td>",
      '&lt;b id=evil&gt;declined&lt;/b&gt; &amp; "more"', '<a href="#trace?id=' .. TRACE .. '"><code>' .. TRACE:sub(1, 12), "<b>shop</b> pay", "250 ms",
      "<h3>Samples</h3>", "<code>9</code>")
    assert.falsy(text:find('id="evil"', 1, true))
    see("#trace?id=" .. TRACE, "<b>shop</b> pay", "250 ms")
  end)

  it("lets one say that one is on an alert, and shows who is", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    see("#home", "<th scope=\"col\">Who is on it</th>", '<button type="button">I am on it</button>')
    assert.equal(200, (node:post("/api/mw/v1/ack", '{"alert":"Stage","author":"<b id=evil>ann</b>"}')))
    local text = see("#home", "<b>&lt;b id=evil&gt;ann&lt;/b&gt;</b>", '<button type="button">Take back</button>')
    assert.falsy(text:find('I am on it', 1, true))
  end)

  it("tells who was told of an alert and why, which routes it took, and what was sent", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    proc.eventually(function()
      local sent = node:json("/api/mw/v1/notifications?alert=Stage").notifications[1]
      return sent and #sent.attempts > 0
    end, 10, "it was tried")
    local text = see("#alert?alertname=Stage&severity=warning", "Who was told, and why", "nobody was told because", "hook/webhook did not take it", "What happened", "it fires, value 9",
      'not taken: team="&lt;b id=evil&gt;" says no (it is missing)')
    assert.falsy(text:find('id="evil"', 1, true))
    see("#notifications?alert=Stage", "<h2>Messages</h2>", "<b>hook</b>", '<a href="#alert?alertname=Stage', "<details>")
    see("#notifications?result=sent", "Nobody was told anything that fits.")
  end)

  it("shows silences, and what one would mute before it is made", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    see("#silences", "<h2>Silences</h2>", "Nothing is silenced.", "What would it mute?")
    local link = see("#alert?alertname=Stage&severity=warning", "Silence it"):match '<a href="(#silences%?[^"]*)">Silence it'
    see((link:gsub("&amp;", "&")), "It would mute <b>1 alert</b> of 1 that fire now", "<b>Stage</b>")
    see("#silences?match=" .. net.escape 'alertname=~"Sta\\w+"\nseverity!="page"', "It would mute <b>1 alert</b> of 1 that fire now")
    see("#silences?match=" .. net.escape 'alertname="Sta', '<p class="problem" role="alert">"alertname="Sta" is no matcher')
    see("#silences?match=" .. net.escape 'alertname=~"Sta("', '<p class="problem" role="alert">')
    local status, body = node:post("/api/mw/v1/silences", json.encode { matchers = { { name = "alertname", value = "Stage|<b id=evil>", isRegex = true } },
      ["for"] = "1h", createdBy = "<b id=evil>ann</b>", comment = "<b id=evil>quiet</b>", receivers = { "hook" }, recurring = { days = "mon-sun", times = "00:00-24:00" } })
    assert.equal(200, status, body)
    local text = see("#silences", '<span class="state dim">active</span>', '<code>alertname=~"Stage|&lt;b id=evil&gt;"</code>', "<b>&lt;b id=evil&gt;ann&lt;/b&gt;</b>",
      "<td>&lt;b id=evil&gt;quiet&lt;/b&gt;</td>", "<td>1 alert</td>", "An hour longer", "End it",
      "<p>only for hook</p>", "mon-sun", "00:00-24:00")
    assert.falsy(text:find('id="evil"', 1, true))
    local id = json.decode(body).id
    assert.equal(id, node:json("/api/mw/v1/silences/" .. id, { method = "DELETE" }).id)
    see("#silences", '<span class="state dim">expired</span>', "Again for an hour")
  end)

  it("lists checks, the worst first, and shows one with its history, its uptime and how long it takes", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    local text = see("#checks", "<h2>Checks</h2>", '<a href="#checks?name=till%2F1"><b>till/1</b></a>', "&lt;b id=evil&gt;slow&lt;/b&gt;", "1 degraded</button>",
      "<h2>Breakers</h2>", '<span class="state good">closed</span></td><td><b>check/net</b>', "<b>receiver/hook (webhook)</b>")
    assert.is_true(text:find "till/1" < text:find "<b>net</b>")
    text = see("#checks?name=till%2F1", '<span class="state warn">degraded</span> <b>till/1</b>', "Uptime", "<td>1h</td><td>100 %</td>", "Changes", 'depends on <a href="#checks?name=net">net</a>')
    assert.falsy(text:find('id="evil"', 1, true))
    assert.equal(200, (node:post("/api/mw/v1/breakers/check/net/force", json.encode { force = "open", reason = "it is moved", author = "ann" })))
    see("#checks", '<span class="state bad">open</span></td><td><b>check/net</b>', "forced open by hand; by itself it would be closed")
    node:post("/api/mw/v1/breakers/check/net/force", json.encode { force = "none", author = "ann" })
    see("#checks?name=nothing", 'there is no check "nothing"')
  end)

  it("is small: all that its first load fetches is at most 60 kB", function()
    local seen, total = {}, 0
    local function fetch(path)
      if seen[path] then return end
      seen[path] = true
      local _, text = node:get(path)
      local status, packed = node:get(path, { headers = { ["accept-encoding"] = "gzip" } })
      assert.equal(200, status, path)
      total = total + #packed
      -- What a module or the document needs before anything is shown; import("...") comes later.
      for _, pattern in ipairs { 'from "(/[^"]*)"', 'href="(/[^"]*)"', 'src="(/[^"]*)"' } do
        for other in text:gmatch(pattern) do if path == "/" or path:find "js$" then fetch(other) end end
      end
    end
    fetch "/"
    assert.is_true(seen["/pages/silence_form.js"] and seen["/app.css"])
    assert.is_true(total <= 60000, ("%d bytes"):format(total))
  end)

  it("says of an alert that nothing was kept, or that it is gone", function()
    if not has_browser() then return pending(BROWSER .. " is not installed") end
    see("#alert?alertname=Idle&severity=warning", '<span class="state warn">pending</span>', "Nothing was kept.")
    see("#alert?alertname=" .. net.escape "<b id=evil>", "This alert is not there any more.")
  end)
end)
