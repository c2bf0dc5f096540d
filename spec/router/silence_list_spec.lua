--- silence_list_spec.lua - silences are listed with what they mute, in parts, and also when there are very many.
local world_of = require "router_world"

local API = "/api/mw/v1/silences"

local function matcher(name, value, is_regex) return { name = name, value = value, isRegex = is_regex or false } end

local function silence(world, more)
  local body = { matchers = { matcher("alertname", "Down") }, ["for"] = "1h", comment = "c", createdBy = "ann" }
  for k, v in pairs(more) do body[k] = v end
  local status, s = world:http("POST", API, body)
  assert.equal(200, status, s.error and s.error.message)
  return s.id
end

local function comments(world, query)
  local _, body = world:http("GET", API .. query)
  local out = {}
  for i, s in ipairs(body.silences) do out[i] = s.comment end
  return out, body.total
end

describe("the list of silences", function()
  local world
  before_each(function() world = world_of.new { names = { "hook", "pager" } } end)

  it("counts an alert once, however many of a silence's matchers fit it", function()
    local id = silence(world, { matcherSets = { { matcher("alertname", "Down") }, { matcher("job", "api") }, { matcher("job", "a.*", true) } } })
    silence(world, { matchers = { matcher("job", "api") } })
    world:fire("Down", { job = "api" }):fire("Slow", { job = "api" }):fire("Other", { job = "db" })
    local _, body = world:http("GET", API)
    for _, s in ipairs(body.silences) do
      if s.id == id then
        assert.same({ 2, 3, { { name = "Down", count = 1 }, { name = "Slow", count = 1 } } }, { s.mutes.count, s.mutes.of, s.mutes.names })
      end
    end
    local _, one = world:http("GET", API .. "/" .. id)
    assert.equal(2, one.mutes.count)
  end)

  it("is given in parts, and says how many there are", function()
    for i = 1, 5 do silence(world, { comment = "c" .. i, ["for"] = i .. "h" }) end
    local some, total = comments(world, "?limit=2")
    assert.same({ { "c1", "c2" }, 5 }, { some, total })
    assert.same({ "c3", "c4" }, (comments(world, "?limit=2&offset=2")))
    assert.same({ "c5" }, (comments(world, "?offset=4")))
    assert.same({}, (comments(world, "?offset=9")))
    assert.same({}, (comments(world, "?limit=0")))
    assert.equal(5, #comments(world, "?limit=x&offset=-3"))
  end)

  it("finds what stands in a silence: its matchers, who made it, why", function()
    silence(world, { comment = "Moving it" })
    silence(world, { matchers = { matcher("instance", "web-1.*", true) }, comment = "b" })
    silence(world, { createdBy = "Bea", comment = "c" })
    assert.same({ { "Moving it" }, 1 }, { comments(world, "?text=moving") })
    assert.same({ "b" }, (comments(world, "?text=web-1.*")))
    assert.same({ "c" }, (comments(world, "?text=bea")))
    assert.same({}, (comments(world, "?text=nobody")))
  end)

  it("refuses a receiver that is not there, and knows which was meant", function()
    local function receivers(...)
      local status, body = world:http("POST", API, { matchers = { matcher("a", "b") }, ["for"] = "1h", comment = "c", receivers = { ... } })
      return status, body.error and body.error.message
    end
    assert.same({ 400, 'there is no receiver "pagr" (did you mean "pager"?)' }, { receivers("hook", "pagr") })
    assert.equal(400, (receivers "hook/slack"))
    assert.equal(200, (receivers("hook", "pager/webhook", "pager/webhook/1")))
  end)

  it("of ten thousand silences and a thousand alerts does not keep the router from its work", function()
    for i = 1, 10000 do
      assert(world.router.silences:set({ matchers = { matcher("instance", "host-" .. i) }, starts_at = world.now, ends_at = world.now + 3600 + i,
        created_by = "ann", comment = "number " .. i }, world.now))
    end
    for i = 1, 1000 do world:fire("Down", { instance = "host-" .. i }) end
    local before = os.clock()
    local _, body = world:http("GET", API .. "?limit=100")
    local took = os.clock() - before
    assert.same({ 100, 10000, 1 }, { #body.silences, body.total, body.silences[1].mutes.count })
    assert.is_true(took < 2, ("it took %.1f s"):format(took))
  end)
end)
