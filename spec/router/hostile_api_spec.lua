--- hostile_api_spec.lua - whatever is asked of our API about silences, acknowledgements and stories, it answers, and stays as it was.
local real = require "moonwatch.host"
local world_of = require "router_world"

local function world_with()
  local world = world_of.new {}
  for _, name in ipairs { "json", "parse_time", "duration", "rfc3339" } do world.host[name] = real[name] end
  world.host.on_ask.rules = function() return { status = 200, body = '{"data":{"groups":[]}}' } end
  world:fire("Down", { job = "api" }):advance "1m"
  return world
end

local NUMBERS = { "nan", "-nan", "inf", "-inf", "1e308", "-1", "0.5", "1.5", "0x10", "1e3", "", "x", "9007199254740993", "%00", "%ff" }

local PARAMS = {
  "/api/mw/v1/silences?limit=", "/api/mw/v1/silences?offset=", "/api/mw/v1/silences?all=", "/api/mw/v1/silences?text=",
  "/api/mw/v1/audit?limit=", "/api/mw/v1/audit?since=", "/api/mw/v1/notifications?limit=", "/api/mw/v1/notifications?since=", "/api/mw/v1/notifications?before=",
  "/api/mw/v1/why?alert=Down&at=", "/api/mw/v1/why?label=", "/api/mw/v1/why?alert=", "/api/mw/v1/why?alert=Down&receiver=", "/api/mw/v1/why/routes?label=",
  "/api/mw/v1/ack?labels=", "/api/mw/v1/oncall?from=", "/api/v2/alerts?filter=", "/api/v2/silences?filter=", "/api/v2/alerts?receiver=",
}

local NULL = {}
local ODD = { NULL, true, false, 0, -1, 0.5, 1e308, "", " ", "x", "\0", "\255", ("x"):rep(5000), {}, { 1 }, { "x" }, { x = 1 }, { { {} } }, "1e308s", "-1s", "0s", "99999999999999d",
  "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00+99:99" }

-- BODY with FIELD as VALUE.
local function changed(body, field, value)
  local out = {}
  for k, v in pairs(body) do out[k] = v end
  if value == NULL then value = real.json.null end
  out[field] = value
  return out
end

local SILENCE = { matchers = { { name = "alertname", value = "Nobody", isRegex = false } }, ["for"] = "1h", comment = "c", createdBy = "ann" }
local ACK = { alert = "Down", labels = { job = "api" }, author = "ann", comment = "c", ["for"] = "1h" }

local BODIES = {
  { "/api/mw/v1/silences", SILENCE, { "matchers", "matcherSets", "for", "startsAt", "endsAt", "comment", "createdBy", "id", "annotations", "untilResolved", "receivers", "recurring",
    "window", "remind" } },
  { "/api/mw/v1/silences/preview", SILENCE, { "matchers", "matcherSets", "for", "startsAt", "endsAt", "receivers", "recurring", "window" } },
  { "/api/mw/v1/ack", ACK, { "alert", "labels", "for", "author", "comment", "to", "id", "way" } },
  { "/api/mw/v1/ack/undo", ACK, { "alert", "labels", "author", "id" } },
}

local FINE = { [200] = true, [400] = true, [404] = true, [422] = true, [403] = true, [405] = true, [429] = true }

describe("our API", function()
  -- Asks; the answer is one, and is JSON.
  local function ask(world, method, path, body)
    local ok, status, _, answer = pcall(world.http, world, method, path, body)
    local what = ("%s %s %s"):format(method, path, body or "")
    assert.is_true(ok, ("%s: %s"):format(what:sub(1, 300), tostring(status)))
    assert.is_true(FINE[status] ~= nil, ("%s: %s"):format(what:sub(1, 300), tostring(status)))
    for _, word in ipairs { "nan", "inf" } do assert.falsy(answer.body:find("[:,%[]%-?" .. word .. "%f[%W]"), what) end
    return status
  end

  it("answers odd parameters", function()
    local world = world_with()
    for i = 1, 5 do world:silence("Down" .. i, "1h") end
    for _, path in ipairs(PARAMS) do
      for _, value in ipairs(NUMBERS) do ask(world, "GET", path .. value) end
    end
    for _, value in ipairs(NUMBERS) do ask(world, "POST", "/api/mw/v1/silences/preview?hours=" .. value, real.json.encode(SILENCE)) end
  end)

  it("answers odd bodies, and what it took of them can be shown and kept", function()
    for _, row in ipairs(BODIES) do
      local path, body, fields = unpack(row)
      local world = world_with()
      for _, field in ipairs(fields) do
        for _, value in ipairs(ODD) do ask(world, "POST", path, real.json.encode(changed(body, field, value))) end
      end
      for _, text in ipairs { "", " ", "null", "[]", "[1]", "1", '"x"', "{", "{}", "\255", ("["):rep(10000) } do ask(world, "POST", path, text) end
      for _, shown in ipairs { "/api/mw/v1/silences?all=1", "/api/mw/v1/ack?labels=1", "/api/mw/v1/audit", "/api/mw/v1/why?alert=Down", "/api/v2/silences" } do
        assert.equal(200, ask(world, "GET", shown))
      end
      assert(world:restart())
      assert.equal(200, ask(world, "GET", "/api/mw/v1/silences?all=1"))
    end
  end)

  it("makes a silence longer by no odd time", function()
    local world = world_with()
    local _, s = world:http("POST", "/api/mw/v1/silences", SILENCE)
    for _, value in ipairs(ODD) do
      ask(world, "POST", "/api/mw/v1/silences/" .. s.id .. "/extend", real.json.encode(changed({ createdBy = "bob" }, "for", value)))
    end
    assert.equal(200, ask(world, "GET", "/api/mw/v1/silences?all=1"))
    for _, id in ipairs { "%00", "..", "%2e%2e", ("x"):rep(5000), "preview", " " } do
      ask(world, "POST", "/api/mw/v1/silences/" .. id .. "/extend", '{"for":"1h"}')
      ask(world, "DELETE", "/api/mw/v1/silences/" .. id, '{"createdBy":{}}')
      ask(world, "DELETE", "/api/mw/v1/ack/" .. id)
    end
  end)
end)
