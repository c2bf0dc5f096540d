--- check_http_spec.lua - requests to a real web server, by us and by the blackbox exporter, which must agree.
local blackbox = require "blackbox"
local check_eyes = require "check_eyes"
local proc = require "proc"
local server = require "server"
local web_server = require "web_server"

local MODULES = [[
  plain: { prober: http, timeout: 2s, http: { preferred_ip_protocol: ip4, follow_redirects: false } }
  stay: { prober: http, timeout: 2s, http: { preferred_ip_protocol: ip4, follow_redirects: false, valid_status_codes: [302] } }
  follow: { prober: http, timeout: 2s, http: { preferred_ip_protocol: ip4 } }
  self: { prober: http, timeout: 2s, http: { preferred_ip_protocol: ip4, tls_config: { ca_file: "DIR/self.pem" } } }
  regex: { prober: http, timeout: 2s, http: { preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: [ "all is lost" ] } }
]]

local RULES = [[
local function see(name, fields)
  check(name) { http = fields, every = "300ms", fail_after = 1, pass_after = 1, degraded = { certificate_within = name == "ending" and "30d" or nil } }
end
local SELF = { ca = "DIR/self.pem" }
see("ok", { url = "URL/ok", expect = { status = 200, body = "well", headers = { ["content-type"] = "text/plain" }, headers_not = "x-debug" } })
see("json", { url = "URL/json", expect = { json = { ["db.state"] = "up", ["db.queue[1]"] = { above = 8 } } } })
see("json fn", { url = "URL/json", expect = { json = function(d) return d.db.queue[1] > 5, "short queue" end } })
see("follow", { url = "URL/one", follow = true })
see("stay", { url = "URL/one", expect = { status = 302 } })
see("round", { url = "URL/round", follow = true, redirects = 4 })
see("gone", "URL/gone")
see("long", { url = "URL/long", max_body = 1000 })
see("locked", "URL/secret")
see("ann", { url = "URL/secret", auth = { user = "ann", password = "wonderland" } })
see("echo", { url = "URL/echo", method = "DELETE", headers = { ["X-Name"] = "ann" }, body = "12345", expect = { body = "DELETE ann 5" } })
see("regex", { url = "URL/ok", expect = { body_matches = "all is lost" } })
see("secure", { url = "TLS/ok", tls = SELF, tls_at_least = "1.2", certificate_within = "2d" })
see("ending", { url = "TLS/ok", tls = SELF })
see("ends too soon", { url = "TLS/ok", tls = SELF, certificate_within = "30d" })
see("stranger", "TLS/ok")
see("plain", { url = "URL/ok", certificate_within = "2d" })
check "shopping" { every = "300ms", fail_after = 1, run = function(ctx)
  local shop = ctx.http.session { base = "URL" }
  shop:get("/cart", { step = "stranger", expect = { status = 403 } })
  shop:post("/login", "user=ann", { step = "log in", expect = { status = 200 } })
  local cart = shop:get("/cart", { step = "cart", expect = { status = 200, body = "things" } })
  return true, cart.body
end }
check "thief" { every = "300ms", fail_after = 1, run = function(ctx)
  ctx.http.session { base = "URL" }:get("/cart", { step = "cart", expect = { status = 200 } })
  return true
end }
see("v6", { url = "URL/ok", ip = "6" })
]]

describe("an http check", function()
  local node, web, exporter, eyes
  setup(function()
    web = web_server.start()
    exporter = blackbox.start((MODULES:gsub("DIR", web.dir)))
    node = server.start { rules = { ["http.lua"] = (RULES:gsub("DIR", web.dir):gsub("URL", web.url):gsub("TLS/", web.secure .. "/")) } }
    eyes = check_eyes.new(node, exporter)
  end)
  teardown(function()
    node:stop()
    exporter:stop()
    web.proc:stop()
    proc.cleanup()
  end)

  it("looks at status, headers, body and JSON", function()
    for _, name in ipairs { "ok", "json", "stay", "ann", "echo" } do eyes:is("healthy", name) end
    eyes:is("unhealthy", "json fn", "short queue")
    eyes:is("unhealthy", "gone", "^status 410, expected 200%-299$")
    eyes:is("unhealthy", "locked", "^status 401")
    eyes:is("unhealthy", "long", "^the answer is larger than 1000 bytes$")
    eyes:is("unhealthy", "v6", ".")
  end)

  it("follows redirects as far as it may", function()
    assert.equal(2, eyes:is("healthy", "follow").redirects)
    eyes:is("unhealthy", "round", "^more than 4 redirects$")
  end)

  it("sees certificates, also one that it does not accept", function()
    local d = eyes:is("healthy", "secure")
    assert.equal("TLS 1.3", d.tls.version)
    assert.same({ "127.0.0.1" }, d.tls.names)
    eyes:is("degraded", "ending", "^the certificate ends 2")
    eyes:is("unhealthy", "ends too soon", "^the certificate ends 2%S+, within 30d$")
    eyes:is("unhealthy", "plain", "in plain text")
    assert.equal("CN=self", eyes:is("unhealthy", "stranger", "certificate").tls.subject)
    assert.equal(eyes:value("secure", "probe_ssl_earliest_cert_expiry"), eyes:value("stranger", "probe_ssl_earliest_cert_expiry"))
  end)

  it("in several steps keeps its cookies, and tells which step went wrong", function()
    local d = eyes:is("healthy", "shopping", "^2 things$")
    assert.same({ "stranger", "log in", "cart" }, { d.steps[1].name, d.steps[2].name, d.steps[3].name })
    assert.equal(403, eyes:value("shopping", 'probe_step_http_status_code{step="stranger"}'))
    assert.is_true(eyes:value("shopping", 'probe_step_duration_seconds{step="cart"}') > 0)
    eyes:is("unhealthy", "thief", "^cart: status 403 was not expected$")
  end)

  local SAME = { "probe_success", "probe_http_status_code", "probe_http_ssl", "probe_http_redirects", "probe_http_content_length", "probe_http_version",
                 "probe_http_uncompressed_body_length", "probe_ip_protocol" }
  local PHASES = { "resolve", "connect", "tls", "processing", "transfer" }
  local function same(name, module, url, more)
    local metrics = { unpack(SAME) }
    for _, m in ipairs(more or {}) do metrics[#metrics + 1] = m end
    local theirs = eyes:agree(name, module, url, metrics)
    eyes:phases(name, "probe_http_duration_seconds", theirs, PHASES)
  end

  it("measures what the blackbox exporter measures", function()
    same("ok", "plain", web.url .. "/ok", { "probe_http_last_modified_timestamp_seconds" })
    -- The exporter counts the redirect that it does not follow, too.
    eyes:agree("stay", "stay", web.url .. "/one", { "probe_success", "probe_http_status_code", "probe_http_content_length" })
    same("follow", "follow", web.url .. "/one")
    same("gone", "plain", web.url .. "/gone")
    same("secure", "self", web.secure .. "/ok", { "probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds",
      'probe_tls_version_info{version="TLS 1.3"}' })
    eyes:agree("regex", "regex", web.url .. "/ok", { "probe_success", "probe_failed_due_to_regex" })
    eyes:agree("stranger", "follow", web.secure .. "/ok", { "probe_success", "probe_http_status_code" })
  end)
end)
