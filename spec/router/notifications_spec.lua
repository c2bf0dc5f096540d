--- notifications_spec.lua - the history of messages: filters, pages, bounds.
local History = require "moonwatch.route.history"
local world_of = require "router_world"

local function told(config)
  local world = world_of.new(config or { names = { "hook", "pager" }, routes = { { receiver = "hook", group_by = { "alertname" }, routes = {
    { match = { team = "x" }, receiver = "pager" } } } } })
  world:fire("A"):advance("1m"):fire("B", { team = "x" }):advance("1m"):resolve("A"):advance "10m"
  return world
end

local function names(world, query)
  local status, body = world:http("GET", "/api/mw/v1/notifications?" .. query)
  if status ~= 200 then return status, body.error.message end
  local out = {}
  for i, n in ipairs(body.notifications) do out[i] = n.alerts[1].labels.alertname .. " " .. n.reason end
  return table.concat(out, ", "), body.next
end

describe("the history of messages", function()
  it("is filtered by receiver, alert, result, reason, status and time", function()
    local world = told()
    assert.equal("A resolved, B new, A new", (names(world, "")))
    assert.equal("B new", (names(world, "receiver=pager")))
    assert.equal("A resolved, A new", (names(world, "alert=A")))
    assert.equal("A resolved, A new", (names(world, "alert=" .. world.host.fingerprint { alertname = "A" })))
    assert.equal("B new, A new", (names(world, "reason=new&result=sent")))
    assert.equal("A resolved", (names(world, "status=resolved")))
    assert.equal("A new", (names(world, "until=" .. world.start + 60)))
    assert.equal("A resolved, B new", (names(world, "since=" .. world.host.rfc3339(world.start + 60))))
    assert.equal("", (names(world, "result=failed")))
  end)

  it("is read page by page, without one twice or left out while new ones come", function()
    local world = told()
    local first, place = names(world, "limit=1")
    assert.equal("A resolved", first)
    world:fire("C"):advance "1m"
    local second
    second, place = names(world, "limit=1&before=" .. place)
    assert.equal("B new", second)
    second, place = names(world, "limit=1&before=" .. place)
    assert.equal("A new", second)
    assert.is_nil(place)
  end)

  it("says what is wrong with a question", function()
    local world = told()
    assert.equal(400, (names(world, "since=yesterday")))
    assert.equal(400, (names(world, "limit=some")))
    assert.equal(400, (names(world, "before=0")))
  end)

  it("keeps so many and for so long as the settings say, and over a restart", function()
    local world = told { settings = { notifications = { keep = 2, retention = 7200 } }, routes = { { receiver = "hook", group_by = { "alertname" } } } }
    assert.equal("A resolved, B new", (names(world, "")))
    world:restart()
    assert.equal("A resolved, B new", (names(world, "")))
    world:advance "113m"
    assert.equal("A resolved", (names(world, "")))
    world:advance "10m"
    assert.equal("", (names(world, "")))
  end)

  it("keeps more than usual over a restart, too, where the settings say so", function()
    local world = told { settings = { notifications = { keep = 3000 } } }
    for i = 1, 1500 do world.router.history:add { id = "m" .. i, time = world.now, receiver = "hook", alerts = {}, attempts = {}, result = "sent" } end
    local n = world.router.history.last
    world:restart()
    assert.equal(n, world.router.history.last - world.router.history.first + 1)
  end)

  it("takes the same time for the first message and for the hundred thousandth", function()
    local history = History.new()
    for i = 1, 100000 do history:add { id = "m" .. i, time = i, alerts = {}, attempts = {} } end
    local n = 0
    for _ in pairs(history.list) do n = n + 1 end
    assert.equal(History.KEPT, n)
    assert.equal("m100000", history:find(function() return true end, 1)[1].id)
  end)

  it("shows no control characters of what a receiver answered, and not all of a long one", function()
    local world = world_of.new {}
    world.answers.hook = function() return { retry = false, status = 400, error = "no\27[31m\n" .. ("x"):rep(5000) } end
    world:fire("A"):advance "1m"
    local _, body = world:http("GET", "/api/mw/v1/notifications")
    local said = body.notifications[1].attempts[1].error
    assert.is_true(#said < 300)
    assert.is_nil(said:find "%c")
  end)
end)
