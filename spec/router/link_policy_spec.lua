--- link_policy_spec.lua - a link or a button that silences, where a policy is asked: whoever pressed it hears what came of it.
local world_of = require "router_world"

local SLACK = "slack secret"

local function path_of(link) return link:match "^https://moon%.example/m(/.*)$" end

local function escape(text)
  return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

describe("where a policy is asked, a link that silences", function()
  local world, links, say, asked

  before_each(function()
    world = world_of.new { routes = { { receiver = "hook" } }, settings = { external_url = "https://moon.example/m/", ack = { secret = "s", slack = SLACK } } }
    world.router.policies = { silence = { items = { { fn = {} } }, on_failure = "refuse", timeout = 5 } }
    asked = 0
    world.host.ask = function(_, _, done) say, asked = done, asked + 1 end
    world:fire("Down", { job = "api" }):advance "1m"
    links = world.notes[#world.notes].note.links
  end)

  -- Presses PATH with BODY: a table where the answer is to come, or the answer itself.
  local function press(path, body, headers)
    local later = {}
    local answer = world:handle { type = "http", method = "POST", path = path, query = {}, headers = headers or {}, remote = "192.0.2.7", body = body,
      reply = function(a) later.status, later.body = a.status, a.body end }
    return answer ~= world.host.later and answer or later
  end
  local function form(body) return press(path_of(links.silence), body) end
  local function silences()
    local _, body = world:http("GET", "/api/mw/v1/silences")
    return body.silences
  end
  local function audit(what)
    local _, body = world:http("GET", "/api/mw/v1/audit?what=" .. what)
    return body.audit
  end

  it("waits for its answer, and says no with its reason on the page", function()
    local page = form "author=ann&for=7d"
    assert.is_nil(page.status)
    say { ok = true, values = { false, "two days at <most>" } }
    assert.equal(403, page.status)
    assert.truthy(page.body:find("refused by policy: two days at &lt;most&gt;", 1, true))
    assert.truthy(page.body:find('<form method="post">', 1, true))
    assert.same({}, silences())
    assert.same({ "ann", "192.0.2.7" }, { audit("silence.refused")[1].who, audit("silence.refused")[1].from })
  end)

  it("means the alerts of the message by their names, not whatever has a label in common with all of them", function()
    world:fire("Full", { job = "api", disk = "a" }):fire("Full", { job = "api", disk = "b" }):advance "6m"
    links = world.notes[#world.notes].note.links
    local labels
    world.host.ask = function(_, msg, done) say, labels = done, msg.args[1].labels end
    form "author=ann&for=1h"
    say { ok = true, values = { true } }
    assert.same({ job = "api" }, labels)
    local s = world.router.silences:get(silences()[1].id)
    assert.equal('{alertname="Down",job="api"} or {alertname="Full",job="api"}', require("moonwatch.route.silence_rules").text(s))
    world:fire("Slow", { job = "api" })
    assert.equal(0, #world.router.silences:muting({ alertname = "Slow", job = "api" }, world.now))
  end)

  it("can be pressed again after a no, and works once after a yes", function()
    form "author=ann&for=7d"
    say { ok = true, values = { false, "too long" } }
    local page = form "author=ann&for=1h"
    say { ok = true, values = { true } }
    assert.equal(200, page.status)
    assert.equal(1, #silences())
    page = form "author=eve&for=1h"
    assert.equal(409, page.status)
    assert.truthy(page.body:find("ann used it", 1, true))
  end)

  it("is not asked for twice by somebody who presses twice", function()
    local first, second = form "author=ann&for=1h", form "author=ann&for=1h"
    assert.equal(409, second.status)
    assert.truthy(second.body:find("is being asked", 1, true))
    say { ok = true, values = { true } }
    assert.equal(200, first.status)
    assert.same({ 1, 1 }, { asked, #silences() })
  end)

  it("tells the end that the policy gave it", function()
    local page = form "author=ann&for=7d"
    say { ok = true, values = { { seconds = 3600 } } }
    assert.truthy(page.body:find("Quiet until " .. silences()[1].endsAt, 1, true))
  end)

  it("says so when there is no answer in time", function()
    local page = form "author=ann&for=1h"
    world:advance "6s"
    assert.equal(503, page.status)
    assert.truthy(page.body:find("no answer in 5s", 1, true))
    say { ok = true, values = { true } }
    assert.same({}, silences())
  end)

  local function button(payload)
    payload.actions = { { type = "button", value = links.silence_token } }
    local body, stamp = "payload=" .. escape(world.host.json.encode(payload)), tostring(math.floor(world.now))
    return press("/api/mw/v1/slack/actions", body, { ["x-slack-request-timestamp"] = stamp,
      ["x-slack-signature"] = "v0=" .. world.host.hmac_sha256(SLACK, "v0:" .. stamp .. ":" .. body) })
  end

  it("lets Slack go at once, and tells whoever pressed the button where Slack said", function()
    local answer = button { type = "block_actions", user = { id = "U1", username = "ann" }, response_url = "https://hooks.slack.com/actions/T/1/x" }
    assert.same({ 200, "" }, { answer.status, answer.body })
    assert.is_nil(world.host.take "http")
    say { ok = true, values = { false, "not at night" } }
    local told = world.host.json.decode(world.host.take("http").arg.body)
    assert.same({ "ephemeral", "refused by policy: not at night" }, { told.response_type, told.text })
    assert.equal("ann", audit("silence.refused")[1].who)
  end)

  it("keeps Slack waiting where an older message knows no other way", function()
    local answer = button { type = "interactive_message", user = { id = "U1", name = "ann" } }
    assert.is_nil(answer.status)
    say { ok = true, values = { true } }
    assert.truthy(world.host.json.decode(answer.body).text:find("ann silenced it. Quiet until", 1, true))
  end)
end)
