--- odd_bodies_spec.lua - bodies of Alertmanager's API that are not quite as they should be, and mean something all the same.
local real = require "moonwatch.host"
local world_of = require "router_world"

-- A world that reads JSON and times as the program does.
local function world_with()
  local world = world_of.new {}
  for _, name in ipairs { "json", "parse_time", "read_alerts" } do world.host[name] = real[name] end
  return world
end

describe("a body posted to the API of Alertmanager", function()
  local function posted(body)
    local world = world_with()
    local status, why = world:http("POST", "/api/v2/alerts", body)
    local _, alerts = world:http("GET", "/api/v2/alerts")
    return status, alerts, why
  end

  it("is taken with what is no character in it, for which another one stands", function()
    local status, alerts = posted('[{"labels":{"alertname":"a\255b","emoji":"\\ud83d\\ude00 \\\\ud800 ü","half":"\\ud800x\\udc00"}}]')
    assert.equal(200, status)
    assert.same({ alertname = "a\239\191\189b", emoji = "\240\159\152\128 \\ud800 ü", half = "\239\191\189x\239\191\189" }, alerts[1].labels)
  end)

  it("may have times without seconds, without a zone, or with a blank", function()
    for _, text in ipairs { "2026-05-01T10:00Z", "2026-05-01T10:00:00", "2026-05-01 10:00:00", "2026-05-01T10:00" } do
      local status, alerts = posted(('[{"labels":{"a":"b"},"startsAt":"%s"}]'):format(text))
      assert.equal(200, status, text)
      assert.equal("2026-05-01T10:00:00.000Z", alerts[1].startsAt)
    end
    for _, text in ipairs { "2026-05-01", "2026-05-01T", "2026-05-01T10", "2026-05-01T25:00", "2026-05-01T10:00:", "2026-05-01T10:00x" } do
      assert.equal(400, (posted(('[{"labels":{"a":"b"},"startsAt":"%s"}]'):format(text))), text)
    end
  end)

  it("may have empty times, which are the beginning of 1970, as for Alertmanager", function()
    local status, alerts = posted '[{"labels":{"a":"b"},"startsAt":""}]'
    assert.equal(200, status)
    assert.equal("1970-01-01T00:00:00.000Z", alerts[1].startsAt)
    status, alerts = posted '[{"labels":{"a":"b"},"endsAt":""}]'
    assert.equal(200, status)
    assert.same({}, alerts)
  end)

  it("may have an alert that begins later, unless it would be over by then", function()
    local world = world_with()
    local function at(seconds) return real.rfc3339(world.now + seconds) end
    local soon, late = at(299), at(301)
    assert.equal(200, (posted(('[{"labels":{"a":"b"},"startsAt":"%s"}]'):format(soon))))
    local status, alerts, why = posted(('[{"labels":{"a":"b"},"startsAt":"%s"},{"labels":{"a":"c"}}]'):format(late))
    assert.same({ 400, "start time must be before end time", 1 }, { status, why, #alerts })
    assert.equal(200, (posted(('[{"labels":{"a":"b"},"startsAt":"%s","endsAt":"%s"}]'):format(late, at(400)))))
  end)

  it("that has nothing in it is told so, and null is no alerts", function()
    for _, path in ipairs { "/api/v2/alerts", "/api/v2/silences" } do
      local status, why = world_with():http("POST", path, " \n")
      assert.equal(422, status)
      assert.truthy(why.message:find("in body is required", 1, true))
    end
    assert.equal(200, (posted "null"))
  end)

  it("with very many values in it is refused before they are made", function()
    local status, _, why = posted("[" .. ("{},"):rep(300001) .. "{}]")
    assert.equal(400, status)
    assert.truthy(why:find("more than 300000 values", 1, true))
    -- What stands in texts is no value.
    assert.equal(200, (posted('[{"labels":{"a":"\\"' .. (",[{"):rep(200000) .. '\255"}}]')))
  end)

  it("that is a silence says what is missing by 422, and what is of a wrong type by 400", function()
    local function status_of(more)
      local s = { matchers = { { name = "a", value = "b", isRegex = false } }, createdBy = "x", comment = "c", startsAt = "2026-01-01T00:00:00Z", endsAt = "2099-01-01T00:00:00Z" }
      for name, value in pairs(more) do s[name] = value end
      return (world_with():http("POST", "/api/v2/silences", s))
    end
    assert.equal(200, status_of {})
    for _, more in ipairs { { id = 1 }, { comment = 1 }, { createdBy = {} }, { endsAt = 1 }, { endsAt = "x" }, { matchers = 1 }, { matchers = { 1 } },
      { matchers = { { name = 1, value = "b", isRegex = false } } }, { matchers = { { name = "a", value = "b", isRegex = "no" } } } } do
      assert.equal(400, status_of(more))
    end
    for _, more in ipairs { { matchers = {} }, { matchers = { { name = "a", isRegex = false } } }, { matchers = { { name = "a", value = "b" } } } } do
      assert.equal(422, status_of(more))
    end
  end)
end)
