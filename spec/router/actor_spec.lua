--- actor_spec.lua - the engine with its disk, clock and peers.
local fake = require "fake_host"
local make = require "moonwatch.actor.router"

local PATH = "data/router-state.json"

local function actor(host, init)
  init = init or {}
  init.host = host
  return make(init)
end

local CONFIG = { receivers = { { name = "hook", targets = { { kind = "webhook", url = { ["@secret"] = "HOOK" } } } } },
  routes = { { receiver = "hook" } }, settings = {} }

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
    assert.is_nil(host.files[PATH]:find("s3cret", 1, true))
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

  it("has its state on disk a second after it changed", function()
    host.on.http = function() return { status = 200, headers = {}, seconds = 0.1 } end
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    run(host, a, 5)
    a:handle(down(host.time), host.time)
    run(host, a, 1.5)
    assert.is_truthy(host.files[PATH]:find "Down")
  end)

  it("has on disk what was posted, once it says so", function()
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    local answer = a:handle({ type = "http", method = "POST", path = "/api/v2/alerts", query = {}, headers = {},
      body = '[{"labels":{"alertname":"Posted"}}]' }, host.time)
    assert.equal(200, answer.status)
    assert.is_truthy(host.files[PATH]:find "Posted")
    answer = a:handle({ type = "http", method = "POST", path = "/api/mw/v1/ack", query = {}, headers = {},
      body = '{"alert":"Posted","author":"ana"}' }, host.time)
    assert.equal(200, answer.status)
    assert.is_truthy(host.files[PATH]:find "ana")
  end)

  it("does not write it down again and again because an alert goes on", function()
    local a = actor(host)
    a:handle({ type = "config", config = CONFIG }, host.time)
    local began = host.time
    local first = down(began)
    first.alerts[1].ends_at = began + 60
    a:handle(first, began)
    run(host, a, 40)
    host.written = 0
    for _ = 1, 120 do
      local going_on = down(host.time)
      going_on.alerts[1].starts_at, going_on.alerts[1].ends_at = began, host.time + 60
      a:handle(going_on, host.time)
      run(host, a, 1)
    end
    assert.is_true(host.written > 0 and host.written <= 120 / 15 + 1, host.written)
  end)

  it("writes it down less often when that takes long, and messages wait for it together", function()
    local posted, unwritten = 0, 0
    host.on.http = function(arg)
      posted = posted + 1
      local name = arg.body and arg.body:match "Down%d+"
      if not (name and (host.files[PATH] or ""):find('"' .. name .. '"', 1, true)) then unwritten = unwritten + 1 end
      return { status = 200, headers = {}, seconds = 0.1 }
    end
    local config = { receivers = CONFIG.receivers, settings = {}, routes = { { receiver = "hook", group_by = { "alertname" } } } }
    local a = actor(host)
    a:handle({ type = "config", config = config }, host.time)
    host.write_takes, host.written = 0.5, 0
    for i = 1, 50 do
      local news = down(host.time)
      news.alerts[1].labels.alertname = "Down" .. i
      a:handle(news, host.time)
      run(host, a, 0.25)
    end
    run(host, a, 60)
    assert.equal(50, posted)
    assert.equal(0, unwritten)
    assert.is_true(host.written < 50, host.written)
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

  it("starts empty, says so and keeps the file when the state cannot be read", function()
    host.files[PATH] = "{broken"
    local a = actor(host)
    assert.equal("error", host.logged[1].level)
    assert.equal("{broken", host.files[PATH .. ".bad"])
    assert.equal(200, a:handle({ type = "http", method = "GET", path = "/api/v2/alerts", query = {}, headers = {} }, host.time).status)
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
