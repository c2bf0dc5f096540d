--- silences_spec.lua - silences over HTTP at a real server with a policy: looked at first, made, made longer, refused, ended, by a
-- link, and who did what of it.
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local server = require "server"

local RULES = [[
receiver "hook" { webhook { url = "%s/hook" } }
route { receiver = "hook", group_by = { "alertname" }, group_wait = "100ms", group_interval = "500ms", repeat_interval = "1h" }
alert "Down" { expr = "stage", above = 5, every = "250ms", labels = { team = "web" } }
alert "Slow" { expr = "stage", above = 5, every = "250ms", labels = { team = "db" } }
policy "silence" (function(s, who)
  if s.seconds > 2 * 86400 then return false, "two days at most, " .. who.name end
  return true
end)]]

local API = "/api/mw/v1/silences"

describe("silences over HTTP", function()
  local sink, node, links

  setup(function()
    sink = net.sink()
    local port = proc.free_port()
    node = server.start { port = port, config = ('settings { external_url = "http://127.0.0.1:%d" }'):format(port), rules = { ["r.lua"] = RULES:format(sink.url) } }
    node:push "stage 9\n"
    links = proc.eventually(function()
      sink:poll()
      for _, request in ipairs(sink.requests) do
        if request.json.groupLabels.alertname == "Down" then return request.json.links end
      end
    end, 30, "Down is told")
    proc.eventually(function() return node:state "Slow" == "firing" end, 30, "Slow fires")
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  local function down(more)
    local out = { matchers = { { name = "alertname", value = "Down", isRegex = false } }, ["for"] = "1h", createdBy = "ann", comment = "moving it" }
    for k, v in pairs(more or {}) do out[k] = v end
    return json.encode(out)
  end
  local function post(path, body, headers)
    local status, text = node:post(path, body, nil, headers)
    return status, json.decode(text)
  end
  local function made(more)
    local status, s = post(API, down(more))
    assert.equal(200, status, s.error and s.error.message)
    return s
  end
  local function list() return node:json(API).silences end
  local function audit(what) return node:json("/api/mw/v1/audit?what=" .. what).audit end
  local function seconds(s)
    local t = node:json(API .. "/" .. s.id)
    local function of(text)
      local y, mo, d, h, mi, sec = text:match "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)"
      return os.time { year = y, month = mo, day = d, hour = h, min = mi, sec = sec }
    end
    return of(t.endsAt) - of(t.startsAt)
  end
  after_each(function()
    for _, s in ipairs(list()) do node:json(API .. "/" .. s.id, { method = "DELETE" }) end
  end)

  it("are looked at before they are made: what they would mute, which rules they mean, what is odd about them", function()
    local status, seen = post(API .. "/preview", down { comment = json.null })
    assert.equal(200, status)
    assert.same({ 1, 2 }, { seen.now.count, seen.now.of })
    assert.same({ alertname = "Down", team = "web", severity = "warning" }, seen.now.examples[1])
    assert.same({ 1, 24 }, { seen.history.count, seen.history.hours })
    assert.same({ "Down" }, seen.rules.names)
    assert.same({}, list())
    status, seen = post(API .. "/preview", down { matchers = { { name = "alertname", value = "Nobody", isRegex = false } } })
    assert.same({ 200, 0 }, { status, seen.now.count })
    assert.is_true(#seen.warnings > 0)
    status, seen = post(API .. "/preview", down { matchers = { { name = "alertname", value = "Do(", isRegex = true } } })
    assert.equal(400, status)
    assert.is_string(seen.error.message)
  end)

  it("mute until they end, are made longer by what one says, and begin again once they ended", function()
    local s = made()
    proc.eventually(function() return node:json(API .. "/" .. s.id).mutes.count == 1 end, 10, "it mutes one")
    local status = post(API .. "/" .. s.id .. "/extend", '{"for":"2h","createdBy":"bob"}')
    assert.equal(200, status)
    assert.equal(3 * 3600, seconds(s))
    assert.equal("bob", audit("silence.changed")[1].who)
    assert.equal(400, (post(API .. "/" .. s.id .. "/extend", '{"for":"never"}')))
    assert.equal(404, (post(API .. "/none/extend", '{"for":"2h"}')))
    node:json(API .. "/" .. s.id, { method = "DELETE", body = '{"createdBy":"cai"}', headers = { ["content-type"] = "application/json" } })
    assert.same({}, list())
    assert.same({ "cai", s.id }, { audit("silence.expired")[1].who, audit("silence.expired")[1].details.silence })
    local again
    status, again = post(API .. "/" .. s.id .. "/extend", '{"for":"30m","createdBy":"bob"}')
    assert.same({ 200, "active", 1800 }, { status, again.status.state, seconds(again) })
  end)

  it("may mean one receiver, come back each night, and end when it is over", function()
    local s = made { receivers = { "hook" }, recurring = { days = "mon-sun", times = "00:00-24:00", zone = "Europe/Lisbon" }, untilResolved = true, remind = "5m" }
    local kept = node:json(API .. "/" .. s.id)
    assert.same({ { "hook" }, "mon-sun", "00:00-24:00", true, "5m" },
      { kept.receivers, kept.recurring.days, kept.recurring.times, kept.untilResolved, kept.remind })
    assert.equal(400, (post(API, down { receivers = { "nobody" } })))
    assert.equal(400, (post(API, down { window = "nobody's" })))
    assert.equal(422, (post(API, down { recurring = { days = 3 } })))
    assert.equal(400, (post(API, down { recurring = { times = "25:00-26:00" } })))
  end)

  it("are changed: what is not named stays, what is false is taken away", function()
    local s = made { receivers = { "hook" }, recurring = { times = "00:00-24:00" }, untilResolved = true, remind = "5m" }
    local function change(more)
      local body = { id = s.id, startsAt = s.startsAt, endsAt = s.endsAt, ["for"] = json.null }
      for k, v in pairs(more) do body[k] = v end
      local status, t = post(API, down(body))
      assert.equal(200, status, t.error and t.error.message)
      return t
    end
    local t = change { comment = "longer words", receivers = json.null }
    assert.same({ s.id, "longer words", { "hook" }, "5m" }, { t.id, t.comment, t.receivers, t.remind })
    t = change { receivers = false, recurring = false, untilResolved = false, remind = false }
    assert.same({}, { t.receivers, t.recurring, t.untilResolved, t.remind })
    assert.equal(s.endsAt, t.endsAt)
  end)

  it("are refused by the policy with its reason, by whichever door, and nothing is made", function()
    local status, answer = post(API, down { ["for"] = "7d" })
    assert.same({ 403, "refused", "refused by policy: two days at most, ann" }, { status, answer.error.code, answer.error.message })
    local now = os.time()
    status, answer = post("/api/v2/silences", down { ["for"] = json.null, startsAt = os.date("!%Y-%m-%dT%TZ", now), endsAt = os.date("!%Y-%m-%dT%TZ", now + 7 * 86400) })
    assert.same({ 400, "refused by policy: two days at most, ann" }, { status, answer })
    local s = made()
    status, answer = post(API .. "/" .. s.id .. "/extend", '{"for":"3d","createdBy":"bob"}')
    assert.same({ 403, "refused by policy: two days at most, bob" }, { status, answer.error.message })
    assert.equal(3600, seconds(s))
    local refused = audit "silence.refused"
    assert.same({ "bob", "ann", "ann" }, { refused[1].who, refused[2].who, refused[3].who })
    assert.equal("refused by policy: two days at most, bob", refused[1].details.because)
    assert.equal("127.0.0.1", refused[1].from)
  end)

  it("are noted with who signed in before the server, whatever the client calls itself", function()
    assert.equal(200, (post(API, down(), { ["x-forwarded-user"] = "eve" })))
    assert.equal("eve", audit("silence.made")[1].who)
  end)

  -- Last, for a link works once.
  it("of a link in a message are refused on its page, which says why, and made when they fit the rules", function()
    local path = links.silence:match "^http://[^/]+(.*)$"
    local function press(form) return node:post(path, form, "application/x-www-form-urlencoded") end
    local status, page = press "author=Ann+%26+Bob&for=7d"
    assert.equal(403, status)
    assert.truthy(page:find("refused by policy: two days at most, Ann &amp; Bob", 1, true))
    assert.truthy(page:find('<form method="post">', 1, true))
    assert.same({}, list())
    status, page = press "author=ann&for=1h&comment=by+link"
    assert.equal(200, status)
    assert.truthy(page:find("Quiet until ", 1, true))
    assert.same({ "ann", "by link" }, { list()[1].createdBy, list()[1].comment })
    assert.equal(409, (press "author=eve&for=1h"))
    assert.same({ "ann", "Ann & Bob" }, { audit("silence.made")[1].who, audit("silence.refused")[1].who })
    local _, out = node:cli "audit"
    assert.truthy(out:find "silence%.made%s")
    assert.truthy(out:find "silence%.refused%s")
  end)
end)
