--- actor_spec.lua - the engine with its disk, clock and peers.
local fake = require "fake_host"
local kept = require "kept_alerts"
local real = require "moonwatch.host"
local make = require "moonwatch.actor.router"

local DIR = "data/router"

-- All that is in the journal, as one text.
local function journal(host)
  local out = {}
  for _, segment in ipairs(host.journals[DIR].segments) do
    for _, frame in ipairs(segment) do out[#out + 1] = frame end
  end
  return table.concat(out, "\n")
end

local function actor(host, init)
  init = init or {}
  init.host = host
  return make(init)
end

local CONFIG = { receivers = { { name = "hook", targets = { { kind = "webhook", url = { ["@secret"] = "HOOK" } } } } },
  routes = { { receiver = "hook" } }, settings = {} }

-- What was said to be wrong.
local function errors(host)
  local out = {}
  for _, line in ipairs(host.logged) do
    if line.level == "error" then out[#out + 1] = line.message end
  end
  return out
end

local function down(now) return { type = "alerts", alerts = { { labels = { alertname = "Down" }, starts_at = now, updated_at = now, rule = "alert/Down" } } } end

local function run(host, a, seconds)
  local until_ = host.time + seconds
  while host.time < until_ do
    host.time = host.time + 0.25
    a:tick(host.time)
  end
end

describe("the router actor", function()
  local host
  before_each(function()
    host = fake.new { env = { HOOK = "http://127.0.0.1:9/s3cret" } }
    host.on["cluster.put"] = function() return {} end
  end)

  it("posts to the address that the secret names, and shows the secret nowhere", function()
    host.on.http = function() return { error = "could not connect to http://127.0.0.1:9/s3cret", seconds = 0.1 } end
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    run(host, a, 31)
    local request
    for _, call in ipairs(host.calls) do
      if call.op == "http" then request = call.arg end
    end
    assert.equal("http://127.0.0.1:9/s3cret", request.url)
    for _, path in ipairs { "/api/mw/v1/notifications", "/api/mw/v1/receivers", "/api/v2/status", "/api/v2/receivers" } do
      local answer = a:handle({ type = "http", method = "GET", path = path, query = {}, headers = {} }, host.time)
      assert.is_nil(answer.body:find("s3cret", 1, true), path)
    end
    for _, line in ipairs(host.logged) do
      assert.is_nil(host.json.encode(line):find("s3cret", 1, true))
    end
    a:stop(host.time)
    assert.is_nil(journal(host):find("s3cret", 1, true))
  end)

  it("says which secret is missing instead of sending", function()
    host.env_table.HOOK = nil
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    run(host, a, 31)
    local answer = a:handle({ type = "http", method = "GET", path = "/api/mw/v1/notifications", query = {}, headers = {} }, host.time)
    assert.is_truthy(answer.body:find('secret \\"HOOK\\" is not set', 1, true))
  end)

  it("has on disk what it heard, at once", function()
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    assert.is_truthy(journal(host):find "Down")
  end)

  it("has on disk what was posted, once it says so", function()
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    local answer = a:handle({ type = "http", method = "POST", path = "/api/v2/alerts", query = {}, headers = {},
      body = '[{"labels":{"alertname":"Posted"}}]' }, host.time)
    assert.equal(200, answer.status)
    assert.is_truthy(journal(host):find "Posted")
    answer = a:handle({ type = "http", method = "POST", path = "/api/mw/v1/ack", query = {}, headers = {},
      body = '{"alert":"Posted","author":"ana"}' }, host.time)
    assert.equal(200, answer.status)
    assert.is_truthy(journal(host):find "ana")
  end)

  it("writes little when an alert merely goes on", function()
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    local began = host.time
    local first = down(began)
    first.alerts[1].annotations = { summary = ("long "):rep(500) }
    first.alerts[1].ends_at = began + 60
    a:handle(first, began)
    run(host, a, 40)
    local before = #journal(host)
    for _ = 1, 20 do
      first.alerts[1].ends_at, first.alerts[1].updated_at = host.time + 60, host.time
      a:handle(first, host.time)
      run(host, a, 1)
    end
    assert.is_true(#journal(host) - before < 20 * 500, #journal(host) - before)
    a = actor(host)
    assert.equal(host.time + 59, a.router.alerts:list()[1].ends_at)
    assert.equal(("long "):rep(500), a.router.alerts:list()[1].annotations.summary)
  end)

  it("keeps what was posted as it was posted, and knows after a restart what it knew before", function()
    host.read_alerts, host.json = real.read_alerts, real.json
    host.on.http = function() return { status = 200, headers = {}, seconds = 0.1 } end
    local function post(a, body)
      local msg = { type = "http", method = "POST", path = "/api/v2/alerts", query = {}, headers = {}, body = body }
      assert.equal(200, a:handle(msg, host.time).status)
    end
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    local ends = host.rfc3339(host.time + 60)
    local one = '{"labels":{"alertname":"One"},"annotations":{"summary":"it is\\n down"}}'
    local two = '{"labels":{"alertname":"Two","severity":"page"},"endsAt":"' .. ends .. '","generatorURL":"http://x"}'
    post(a, "[" .. one .. "," .. two .. ',{"labels":{"alertname":"One"},"annotations":{"summary":"twice"}}]')
    assert.is_truthy(journal(host):find(one, 1, true))
    local function same()
      local again = actor(host).router
      assert.equal(2 + (a.router.alerts:get(host.fingerprint { alertname = "Three" }) and 1 or 0), #again.alerts:list())
      assert.same(kept(a.router), kept(again))
    end
    same()
    host.time = host.time + 10
    local size = #journal(host)
    post(a, "[" .. one .. "," .. two .. "]") -- it goes on
    assert.is_nil(journal(host):sub(size):find("severity", 1, true))
    same()
    post(a, "[" .. one .. "," .. two .. ',{"labels":{"alertname":"Three"}}]') -- one is new
    same()
    host.time = host.time + 10
    post(a, '[{"labels":{"alertname":"Three"},"endsAt":"' .. host.rfc3339(host.time) .. '"}]')
    same()
    run(host, a, 40)
    same()
  end)

  it("does not forget what was posted because the disk was full then", function()
    host.read_alerts, host.json = real.read_alerts, real.json
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    host.disk_full = true
    a:handle({ type = "http", method = "POST", path = "/api/v2/alerts", query = {}, headers = {}, body = '[{"labels":{"alertname":"One"}}]' }, host.time)
    host.disk_full = false
    run(host, a, 1)
    assert.same(kept(a.router), kept(actor(host).router))
    assert.equal(1, #a.router.alerts:list())
  end)

  it("writes all again when the journal is long, a little at each turn, and forgets nothing by that", function()
    host.on.http = function() return { status = 200, headers = {}, seconds = 0.1 } end
    local config = { receivers = CONFIG.receivers, settings = {}, routes = { { receiver = "hook", group_by = { "alertname" } } } }
    local a = actor(host)
    a:handle({ type = "config", config = config }, host.time)
    for i = 1, 1200 do
      local news = down(host.time)
      news.alerts[1].labels.alertname = "Down" .. i
      a:handle(news, host.time)
    end
    run(host, a, 40)
    for i = 1, 600 do
      local over = down(host.time - 40)
      over.alerts[1].labels.alertname, over.alerts[1].resolved = "Down" .. i, true
      a:handle(over, host.time)
    end
    local before = #journal(host)
    a.router.book.limit = 1000
    a:tick(host.time)
    assert.is_nil(a.router.book.again) -- most of it is not out of date
    a.router.book.limit, a.router.book.rows = 1000, 100000
    local turns = 0
    repeat
      turns = turns + 1
      a:tick(host.time)
    until not a.router.book.again or turns > 100
    assert.is_true(turns > 3 and turns < 100, turns)
    assert.is_true(#journal(host) < before * 0.8, #journal(host) / before)
    local restored = actor(host).router
    assert.same(a.router.alerts:list(), restored.alerts:list())
    assert.same(a.router.ledger.groups, restored.ledger.groups)
  end)

  it("goes on telling when the disk is full, says so once, and writes down later what it could not", function()
    local posted = 0
    host.on.http = function() posted = posted + 1; return { status = 200, headers = {}, seconds = 0.1 } end
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    host.disk_full = true
    a:handle(down(host.time), host.time)
    run(host, a, 40)
    assert.equal(1, posted)
    assert.same({ "the journal of alerts could not be written: after a crash messages may be sent again" }, errors(host))
    host.disk_full = false
    run(host, a, 1)
    a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    run(host, a, 600)
    assert.equal(1, posted)
  end)

  it("goes on after a crash where it was", function()
    local posted = 0
    host.on.http = function() posted = posted + 1; return { status = 200, headers = {}, seconds = 0.1 } end
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    run(host, a, 40)
    assert.equal(1, posted)
    a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    run(host, a, 600)
    assert.equal(1, posted)
  end)

  it("does not tell again what was answered in the moment before the crash", function()
    local posted = 0
    host.on.http = function() posted = posted + 1; return { status = 200, headers = {}, seconds = 0.1 } end
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    while posted == 0 do run(host, a, 0.25) end
    a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    run(host, a, 600)
    assert.equal(1, posted)
  end)

  it("leaves out what of its journal cannot be read, and says so", function()
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    for _, frame in ipairs { "{broken", "[broken", "[1,2]", '[["alert"]]', '[["moved","x"]]', "{}\n[]" } do table.insert(host.journals[DIR].segments[1], 1, frame) end
    a = actor(host)
    assert.same({ "parts of the journal of alerts cannot be read: what they said is forgotten" }, errors(host))
    assert.equal(5, host.logged[1].fields.parts)
    assert.equal("Down", a.router.alerts:list()[1].labels.alertname)
  end)

  it("starts empty when it does not understand its journal, says so, and goes on", function()
    for _, row in ipairs { '[["alert","x","what"]]', '[["silence","x",[1]],["ledger","y",{}]]', '[["history","x",{}],["history","y",7]]' } do
      host = fake.new { env = { HOOK = "http://127.0.0.1:9/s3cret" } }
      host.journal(DIR):append(row)
      local a = actor(host)
      a:handle({ type = "config", config = CONFIG }, host.time)
      a:handle(down(host.time), host.time)
      assert.equal("Down", a.router.alerts:list()[1].labels.alertname, row)
      assert.same({ "the journal of alerts cannot be understood, so it starts empty" }, errors(host))
      -- It is kept for whoever understands it, and what was heard since is known the next time.
      assert.equal(row, host.journals[host.logged[1].fields.kept].segments[1][1])
      assert.equal("Down", actor(host).router.alerts:list()[1].labels.alertname)
      assert.equal(1, #errors(host))
    end
  end)

  it("runs without a journal when there can be none, and says so", function()
    host.journal = function() return nil, "Permission denied" end
    local a = actor(host)
    assert.equal("error", host.logged[1].level)
    a:handle({ type = "config", config = CONFIG }, host.time)
    a:handle(down(host.time), host.time)
    assert.equal(200, a:handle({ type = "http", method = "GET", path = "/api/v2/alerts", query = {}, headers = {} }, host.time).status)
    a:stop(host.time)
  end)

  it("speaks only with the lease when there is a cluster", function()
    local posted = 0
    host.on.http = function() posted = posted + 1; return { status = 200, headers = {} } end
    local config = { receivers = CONFIG.receivers, routes = { { receiver = "hook", group_wait = 1 } }, settings = {} }
    local a = actor(host, { redis = "redis://127.0.0.1:1" })
    a:handle({ type = "config", config = config }, host.time)
    a:handle(down(host.time), host.time)
    run(host, a, 30)
    assert.equal(0, posted)
    a:handle({ type = "lease", slot = "router", held = true, fence = 1 }, host.time)
    run(host, a, 1)
    assert.equal(1, posted)
  end)

  it("answers a message it does not know, and a path that is not there", function()
    local a = actor(host)
    assert.is_truthy(a:handle({ type = "what" }, host.time).error)
    assert.equal(404, a:handle({ type = "http", method = "GET", path = "/nowhere", query = {}, headers = {} }, host.time).status)
    assert.equal(405, a:handle({ type = "http", method = "PUT", path = "/api/v2/alerts", query = {}, headers = {} }, host.time).status)
  end)
end)
