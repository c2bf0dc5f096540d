--- incidents_spec.lua - outages as people and checks tell of them.
local api = require "moonwatch.api.incidents"
local testing = require "moonwatch.testing"

local RULES = [[
settings { status_page = { automatic = true, %s groups = { { name = "Shop", checks = { "web", "pay" } } } } }
check "web" { tcp = "10.1.2.3:1", display = "Web shop" }
check "pay" { tcp = "10.1.2.3:2", critical = false }
check "other" { tcp = "10.1.2.3:3" }
]]

describe("an incident", function()
  local world, bad
  before_each(function()
    world, bad = testing.world(RULES:format ""), {}
    world:probe("tcp", function(arg) return bad[arg.port] and { error = "refused by 10.1.2.3" } or { seconds = 0.01 } end)
    world:advance "1m"
  end)

  local function ask(method, path, said, headers)
    local req = { method = method, path = path, query = {}, headers = headers or {}, body = said and world.host.json.encode(said) or "" }
    local answer = require("moonwatch.api.answer")
    local handler, captures = answer.find({ api }, path)
    local a = handler(world.engine, req, world.now, unpack(captures))
    return a.status, a.body ~= "" and world.host.json.decode(a.body) or nil
  end
  local DOOR = "/api/mw/v1/incidents"
  local function list() return select(2, ask("GET", DOOR)).incidents end

  it("is opened, told about and closed", function()
    local status, i = ask("POST", DOOR, { title = "Payments fail", text = "We look into it.", author = "ann", impact = "down", checks = { "pay" } })
    assert.equal(201, status)
    assert.equal("investigating", i.status)
    world:advance "5m"
    local _, after = ask("POST", DOOR .. "/" .. i.id, { text = "It is the bank.", status = "identified", author = "bob" })
    assert.equal("identified", after.status)
    world:advance "5m"
    _, after = ask("POST", DOOR .. "/" .. i.id .. "/close", { text = "The bank is back.", author = "ann" })
    assert.equal("resolved", after.status)
    assert.truthy(after.closed_at)
    assert.same({ "We look into it.", "It is the bank.", "The bank is back." }, { after.updates[1].text, after.updates[2].text, after.updates[3].text })
    assert.same({ "ann", "bob", "ann" }, { after.updates[1].author, after.updates[2].author, after.updates[3].author })
    assert.same({ "pay" }, after.checks)
  end)

  it("is written by whoever signed in at a proxy, whatever they say", function()
    local _, i = ask("POST", DOOR, { title = "x", author = "somebody" }, { ["x-forwarded-user"] = "ann" })
    assert.equal("ann", i.updates[1].author)
    _, i = ask("POST", DOOR, { title = "x" })
    assert.equal("unknown", i.updates[1].author)
  end)

  it("says what is wrong with what is said", function()
    local function refused(said, path)
      local status, body = ask("POST", path or DOOR, said)
      return status, body.error.message
    end
    assert.same({ 400, "title: expected a text" }, { refused { text = "x" } })
    assert.same({ 400, "title: longer than 200 bytes" }, { refused { title = ("x"):rep(201) } })
    assert.same({ 400, 'impact: "huge" is not one of none, degraded, down, maintenance' }, { refused { title = "x", impact = "huge" } })
    assert.same({ 400, 'there is no check "wab" (did you mean "web"?)' }, { refused { title = "x", checks = { "wab" } } })
    assert.same({ 400, "the body is no JSON object" }, { refused { "x" } })
    assert.same({ 404, 'there is no incident "12"' }, { refused({ text = "x" }, DOOR .. "/12") })
    assert.same({}, list())
  end)

  it("is shown even when the disk refuses it, and the answer says so", function()
    world.engine.save_now = function() return nil, "No space left on device" end
    local status, i = ask("POST", DOOR, { title = "The disk is full" })
    assert.same({ 201, "this is shown, but it is not on the disk: No space left on device" }, { status, i.warning })
    assert.equal("The disk is full", list()[1].title)
  end)

  it("is taken without a status page, too, and the answer says that nobody sees it", function()
    assert.is_nil(select(2, ask("POST", DOOR, { title = "x" })).warning)
    world:reload 'check "web" { tcp = "h:1" }'
    local _, i = ask("POST", DOOR, { title = "x" })
    assert.truthy(i.warning:find("there is no status page", 1, true), i.warning)
  end)

  it("is there after a restart, and on other nodes", function()
    ask("POST", DOOR, { title = "Payments fail" })
    world:restart()
    assert.equal("Payments fail", list()[1].title)
    world:fail_over()
    assert.equal("Payments fail", list()[1].title)
  end)

  it("can be taken back", function()
    local _, i = ask("POST", DOOR, { title = "x" })
    assert.equal(204, (ask("DELETE", DOOR .. "/" .. i.id)))
    assert.same({}, list())
  end)

  it("is forgotten ninety days after its end, while open ones stay", function()
    local _, i = ask("POST", DOOR, { title = "old" })
    ask("POST", DOOR .. "/" .. i.id .. "/close")
    ask("POST", DOOR, { title = "open" })
    world.now = world.now + 91 * 86400
    ask("POST", DOOR, { title = "new" })
    local titles = {}
    for n, row in ipairs(list()) do titles[n] = row.title end
    assert.same({ "new", "open" }, titles)
  end)

  it("is opened by a critical check of the page that fails, and closed when it is well", function()
    bad = { true, true, true }
    world:advance "1m"
    local open = list()
    assert.equal(1, #open)
    assert.equal("Web shop is failing", open[1].title)
    assert.is_true(open[1].automatic)
    assert.equal("Found by a check.", open[1].updates[1].text)
    bad = {}
    world:advance "1m"
    assert.equal("resolved", list()[1].status)
    assert.truthy(list()[1].updates[2].text:find("^Web shop is well again, after "))
  end)

  it("goes on when that check fails again soon", function()
    bad[1] = true
    world:advance "1m"
    bad[1] = nil
    world:advance "5m"
    bad[1] = true
    world:advance "1m"
    assert.equal(1, #list())
    assert.is_nil(list()[1].closed_at)
    bad[1] = nil
    world:advance "20m"
    bad[1] = true
    world:advance "1m"
    assert.equal(2, #list())
  end)

  it("stays open when a person wrote in it", function()
    bad[1] = true
    world:advance "1m"
    ask("POST", DOOR .. "/" .. list()[1].id, { text = "The disk is full; we clean up." })
    bad[1] = nil
    world:advance "1m"
    assert.is_nil(list()[1].closed_at)
  end)
end)
