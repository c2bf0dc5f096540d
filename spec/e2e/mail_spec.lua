--- mail_spec.lua - mails through a real mail server.
local mail_server = require "mail_server"
local proc = require "proc"
local server = require "server"

describe("a mail", function()
  local post, node
  setup(function() post = mail_server.start() end)
  after_each(function() if node then node:stop() node = nil end end)
  teardown(function()
    post:stop()
    proc.cleanup()
  end)

  -- Receivers by name, what stands in email{...} of each.
  local function start(receivers)
    local out = {}
    for name, fields in pairs(receivers) do
      out[#out + 1] = ('receiver %q { email { %s } }\n'):format(name, (fields:gsub("DIR", post.dir):gsub("STARTTLS", post.starttls):gsub("IMPLICIT", post.tls):gsub("PLAIN_PORT", post.plain)))
    end
    proc.write(post.dir .. "/password", "wonderland\n")
    node = server.start { rules = { ["r.lua"] = table.concat(out) } }
  end
  local function test(name)
    local answer = node:json("/api/mw/v1/receivers/" .. name .. "/test", { method = "POST", body = "" })
    return answer.results[1], answer.results[1].error
  end
  local function last()
    local list = post:mails()
    return list[#list], #list
  end
  local ANN = 'auth = { user = "ann", password = secret "DIR/password"%s }'
  local COMMON = 'from = "mw@example.com", to = { "a@example.com", "b@example.com" }, hello = "watch.example.com", tls = { ca = "DIR/ours.pem" }, '

  it("is told over STARTTLS, signed in, to all its recipients", function()
    local receivers = { any = COMMON .. 'smarthost = "STARTTLS", ' .. ANN:format "" }
    for _, how in ipairs { "PLAIN", "LOGIN", "CRAM-MD5" } do
      receivers[how] = COMMON .. 'smarthost = "STARTTLS", ' .. ANN:format((', mechanism = %q'):format(how))
    end
    start(receivers)
    for _, name in ipairs { "any", "PLAIN", "LOGIN", "CRAM-MD5" } do
      local result, why = test(name)
      assert.equal("sent", result.result, name .. ": " .. tostring(why))
      local mail = last()
      assert.same({ "mw@example.com", { "a@example.com", "b@example.com" }, true, "ann", "watch.example.com" },
        { mail.from, mail.to, mail.tls, mail.auth, mail.hello })
    end
    assert.truthy(last().data:find("Subject: [TEST] [FIRING:1] MoonwatchTest\r\n", 1, true))
  end)

  it("goes over TLS from the start, and without any only when that is allowed", function()
    start {
      tls = COMMON .. 'smarthost = "IMPLICIT", implicit_tls = true', open = COMMON .. 'smarthost = "PLAIN_PORT", require_tls = false',
      closed = COMMON .. 'smarthost = "PLAIN_PORT"', stranger = 'from = "mw@example.com", to = "a@example.com", smarthost = "STARTTLS"',
    }
    assert.equal("sent", test("tls").result)
    assert.is_true(last().tls)
    assert.equal("sent", test("open").result)
    assert.is_false(last().tls)
    local _, before = last()
    local result, why = test "closed"
    assert.equal("failed", result.result)
    assert.equal("the mail server offers no STARTTLS, and require_tls is true", why)
    local _, trust = test "stranger"
    assert.truthy(trust:find("certificate", 1, true), trust)
    assert.equal(before, select(2, last()))
  end)

  it("that is refused says what the server said, and never the password", function()
    start { wrong = COMMON .. 'smarthost = "STARTTLS", auth = { user = "ann", password = "looking-glass" }',
            nobody = 'from = "mw@example.com", to = "nobody@example.com", smarthost = "PLAIN_PORT", require_tls = false',
            slow = 'from = "slow@example.com", to = "a@example.com", smarthost = "PLAIN_PORT", require_tls = false, timeout = "300ms"' }
    local _, why = test "wrong"
    assert.truthy(why:find("535", 1, true), why)
    assert.is_nil(why:find("looking", 1, true))
    _, why = test "nobody"
    assert.truthy(why:find("550 nobody of that name", 1, true), why)
    _, why = test "slow"
    assert.truthy(why:find("timed out after 0.3 s", 1, true), why)
  end)

  it("that one recipient gets later goes to the others at once, and to that one with the next try", function()
    node = server.start { rules = { ["r.lua"] = ([[
receiver "team" { email { from = "mw@example.com", to = { "ann@example.com", "later@example.com", "nobody@example.com" }, smarthost = "ADDRESS", require_tls = false } }
route { receiver = "team", group_by = { "alertname" }, group_wait = "0s" }
]]):gsub("ADDRESS", post.plain) } }
    local _, before = last()
    node:post("/api/v2/alerts", '[{"labels":{"alertname":"Partly"}}]')
    proc.eventually(function() return select(2, last()) == before + 2 end, 30, "both mails are there")
    local list = post:mails()
    assert.same({ { "ann@example.com" }, { "later@example.com" } }, { list[before + 1].to, list[before + 2].to })
    local function header(i, name) return list[before + i].data:match(name .. ": (%S+)") end
    assert.equal(header(1, "Message%-ID"), header(2, "Message%-ID"))
    assert.truthy(header(1, "References"))
    proc.eventually(function() return node:log():find("a mail went to some of its recipients only", 1, true) end, 10, "the log says who has none")
    assert.truthy(node:log():find("550 nobody of that name", 1, true))
  end)
end)
