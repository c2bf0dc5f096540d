--- ack_programs_spec.lua - acknowledgements that come from Slack and from PagerDuty, and whatever else is sent to those doors.
local ack_world = require "ack_world"

local SECRETS, firing, last_note, new, path_of, raw = ack_world.SECRETS, ack_world.firing, ack_world.last_note, ack_world.new, ack_world.path_of, ack_world.raw

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
