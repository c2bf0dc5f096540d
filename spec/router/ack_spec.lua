--- ack_spec.lua - "I am on it": from a link, from Slack, from PagerDuty; handed over, taken back, run out.
local world_of = require "router_world"

local SECRETS = { secret = "link secret", slack = "slack secret", pagerduty = { "old pd", "new pd" } }

local function new(more)
  local config = { names = { "slack", "pager", "boss", "ann" }, routes = { { receiver = "slack", escalate = "page" } },
    escalations = { page = { { after = 0, to = { "slack" } }, { after = 900, to = { "pager" } }, { after = 1800, to = { "boss" } } } },
    settings = { external_url = "https://moon.example/m/", ack = SECRETS } }
  for k, v in pairs(more or {}) do config[k] = v end
  return world_of.new(config)
end

local function last_note(world) return world.notes[#world.notes].note end

-- The path that LINK leads to, as it comes to the server behind its proxy.
local function path_of(link) return link:match "^https://moon%.example/m(/.*)$" end

local function raw(world, method, path, body, headers)
  local answer = world:handle { type = "http", method = method, path = path, query = {}, headers = headers or {}, body = body or "" }
  return answer.status, answer.body, answer
end

local function firing(world)
  world:fire("Down", { job = "api" }):advance "1m"
  return last_note(world).links
end

describe("a link in a message", function()
  it("shows who opens it what it would do, and does it only when the form is sent", function()
    local world = new()
    local links = firing(world)
    local status, page, answer = raw(world, "GET", path_of(links.ack))
    assert.equal(200, status)
    assert.truthy(page:find("Down", 1, true) and page:find("job=api", 1, true) and page:find('method="post"', 1, true))
    assert.equal("no-store", answer.headers["cache-control"])
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
    status, page = raw(world, "POST", path_of(links.ack), "author=Ann+B%26&comment=on+it&for=")
    assert.equal(200, status)
    assert.truthy(page:find("Ann B&amp; is on it until it resolves", 1, true))
    _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal("Ann B&", acks.acks[1].author)
    assert.equal("link", acks.acks[1].way)
    world:told()
    world:advance "5h"
    assert.same({}, world:told())
  end)

  it("shows what is very long by its beginning", function()
    local world = new()
    world:fire("Down", { long = ("<ü>"):rep(100000) }):advance "1m"
    local _, page = raw(world, "GET", path_of(last_note(world).links.ack))
    assert.truthy(page:find("long=&lt;ü&gt;", 1, true))
    assert.is_true(#page < 20000)
  end)

  it("works once, and says who used it", function()
    local world = new()
    local link = path_of(firing(world).ack)
    raw(world, "POST", link, "author=ann")
    local status, page = raw(world, "POST", link, "author=eve")
    assert.equal(409, status)
    assert.truthy(page:find("ann used it", 1, true))
    assert.equal(409, (raw(world, "GET", link)))
    world:restart()
    assert.equal(409, (raw(world, "GET", link)))
  end)

  it("is refused when it was changed, cut short, of another server, or too old", function()
    local world, other = new(), new { settings = { external_url = "https://moon.example/m", ack = { secret = "another" } } }
    local link = path_of(firing(world).ack)
    local foreign = path_of(firing(other).ack)
    for _, path in ipairs { (link:gsub("1%.ack", "1.silence")), link:sub(1, -2), link .. "0", foreign, "/api/mw/v1/ack/link/", "/api/mw/v1/ack/link/" .. ("a"):rep(5000),
      (link:gsub("%.(%d+)%.(%d+)%.", function(a, b) return ("." .. a .. "." .. (b + 1) .. ".") end)) } do
      local status, page = raw(world, "POST", path, "author=eve")
      assert.equal(403, status)
      assert.truthy(page:find("not written by this server", 1, true))
    end
    world:advance "25h"
    local status, page = raw(world, "POST", link, "author=ann")
    assert.equal(410, status)
    assert.truthy(page:find("too old", 1, true))
  end)

  it("covers what its message told of, not what came since", function()
    local world = new()
    local links = firing(world)
    world:advance("10s"):fire("Down", { job = "db" })
    raw(world, "POST", path_of(links.ack), "author=ann")
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks[1].alerts)
    world:told()
    world:advance "20m"
    assert.truthy(#world:told() > 0)
  end)

  it("says that it is over when nothing of it fires any more", function()
    local world = new()
    local links = firing(world)
    world:resolve("Down", { job = "api" }):advance "10m"
    assert.equal(410, (raw(world, "POST", path_of(links.ack), "author=ann")))
    world:fire("Down", { job = "api" })
    assert.equal(410, (raw(world, "POST", path_of(links.ack), "author=ann")))
  end)

  it("asks again when the form says nobody, or no time for a silence", function()
    local world = new()
    local links = firing(world)
    local status, page = raw(world, "POST", path_of(links.ack), "author=++")
    assert.equal(400, status)
    assert.truthy(page:find("Say who you are", 1, true))
    assert.equal(400, (raw(world, "POST", path_of(links.silence), "author=ann&for=never")))
    assert.equal(400, (raw(world, "POST", path_of(links.ack), ("a=1&"):rep(100))))
    assert.equal(400, (raw(world, "POST", path_of(links.ack), ("a"):rep(20000))))
    assert.equal(405, (raw(world, "DELETE", path_of(links.ack))))
  end)

  it("silences what the alerts of the message have in common", function()
    local world = new()
    local links = firing(world)
    assert.equal(200, (raw(world, "GET", path_of(links.silence))))
    assert.equal(200, (raw(world, "POST", path_of(links.silence), "author=ann&for=1h&comment=deploy")))
    local _, silences = world:http("GET", "/api/v2/silences")
    assert.equal("ann", silences[1].createdBy)
    assert.equal("deploy", silences[1].comment)
    assert.equal(2, #silences[1].matchers)
  end)

  it("shows hostile labels as text", function()
    local world = new()
    world:fire("Down", { job = "<script>alert(1)</script>\"'" }):advance "1m"
    local _, page = raw(world, "GET", path_of(last_note(world).links.ack))
    assert.falsy(page:find("<script", 1, true))
    assert.truthy(page:find("&lt;script&gt;", 1, true))
  end)

  it("is signed with a key of our own when nobody gives one, which outlives a restart", function()
    local world = new { settings = { external_url = "https://moon.example/m" } }
    local links = firing(world)
    world:restart()
    assert.equal(200, (raw(world, "GET", path_of(links.ack))))
  end)

  it("is not there without an address, when it is switched off, and about what resolved", function()
    local world = new { settings = {} }
    assert.is_nil(firing(world))
    world = new { settings = { external_url = "https://moon.example/m", ack = { links = false } } }
    local links = firing(world)
    assert.is_nil(links.ack)
    assert.truthy(links.why:find("alertname=Down", 1, true))
    world = new()
    firing(world)
    world:resolve("Down", { job = "api" }):advance "10m"
    assert.is_nil(last_note(world).links.ack)
  end)
end)

-- -- Slack ----------------------------------------------------------------------------

local function escape(text)
  return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function press(world, payload, o)
  o = o or {}
  local body = "payload=" .. escape(type(payload) == "string" and payload or world.host.json.encode(payload))
  local stamp = tostring(math.floor(o.at or world.now))
  local mac = world.host.hmac_sha256(o.secret or SECRETS.slack, "v0:" .. stamp .. ":" .. body)
  return raw(world, "POST", "/api/mw/v1/slack/actions", o.body or body,
    { ["x-slack-request-timestamp"] = stamp, ["x-slack-signature"] = o.signature or "v0=" .. mac })
end

local function block_action(token)
  return { type = "block_actions", user = { id = "U1", username = "ann" }, response_url = "https://hooks.slack.com/actions/T/1/x",
    message = { text = "[FIRING:1] Down", blocks = { { type = "section", text = { type = "mrkdwn", text = "Down" } }, { type = "actions", elements = {} } } },
    actions = { { action_id = "ack", type = "button", value = token } } }
end

describe("a button in Slack", function()
  it("acknowledges, and the message says who is on it, without buttons", function()
    local world = new()
    local token = firing(world).token
    local status, body = press(world, block_action(token))
    assert.equal(200, status)
    local answer = world.host.json.decode(body)
    assert.is_true(answer.replace_original)
    assert.equal(2, #answer.blocks)
    assert.equal("ann is on it until it resolves.", answer.blocks[2].elements[1].text)
    local call = world.host.take "http"
    assert.equal("https://hooks.slack.com/actions/T/1/x", call.arg.url)
    assert.same(answer, world.host.json.decode(call.arg.body))
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal("slack", acks.acks[1].way)
  end)

  it("tells whoever presses it once more that somebody was first", function()
    local world = new()
    local token = firing(world).token
    press(world, block_action(token))
    local _, body = press(world, block_action(token))
    local answer = world.host.json.decode(body)
    assert.equal("ephemeral", answer.response_type)
    assert.truthy(answer.text:find("ann did that already", 1, true))
  end)

  it("of an older message is answered in the response", function()
    local world = new()
    local token = firing(world).token
    local _, body = press(world, { type = "interactive_message", user = { id = "U1", name = "ann" }, response_url = "https://hooks.slack.com/x",
      original_message = { text = "Down", attachments = { { text = "x", actions = { { name = "ack" } } } } },
      actions = { { name = "ack", type = "button", value = token } } })
    local answer = world.host.json.decode(body)
    assert.is_nil(answer.attachments[1].actions)
    assert.equal("ann is on it until it resolves.", answer.attachments[2].text)
    assert.is_nil(world.host.take "http")
  end)

  it("is nobody's when the signature, the time or the form is wrong", function()
    local world = new()
    local payload = block_action(firing(world).token)
    assert.equal(401, (press(world, payload, { secret = "guess" })))
    assert.equal(401, (press(world, payload, { at = world.now - 301 })))
    assert.equal(401, (press(world, payload, { at = world.now + 301 })))
    assert.equal(401, (press(world, payload, { body = "payload={}" })))
    assert.equal(401, (press(world, payload, { signature = "v1=00" })))
    assert.equal(400, (press(world, "{")))
    assert.equal(413, (press(world, payload, { body = ("x"):rep(300000) })))
    assert.equal(401, (raw(world, "POST", "/api/mw/v1/slack/actions", "payload={}")))
    assert.equal(405, (raw(world, "GET", "/api/mw/v1/slack/actions")))
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
    assert.equal(503, (press(new { settings = {} }, payload)))
  end)

  it("with anything else in it is taken and does nothing", function()
    local world = new()
    firing(world)
    for _, payload in ipairs { { type = "block_actions" }, { actions = "x" }, { actions = { 1, {}, { value = {} }, { value = "other" } } }, { user = 7, actions = {} } } do
      assert.equal(200, (press(world, payload)))
    end
    local odd = block_action(last_note(world).links.token)
    odd.message, odd.user, odd.response_url = { blocks = { 1, { accessory = 2 } }, attachments = { 3 }, text = {} }, "x", "http://127.0.0.1/"
    assert.equal(200, (press(world, odd)))
    assert.is_nil(world.host.take "http")
  end)
end)

-- -- PagerDuty ------------------------------------------------------------------------

local function event(world, kind, o)
  o = o or {}
  local body = world.host.json.encode { event = { id = "E1", event_type = kind, resource_type = "incident",
    occurred_at = world.host.rfc3339(o.at or world.now), agent = { id = "PU1", type = "user_reference", summary = "Ann A" },
    data = { id = "Q1", type = "incident", incident_key = o.key or world.host.sha256(last_note(world).group_key) } } }
  local signature = "v1=" .. ("0"):rep(64) .. ",v1=" .. world.host.hmac_sha256(o.secret or "new pd", body)
  return raw(world, "POST", "/api/mw/v1/pagerduty/webhook", o.body or body, { ["x-pagerduty-signature"] = o.signature or signature })
end

describe("PagerDuty's webhook", function()
  local function pd()
    local receivers = { { name = "pager", targets = { { kind = "pagerduty", routing_key = "k" } } } }
    local world = new { receivers = receivers, routes = { { receiver = "pager" } }, escalations = {} }
    world:fire("Down"):advance "1m"
    return world
  end

  it("acknowledges here who acknowledged there, and PagerDuty is not told of it again", function()
    local world = pd()
    local sent = #world.notes
    local status, body = event(world, "incident.acknowledged")
    assert.equal(200, status)
    assert.equal("acknowledged", world.host.json.decode(body).result)
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal("Ann A", acks.acks[1].author)
    assert.equal("pagerduty", acks.acks[1].way)
    assert.equal(sent, #world.notes)
  end)

  it("hears its own echo of an acknowledgement that was made here", function()
    local world = pd()
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    event(world, "incident.acknowledged")
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks)
  end)

  it("takes it back when it is unacknowledged, given to others or escalated there", function()
    for _, kind in ipairs { "incident.unacknowledged", "incident.reassigned", "incident.escalated" } do
      local world = pd()
      event(world, "incident.acknowledged")
      world:advance "10s"
      event(world, kind)
      local _, acks = world:http("GET", "/api/mw/v1/ack")
      assert.same({}, acks.acks)
    end
  end)

  it("leaves an acknowledgement alone that was said of more than this incident", function()
    local world = new { routes = { { receiver = "slack", group_by = { "job" } } } }
    world:fire("Down", { job = "a" }):fire("Down", { job = "b" }):advance "1m"
    world:http("POST", "/api/mw/v1/ack", { alert = "Down" })
    event(world, "incident.unacknowledged")
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks)
  end)

  it("counts what was resolved there but fires here as somebody's", function()
    local world = pd()
    event(world, "incident.resolved")
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal("resolved in PagerDuty", acks.acks[1].comment)
  end)

  it("changes nothing when it comes twice or late", function()
    local world = pd()
    local at = world.now
    event(world, "incident.acknowledged", { at = at })
    world:advance "10s"
    event(world, "incident.unacknowledged", { at = at + 5 })
    world:restart()
    local _, body = event(world, "incident.acknowledged", { at = at })
    assert.equal("ignored", world.host.json.decode(body).result)
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.same({}, acks.acks)
  end)

  it("is refused without a signature that fits, and when it is no event", function()
    local world = pd()
    assert.equal(401, (event(world, "incident.acknowledged", { secret = "guess" })))
    assert.equal(401, (event(world, "incident.acknowledged", { signature = "v2=00" })))
    assert.equal(401, (event(world, "incident.acknowledged", { signature = "" })))
    assert.equal(413, (event(world, "incident.acknowledged", { body = ("x"):rep(1100000) })))
    assert.equal(200, (event(world, "incident.acknowledged", { secret = "old pd", at = world.now - 1 })))
    local function signed(body)
      return (event(world, "x", { body = body, signature = "v1=" .. world.host.hmac_sha256("new pd", body) }))
    end
    assert.equal(400, signed "")
    assert.equal(400, signed "[1]")
    assert.equal(400, signed '{"event": 3}')
    assert.equal(200, signed '{"event": {"event_type": "pagey.ping"}}')
    assert.equal(200, signed '{"event": {"event_type": "incident.acknowledged", "data": 3}}')
    assert.equal(200, signed '{"event": {"event_type": "incident.acknowledged", "data": {"incident_key": "abc"}}}')
    assert.equal(200, signed(('{"event": {"event_type": "incident.acknowledged", "data": {"incident_key": "%s"}}}'):format(("a"):rep(64))))
  end)
end)

-- -- its end --------------------------------------------------------------------------

describe("an acknowledgement that ends", function()
  it("lets it ring again at once, from the first step, and says why", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "1h" })
    world:told()
    world:advance "1h"
    assert.equal("ann was on it; the time for that is over", last_note(world).remark)
    assert.same({ "1:01:00 slack firing Down" }, world:told())
    world:advance "16m"
    assert.same({ "1:16:00 pager firing Down" }, world:told())
  end)

  it("when it is taken back, by whoever", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    world:told()
    assert.equal(200, (world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down", author = "bob" })))
    assert.equal("ann was on it; taken back by bob", last_note(world).remark)
    assert.same({ "1:00 slack firing Down" }, world:told())
    assert.equal(404, (world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down" })))
  end)

  it("rings only for whom nobody else is on it", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "1h" })
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "bob" })
    world:told()
    world:advance "3h"
    assert.same({}, world:told())
  end)

  it("does not ring those whose step has not come again, but they hear of the resolve", function()
    local world = new()
    world:fire("Down"):advance "16m"
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    world:told()
    world:http("POST", "/api/mw/v1/ack/undo", { alert = "Down" })
    world:fire("Down", { job = "other" }):advance "6m"
    for _, line in ipairs(world:told()) do assert.falsy(line:find "pager") end
    world:resolve("Down"):resolve("Down", { job = "other" }):advance "6m"
    local told = table.concat(world:told(), "\n")
    assert.truthy(told:find("pager resolved Down", 1, true))
    assert.truthy(told:find("slack resolved Down", 1, true))
  end)

  it("ends after the time its escalation allows, unless somebody said another", function()
    local world = new { escalations = { page = { ack_timeout = 1800, steps = { { after = 900, to = { "pager" } } } } } }
    firing(world)
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann" })
    assert.equal(world.host.rfc3339(world.now + 1800), ack.ends)
    _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", ["for"] = "3h" })
    assert.equal(world.host.rfc3339(world.now + 10800), ack.ends)
  end)
end)

describe("a handover", function()
  it("moves it to somebody else, who is told and hears of the resolve", function()
    local world = new()
    firing(world)
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "bob" })
    world:told()
    local status, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "ann", author = "bob", comment = "see the graph" })
    assert.equal(200, status)
    assert.equal("ann", ack.author)
    assert.equal("bob hands this over to you: see the graph", last_note(world).remark)
    assert.same({ "1:00 ann firing Down" }, world:told())
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(1, #acks.acks)
    world:resolve("Down", { job = "api" }):advance "6m"
    local told = world:told()
    table.sort(told)
    assert.same({ "5:30 ann resolved Down", "5:30 slack resolved Down" }, told)
  end)

  it("of what nobody is on puts it on the person", function()
    local world = new()
    firing(world)
    world:told()
    local _, ack = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "ann", author = "bob" })
    assert.equal("ann", ack.author)
    assert.same({ "1:00 ann firing Down" }, world:told())
  end)

  it("to nobody we can tell is refused", function()
    local world = new()
    firing(world)
    local status, body = world:http("POST", "/api/mw/v1/ack", { alert = "Down", to = "an" })
    assert.equal(400, status)
    assert.truthy(body.error.message:find('did you mean "ann"', 1, true))
    assert.equal(404, (world:http("POST", "/api/mw/v1/ack", { alert = "Up", to = "ann" })))
  end)
