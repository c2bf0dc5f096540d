--- email_spec.lua - what a mail has in it, and what the answers of a mail server mean for it.
local email = require "moonwatch.to.email"
local fake = require "fake_host"
local mime = require "moonwatch.to.mime"
local note = require("notes").note
local alert = require("notes").alert
local to = require "moonwatch.to"

local host = fake.new()

local function fields(more)
  local out = { to = { "ann@example.com" }, from = "mw@example.com", smarthost = "mail.example.com:587", require_tls = true, thread = "group", headers = {} }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

local function built(n, f) return assert(email.build(n, f, host, (mime.addresses(f.to)))) end
local function message(n, f) return built(n or note(), f or fields()).message end

-- The text of the part KIND of a message.
local function part(text, kind)
  local body = text:match("Content%-Type: text/" .. kind .. ".-\r\n\r\n(.*)$")
  body = body and body:gsub("\r\n%-%-=_.*$", "")
  return body and body:gsub("=\r\n", ""):gsub("=(%x%x)", function(h) return string.char(tonumber(h, 16)) end)
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function decoded(base64)
  local out, bits, n = {}, 0, 0
  for c in base64:gmatch "[^=]" do
    bits, n = bits * 64 + DIGITS:find(c, 1, true) - 1, n + 6
    if n >= 8 then
      n = n - 8
      out[#out + 1] = string.char(math.floor(bits / 2 ^ n))
      bits = bits % 2 ^ n
    end
  end
  return table.concat(out)
end

local function head(text) return text:match "^(.-)\r\n\r\n" end

describe("a mail", function()
  it("has sender, recipients, subject, date and two bodies", function()
    local text = message()
    for _, line in ipairs { "From: mw@example.com\r\n", "To: ann@example.com\r\n", "Subject: [FIRING:1] Busy\r\n",
                            "Date: Thu, 28 May 2026 20:26:40 +0000\r\n", "MIME-Version: 1.0\r\n", "Content-Type: multipart/alternative; boundary=" } do
      assert.truthy(text:find(line, 1, true), line .. "\n" .. text)
    end
    for _, kind in ipairs { "plain", "html" } do
      local body = part(text, kind)
      for _, what in ipairs { "a is busy", "0.99", "0.90", "critical", "http://mw/ack" } do assert.truthy(body:find(what, 1, true), kind .. ": " .. what .. "\n" .. body) end
    end
  end)
  it("has no line longer than 998 bytes, none without its carriage return, no body line beyond 76", function()
    local text = message(note { alerts = { alert { annotations = { description = ("ü long "):rep(500) .. "\rA\nB" } } } })
    assert.is_nil(text:gsub("\r\n", ""):find "[\r\n]")
    for line in text:gmatch "([^\r]*)\r\n" do assert.is_true(#line <= 76 or line:find "^%S+:" ~= nil, line) end
    assert.truthy(part(text, "plain"):find("ü long ü long", 1, true))
  end)
  it("writes what is not ASCII as encoded words, never half a character in one", function()
    local text = message(note(), fields { subject = "Störung: " .. ("zürich "):rep(20), to = { "Jörg Müller <j@example.com>", '"Doe, Ann" <ann@example.com>' } })
    local subject = text:match "Subject: (.-)\r\n%u"
    local out = {}
    for word in subject:gmatch "=%?utf%-8%?B%?([^?]*)%?=" do
      assert.is_true(#word <= 60)
      local piece = decoded(word)
      assert.is_nil(piece:find "^[\128-\191]")
      out[#out + 1] = piece
    end
    assert.equal("Störung: " .. ("zürich "):rep(20), table.concat(out))
    assert.truthy(text:find('To: =?utf-8?B?SsO2cmcgTcO8bGxlcg==?= <j@example.com>,\r\n "Doe, Ann" <ann@example.com>\r\n', 1, true), text)
  end)
  it("lets no alert write a header, a body or HTML of its own", function()
    local evil = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>\0"
    local text = message(note { alerts = { alert { labels = { alertname = evil, severity = evil }, annotations = { summary = evil } } } },
      fields { subject = "${labels.alertname}", headers = { ["X-Team"] = evil } })
    assert.is_nil(head(text):find "\r\nBcc:")
    assert.is_nil(part(text, "html"):find("<script", 1, true))
    assert.truthy(part(text, "html"):find("&lt;script&gt;", 1, true))
    text = message(note { alerts = { alert { generator_url = "javascript:alert(1)" } } })
    assert.is_nil(part(text, "html"):find 'href="javascript')
  end)
  it("of one group refers to one id; of one day, where that is wanted, to another; a digest to none", function()
    local function reference(n, f) return message(n, f):match "References: (%S+)" end
    local one = reference(note { id = "1" })
    assert.truthy(one)
    assert.equal(one, reference(note { id = "2", status = "resolved" }))
    assert.not_equal(one, reference(note { group_key = "other" }))
    local day = fields { thread = "day" }
    assert.equal(reference(note { time = 1780000000 }, day), reference(note { time = 1780000060 }, day))
    assert.not_equal(reference(note { time = 1780000000 }, day), reference(note { time = 1780086400 }, day))
    assert.is_nil(reference(note(), fields { thread = "none" }))
    assert.not_equal(message(note { id = "1" }):match "Message%-ID: (%S+)", message(note { id = "2" }):match "Message%-ID: (%S+)")
  end)
  it("may have texts of one's own: one alone stands alone, and what is filled into HTML is escaped", function()
    local n = note { alerts = { alert { labels = { alertname = "A<B" } } } }
    assert.equal("<b>A&lt;B</b>\r\n", part(message(n, fields { html = "<b>${labels.alertname}</b>" }), "html"))
    assert.is_nil(part(message(n, fields { html = "<b>x</b>" }), "plain"))
    assert.is_nil(message(n, fields { text = "${labels.alertname}" }):find "multipart")
    assert.is_nil(message(n, fields { html = "" }):find "multipart")
    assert.truthy(part(message(n, fields { html = "" }), "plain"):find("A<B", 1, true))
  end)
  it("has further headers, filled in from the message and safe whatever stands there", function()
    local text = message(note { alerts = { alert { labels = { alertname = "A\r\nBcc: x@y" } } } }, fields { headers = { ["X-Alert"] = "${labels.alertname} ${status}" } })
    assert.truthy(text:find("\r\nX-Alert: A Bcc: x@y firing\r\n", 1, true), text)
  end)
  it("stays short when ten thousand alerts fire", function()
    local many = {}
    for i = 1, 10000 do many[i] = alert { annotations = { description = ("x"):rep(5000) } } end
    local text = message(note { alerts = many })
    assert.is_true(#text < 1000000)
    assert.truthy(part(text, "plain"):find("and 9900 more", 1, true))
  end)
  it("goes over TLS from the start to port 465, and asks for STARTTLS elsewhere unless told otherwise", function()
    local function how(f)
      local m = built(note(), f)
      return { m.host, m.port, m.implicit_tls, m.require_tls }
    end
    assert.same({ "mail.example.com", 587, false, true }, how(fields()))
    assert.same({ "m", 465, true, true }, how(fields { smarthost = "m:465" }))
    assert.same({ "::1", 465, false, false }, how(fields { smarthost = "[::1]:465", implicit_tls = false, require_tls = false }))
  end)
end)

describe("a mail to whom the alert names", function()
  local to_owner = fields { to = { "ops@example.com", "${common_labels.owner}", "{{ .CommonLabels.team }}" } }

  -- Whom N went to, and how that ended.
  local function sent(n, f)
    local mailed, outcome
    local rig = setmetatable({ call = function(_, mail, done) mailed = mail; done { status = 250, refused = {} } end, log = function() end }, { __index = host })
    email.send(n, f, rig, function(o) outcome = o end)
    return mailed and table.concat(mailed.to, " "), outcome, mailed
  end
  local function owned(labels) return note { common_labels = labels, alerts = { alert { labels = labels } } } end

  it("goes to them, and their addresses stand in it", function()
    local who, outcome, mail = sent(owned { alertname = "A", owner = "Ann <ann@example.com>", team = "web@example.com,db@example.com" }, to_owner)
    assert.equal("ops@example.com ann@example.com web@example.com db@example.com", who)
    assert.is_true(outcome.ok)
    assert.truthy(mail.message:find("Ann <ann@example.com>", 1, true))
  end)
  it("goes to the others when it names nobody, or what is no address", function()
    assert.equal("ops@example.com", (sent(owned { alertname = "A" }, to_owner)))
    local who, outcome = sent(owned { alertname = "A", owner = "ann" }, to_owner)
    assert.equal("ops@example.com", who)
    assert.truthy(outcome.ok and outcome.error:find('"ann" is no mail address', 1, true))
  end)
  it("is given up when nobody is left", function()
    local who, outcome = sent(owned { alertname = "A", owner = "a@b\r\nRCPT TO:<x@y>" }, fields { to = { "${common_labels.owner}" } })
    assert.is_nil(who)
    assert.is_falsy(outcome.ok or outcome.retry)
    assert.truthy(outcome.error:find("nobody is named by ${common_labels.owner}", 1, true))
  end)
end)

describe("a mail address", function()
  it("may have a name, and several may be in one text", function()
    assert.same({ { name = "Ann", address = "a@b.c" }, { address = "d@e.f" } }, (mime.addresses { "Ann <a@b.c>, d@e.f", " a@b.c" }))
  end)
  it("that could say something else to the server is none", function()
    for _, bad in ipairs { "", "a", "a@", "@b", "a b@c", "a@b\r\nRCPT TO:<c@d>", "<a@b>\nX: y", "a@b>c", "a@b..c", ("x"):rep(300) .. "@b" } do
      assert.is_nil((mime.addresses { bad }), bad)
    end
  end)
end)

describe("the answer to a mail", function()
  local two = { { address = "a@x" }, { address = "b@x" } }
  local function judged(reply, n) return email.judge(n or note(), reply, two) end
  local function says(o) return o.ok and "ok" or o.retry and "again" or "no" end
  it("is tried again when the server or the network may be better later", function()
    for _, case in ipairs {
      { "ok", { status = 250, refused = {} } }, { "again", { error = "connection refused" } }, { "again", { error = "450", status = 450, refused = {} } },
      { "no", { error = "554", status = 554, refused = {} } }, { "no", { error = "535", status = 535, login = true, refused = {} } },
      { "again", { error = "454", status = 454, login = true, refused = {} } }, { "no", { error = "no way", status = 250, login = true, refused = {} } },
      { "no", { error = "tls", no_tls = true, status = 250, refused = {} } }, { "no", { error = "bad", bad = true } },
      { "again", { error = "broke", status = 354, refused = {} } },
    } do
      assert.equal(case[1], says(judged(case[2])), case[2].error)
    end
  end)
  it("that some recipients get it later leaves the others alone in the next try", function()
    local n = note()
    local f = fields { to = { "a@x", "b@x", "c@x" } }
    local asked = {}
    local world = fake.new()
    local replies = {
      { status = 250, refused = { { to = "b@x", status = 451, reply = "451 greylisted" }, { to = "c@x", status = 550, reply = "550 nobody" } } },
      { status = 250, refused = {} },
    }
    world.on.mail = function(arg)
      asked[#asked + 1] = table.concat(arg.to, " ")
      return table.remove(replies, 1)
    end
    local outcomes = {}
    for _ = 1, 3 do email.send(n, f, world, function(o) outcomes[#outcomes + 1] = says(o) .. " " .. tostring(o.error) end) end
    assert.same({ "a@x b@x c@x", "b@x" }, asked)
    assert.equal("again not taken yet: b@x: 451 greylisted; refused for good: c@x: 550 nobody", outcomes[1])
    assert.equal("ok refused for good: c@x: 550 nobody", outcomes[2])
    assert.equal(outcomes[2], outcomes[3])
  end)
  it("that nobody is there is final", function()
    assert.equal("no", says(judged { error = "x", status = 550, refused = { { to = "a@x", status = 550, reply = "550 a" }, { to = "b@x", status = 550, reply = "550 b" } } }))
    assert.equal("again", says(judged { error = "x", status = 550, refused = { { to = "a@x", status = 450, reply = "450 a" }, { to = "b@x", status = 550, reply = "550 b" } } }))
  end)
  it("never has a secret in it", function()
    local world = fake.new { env = { PASSWORD = "hunter2" } }
    world.on.mail = function(arg) return { error = "the mail server said: 535 hunter2 is wrong for " .. arg.password, status = 535, refused = {} } end
    to.send(world, function() return 0 end, { kind = "email", fields = fields { auth = { user = "u", password = { ["@secret"] = "PASSWORD" } } } }, note(), function(o)
      assert.equal("the mail server said: 535 *** is wrong for ***", o.error)
    end)
  end)
end)
