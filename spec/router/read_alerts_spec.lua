--- read_alerts_spec.lua - bodies that are read the short way give what reading them closely gives, and odd ones are read closely.
local host = require "moonwatch.host"
local Router = require "moonwatch.engine.router"
local kept = require "kept_alerts"
local rounds = require "rounds"

local NOW = 1780000000
local TEXT = [[{"labels":{"alertname":"Down","severity":"page","z":"é \"quoted\" \u0026 \ud83d"},"annotations":{"summary":"it \\ is\n down","none":""},]]
  .. [["startsAt":"2026-05-28T20:26:30.123Z","endsAt":"2026-05-28T22:31:40+02:00","generatorURL":"http://p/graph?a=b\u0026c"}]]

local function router_with(reader, compat)
  local own = setmetatable({ read_alerts = reader, log = function() end, metric = function() end }, { __index = host })
  local router = Router.new { host = own, send = function() end }
  assert(router:configure({ routes = { { receiver = "hook", compat = compat } }, receivers = { { name = "hook", targets = {} } }, settings = {} }, NOW))
  return router
end

local short, close
local function closely() return nil end

-- What becomes of BODY in both; and whether it was read the short way.
local function both(body, now)
  local took
  local function shortly(...)
    local list = host.read_alerts(...)
    took = list ~= nil
    return list
  end
  short.host.read_alerts = shortly
  local answers = {}
  for i, router in ipairs { short, close } do
    local msg = { method = "POST", path = "/api/v2/alerts", type = "http", body = body, query = {}, headers = {} }
    answers[i] = require "moonwatch.engine.router.http"(router, msg, now or NOW)
  end
  assert.same(answers[2], answers[1], body)
  assert.same(kept(close), kept(short), body)
  return took, answers[1]
end

for _, compat in ipairs { "native", "alertmanager" } do
  describe("a body of alerts, for a tree of the kind " .. compat, function()
    before_each(function()
      short, close = router_with(host.read_alerts, compat), router_with(closely, compat)
    end)

    it("is read the short way when nothing in it is odd", function()
      for _, body in ipairs {
        "[]", " [ ] ", '[{"labels":{"a":"b"}}]', '[{"labels":{"b":"1","a":"2"},"annotations":{}}]',
        '[{"labels":{"a":"b"},"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}]',
        '[{"labels":{"a":"b","severity":"page"},"endsAt":"2026-05-28T20:26:30Z","generatorURL":""}]',
        '[{"labels":{"a":"b"}},{"labels":{"a":"c"},"annotations":{"x":"\\u00e9\\u0026\\t"}},{"labels":{"a":"b"},"annotations":{"x":"y"}}]',
        '[{"labels":{"a":"ü€𝄞"},"annotations":{"":"x"}}]',
      } do
        local named = not body:find('{"":', 1, true) -- a name must be one
        assert.equal(named, (both(body)), body)
      end
    end)

    it("is read closely when anything is, and then says what it said before", function()
      for _, body in ipairs {
        "", "null", "{}", "[", "[1]", "[null]", "[[]]", "[{}]", "[]x", '{"labels":{}}', '[{"labels":null}]', '[{"labels":{}}]', '[{"labels":[]}]',
        '[{"labels":{"a":""}}]', '[{"labels":{"a":"b","c":""}}]', '[{"labels":{"a":1}}]', '[{"labels":{"a":null}}]', '[{"labels":{"a":"b","a":"c"}}]',
        '[{"labels":{"a":"b"},"labels":{"a":"c"}}]', '[{"labels":{"a":"b"},"x":1}]', '[{"labels":{"a":"b"},"annotations":null}]',
        '[{"labels":{"a":"b"},"annotations":{"x":1}}]', '[{"labels":{"a":"b"},"annotations":{"x":"1","x":"2"}}]', '[{"labels":{"a":"b"},"startsAt":null}]',
        '[{"labels":{"a":"b"},"startsAt":"yesterday"}]', '[{"labels":{"a":"b"},"startsAt":1}]', '[{"labels":{"a":"b"},"startsAt":"1780000000"}]',
        '[{"labels":{"a":"b"},"startsAt":"2026-05-28T20:26:30Z","endsAt":"2026-05-28T20:26:29Z"}]',
        '[{"labels":{"a":"b"},"startsAt":"2026-05-28T20:40:00Z"}]', '[{"labels":{"a":"b"},"startsAt":"2036-05-28T20:26:30Z"}]',
        '[{"labels":{"a":"b"},"startsAt":"2026-05-28T20:26:30Z","startsAt":"2026-05-28T20:26:31Z"}]',
        '[{"labels":{"a":"b"},"generatorURL":null}]', '[{"labels":{"a":"b"},"generatorURL":1}]', '[{"labels":{"a":"\\ud800"}}]', '[{"labels":{"a":"\\u0000"}}]',
        '[{"labels":{"a":"\255"}}]', '[{"labels":{"a":"b\1"}}]', '[{"labels":{"a":"b"}},]', '[{"labels":{"a":"\\x"}}]', '[{"labels":{"a":"b"}} {}]',
        '[{"labels":{"a":"b"}},{"labels":{"a":""}}]', "[" .. TEXT .. "]",
      } do
        assert.is_false((both(body)), body)
      end
    end)

    it("may call labels whatever it likes where that is allowed", function()
      assert.equal(compat == "native", (both '[{"labels":{"a-b":"c"}}]'))
      assert.equal(compat == "native", (both '[{"labels":{"a":"b"},"annotations":{"ä":"c"}}]'))
      assert.is_false((both '[{"labels":{"":"c"}}]'))
    end)

    it("brings nothing new when it comes again, but its times", function()
      local body = "[" .. TEXT:gsub([[ \ud83d]], "") .. "]"
      assert.is_true((both(body)))
      local _, first = next(short.alerts.by_fp)
      assert.is_true((both(body, NOW + 60)))
      local _, again = next(short.alerts.by_fp)
      assert.equal(first.labels, again.labels)
      assert.equal(first.annotations, again.annotations)
      assert.equal(NOW + 60, again.updated_at)
      assert.is_true((both(body:gsub("it ", "she "), NOW + 70)))
      local _, other = next(short.alerts.by_fp)
      assert.equal(first.labels, other.labels)
      assert.equal("she \\ is\n down", other.annotations.summary)
    end)

    it("is read rightly wherever it is damaged", function()
      math.randomseed(7)
      local whole = "[" .. TEXT .. "," .. TEXT:gsub("Down", "Up") .. "," .. TEXT:gsub([[ \ud83d]], "") .. "]"
      local body = whole:gsub([[ \ud83d]], "")
      local shortly, n = 0, rounds(1500)
      for _ = 1, n do
        local at, how = math.random(#body), math.random(4)
        local put = how == 1 and "" or how == 2 and string.char(math.random(0, 255)) or ('"{}[]:,\\u0z'):sub(math.random(11), -1):sub(1, 1)
        local damaged = body:sub(1, at - 1) .. put .. body:sub(at + 1)
        if both(damaged) then shortly = shortly + 1 end
        if how == 4 and both(body:sub(1, at)) then shortly = shortly + 1 end
      end
      assert.is_true(shortly > n / 6)
    end)
  end)
end