end)

describe("saying it again", function()
  it("is saying it anew: the same person's words of the same alerts are kept once", function()
    local world = new()
    firing(world)
    for i = 1, 5 do
      assert.equal(200, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "ann", comment = "try " .. i })))
    end
    world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "bob" })
    local _, acks = world:http("GET", "/api/mw/v1/ack")
    assert.equal(2, #acks.acks)
    assert.equal("try 5", acks.acks[1].comment or acks.acks[2].comment)
  end)

  it("is refused when there are too many", function()
    local Ack = require "moonwatch.route.ack"
    local before = Ack.MOST
    Ack.MOST = 3
    local world = new()
    firing(world)
    for i = 1, 4 do
      assert.equal(i <= 3 and 200 or 429, (world:http("POST", "/api/mw/v1/ack", { alert = "Down", author = "a" .. i })))
    end
    Ack.MOST = before
  end)
end)

describe("whatever comes from outside, well signed", function()
  it("gets an answer, and breaks nothing", function()
    math.randomseed(23)
    local world = new()
    local links = firing(world)
    local function any(depth)
      local kind = math.random(depth > 3 and 5 or 8)
      if kind == 1 then return math.random(-5, 5) end
      if kind == 2 then return true end
      if kind == 3 then return ("x"):rep(math.random(0, 300)) end
      if kind == 4 then return links.token end
      if kind == 5 then return "1.ack." .. ("0"):rep(32) .. ".1.9.aa." .. ("0"):rep(40) end
      local out = {}
      for i = 1, math.random(0, 4) do out[kind == 6 and i or ({ "id", "name", "value", "summary", "blocks", "attachments", "type", "actions" })[math.random(8)]] = any(depth + 1) end
      return out
    end
    for _ = 1, 400 do
      local payload = block_action(links.token)
      for _ = 1, math.random(3) do
        payload[({ "type", "user", "response_url", "message", "actions", "original_message" })[math.random(6)]] = any(0)
      end
      assert.is_number((press(world, payload)))
      local body = world.host.json.encode { event = { event_type = "incident.acknowledged", occurred_at = math.random() < 0.5 and any(2) or "2026-01-01T00:00:00Z",
        agent = any(1), data = math.random() < 0.5 and any(1) or { incident_key = world.host.sha256(last_note(world).group_key) } } }
      assert.is_number((event(world, "x", { body = body, signature = "v1=" .. world.host.hmac_sha256("new pd", body) })))
      assert.is_number((world:http("POST", "/api/mw/v1/ack", { alert = any(2), labels = any(2), author = any(2), ["for"] = any(3), to = any(3) })))
      assert.is_number((world:http("POST", "/api/mw/v1/ack/undo", { alert = any(2), id = any(2), author = any(2) })))
      assert.is_number((raw(world, "POST", path_of(links.silence), "author=" .. math.random(9) .. "&for=" .. ("%s"):format(tostring(any(4))))))
    end
    world:restart():advance "1h"
  end)
end)
