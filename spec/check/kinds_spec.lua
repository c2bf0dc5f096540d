--- kinds_spec.lua - what the kinds of checks make of what a probe brings.
local testing = require "moonwatch.testing"

describe("a check of the kind", function()
  -- One probe of CHECK, answered by ANSWER: status, message, details, and the world.
  local function probed(op, check, answer)
    local world = testing.world(('check "c" { %s, every = "10s", fail_after = 1 }'):format(check))
    local asked
    world:probe(op, function(arg)
      asked = arg
      return type(answer) == "function" and answer(world.now) or answer
    end):advance "1s"
    local status, message, details = world.engine.by_id["check/c"]:report()
    return status, message, details, world, asked
  end
  local function value(world, expr)
    local rows = world.host.query(expr, world.now)
    return rows[1] and rows[1].value
  end

  describe("dns", function()
    local function dns(fields, answer) return probed("dns", ('dns = { name = "a.example", %s }'):format(fields), answer) end
    local function records(...)
      local list = {}
      for i, data in ipairs { ... } do list[i] = { name = "a.example", type = "A", ttl = 60 * i, data = data } end
      return { rcode = "NOERROR", answers = list, answer_rrs = #list, authority_rrs = 0, additional_rrs = 0, request = 0.01, seconds = 0.01 }
    end

    it("needs an answer of the type", function()
      assert.equal("healthy", (dns("", records "10.0.0.1")))
      local status, message = dns("", records())
      assert.same({ "unhealthy", "0 A records, expected at least 1" }, { status, message })
      local answer = records "10.0.0.1"
      answer.answers[1].type = "CNAME"
      assert.equal("unhealthy", (dns("", answer)))
    end)

    it("compares names without case and final dot, and takes the shortest time to live", function()
      local answer = records("10 Mail.Example", "20 b.example")
      answer.answers[1].type, answer.answers[2].type = "MX", "MX"
      local status, _, details = dns('type = "MX", expect = { answers = "10 mail.example.", ttl_most = "1m" }', answer)
      assert.same({ "healthy", 60 }, { status, details.ttl })
    end)

    it("tells the first of what is wrong", function()
      local function wrong(fields, answer) return select(2, dns(fields, answer)) end
      assert.equal("NXDOMAIN, expected NOERROR", wrong("", { rcode = "NXDOMAIN", answers = {} }))
      assert.equal("10.0.0.2 is not among the answers: 10.0.0.1", wrong('expect = { answers = "10.0.0.2" }', records "10.0.0.1"))
      assert.equal("10.0.0.1 is among the answers, which nobody expects", wrong("expect = { answers = {}, only = true }", records "10.0.0.1"))
      assert.equal("the answer 10.0.0.1 does not match ^192", wrong('expect = { matches = "^192" }', records "10.0.0.1"))
      assert.equal("the answer is not authoritative", wrong("expect = { authoritative = true }", records "10.0.0.1"))
      assert.equal("a time to live of 60 s, expected at least 300 s", wrong('expect = { ttl_least = "5m" }', records "10.0.0.1"))
    end)

    it("writes what the blackbox exporter would, and ends what is no more", function()
      local status, _, _, world = dns("", records("10.0.0.1", "10.0.0.2"))
      assert.equal("healthy", status)
      assert.equal(2, value(world, 'probe_dns_answer_rrs{check="c",kind="dns"}'))
      assert.equal(0.01, value(world, 'probe_dns_duration_seconds{phase="request"}'))
      world:probe("dns", function() return { error = "timed out after 2 s", seconds = 2 } end):advance "10s"
      assert.equal(0, value(world, "probe_dns_query_succeeded"))
      assert.is_nil(value(world, "probe_dns_answer_rrs"))
      assert.is_nil(value(world, "probe_dns_duration_seconds"))
    end)
  end)

  describe("tls", function()
    local function tls(days, version)
      return function(now)
        return { seconds = 0.1, resolve = 0.01, connect = 0.02, handshake = 0.03, ip = "4", tls = { version = version or "TLS 1.3", cipher = "X",
          earliest = now + days * 86400, chain = { { subject = "CN=a", issuer = "CN=b", names = { "a.example", "*.b.example" }, fingerprint = "00" } } } }
      end
    end
    local function of(fields, more, answer) return probed("tcp", ('tls = { address = "a.example:443", %s } %s'):format(fields, more), answer) end

    it("is degraded when a certificate ends soon, and fails when it ends too soon", function()
      local fields, more = 'certificate_within = "2d"', ', degraded = { certificate_within = "14d" }'
      local status, _, details = of(fields, more, tls(30))
      assert.same({ "healthy", 30 }, { status, details.tls.days_left })
      local degraded, message = of(fields, more, tls(7))
      assert.same({ "degraded", "the certificate ends 2023-11-21T22:13:20.000Z" }, { degraded, message })
      assert.same({ "unhealthy", "the certificate ends 2023-11-15T22:13:20.000Z, within 2d" }, { (of(fields, more, tls(1))), (select(2, of(fields, more, tls(1)))) })
    end)

    it("knows versions, names and wildcards", function()
      assert.equal("TLS 1.1, expected TLS 1.2 or newer", (select(2, of('tls_at_least = "1.2"', "", tls(30, "TLS 1.1")))))
      assert.equal("healthy", (of('tls_at_least = "1.2", names = { "A.example", "x.b.example" }', "", tls(30, "TLS 1.2"))))
      assert.equal("the certificate is not for x.y.b.example but for a.example, *.b.example", (select(2, of('names = "x.y.b.example"', "", tls(30)))))
    end)

    it("speaks the protocol that turns to TLS", function()
      local _, _, _, _, asked = of('starttls = "postgres"', "", tls(30))
      assert.equal("\0\0\0\8\4\210\22\47", asked.steps[1].send)
      assert.is_true(asked.steps[2].starttls)
    end)

    it("writes versions, ends and phases", function()
      local first
      local _, _, _, world = of("", "", function(now)
        first = first or now
        return tls(30)(now)
      end)
      assert.equal(1, value(world, 'probe_tls_version_info{version="TLS 1.3"}'))
      assert.equal(first + 30 * 86400, value(world, "probe_ssl_earliest_cert_expiry"))
      assert.equal(4, value(world, "probe_ip_protocol"))
      world:probe("tcp", function() return tls(30, "TLS 1.2")(world.now) end):advance "10s"
      assert.equal(1, value(world, 'probe_tls_version_info{version="TLS 1.2"}'))
      assert.is_nil(value(world, 'probe_tls_version_info{version="TLS 1.3"}'))
    end)
  end)

  describe("http", function()
    local function http(fields, answer) return probed("http", ('http = { url = "http://a.example/", %s }'):format(fields), answer) end
    local function page(body, headers, more)
      local out = { status = 200, headers = headers or {}, body = body or "", seconds = 0.1, resolve = 0.01, connect = 0.02, processing = 0.03, transfer = 0.04,
                    redirects = 0, version = 11, ip = "4", content_length = #(body or "") }
      for k, v in pairs(more or {}) do out[k] = v end
      return out
    end
    local function wrong(fields, ...)
      local status, message = http(fields, page(...))
      assert.equal("unhealthy", status)
      return message
    end

    it("writes its phases and what the answer was", function()
      local status, _, details, world = http("", page("hello", {}, { handshake = 0.05, tls = { version = "TLS 1.3", chain = {} } }))
      assert.same({ "healthy", 200, 5 }, { status, details.status, details.bytes })
      for phase, seconds in pairs { resolve = 0.01, connect = 0.02, tls = 0.05, processing = 0.03, transfer = 0.04 } do
        assert.equal(seconds, value(world, ('probe_http_duration_seconds{phase=%q}'):format(phase)))
      end
      for name, v in pairs { status_code = 200, ssl = 1, redirects = 0, version = 1.1, content_length = 5, uncompressed_body_length = 5 } do
        assert.equal(v, value(world, "probe_http_" .. name), name)
      end
    end)

    it("looks into the body", function()
      assert.equal("healthy", (http('expect = { body = { "a", "b" }, body_not = "x", body_matches = "^a.b$", body_matches_not = "q" }', page "a-b")))
      assert.equal('the body does not contain "c"', wrong('expect = { body = { "a", "c" } }', "a-b"))
      assert.equal('the body contains "b"', wrong('expect = { body_not = { "x", "b" } }', "a-b"))
      assert.equal('the body does not match "^b"', wrong('expect = { body_matches = "^b" }', "a-b"))
      assert.equal('the body matches "b$"', wrong('expect = { body_matches_not = "b$" }', "a-b"))
    end)

    it("looks at headers", function()
      assert.equal("healthy", (http('expect = { headers = { ["Content-Type"] = "^text/" }, headers_not = "x-debug" }', page("", { ["content-type"] = "text/html" }))))
      assert.equal("there is no header Content-Type", wrong('expect = { headers = { ["Content-Type"] = "text" } }'))
      assert.equal('header A is "1", which does not match "2"', wrong('expect = { headers = { A = "2" } }', "", { a = "1" }))
      assert.equal("there is a header A", wrong('expect = { headers_not = "A" }', "", { a = "1" }))
    end)

    it("looks at places of a JSON document", function()
      local document = '{"db":{"state":"up","pool":[{"n":3},{"n":9}]},"a.b":true,"none":null,"x-y":"z"}'
      assert.equal("healthy", (http([[expect = { json = { ["db.state"] = "up", ["$.db.pool[1].n"] = { above = 8, below = 10 }, ['["a.b"]'] = true, ["x-y"] = { matches = "^z$" },
        ["db.pool"] = { length = 2 }, none = { exists = false }, ["db.state.deep"] = { exists = false } } }]], page(document))))
      assert.equal('db.state is "up", expected "down"', wrong('expect = { json = { ["db.state"] = "down" } }', document))
      assert.equal("db.pool[0].n is 3, expected above 8", wrong('expect = { json = { ["db.pool[0].n"] = { above = 8 } } }', document))
      assert.equal("gone is nothing, expected 1", wrong("expect = { json = { gone = 1 } }", document))
      assert.truthy(wrong("expect = { json = { gone = 1 } }", "no json"):find "^the body is not JSON")
    end)

    it("signs in, and asks what it was told to", function()
      local _, _, _, _, asked = http('auth = { user = "ann", password = "pass" }, follow = true, redirects = 3, ip = "6", max_body = "2KB", method = "PUT", body = "b"', page())
      assert.equal("Basic YW5uOnBhc3M=", asked.headers.Authorization)
      assert.same({ true, 3, "6", 2048, "PUT", "b", true }, { asked.follow, asked.redirects, asked.ip, asked.max_body, asked.method, asked.body, asked.measure })
      _, _, _, _, asked = http('auth = { bearer = secret "TOKEN" }', page())
      assert.equal("Bearer (secret TOKEN)", asked.headers.Authorization)
    end)

    it("fails when a certificate ends soon, and in plain text where one is asked for", function()
      local function ending(now)
        return page("", {}, { tls = { version = "TLS 1.3", earliest = now + 86400, chain = {} } })
      end
      assert.truthy(select(2, http('certificate_within = "2d"', ending)):find "^the certificate ends ")
      assert.equal("there is no certificate: the connection is in plain text", wrong 'certificate_within = "2d"')
    end)

    it("tells of a certificate that was refused", function()
      local _, message, details, world = http("", function(now)
        return { error = "TLS with a.example:443: certificate has expired", seconds = 0.1, tls = { earliest = now - 60, chain = { { subject = "CN=a", names = {} } } } }
      end)
      assert.truthy(message:find "certificate has expired")
      assert.equal("CN=a", details.tls.subject)
      assert.truthy(value(world, "probe_ssl_earliest_cert_expiry"))
      assert.is_nil(value(world, "probe_tls_version_info"))
      assert.equal(0, value(world, "probe_http_status_code"))
    end)
  end)

  describe("redis", function()
    local function redis(fields, answer, more)
      answer.seconds = 0.001
      return probed("redis", ('redis = { url = "redis://a", %s } %s'):format(fields, more or ""), answer)
    end
    local function master(more)
      local out = { pong = true, role = "master", server = "7.0", replicas = 1, replicas_lag = 5, memory = 90, memory_max = 100, clients = 10, clients_max = 100 }
      for k, v in pairs(more or {}) do out[k] = v end
      return out
    end

    it("compares with its limits, which fail, and those of degraded", function()
      assert.equal("healthy", (redis('role = "master", replicas = 1, memory_above = 0.95, lag_above = "5s", clients_above = 0.5', master())))
      assert.equal("its memory in use is 90%, above 80%", (select(2, redis("memory_above = 0.8", master()))))
      assert.same({ "degraded", "the lag of replication is 5s, above 1s" }, { (redis("", master(), ', degraded = { lag_above = "1s" }')),
        (select(2, redis("", master(), ', degraded = { lag_above = "1s" }'))) })
      assert.equal("0 replicas are online, expected at least 1", (select(2, redis("replicas = 1", master { replicas = 0 }))))
      assert.equal("it is loading its data", (select(2, redis("", master { loading = 1 }))))
    end)

    it("a replica must have its link, unless nobody asks for it", function()
      local lost = { pong = true, role = "slave", link = "down", syncing = 0, heard = -1, memory = 1 }
      assert.equal("its link to its master is down", (select(2, redis("", lost))))
      assert.equal("healthy", (redis("link = false", lost)))
      lost.syncing = 1
      assert.equal("it is being synchronized with its master", (select(2, redis("", lost))))
      assert.equal("the lag of replication is 1m, above 30s", (select(2, redis('lag_above = "30s"', { role = "slave", link = "up", heard = 60 }))))
    end)

    it("a server that says nothing of itself is well, but beyond no limit that one asks for", function()
      assert.equal("healthy", (redis("", { pong = true })))
      assert.equal("its memory in use is not known, and memory_above asks for it", (select(2, redis("memory_above = 0.9", { pong = true }))))
    end)
  end)

  it("postgres knows roles, lag and how full it is", function()
    local function postgres(fields, answer)
      answer.seconds, answer.max_open = 0.01, 100
      return select(2, probed("postgres", ('postgres = { dsn = "x", %s }'):format(fields), answer))
    end
    assert.equal("ok", postgres('role = "primary", lag_above = "1s", connections_above = 0.9', { open = 90, standby = 0, replicas = 0 }))
    assert.equal("the share of its connections is 91%, above 90%", postgres("connections_above = 0.9", { open = 91, standby = 0 }))
    assert.equal("the lag of replication is 2s, above 1s", postgres('lag_above = "1s"', { open = 1, standby = 1, lag = 2 }))
    assert.equal("the lag of replication is not known, and lag_above asks for it", postgres('lag_above = "1s"', { open = 1, standby = 0, replicas = 2 }))
    assert.equal("it is a replica, expected a primary", postgres('role = "primary"', { open = 1, standby = 1 }))
  end)

  it("grpc is well when it serves", function()
    local function grpc(answer) return select(2, probed("grpc", 'grpc = { address = "a:1", service = "s" }', answer)) end
    assert.equal("ok", grpc { status = 0, serving = "SERVING" })
    assert.equal("NOT_SERVING", grpc { status = 0, serving = "NOT_SERVING" })
    assert.equal('the server does not know the service "s"', grpc { status = 5, message = "unknown" })
    assert.equal("grpc-status 13: oh no", grpc { status = 13, message = "oh no" })
  end)

  describe("exec", function()
    local function exec(answer)
      local world = testing.world('settings { programs = { "/p" } }\ncheck "c" { exec = { "/p/x", "-v" }, every = "10s", fail_after = 1 }')
      local asked
      world:probe("exec", function(arg)
        asked = arg
        return answer
      end)
      world:advance "1s"
      local status, message, details = world.engine.by_id["check/c"]:report()
      return status, message, details, world, asked
    end

    it("takes the exit status, and the first line for people", function()
      local status, message, details, world, asked = exec { code = 0, stdout = "DISK OK - 5% |/=5%;80;90 'inodes free'=3c rta=U;;; pl=0.5%;;\nmore\n" }
      assert.same({ "healthy", "DISK OK - 5%", 0 }, { status, message, details.exit_status })
      assert.same({ "/p/x", "-v" }, { asked.command[1], asked.command[2] })
      assert.equal(5, value(world, 'probe_exec_figure{figure="/"}'))
      assert.equal(3, value(world, 'probe_exec_figure{figure="inodes free"}'))
      assert.equal(0.5, value(world, 'probe_exec_figure{figure="pl"}'))
      assert.is_nil(value(world, 'probe_exec_figure{figure="rta"}'))
      assert.same({ "degraded", "hm" }, { (exec { code = 1, stdout = "hm" }), (select(2, exec { code = 1, stdout = "hm" })) })
      assert.equal("exit status 2", (select(2, exec { code = 2 })))
      assert.equal("lost it", (select(2, exec { code = 3, stdout = "", stderr = "lost it\n" })))
      assert.equal("ended by signal 9", (select(2, exec { signal = 9 })))
    end)

    it("keeps the first 4 KiB of its output, whole characters of it", function()
      local _, message, details = exec { code = 2, stdout = ("\195\164"):rep(3000) }
      assert.equal(4096, #details.output)
      assert.truthy(#message < 310 and message:find "%.%.%.$")
    end)

    it("is refused where no program may be run", function()
      local ok, text = pcall(testing.world, 'settings {}\ncheck "c" { exec = "/bin/true" }')
      assert.is_false(ok)
      assert.truthy(text:find("exec: no program may be run here", 1, true), text)
    end)
  end)

  describe("run", function()
    -- One probe by a function with BODY, in a world that answers by URL.
    local function run(body, answers)
      local world = testing.world(('check "c" { run = function(ctx)\n%s\nend, every = "10s", fail_after = 1 }'):format(body))
      for url, answer in pairs(answers) do world:answer(url, answer) end
      world:advance "1s"
      local status, message, details = world.engine.by_id["check/c"]:report()
      return status, message, details, world
    end
    local SHOP = { ["http://shop/login"] = { status = 200, headers = { ["set-cookie"] = "sid=7; Path=/" }, body = "welcome", seconds = 0.25 },
                   ["http://shop/cart"] = { status = 200, body = "2 things" } }

    it("asks for no longer than its timeout, which a request may say as a duration", function()
      local ok = { status = 200 }
      local _, _, _, world = run([[
        ctx.http.get("http://a/")
        ctx.http.get("http://b/", { timeout = "500ms" })
        ctx.http.session { base = "http://c", timeout = "1h" }:get "/"
        return true
      ]], { ["http://a/"] = ok, ["http://b/"] = ok, ["http://c/"] = ok })
      local took = {}
      for i, request in ipairs(world.requests) do took[i] = request.timeout end
      assert.is_true(took[1] > 1.5 and took[1] <= 2 and took[3] > 1.5 and took[3] <= 2, table.concat(took, " "))
      assert.equal(0.5, took[2])
      local status, message = run('ctx.http.get("http://a/", { timeout = "soon" })', {})
      assert.equal("unhealthy", status)
      assert.truthy(message:find('timeout: expected seconds, or a duration such as "5s"', 1, true), message)
    end)

    it("keeps the cookies of a session, and notes its steps", function()
      local status, message, details, world = run([[
        local shop = ctx.http.session { base = "http://shop/", headers = { ["x-probe"] = "yes" }, timeout = 3 }
        shop:post("/login", "user=ann", { step = "log in", headers = { a = "b" } })
        local cart = shop:get("/cart?full=1", { expect = { status = { 200, 204 }, body = "things" } })
        return true, cart.body .. " at " .. cart.step
      ]], SHOP)
      assert.same({ "healthy", "2 things at GET http://shop/cart" }, { status, message })
      assert.equal("POST", world.requests[1].method)
      assert.same({ ["x-probe"] = "yes", a = "b" }, world.requests[1].headers)
      assert.same({}, world.requests[1].cookies)
      assert.same({ "shop\tFALSE\t/\tFALSE\t0\tsid\t7" }, world.requests[2].cookies)
      assert.same({ { name = "log in", seconds = 0.25, status = 200 }, { name = "GET http://shop/cart", seconds = 0.001, status = 200 } }, details.steps)
      assert.equal(0.25, value(world, 'probe_step_duration_seconds{step="log in"}'))
      assert.equal(1, value(world, 'probe_step_success{step="log in"}'))
      assert.equal(200, value(world, 'probe_step_http_status_code{step="log in"}'))
    end)

    it("fails with the name of the step that was not as expected", function()
      local function wrong(call)
        local status, message, details = run('local s = ctx.http.session { base = "http://shop" }\n' .. call .. "\nreturn true", SHOP)
        return message, status, details
      end
      local message, status, details = wrong 's:get("/cart", { step = "cart", expect = { status = 201 } })'
      assert.same({ "cart: status 200 was not expected", "unhealthy", 1 }, { message, status, #details.steps })
      assert.equal('cart: the body does not contain "nothing"', (wrong 's:get("/cart", { step = "cart", expect = { body = "nothing" } })'))
      assert.truthy((wrong 's:get("cart")'):find("a URL starts with http:// or https://, or with / where the session has a base", 1, true))
      assert.truthy((wrong 's.get("/cart")'):find("write session:get(url), with a colon", 1, true))
      assert.truthy((wrong 's:get("/cart", "x")'):find("the options are a table of names", 1, true))
      assert.equal("healthy", (run('ctx.http.session({}):get("http://shop/cart", {})\nreturn true', SHOP)))
      local away = run('ctx.http.session():get("http://away/", { step = "x", expect = {} })', { ["http://away/"] = { error = "refused" } })
      assert.equal("unhealthy", away)
    end)

    it("has one series for each name of a step, and no more than 50 steps", function()
      local _, _, details, world = run([[
        local s = ctx.http.session { base = "http://shop" }
        for i = 1, 60 do s:get("/cart", { step = i > 30 and "again" or "step " .. i }) end
        return true
      ]], SHOP)
      assert.equal(50, #details.steps)
      assert.equal(31, value(world, "count(probe_step_success)"))
    end)
  end)

  it("tcp sends its steps, with TLS from the start or from one of them", function()
    local _, _, _, _, asked = probed("tcp", 'tcp = { address = "[::1]:25", tls = true, steps = { { matches = "^220" }, { send = "x", expect = "y" }, { starttls = true } } }', {})
    assert.same({ "::1", 25, {} }, { asked.host, asked.port, asked.tls })
    assert.same({ "^220", "x", "y", true }, { asked.steps[1].matches, asked.steps[2].send, asked.steps[2].expect, asked.steps[3].starttls })
  end)

  it("icmp writes its phases", function()
    local status, _, _, world = probed("icmp", 'icmp = "a.example"', { resolve = 0.1, setup = 0.2, rtt = 0.3, hop_limit = 60, ip = "6", seconds = 0.6 })
    assert.equal("healthy", status)
    assert.equal(0.3, value(world, 'probe_icmp_duration_seconds{phase="rtt"}'))
    assert.equal(60, value(world, "probe_icmp_reply_hop_limit"))
    assert.equal(6, value(world, "probe_ip_protocol"))
  end)

  it("with a threshold that another kind has, or a talk that cannot be, is refused", function()
    local function refused(check, why)
      local ok, text = pcall(testing.world, ('check "c" { %s }'):format(check))
      assert.is_false(ok)
      assert.truthy(text:find(why, 1, true), text)
    end
    refused('dns = "a", degraded = { certificate_within = "14d" }', "degraded.certificate_within: a check of kind dns has no such figure")
    refused('tcp = { address = "a:1", steps = { { starttls = true } } }', "tcp: a step with starttls needs tls = true, or certificates")
    refused('tcp = { address = "a:1", send = "x", steps = { { send = "y" } } }', "tcp: either steps, or send, expect and matches")
    refused('tcp = "a:70000"', 'expected "host:port"')
    refused('dns = { name = "a", type = "AAA" }', 'is not one of')
    refused('dns = { name = "a", expect = { matches = "(" } }', "bad regular expression")
    refused('icmp = { host = "a", size = 70000 }', "icmp: size: expected a whole number from 0 to 65000")
    refused('tls = { address = "a:1", cert = "x" }', "tls: cert and key go together")
    refused('http = { url = "http://a", auth = { user = "a", bearer = "b" } }', "http: auth: either bearer, or user and password")
    refused('http = { url = "http://a", redirects = 51 }', "http: redirects: at most 50")
    refused('http = { url = "http://a", expect = { json = { ["a..b"] = 1 } } }', "is no path")
    refused('http = { url = "http://a", expect = { json = { a = { over = 1 } } } }', '"a": expected above, below, matches, length or exists')
    refused('http = { url = "http://a", expect = { headers = { a = "(" } } }', "bad regular expression")
  end)
end)
